"""A promise and the deadline it makes.

Days are counted as the Civil Code counts them (arts. 200-204): the day of acceptance is not counted, a
period ends at 24:00 of its last day, a last day that rests gives way to the next working day. `course` does
the counting and keeps what it did;
`deadline` reads its end and `explain` reads all of it, so the two can't disagree.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal, get_args

from sla_rules.calendar import WorkCalendar
from sla_rules.errors import NaiveTime, OpenPauseNeedsAsOf, PausesInvalid, PromiseInvalid

Unit = Literal["same_day", "working_days", "calendar_days", "working_minutes", "real_minutes"]
Measure = Literal["open", "real"]
Phase = Literal["start", "same_day", "working", "calendar", "roll", "extension"]

UNITS: tuple[str, ...] = get_args(Unit)
_MINUTE_UNITS = ("working_minutes", "real_minutes")
# Two and a half thousand years of days: far past every horizon, and still inside what a date can hold.
_MAX_AMOUNT = 1_000_000
_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_NOTHING = timedelta(0)


class Tier(StrEnum):
    """How hard a matter is: 一般问题, 难点问题, 特别复杂问题."""

    ordinary = "ordinary"
    difficult = "difficult"
    complex = "complex"


class ClockKind(StrEnum):
    """What a clock measures: 派单, 签收, 首次联系, 办结, 回访."""

    dispatch = "dispatch"
    sign = "sign"
    first_contact = "first_contact"
    resolve = "resolve"
    callback = "callback"


@dataclass(frozen=True, slots=True)
class Promise:
    """How long a step may take.

    unit and amount: `same_day` (24:00 of the day it starts; amount 0 or 1, which mean the same), working
    days, calendar days, or minutes of working or of real time, 1 to 1,000,000.
    roll: calendar days only; a last day that rests gives way to the next working day (Civil Code, art.
    203).
    cutoff: same_day only; after this local time, or on a rest day, the end of the next working day applies
    instead.
    Raises PromiseInvalid.
    """

    unit: Unit
    amount: int
    roll: bool = True
    cutoff: time | None = None

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise PromiseInvalid(
                f"unknown unit {self.unit!r}; known: {', '.join(UNITS)}",
                f"未知单位 {self.unit!r},可用:{'、'.join(UNITS)}",
            )
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise PromiseInvalid(
                f"the amount must be a whole number, got {self.amount!r}",
                f"数量须为整数,现为 {self.amount!r}",
            )
        if self.unit == "same_day":
            if self.amount not in (0, 1):
                raise PromiseInvalid(
                    f"same_day means one day, got amount {self.amount}",
                    f"当天办结只能是一天,现为 {self.amount}",
                )
        elif not 1 <= self.amount <= _MAX_AMOUNT:
            raise PromiseInvalid(
                f"the amount must be 1 to {_MAX_AMOUNT}, got {self.amount}",
                f"数量须为 1 至 {_MAX_AMOUNT},现为 {self.amount}",
            )
        if self.cutoff is not None and (self.unit != "same_day" or self.cutoff.tzinfo is not None):
            raise PromiseInvalid(
                "a cut-off is a local time and belongs to same_day only",
                "截止时刻须为当地时间,且只用于当天办结",
            )

    @property
    def in_days(self) -> bool:
        """Whether it ends with a day rather than at a minute."""
        return self.unit not in _MINUTE_UNITS

    @property
    def span(self) -> timedelta:
        """The promised span of a promise in minutes; in days, PromiseInvalid: a day is no 24 hours."""
        if self.in_days:
            raise PromiseInvalid("a promise in days has no span in time", "以天计的承诺没有固定时长")
        return timedelta(minutes=self.amount)

    @property
    def measure(self) -> Measure:
        """What its used and remaining time is counted in: open working time, or real time."""
        return "open" if self.unit in ("working_days", "working_minutes") else "real"


@dataclass(frozen=True, slots=True)
class Pause:
    """An interval in which a clock stands; `end` of None is still open. Raises PausesInvalid, NaiveTime."""

    start: datetime
    end: datetime | None
    reason: str = ""

    def __post_init__(self) -> None:
        for at in (self.start, self.end):
            if at is not None and at.utcoffset() is None:
                raise NaiveTime(
                    f"the pause's time {at.isoformat()} has no offset", f"挂起时间 {at.isoformat()} 没有时区"
                )
        if self.end is not None and self.end < self.start:
            raise PausesInvalid(
                f"the pause ends {self.end.isoformat()}, before it starts {self.start.isoformat()}",
                f"挂起结束 {self.end.isoformat()} 早于开始 {self.start.isoformat()}",
            )


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a promise ends.

    due_at: aware UTC and exclusive, the instant after the last moment allowed (00:00 of the next day for
    days).
    provisional: a notice that has not appeared may still move it.
    last_day: the local day of the last moment allowed.
    """

    due_at: datetime
    provisional: bool
    last_day: date


@dataclass(frozen=True, slots=True)
class Standstill:
    """A pause with both ends known: an open one counted up to the moment asked about."""

    start: datetime
    end: datetime
    pause: Pause


@dataclass(frozen=True, slots=True)
class Stretch:
    """Consecutive days treated alike while counting: `first` to `last`, both included.

    pause: the standstill that keeps these days from being counted, None while the clock runs.
    """

    first: date
    last: date
    phase: Phase
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time [start, end) treated alike while counting minutes; `pause` as in `Stretch`."""

    start: datetime
    end: datetime
    pause: Pause | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """What the counting did from start to deadline: stretches of days, segments for minutes."""

    deadline: Deadline
    stretches: tuple[Stretch, ...] = ()
    segments: tuple[Segment, ...] = ()


def deadline(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    *,
    pauses: Iterable[Pause] = (),
    extension_days: int = 0,
    as_of: datetime | None = None,
) -> Deadline:
    """When `promise`, made at `start`, ends.

    pauses: in days, a day is not counted when the clock stands at its end (24:00), so a pause within one
    day changes nothing and one over the ends of k working days moves a deadline in working days by k; in
    minutes, their open (or real) time is left out. They may touch but not overlap. One still open counts up
    to `as_of`.
    extension_days: working days added after the promise's last day, 0 or more.
    Raises NaiveTime, OutsideCalendar, PausesInvalid, OpenPauseNeedsAsOf, PromiseInvalid.
    """
    if not pauses and not extension_days:
        if promise.unit == "working_days":
            return _after_working_days(promise.amount, start, calendar)
        if promise.unit == "working_minutes":
            return _after_working_minutes(promise.amount, start, calendar)
    return course(promise, start, calendar, pauses=pauses, extension_days=extension_days, as_of=as_of).deadline


def course(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    *,
    pauses: Iterable[Pause] = (),
    extension_days: int = 0,
    as_of: datetime | None = None,
) -> Course:
    """The counting behind `deadline`, with every stretch of days or time it went through."""
    if extension_days < 0:
        raise PromiseInvalid(
            f"an extension can't be negative, got {extension_days}", f"延期天数不能为负,现为 {extension_days}"
        )
    still = standstills(pauses, as_of=as_of)
    if promise.in_days:
        return _course_in_days(promise, start, calendar, still, extension_days)
    return _course_in_minutes(promise, start, calendar, still, extension_days)


def standstills(pauses: Iterable[Pause], *, as_of: datetime | None = None) -> tuple[Standstill, ...]:
    """The pauses in order with both ends known, an open one closed at `as_of` for the purpose of counting.

    Raises PausesInvalid when they overlap, OpenPauseNeedsAsOf when one is open and `as_of` is missing.
    """
    out: list[Standstill] = []
    for pause in sorted(pauses, key=lambda pause: pause.start):
        if out and (out[-1].pause.end is None or pause.start < out[-1].end):
            raise PausesInvalid(
                f"the pause from {pause.start.isoformat()} overlaps the one from {out[-1].start.isoformat()}",
                f"自 {pause.start.isoformat()} 起的挂起与自 {out[-1].start.isoformat()} 起的挂起重叠",
            )
        if pause.end is not None:
            end = pause.end
        elif as_of is not None:
            end = max(pause.start, as_of)
        else:
            raise OpenPauseNeedsAsOf(
                f"the pause from {pause.start.isoformat()} is still open; say up to when it counts (as_of)",
                f"自 {pause.start.isoformat()} 起的挂起尚未结束,须说明计算至何时(as_of)",
            )
        out.append(Standstill(pause.start, end, pause))
    return tuple(out)


def counted_between(
    measure: Measure,
    start: datetime,
    end: datetime,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...] = (),
) -> timedelta:
    """Open or real time in [start, end) outside the standstills, 0 when `end` is not after `start`."""
    if end <= start:
        return _NOTHING
    total = _elapsed(measure, start, end, calendar)
    for pause in still:
        first, last = max(start, pause.start), min(end, pause.end)
        if first < last:
            total -= _elapsed(measure, first, last, calendar)
    return total


def advance(
    measure: Measure,
    at: datetime,
    span: timedelta,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...] = (),
) -> datetime:
    """The earliest instant t >= `at` such that [at, t) holds `span` (>= 0) outside the standstills."""
    return _advance(measure, at, span, calendar, still=still, out=[])


def retreat(
    measure: Measure,
    at: datetime,
    span: timedelta,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...] = (),
) -> datetime:
    """The latest instant t <= `at` such that [t, at) holds `span` (>= 0) outside the standstills."""
    moment, need = at, span
    for pause in reversed(still):
        if pause.start >= moment:
            continue
        available = _elapsed(measure, pause.end, moment, calendar)
        if available >= need:
            break
        need -= available
        moment = pause.start
    return moment - need if measure == "real" else calendar.add_open_time(moment, -need)


def working_day_after(day: date, count: int, calendar: WorkCalendar, still: tuple[Standstill, ...] = ()) -> date:
    """The `count`-th (1 or more) working day after `day` at whose end no standstill holds."""
    return _count(calendar, day, count, phase="working", suspended=_suspended_days(calendar, still), out=[])


def working_days_outside(start: date, end: date, calendar: WorkCalendar, still: tuple[Standstill, ...] = ()) -> int:
    """Working days in (`start`, `end`] at whose end no standstill holds; 0 unless `end` is after `start`."""
    if end <= start:
        return 0
    total = calendar.working_days_between(start, end)
    for days in _suspended_days(calendar, still):
        first, last = max(days.first, start + _ONE_DAY), min(days.last, end)
        if first <= last:
            total -= calendar.working_days_between(first - _ONE_DAY, last)
    return total


def _after_working_days(amount: int, start: datetime, calendar: WorkCalendar) -> Deadline:
    """The common case, a promise that nothing interrupts: three look-ups."""
    last = calendar.add_to_index(calendar.day_index(start), amount)
    kept: Deadline | None = calendar.ends.get(last)
    return kept or _end_of(last, calendar)


def _after_working_minutes(amount: int, start: datetime, calendar: WorkCalendar) -> Deadline:
    """The same for a promise in working minutes."""
    due_at = calendar.add_open_time(start, amount * _ONE_MINUTE)
    end = _end_of(calendar.day_index(due_at - _INSTANT), calendar)
    return Deadline(due_at, end.provisional, end.last_day)


def _end_of(index: int, calendar: WorkCalendar) -> Deadline:
    """The deadline at the end of the day of that number."""
    end: Deadline | None = calendar.ends.get(index)
    if end is None:
        day = calendar.day_at(index)
        end = calendar.ends[index] = Deadline(calendar.end_of_day(day), calendar.is_provisional(day), day)
    return end


def _course_in_days(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...],
    extension_days: int,
) -> Course:
    first = calendar.local_date(start)
    if promise.unit == "working_days" and not still and not extension_days:
        end = _after_working_days(promise.amount, start, calendar)
        passed = Stretch(first + _ONE_DAY, end.last_day, "working")
        return Course(end, stretches=(Stretch(first, first, "start"), passed))
    suspended = _suspended_days(calendar, still)
    out: list[Stretch] = []
    asked_calendar = True
    if promise.unit == "same_day" and promise.cutoff is None:
        # The promise is printed as "the same day", so a rest day keeps it too and no calendar is asked.
        last = _count(calendar, first - _ONE_DAY, 1, phase="same_day", suspended=suspended, out=out)
        asked_calendar = extension_days > 0
    elif promise.unit == "same_day" and not _after_cutoff(promise, start, calendar):
        standing = next((days for days in suspended if days.first <= first <= days.last), None)
        out.append(Stretch(first, first, "working", standing.pause if standing else None))
        last = first
        if standing:
            last = _count(calendar, first, 1, phase="working", suspended=suspended, out=out)
    else:
        out.append(Stretch(first, first, "start"))
        if promise.unit == "calendar_days":
            last = _count(calendar, first, promise.amount, phase="calendar", suspended=suspended, out=out)
            if promise.roll and not calendar.is_working_day(last):
                last = _count(calendar, last, 1, phase="roll", suspended=suspended, out=out)
            asked_calendar = promise.roll or extension_days > 0
        else:
            days = 1 if promise.unit == "same_day" else promise.amount
            last = _count(calendar, first, days, phase="working", suspended=suspended, out=out)
    if extension_days:
        last = _count(calendar, last, extension_days, phase="extension", suspended=suspended, out=out)
    due = Deadline(calendar.end_of_day(last), asked_calendar and calendar.is_provisional(last), last)
    return Course(due, stretches=tuple(out))


def _course_in_minutes(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...],
    extension_days: int,
) -> Course:
    if promise.unit == "working_minutes" and not still and not extension_days:
        end = _after_working_minutes(promise.amount, start, calendar)
        return Course(end, segments=(Segment(start, end.due_at),))
    calendar.local_date(start)  # refuses a start the calendar knows nothing of, real minutes included
    segments: list[Segment] = []
    due_at = _advance(promise.measure, start, promise.span, calendar, still=still, out=segments)
    last = calendar.local_date(due_at - _INSTANT)
    stretches: list[Stretch] = []
    asked_calendar = promise.unit == "working_minutes"
    if extension_days:
        # Extensions are granted in days, so an extended promise ends with a day whatever its unit was.
        suspended = _suspended_days(calendar, still)
        last = _count(calendar, last, extension_days, phase="extension", suspended=suspended, out=stretches)
        due_at = calendar.end_of_day(last)
        asked_calendar = True
    due = Deadline(due_at, asked_calendar and calendar.is_provisional(last), last)
    return Course(due, stretches=tuple(stretches), segments=tuple(segments))


def _after_cutoff(promise: Promise, start: datetime, calendar: WorkCalendar) -> bool:
    local = calendar.local(start)
    return not calendar.is_working_day(local.date()) or (promise.cutoff is not None and local.time() > promise.cutoff)


@dataclass(frozen=True, slots=True)
class _SuspendedDays:
    first: date
    last: date
    pause: Pause


def _suspended_days(calendar: WorkCalendar, still: tuple[Standstill, ...]) -> tuple[_SuspendedDays, ...]:
    """The days at whose end the clock stands: from the day a pause starts to the one before it ends."""
    out: list[_SuspendedDays] = []
    for pause in still:
        first, last = calendar.local_date(pause.start), calendar.local_date(pause.end) - _ONE_DAY
        if first <= last:
            out.append(_SuspendedDays(first, last, pause.pause))
    return tuple(out)


def _count(
    calendar: WorkCalendar,
    after: date,
    need: int,
    *,
    phase: Phase,
    suspended: tuple[_SuspendedDays, ...],
    out: list[Stretch],
) -> date:
    """The `need`-th day after `after` that counts, with the stretches passed written to `out`.

    It costs a look-up for each pause and none for a day.
    """
    every_day = phase in ("same_day", "calendar")
    cursor = after
    for standing in suspended:
        if standing.last <= cursor:
            continue
        before = standing.first - _ONE_DAY
        if before > cursor:
            available = (before - cursor).days if every_day else calendar.working_days_between(cursor, before)
            if available >= need:
                break
            out.append(Stretch(cursor + _ONE_DAY, before, phase))
            need -= available
            cursor = before
        out.append(Stretch(cursor + _ONE_DAY, standing.last, phase, standing.pause))
        cursor = standing.last
    last = cursor + timedelta(days=need) if every_day else calendar.add_working_days(cursor, need)
    out.append(Stretch(cursor + _ONE_DAY, last, phase))
    return last


def _advance(
    measure: Measure,
    at: datetime,
    span: timedelta,
    calendar: WorkCalendar,
    *,
    still: tuple[Standstill, ...],
    out: list[Segment],
) -> datetime:
    moment, need = at, span
    for pause in still:
        if pause.end <= moment:
            continue
        if pause.start > moment:
            available = _elapsed(measure, moment, pause.start, calendar)
            if available >= need:
                break
            out.append(Segment(moment, pause.start))
            need -= available
            moment = pause.start
        out.append(Segment(moment, pause.end, pause.pause))
        moment = pause.end
    end = moment + need if measure == "real" else calendar.add_open_time(moment, need)
    out.append(Segment(moment, end))
    return end


def _elapsed(measure: Measure, start: datetime, end: datetime, calendar: WorkCalendar) -> timedelta:
    if measure == "open":
        return calendar.open_time_between(start, end)
    return max(_NOTHING, end - start)
