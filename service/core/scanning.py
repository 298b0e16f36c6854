"""Asking an antivirus about a file: clamd's INSTREAM over TCP or a unix socket. Without one nothing is asked.

A file goes to the scanner as it came; here it is opened by nobody. A scanner that does not answer is no verdict: the
file waits (see `service.tickets.scans`).
"""

import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Protocol
from urllib.parse import urlsplit

from service.core.logging import log
from service.core.settings import SettingsMissing

CHUNK_BYTES = 64 * 1024
_LONGEST_ANSWER = 4096
_DEFAULT_PORT = 3310


class Verdict(StrEnum):
    """What is known of a file: nothing found, something found, or not asked yet."""

    clean = "clean"
    infected = "infected"
    waiting = "waiting"


@dataclass(frozen=True, slots=True)
class Scanned:
    """A verdict, and the scanner's name for what it found."""

    verdict: Verdict
    found: str = ""


class Scanner(Protocol):
    """Looks into files."""

    def answers(self) -> bool:
        """Whether there is a scanner, and it is there to be asked."""
        ...

    def scan(self, source: BinaryIO) -> Scanned | None:
        """The verdict on a file, which is left at its beginning; None where there is no scanner. Never raises for a
        scanner that is away: the verdict waits."""
        ...


class NoScanner:
    """Nobody to ask."""

    def answers(self) -> bool:
        """No."""
        return False

    def scan(self, source: BinaryIO) -> Scanned | None:  # noqa: ARG002 - see the port
        """None."""
        return None


class Clamd:
    """clamd at `tcp://host:port` or `unix:///path`. `timeout` in seconds, for connecting and each read and write."""

    def __init__(self, address: str, *, timeout: float = 20.0) -> None:
        parts = urlsplit(address)
        if not (parts.scheme == "tcp" and parts.hostname) and not (parts.scheme == "unix" and parts.path):
            raise SettingsMissing(
                "HOTLINE_SCANNER 须写作 tcp://主机:3310 或 unix:///路径。\n"
                "HOTLINE_SCANNER is written tcp://host:3310 or unix:///path."
            )
        self._unix = parts.path if parts.scheme == "unix" else ""
        self._place = (parts.hostname or "", parts.port or _DEFAULT_PORT)
        self._timeout = timeout

    def answers(self) -> bool:
        """As the port says."""
        try:
            with self._line() as line:
                line.sendall(b"zPING\0")
                return _answer(line) == "PONG"
        except OSError:
            return False

    def scan(self, source: BinaryIO) -> Scanned | None:
        """Raises nothing: whatever is not a verdict is `waiting`."""
        source.seek(0)
        try:
            with self._line() as line:
                answer = self._asked(line, source)
        except OSError as error:
            log.warning("scanner_away", error=type(error).__name__)
            return Scanned(Verdict.waiting)
        finally:
            source.seek(0)
        told = answer.removeprefix("stream:").strip()
        if told == "OK":
            return Scanned(Verdict.clean)
        if told.endswith("FOUND"):
            return Scanned(Verdict.infected, told.removesuffix("FOUND").strip())
        log.warning("scanner_refused", answer=told[:80])
        return Scanned(Verdict.waiting)

    def _line(self) -> socket.socket:
        if not self._unix:
            return socket.create_connection(self._place, timeout=self._timeout)
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(self._timeout)
        try:
            line.connect(self._unix)
        except OSError:
            line.close()
            raise
        return line

    @staticmethod
    def _asked(line: socket.socket, source: BinaryIO) -> str:
        line.sendall(b"zINSTREAM\0")
        while chunk := source.read(CHUNK_BYTES):
            line.sendall(struct.pack(">I", len(chunk)) + chunk)
        line.sendall(struct.pack(">I", 0))
        return _answer(line)


def _answer(line: socket.socket) -> str:
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < _LONGEST_ANSWER:
        part = line.recv(_LONGEST_ANSWER)
        if not part:
            break
        answer += part
    return answer.rstrip(b"\0").decode("utf-8", "replace")
