"""The data folder: its rooms, its lock and its secrets."""

from __future__ import annotations

import fcntl
import os
import secrets
from pathlib import Path

from service.embedded.errors import DataFolderInUse, DataFolderUnusable


class DataFolder:
    """A folder `postgres/ redis/ logs/ run/ keys/`, locked for this process until `close()` or its end.

    Errors: `DataFolderInUse` while another process (or another `DataFolder` of this one) holds it,
    `DataFolderUnusable` where it cannot be made or written.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path).expanduser().resolve()
        self.postgres = self.path / "postgres"
        self.redis = self.path / "redis"
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.keys = self.path / "keys"
        # Apart from the lock, because this one folder belongs to the account that runs the servers.
        self.sockets = self.run / "s"
        self._lock = -1
        # As root the servers run as another account, which has to pass through the folder to its own.
        passable = 0o711 if os.geteuid() == 0 else 0o700
        try:
            self.path.mkdir(mode=passable, parents=True, exist_ok=True)
            self.run.mkdir(mode=passable, exist_ok=True)
            self._lock = self._take_lock()
            for private in (self.logs, self.keys, self.redis, self.sockets):
                private.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            self.close()
            raise DataFolderUnusable(
                f"数据目录 {self.path} 无法使用（{error.strerror}）。请换一个目录，或把它的属主改为当前用户。",
                f"The data folder {self.path} cannot be used ({error.strerror}). "
                "Choose another folder, or make the current user its owner.",
            ) from error

    def _take_lock(self) -> int:
        # os.open sets close-on-exec: a child that outlives us must not keep the folder locked.
        lock = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        if not try_lock(lock):
            holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip() or "?"
            os.close(lock)
            raise DataFolderInUse(
                f"数据目录 {self.path} 正被另一个进程使用（进程号 {holder}）。"
                "请先停止它（在它的终端按 Ctrl-C），或用 --data 指定另一个目录。",
                f"The data folder {self.path} is in use by another process (pid {holder}). "
                "Stop that one first (Ctrl-C in its terminal), or name another folder with --data.",
            )
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        return lock

    def close(self) -> None:
        """Let go of the folder. The servers in it must have been stopped."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> DataFolder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def secret(self, name: str) -> str:
        """The random secret kept in `keys/<name>`, readable by its owner alone; made at the first call."""
        file = self.keys / name
        if not file.exists():
            draft = self.keys / f".{name}.new"
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(32), encoding="ascii")
            draft.replace(file)  # whole or not at all, should we be killed here
        return file.read_text(encoding="ascii").strip()


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock on an open file if nobody has it; it ends with the last copy of the descriptor."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
