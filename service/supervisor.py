"""The parent of the one-command run: starts the processes, restarts what crashes, leaves nothing behind.

Each child has its own session, so Ctrl-C in the terminal reaches the supervisor alone, which then asks each
child once. A killed supervisor (`kill -9`) takes its children along on Linux.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from service.embedded import launcher, open_log

__all__ = ["Backoff", "ChildSpec", "run_supervised"]

# Inherited by whatever a child starts, in whatever session: how its leftovers are found.
_MARK = "HOTLINE_SUPERVISED"

_READY_POLL_SECONDS = 0.1
_TICK_SECONDS = 1.0

# A closing terminal, or a `make` that passes it on, may send a signal twice in a moment, meaning once.
_INSISTS_AFTER_SECONDS = 1.0


@dataclass(frozen=True)
class ChildSpec:
    """A process to keep running: its name (and its log's), command line, and variables added to ours."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Backoff:
    """Seconds from crash to restart: doubling from `first` to `longest`, anew after `healthy` seconds up."""

    first: float = 0.5
    longest: float = 10.0
    healthy: float = 30.0

    def after(self, crashes: int) -> float:
        """The pause after so many crashes in a row (1 or more)."""
        return min(self.longest, self.first * 2.0 ** min(crashes - 1, 30))


@dataclass
class _Child:
    spec: ChildSpec
    log: Path
    mark: str
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    crashes: int = 0
    due: float = 0.0  # when to start it, while it is not running

    def start(self, now: float) -> None:
        with open_log(self.log) as log:
            self.process = subprocess.Popen(
                # SIGKILL and not SIGTERM: the supervisor that would insist is gone, and every part of the
                # application has to bear a `kill -9` anyway.
                launcher(self.spec.argv, death_signal=signal.SIGKILL),
                env={**os.environ, **self.spec.env, _MARK: self.mark},
                stdin=subprocess.DEVNULL,
                # Straight to the file, not through us: a slow supervisor holds nobody up, loses no words.
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started = now

    def ask_to_stop(self) -> None:
        # The process alone, not its group: a worker decides itself what becomes of the job in hand.
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def kill_rest(self) -> None:
        """Kill the process if it lives, and whatever it started that outlived it, also in other sessions."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for pid in _marked(self.mark):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def last_words(self) -> str:
        with contextlib.suppress(OSError), self.log.open("rb") as log:
            log.seek(max(0, self.log.stat().st_size - 2000))
            lines = log.read().decode("utf-8", "replace").strip().splitlines()
            return lines[-1].strip()[:200] if lines else ""
        return ""


def _marked(mark: str) -> Iterator[int]:
    """Processes whose environment carries the mark. Linux only; elsewhere the process group has to do."""
    wanted = f"{_MARK}={mark}".encode()
    for entry in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):  # ended meanwhile, or another user's
            if wanted in entry.read_bytes().split(b"\0"):
                yield int(entry.parent.name)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def run_supervised(
    children: Sequence[ChildSpec],
    *,
    logs: Path,
    on_ready: Callable[[], None] | None = None,
    is_ready: Callable[[], bool] | None = None,
    on_tick: Callable[[], None] | None = None,
    say: Callable[[str], None] = _say,
    stop_timeout: float = 10.0,
    backoff: Backoff = Backoff(),
) -> int:
    """Keep the children running until SIGINT, SIGTERM or SIGHUP; then stop them all and return 0.

    Their output goes to `logs/<name>.log`, put aside as `.log.1` at a start that finds it over 5 MiB. A child
    that ends, with whatever code, is started again after a pause, and `say` gets one line about it.

    `on_ready` is called once: when every child has been started and `is_ready`, asked every 0.1 s, says yes.
    `on_tick` is called at least once a second. All run on this thread, so they should be quick; what they
    raise ends the run, after the children have been stopped.

    On a signal each child gets SIGTERM; what is left after `stop_timeout` seconds, or when the signal is
    repeated, is killed, with everything it started. Call from the main thread: no other may handle signals.

    Errors: `FileNotFoundError` if a child's program does not exist.
    """
    logs.mkdir(parents=True, exist_ok=True)
    run = secrets.token_hex(8)
    family = [_Child(spec, logs / f"{spec.name}.log", f"{run}:{spec.name}") for spec in children]
    with _Signals() as signals:
        try:
            announced = on_ready is None
            while not signals.stopped:
                now = time.monotonic()
                _look_after(family, now, backoff, say)
                if not announced and (is_ready is None or is_ready()):
                    announced = True
                    if on_ready is not None:
                        on_ready()
                if on_tick is not None:
                    on_tick()
                signals.wait(_pause(family, announced=announced, ticking=on_tick is not None))
        finally:
            _stop_all(family, signals, stop_timeout)
    return 0


def _look_after(family: Sequence[_Child], now: float, backoff: Backoff, say: Callable[[str], None]) -> None:
    for child in family:
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                continue
            child.kill_rest()
            child.process = None
            child.crashes = 1 if now - child.started >= backoff.healthy else child.crashes + 1
            pause = backoff.after(child.crashes)
            child.due = now + pause
            say(_obituary(child, code, pause))
        if now >= child.due:
            child.start(now)


def _obituary(child: _Child, code: int, pause: float) -> str:
    try:
        how = signal.Signals(-code).name if code < 0 else f"{code}"
    except ValueError:
        how = f"{code}"
    words = child.last_words()
    return (
        f"{child.spec.name} 意外退出（{how}），{pause:g} 秒后重启 | ended ({how}), restarting in {pause:g} s"
        f" | {child.log}{': ' + words if words else ''}"
    )


def _pause(family: Sequence[_Child], *, announced: bool, ticking: bool) -> float | None:
    """How long there is nothing to do unless a signal comes (a child's end sends one)."""
    now = time.monotonic()
    waits = [child.due - now for child in family if child.process is None]
    if not announced:
        waits.append(_READY_POLL_SECONDS)
    if ticking:
        waits.append(_TICK_SECONDS)
    return max(0.0, min(waits)) if waits else None


def _stop_all(family: Sequence[_Child], signals: _Signals, timeout: float) -> None:
    for child in family:
        child.ask_to_stop()
    deadline = time.monotonic() + timeout
    while any(child.process is not None and child.process.poll() is None for child in family):
        left = deadline - time.monotonic()
        if left <= 0 or signals.insisted:
            break
        signals.wait(left)
    for child in family:
        child.kill_rest()


class _Signals:
    """Signals as something to wait for: handlers only take note, so nothing happens at an arbitrary point."""

    _STOP = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("run_supervised works in the main thread only: no other may handle signals")
        self._asked_at: float | None = None
        self.insisted = False  # asked to stop a second time

    @property
    def stopped(self) -> bool:
        """Whether the run has been asked to stop."""
        return self._asked_at is not None

    def __enter__(self) -> _Signals:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)
        # The interpreter writes a byte here at each signal, so one just before the wait is not missed.
        self._wakeup = signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        self._before = {
            number: signal.signal(number, self._stop)
            for number in self._STOP
            # nohup has it ignored and means it
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN
        }
        # Its byte on the socket is all that is wanted.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            # None: a handler not set from Python, which cannot be put back
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._wakeup)
        self._receiver.close()
        self._sender.close()

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._asked_at is None:
            self._asked_at = now
        elif now - self._asked_at > _INSISTS_AFTER_SECONDS:
            self.insisted = True

    def wait(self, seconds: float | None) -> None:
        """Until the next signal, or so many seconds."""
        select.select([self._receiver], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            self._receiver.recv(4096)
