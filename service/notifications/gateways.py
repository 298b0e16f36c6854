"""The port to the outside (SMS and the like) and the adapters that need no network."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from service.core.logging import log


@dataclass(frozen=True, slots=True)
class Letter:
    """A short message to a worker. `text` holds number, code and link only, no facts of the case; `values` are the
    same by name, for a gateway that keeps the text itself."""

    to: str
    template: str
    text: str
    values: Mapping[str, str] = field(default_factory=dict)


class Gateway(Protocol):
    """Sends a letter. `key` lets the receiver drop a second copy. Raises on failure; the caller tries again."""

    name: str

    def send(self, letter: Letter, *, key: str) -> None: ...


class ConsoleGateway:
    """Writes a line to the log instead of sending, without number and text: a log is no place for either."""

    name = "console"

    def send(self, letter: Letter, *, key: str) -> None:
        log.info("sms", gateway=self.name, template=letter.template, key=key)


@dataclass
class MemoryGateway:
    """Keeps letters by key, as a receiver with idempotency keys would."""

    name: str = "memory"
    letters: dict[str, Letter] = field(default_factory=dict)
    copies: int = 0

    def send(self, letter: Letter, *, key: str) -> None:
        self.copies += key in self.letters
        self.letters[key] = letter
