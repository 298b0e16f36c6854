"""Who runs the servers: ourselves, or, as PostgreSQL refuses root, another account where we are root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from service.embedded.errors import ServerNotInstalled
from service.embedded.folder import DataFolder


@dataclass(frozen=True)
class Account:
    """Who runs the servers when we are root; `reach`: needs leave to pass through folders closed to it."""

    uid: int
    gid: int
    name: str
    reach: bool = False


def service_account(folder: DataFolder, program: Path) -> Account | None:
    """Whom to run as; None when we are not root. PostgreSQL refuses root, and Redis has no need of it.

    Whoever owns the data goes on owning it; else `postgres` or `hotline`, which is made if neither is there;
    else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    uid, gid, name = _owner_of(folder.postgres) or _known_account()
    reach = not (_reachable(program, uid, gid) and _reachable(folder.path, uid, gid))
    if reach and sys.platform != "linux":
        raise ServerNotInstalled(
            f"以 root 启动时，数据库由账户 {name} 运行，但它进不了 {program} 或 {folder.path}。请改用普通用户启动。",
            f"Started by root, the database runs as {name}, who cannot enter {program} or {folder.path}. "
            "Start as an ordinary user instead.",
        )
    return Account(uid, gid, name, reach)


def give(path: Path, account: Account | None) -> None:
    """Hand a file, or a folder with what is in it, to the account; nothing to do where we run the servers."""
    if account is None or path.stat().st_uid == account.uid:
        return
    for item in (path, *path.rglob("*")):
        os.chown(item, account.uid, account.gid, follow_symlinks=False)


def _owner_of(path: Path) -> tuple[int, int, str] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return (status.st_uid, status.st_gid, f"uid {status.st_uid}") if status.st_uid != 0 else None


def _known_account() -> tuple[int, int, str]:
    found = _named("postgres") or _named("hotline") or _made("hotline") or _named("nobody")
    if found is None:
        raise ServerNotInstalled(
            "PostgreSQL 不允许以 root 运行，而系统里没有 postgres、hotline 或 nobody 账户。"
            "请用普通用户启动，或先执行 useradd --system hotline。",
            "PostgreSQL refuses to run as root, and there is no account postgres, hotline or nobody. "
            "Start as an ordinary user, or first run: useradd --system hotline",
        )
    return found


def _named(name: str) -> tuple[int, int, str] | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return entry.pw_uid, entry.pw_gid, entry.pw_name


def _made(name: str) -> tuple[int, int, str] | None:
    if useradd := shutil.which("useradd"):
        command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        # Two starts at once may both try; the loser finds the account made.
        subprocess.run(command, check=False, capture_output=True, timeout=30)
    return _named(name)


def _reachable(target: Path, uid: int, gid: int) -> bool:
    """Whether the account may pass every folder down to `target` and enter or run it, by the mode bits.

    Where it may not (a checkout under /root is the usual case) the servers get CAP_DAC_OVERRIDE, which the
    caller has anyway, rather than that somebody's home is opened to the world for good.
    """
    for step in (target, *target.parents):
        status = step.stat()
        shift = 6 if status.st_uid == uid else 3 if status.st_gid == gid else 0
        if not status.st_mode >> shift & 0o1:
            return False
    return True
