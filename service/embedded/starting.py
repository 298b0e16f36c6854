"""One start of one server: what the two have in common from taking the lock to the first answer."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from service.embedded.account import Account, give, service_account
from service.embedded.errors import ServerWillNotStart
from service.embedded.folder import DataFolder
from service.embedded.launching import launcher
from service.embedded.logs import LogTail, open_log
from service.embedded.server import EmbeddedServer, ServerKind
from service.embedded.server_lock import server_lock
from service.embedded.waiting import came_true

# Replaying the log after a crash takes as long as there is log; max_wal_size bounds it well below this.
START_SECONDS = 180.0

# sun_path holds 108 bytes with its closing zero on Linux and 104 on macOS; the smaller fits both.
_SOCKET_PATH_BYTES = 103
_PORT_TRIES = 5


@dataclass(frozen=True)
class Start:
    """A start under way: as whom, under which lock, and into which log."""

    kind: ServerKind
    folder: DataFolder
    account: Account | None
    lock: int
    log: BinaryIO
    tail: LogTail

    @property
    def socket_path(self) -> Path:
        return self.folder.sockets / self.kind.socket

    def give(self, path: Path) -> None:
        """Hand a file or folder to whoever runs the server."""
        give(path, self.account)

    def spawn(self, argv: Sequence[str], *, cwd: Path, stdin: bytes = b"") -> subprocess.Popen[bytes]:
        """Start a program that holds the lock while it or a child of it lives, and ends when we do."""
        death_signal, _ = self.kind.stop_signals[0]
        process = subprocess.Popen(
            launcher(argv, death_signal=death_signal, account=self.account, lock=self.lock),
            cwd=cwd,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},  # no PGDATA, PGOPTIONS…
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            pass_fds=(self.lock,),
            start_new_session=True,  # Ctrl-C in the terminal is for us; we stop the servers, after their clients
            umask=0o077,
        )
        assert process.stdin is not None  # noqa: S101 - PIPE was asked for
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(stdin)
        return process

    def listen(
        self,
        port: int | None,
        run: Callable[[int | None], EmbeddedServer],
        answers: Callable[[EmbeddedServer], bool],
    ) -> EmbeddedServer:
        """Run the server and wait until it answers, on its socket (`run(None)`) or on 127.0.0.1 (`run(port)`).

        On 127.0.0.1 where a `port` is asked for or the path will not do for a socket. A port found free may be
        taken by another meanwhile, so a few are tried.

        Errors: `ServerWillNotStart`.
        """
        # The lock is ours, so nobody answers at these any more.
        for stale in self.folder.sockets.glob(f"{self.kind.socket}*"):
            stale.unlink()
        by_socket = port is None and _fits_a_socket(self.socket_path)
        tries = 1 if by_socket or port else _PORT_TRIES
        while True:
            tries -= 1
            server = run(None if by_socket else port or free_port())
            try:
                self._await(server, answers)
            except BaseException as error:
                server.stop()
                if isinstance(error, ServerWillNotStart) and tries and self._address_was_taken():
                    continue
                raise
            return server

    def _await(self, server: EmbeddedServer, answers: Callable[[EmbeddedServer], bool]) -> None:
        in_time = came_true(lambda: not server.is_running() or answers(server), within=START_SECONDS)
        if not server.is_running():
            raise self.failure("进程已退出", "the process ended")
        if not in_time:
            raise self.failure("等待超时", "it took too long to get ready")

    def _address_was_taken(self) -> bool:
        return "address already in use" in self.tail.text().lower()

    def failure(self, zh: str, en: str) -> ServerWillNotStart:
        """The error that gives the reason and the end of the log."""
        last = "\n".join("    " + line for line in self.tail.text().strip().splitlines()[-8:])
        return ServerWillNotStart(
            f"{self.kind.name} 没有启动：{zh}。日志在 {self.tail.file}，最后几行见下。",
            f"{self.kind.name} did not start: {en}. Its log is {self.tail.file}; the last lines:\n{last}",
        )


@contextlib.contextmanager
def starting(kind: ServerKind, folder: DataFolder, program: Path) -> Iterator[Start]:
    """Begin a start of `program`, once nobody of an earlier server is left on the folder.

    Errors: `ServerNotInstalled` where no account may run it, `ServerWillNotStop`.
    """
    account = service_account(folder, program)
    give(folder.sockets, account)
    file = folder.logs / f"{kind.key}.log"
    with server_lock(folder, kind) as lock, open_log(file) as log:
        yield Start(kind, folder, account, lock, log, LogTail(file))


def free_port() -> int:
    """A port on 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _fits_a_socket(path: Path) -> bool:
    # libpq takes a comma for the end of one host, SQLAlchemy a colon for the beginning of a port.
    return len(os.fsencode(path)) <= _SOCKET_PATH_BYTES and not {",", ":"} & set(str(path))
