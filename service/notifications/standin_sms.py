"""A stand-in for the provider's SMS gateway, which lies outside this machine: it keeps the contract of docs/sms.md.

    python -m service.notifications.standin_sms --port 9351 --account hotline --secret s3cret

For trying settings out and for the contract tests; never for workers' own numbers. With `--receipts` and the address of
the hotline it reports what became of each message: delivered, or not where the number ends as in FATES.
"""

import argparse
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import urllib3

from service.notifications.http_sms import KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, signature
from service.notifications.standin import serve

_FRESH = timedelta(minutes=5)
RECEIPTS = "/api/v1/gateways/sms/receipts"
# What becomes of a message, by the last digits of its number: state and reason. All others arrive.
FATES: dict[str, tuple[str, str | None]] = {
    "0000": ("failed", "unknown_number"),
    "0001": ("failed", "switched_off"),
    "0002": ("failed", "refused_by_operator"),
    "0003": ("failed", "other"),
    "0004": ("expired", None),
}
_REPORT_SECONDS = 2.0
_MOST_AT_ONCE = 500


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
    unreported: list[dict[str, str]] = field(default_factory=list)

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
        self.unreported.append(self._receipt(message))
        return 202

    def report(self, hotline: str) -> int | None:
        """Tell the hotline at an address what became of the messages it was not told of yet, in one call; its answer,
        or None where there was nothing to tell. What it did not take is told again the next time."""
        waiting = self.unreported[:_MOST_AT_ONCE]
        if not waiting:
            return None
        body = json.dumps({"receipts": waiting}).encode()
        at = self.now().isoformat()
        headers = {
            "Content-Type": "application/json",
            TIME_HEADER: at,
            SIGNATURE_HEADER: signature(self.secret, at, body),
        }
        with urllib3.PoolManager(timeout=5.0, retries=False) as pool:
            answer = pool.request("POST", hotline.rstrip("/") + RECEIPTS, body=body, headers=headers)
        if answer.status < 300 or answer.status == 409:
            del self.unreported[: len(waiting)]
        return answer.status

    def _receipt(self, message: dict[str, Any]) -> dict[str, str]:
        state, reason = FATES.get(message["to"][-4:], ("delivered", None))
        receipt = {"key": message["key"], "state": state, "at": self.now().isoformat()}
        return receipt | ({"reason": reason} if reason else {})

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
    """Serve a provider on loopback; yields the address that takes messages. Port 0 is any that is free."""
    with serve(lambda _path, headers, body: (provider.take(dict(headers), body), b""), port) as address:
        yield f"{address}/messages"


def main() -> None:
    """Serve until Ctrl-C."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--port", type=int, default=9351)
    options.add_argument("--account", default="hotline")
    options.add_argument("--secret", required=True)
    options.add_argument("--receipts", metavar="URL", default="", help="address of the hotline to report to")
    given = options.parse_args()
    provider = Provider(given.account, given.secret)
    with provider_at(provider, given.port) as address:
        print(f"HOTLINE_SMS_URL={address}", flush=True)  # noqa: T201
        while True:
            time.sleep(_REPORT_SECONDS)
            if given.receipts:
                _report(provider, given.receipts)


def _report(provider: Provider, hotline: str) -> None:
    try:
        status = provider.report(hotline)
    except urllib3.exceptions.HTTPError as error:
        print(f"receipts: {type(error).__name__}", flush=True)  # noqa: T201
    else:
        if status is not None:
            print(f"receipts: {status}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
