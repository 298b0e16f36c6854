"""Places outside the database that keep the head of the audit's chain: who rewrites the chain can't rewrite those."""

import socket
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from service.core.logging import log

_SECONDS = 5.0
_TAKEN = range(200, 300)
_SYSLOG_PORT = 514
# RFC 5424: facility 13 (log audit), severity 5 (notice).
_PRIORITY = 13 * 8 + 5


class AnchorSink(Protocol):
    """Keeps a line of JSON for each day. Asked with no transaction open; the same line may come twice."""

    name: str

    def put(self, line: str) -> None:
        """Keep the line. Raises OSError when that can't be done now; then it is asked again."""
        ...


class LogSink:
    """The service's own log, which a collector carries off this machine."""

    name = "log"

    def put(self, line: str) -> None:
        """A line of the log."""
        log.info("audit_anchor", anchor=line)


class FileSink:
    """A file, at the end of which each line is added."""

    name = "file"

    def __init__(self, file: Path) -> None:
        self._file = file

    def put(self, line: str) -> None:
        """As the port says."""
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(line + "\n")


class HttpSink:
    """An address that takes each line as a JSON document by POST, with a bearer token if one is set."""

    name = "http"

    def __init__(self, url: str, *, token: str = "", timeout: float = _SECONDS) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        self._pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=timeout, read=timeout), retries=False)

    def put(self, line: str) -> None:
        """As the port says; any answer but 2xx is a refusal."""
        try:
            answer = self._pool.request("POST", self._url, body=line.encode(), headers=self._headers, redirect=False)
        except HTTPError as error:
            raise OSError(f"the anchor's address can't be reached: {type(error).__name__}") from None
        if answer.status not in _TAKEN:
            raise OSError(f"the anchor's address answered {answer.status}")


class SyslogSink:
    """A syslog server over TCP (RFC 5424 and 6587), as `host[:port]`."""

    name = "syslog"

    def __init__(self, server: str, *, timeout: float = _SECONDS) -> None:
        place = urlsplit(f"//{server}")
        self._place = (place.hostname or "", place.port or _SYSLOG_PORT)
        self._timeout = timeout

    def put(self, line: str) -> None:
        """As the port says."""
        frame = f"<{_PRIORITY}>1 - - hotline - audit_anchor - {line}".encode()
        with socket.create_connection(self._place, timeout=self._timeout) as server:
            server.sendall(b"%d %b" % (len(frame), frame))
            # The line is through once the server has read up to our end: what it refuses shows as a reset.
            server.shutdown(socket.SHUT_WR)
            while server.recv(1024):
                pass
