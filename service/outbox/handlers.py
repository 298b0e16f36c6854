"""What becomes of a message: a handler for each kind, gathered by the composition root."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from service.core.unit import Unit

Payload = Mapping[str, Any]
NetworkCall = Callable[[str], None]


class NotNow(Exception):
    """The call was not made, or not taken for lack of room: it comes again after `wait`, and no attempt is lost."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"not for {wait.total_seconds():.0f} s")
        self.wait = wait


class Refused(Exception):
    """The receiver will never take it: trying again is no use, somebody has to look."""


@dataclass(frozen=True, slots=True)
class DatabaseHandler:
    """An effect inside PostgreSQL. It and the mark `done` share one transaction: exactly once.

    `then` is called after the commit, at most once: a hint that may be lost. It does not raise.
    """

    run: Callable[[Unit, Payload], None]
    then: Callable[[Payload], None] | None = None


@dataclass(frozen=True, slots=True)
class NetworkHandler:
    """An effect outside. `prepare` reads what is needed and returns the call (or None when there is nothing to
    send any more); the call gets the message key as idempotency key, with no transaction open; `record` notes it
    together with the mark `done`. At least once, made once by the key on the receiver's side.
    """

    prepare: Callable[[Unit, Payload], NetworkCall | None]
    record: Callable[[Unit, str, Payload], None]


Handler = DatabaseHandler | NetworkHandler
