"""The one place where the time is read. Everything else is told the time."""

from datetime import UTC, datetime
from typing import Protocol
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the present instant as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that is moved by hand and never runs backwards: replays and tests."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def move_to(self, instant: datetime) -> None:
        """Advance to `instant`; an earlier instant leaves the clock where it is."""
        self._now = max(self._now, instant.astimezone(UTC))


def local(instant: datetime) -> datetime:
    """The same instant on the wall clock of Asia/Shanghai, for people to read."""
    return instant.astimezone(LOCAL)
