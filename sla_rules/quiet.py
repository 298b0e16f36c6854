"""Quiet hours: when messages wait. They never move a deadline, a rung or the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from sla_rules.calendar import WorkCalendar

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """When messages that are not urgent wait.

    start, end: local times, half-open; a `start` later than `end` runs over midnight. They differ.
    rest_days: whether rest days are quiet as a whole.
    """

    start: time
    end: time
    rest_days: bool = False
    source: str = ""

    def over_at(self, at: datetime, calendar: WorkCalendar) -> datetime:
        """When a message of the instant `at` may be delivered (UTC): then, or as soon as the quiet is over.

        Raises NaiveTime, OutsideCalendar.
        """
        told = self._after_the_night(calendar.local(at))
        if self.rest_days and not calendar.is_working_day(told.date()):
            morning = datetime.combine(calendar.roll_forward(told.date()), time.min, tzinfo=told.tzinfo)
            told = self._after_the_night(morning)
        return told.astimezone(UTC)

    def _after_the_night(self, local: datetime) -> datetime:
        hour = local.time()
        if self.start < self.end:
            return self._end_on(local) if self.start <= hour < self.end else local
        if hour < self.end:
            return self._end_on(local)
        return self._end_on(local + _ONE_DAY) if hour >= self.start else local

    def _end_on(self, day: datetime) -> datetime:
        return datetime.combine(day.date(), self.end, tzinfo=day.tzinfo)
