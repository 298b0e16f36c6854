"""A server: what tells the two kinds apart, and one that runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from dataclasses import dataclass, field

StopSignals = tuple[tuple[signal.Signals, float], ...]


@dataclass(frozen=True)
class ServerKind:
    """What a server is called by people and in file names, where it listens, and how it is asked to end.

    `stop_signals` are sent in turn, each with the seconds it has; the first is also sent by the kernel when
    we die.
    """

    name: str
    key: str
    socket: str
    stop_signals: StopSignals


@dataclass
class EmbeddedServer:
    """A running server, the address it answers at, and how it is asked to end.

    `port` is its TCP port, or None on a Unix socket.
    """

    name: str
    url: str = field(repr=False)
    port: int | None
    process: subprocess.Popen[bytes]
    stop_signals: StopSignals = field(repr=False)
    owner: int = field(default_factory=os.getpid, repr=False)

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Ask politely, then less so; returns when the process has ended: 0.1 s, or 75 s at the worst."""
        if os.getpid() != self.owner:
            return  # a forked copy of us unwinding its stack must not take the servers along
        for number, seconds in self.stop_signals:
            if not self.is_running():
                return
            self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.process.wait()
