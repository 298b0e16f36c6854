"""A stand-in for the provider's SMS gateway, which lies outside this machine: it keeps the contract of docs/sms.md.

    python -m service.notifications.standin_sms --port 9351 --account hotline --secret s3cret

prints what it takes. For trying settings out and for the contract tests; never for workers' own numbers.
"""

import argparse
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from service.notifications.http_sms import KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, signature

_FRESH = timedelta(minutes=5)
_LONGEST_BODY = 64 * 1024


@dataclass
class Provider:
    """What a provider knows and keeps. `answer` decides before anything else: a status, or None to go on as agreed;
    it may also sleep."""

    account: str
    secret: str
    templates: frozenset[str] | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    answer: Callable[[], int | None] = lambda: None
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0
    requests: set[str] = field(default_factory=set)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        """The status for a request: 202 taken, 401 not signed by us, 409 had before, 422 not as agreed."""
        self.asked += 1
        self.requests.add(headers.get("x-request-id", ""))
        status = self.answer()
        if status is not None:
            return status
        if not self._signed(headers, body):
            return 401
        message = json.loads(body)
        if self.templates is not None and message["template"] not in self.templates:
            return 422
        if message["key"] in self.taken:
            return 409
        self.taken[message["key"]] = message
        return 202

    def _signed(self, headers: dict[str, str], body: bytes) -> bool:
        time = headers.get(TIME_HEADER.lower(), "")
        if not hmac.compare_digest(signature(self.secret, time, body), headers.get(SIGNATURE_HEADER.lower(), "")):
            return False
        message = json.loads(body)
        return (
            abs(self.now() - datetime.fromisoformat(time)) <= _FRESH
            and message["account"] == self.account
            and message["key"] == headers.get(KEY_HEADER.lower())
        )


@contextmanager
def provider_at(provider: Provider, port: int = 0) -> Iterator[str]:
    """Serve a provider on loopback; yields its address. Port 0 is any that is free."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length", "0")), _LONGEST_BODY)
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.send_response(provider.take(headers, self.rfile.read(length)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
            """Says nothing: a request's line is no news."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/messages"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=9351)
    options.add_argument("--account", default="hotline")
    options.add_argument("--secret", required=True)
    given = options.parse_args()
    with provider_at(Provider(given.account, given.secret), given.port) as address:
        print(f"HOTLINE_SMS_URL={address}")  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()
