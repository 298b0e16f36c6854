"""Many deadlines of one promise at once, for reports, imports and simulations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta, timezone

from sla_rules.calendar import WorkCalendar
from sla_rules.counting import deadline
from sla_rules.promise import Deadline, Promise


def deadlines(promise: Promise, starts: Iterable[datetime], calendar: WorkCalendar) -> list[Deadline]:
    """`deadline` of every start, in order, without pauses or extensions.

    A promise in days is worked out once for each day that occurs. The first start that has no deadline
    raises as `deadline` does: NaiveTime, OutsideCalendar.
    """
    listed = list(starts)
    origin = calendar.origin
    if listed and origin is not None and promise.by_the_day:
        by_day = _ByDay(promise, calendar, origin)
        zone = listed[0].tzinfo
        if isinstance(zone, timezone):
            origin = origin.astimezone(zone)  # the same instant; Python subtracts fastest within one zone
        try:
            return [by_day[(start - origin).days] for start in listed]
        except (TypeError, KeyError):
            pass  # a start without offset or outside the calendar: the single call says which
    return [deadline(promise, start, calendar) for start in listed]


class _ByDay(dict[int, Deadline]):
    """The deadline of a promise in days for a start on each day, by the day's number."""

    def __init__(self, promise: Promise, calendar: WorkCalendar, origin: datetime) -> None:
        super().__init__()
        self._origin = origin
        self._promise = promise
        self._calendar = calendar

    def __missing__(self, day: int) -> Deadline:
        if not 0 <= day < self._calendar.day_count:
            raise KeyError(day)
        self[day] = found = deadline(self._promise, self._origin + timedelta(days=day), self._calendar)
        return found
