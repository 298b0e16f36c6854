"""The one place where the time is read. Everything else is told the time."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

LOCAL = ZoneInfo("Asia/Shanghai")
_INSTANT = timedelta(microseconds=1)


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


def last_day(due_at: datetime) -> date:
    """The last local day on which a deadline, the first instant too late, is still kept."""
    return local(due_at - _INSTANT).date()


def deadline_text(due_at: datetime) -> str:
    """A deadline as the last moment allowed: midnight is 24:00 of the day that ends there, as it is printed."""
    at = local(due_at)
    if (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0):
        return f"{last_day(due_at):%Y-%m-%d} 24:00"
    return f"{at:%Y-%m-%d %H:%M}"
