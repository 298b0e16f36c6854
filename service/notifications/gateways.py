"""The port to the outside (SMS and the like) and the adapters that need no network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.core.logging import log


@dataclass(frozen=True, slots=True)
class Letter:
    """A short message to a worker, or a notice to one of ours. `text` holds number, code and link, or the notice's
    words, no facts of the case; `values` are the same by name, for a gateway that keeps the text itself."""

    to: str
    template: str
    text: str
    values: Mapping[str, str] = field(default_factory=dict)


class GatewayFailed(Exception):
    """The gateway did not take the message, and may take it later. The text names no address: one may hold a key."""


class Gateway(Protocol):
    """Sends a letter. `key` lets the receiver drop a second copy. Raises on failure; the caller tries again."""

    name: str

    def send(self, letter: Letter, *, key: str) -> None: ...


class ConsoleGateway:
    """Writes a line to the log instead of sending, for `what` would have gone out, without address and text: a log is
    no place for either."""

    name = "console"

    def __init__(self, what: str = "sms") -> None:
        self._what = what

    def send(self, letter: Letter, *, key: str) -> None:
        log.info(self._what, gateway=self.name, template=letter.template, key=key)


@dataclass
class MemoryGateway:
    """Keeps letters by key, as a receiver with idempotency keys would."""

    name: str = "memory"
    letters: dict[str, Letter] = field(default_factory=dict)
    copies: int = 0

    def send(self, letter: Letter, *, key: str) -> None:
        self.copies += key in self.letters
        self.letters[key] = letter
