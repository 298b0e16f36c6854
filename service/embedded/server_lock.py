"""The lock of one server on one folder: whoever has it knows that nobody of an earlier server lives."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from service.embedded.errors import ServerWillNotStop
from service.embedded.folder import DataFolder, try_lock
from service.embedded.server import ServerKind
from service.embedded.waiting import came_true

_log = logging.getLogger("hotline.embedded")


@contextlib.contextmanager
def server_lock(folder: DataFolder, kind: ServerKind) -> Iterator[int]:
    """The descriptor of the lock, to be passed on to the server, which writes its pid there.

    A server left over from a killed run is stopped first.

    Errors: `ServerWillNotStop`.
    """
    descriptor = os.open(folder.run / f"{kind.key}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _outlast_the_old(descriptor, folder, kind)
        yield descriptor
    finally:
        os.close(descriptor)


def _outlast_the_old(descriptor: int, folder: DataFolder, kind: ServerKind) -> None:
    if try_lock(descriptor):
        return
    for number, seconds in kind.stop_signals:
        pid = _holder(descriptor)
        # The pid may be a stranger's by now: then only the last processes of a killed server hold the lock,
        # and they end by themselves.
        if pid is not None and _works_in(pid, folder.path):
            _log.warning("%s (pid %d) was left over from a killed run; stopping it", kind.name, pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if came_true(lambda: try_lock(descriptor), within=seconds):
            return
    pid = _holder(descriptor)
    raise ServerWillNotStop(
        f"上一次运行留下的 {kind.name}（进程号 {pid}）仍占用 {folder.path}，且停不下来。请手动结束它再启动。",
        f"{kind.name} of an earlier run (pid {pid}) still holds {folder.path} and does not stop. "
        "End it by hand, then start again.",
    )


def _holder(descriptor: int) -> int | None:
    text = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


def _works_in(pid: int, folder: Path) -> bool:
    """Whether the process has its working directory in `folder`; every server we start has."""
    if Path("/proc/self/cwd").exists():
        try:
            return Path(f"/proc/{pid}/cwd").readlink().is_relative_to(folder)
        except OSError:
            return False
    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], check=False, capture_output=True, text=True)
    return re.search(r"postgres|initdb|redis|valkey", listing.stdout) is not None
