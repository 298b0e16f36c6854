"""The counting: from a promise, its start and its pauses to the deadline.

Days are counted as the Civil Code counts them (arts. 200-204): the day of acceptance is not counted, a
period ends at 24:00 of its last day, a last day that rests gives way to the next working day; a promise may
carry another start or end rule as data. `course` does the counting and keeps what it did; `deadline` reads
its end and `explain` reads all of it, so the two can't disagree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from sla_rules.calendar import WorkCalendar
from sla_rules.errors import OpenPauseNeedsAsOf, PausesInvalid, PromiseInvalid
from sla_rules.promise import Deadline, Kept, Measure, Pause, Promise

Phase = Literal["start", "late_start", "same_day", "working", "calendar", "roll", "extension", "kept"]

_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_NOTHING = timedelta(0)


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
    kept: Kept | None = None,
    as_of: datetime | None = None,
) -> Deadline:
    """When `promise`, made at `start`, ends.

    pauses: in days, a day is not counted when the clock stands at its end (24:00), so a pause within one
    day changes nothing and one over the ends of k working days moves a deadline in working days by k; in
    minutes, their open (or real) time is left out. They may touch but not overlap. One still open counts up
    to `as_of`.
    extension_days: working days added after the promise's last day, 0 or more.
    kept: a deadline told before, which this one may pass and not precede.
    Raises NaiveTime, OutsideCalendar, PausesInvalid, OpenPauseNeedsAsOf, PromiseInvalid.
    """
    if not pauses and not extension_days and kept is None:
        if promise.plain:
            return _after_working_days(promise.amount, start, calendar)
        if promise.unit == "working_minutes":
            return _after_working_minutes(promise.amount, start, calendar)
    return course(
        promise, start, calendar, pauses=pauses, extension_days=extension_days, kept=kept, as_of=as_of
    ).deadline


def course(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    *,
    pauses: Iterable[Pause] = (),
    extension_days: int = 0,
    kept: Kept | None = None,
    as_of: datetime | None = None,
) -> Course:
    """The counting behind `deadline`, with every stretch of days or time it went through."""
    if extension_days < 0:
        raise PromiseInvalid(
            f"an extension can't be negative, got {extension_days}", f"延期天数不能为负,现为 {extension_days}"
        )
    still = standstills(pauses, as_of=as_of)
    more = _Extension(extension_days, kept)
    if promise.in_days:
        return _course_in_days(promise, start, calendar, still, more)
    return _course_in_minutes(promise, start, calendar, still, more)


def inner_deadline(outer: Deadline, days: int, began_at: datetime, calendar: WorkCalendar) -> Deadline:
    """The deadline of a part within a promise: 24:00 of the working day `days` (1 or more) before the last one.

    Where that has passed when the part begins, the outer deadline itself: what begins late is not late at once.
    """
    last = calendar.add_working_days(outer.last_day, -days)
    due_at = calendar.end_of_day(last)
    return Deadline(due_at, outer.provisional, last) if due_at > began_at else outer


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
    return _count(
        calendar, day, count, phase="working", suspended=_suspended_days(calendar, still, calendar.end_of_day), out=[]
    )


def working_days_outside(start: date, end: date, calendar: WorkCalendar, still: tuple[Standstill, ...] = ()) -> int:
    """Working days in (`start`, `end`] at whose end no standstill holds; 0 unless `end` is after `start`."""
    if end <= start:
        return 0
    total = calendar.working_days_between(start, end)
    for days in _suspended_days(calendar, still, calendar.end_of_day):
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


@dataclass(frozen=True, slots=True)
class _Extension:
    """What is granted on top of a promise: working days, and a deadline told before some of them."""

    days: int
    kept: Kept | None

    @property
    def before_kept(self) -> int:
        return min(self.days, self.kept.extension_days) if self.kept else self.days

    def __bool__(self) -> bool:
        return self.days > 0 or self.kept is not None


def _course_in_days(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...],
    more: _Extension,
) -> Course:
    first = calendar.local_date(start)
    if promise.plain and not still and not more:
        end = _after_working_days(promise.amount, start, calendar)
        passed = Stretch(first + _ONE_DAY, end.last_day, "working")
        return Course(end, stretches=(Stretch(first, first, "start"), passed))
    end_of = calendar.end_of_day if promise.end == "end_of_day" else calendar.nominal_office_end
    suspended = _suspended_days(calendar, still, end_of)
    out: list[Stretch] = []
    after = first - _ONE_DAY
    if not _first_day_counts(promise, start, calendar):
        after = first
        out.append(Stretch(first, first, "start" if promise.start == "next_day" else "late_start"))
    asked_calendar = True
    if promise.as_printed:
        # The promise is printed as "the same day", so a rest day keeps it too and no calendar is asked.
        last = _count(calendar, after, 1, phase="same_day", suspended=suspended, out=out)
        asked_calendar = more.days > 0
    elif promise.unit == "calendar_days":
        last = _count(calendar, after, promise.amount, phase="calendar", suspended=suspended, out=out)
        if promise.roll and not calendar.is_working_day(last):
            last = _count(calendar, last, 1, phase="roll", suspended=suspended, out=out)
        asked_calendar = promise.roll or more.days > 0
    else:
        days = 1 if promise.unit == "same_day" else promise.amount
        last = _count(calendar, after, days, phase="working", suspended=suspended, out=out)
    last, due_at = _extended(last, end_of(last), more, calendar, end_of=end_of, suspended=suspended, out=out)
    due = Deadline(due_at, asked_calendar and calendar.is_provisional(last), last)
    return Course(due, stretches=tuple(out))


def _course_in_minutes(
    promise: Promise,
    start: datetime,
    calendar: WorkCalendar,
    still: tuple[Standstill, ...],
    more: _Extension,
) -> Course:
    if promise.unit == "working_minutes" and not still and not more:
        end = _after_working_minutes(promise.amount, start, calendar)
        return Course(end, segments=(Segment(start, end.due_at),))
    calendar.local_date(start)  # refuses a start the calendar knows nothing of, real minutes included
    segments: list[Segment] = []
    due_at = _advance(promise.measure, start, promise.span, calendar, still=still, out=segments)
    last = calendar.local_date(due_at - _INSTANT)
    stretches: list[Stretch] = []
    asked_calendar = promise.unit == "working_minutes"
    if more:
        # Extensions are granted in days, so an extended promise ends with a day whatever its unit was.
        asked_calendar = asked_calendar or more.days > 0
        suspended = _suspended_days(calendar, still, calendar.end_of_day)
        last, due_at = _extended(
            last, due_at, more, calendar, end_of=calendar.end_of_day, suspended=suspended, out=stretches
        )
    due = Deadline(due_at, asked_calendar and calendar.is_provisional(last), last)
    return Course(due, stretches=tuple(stretches), segments=tuple(segments))


def _extended(
    last: date,
    due_at: datetime,
    more: _Extension,
    calendar: WorkCalendar,
    *,
    end_of: Callable[[date], datetime],
    suspended: tuple[_SuspendedDays, ...],
    out: list[Stretch],
) -> tuple[date, datetime]:
    """The last day and the deadline with extensions, the deadline told, and extensions granted since on top."""
    if more.before_kept:
        last = _count(calendar, last, more.before_kept, phase="extension", suspended=suspended, out=out)
        due_at = end_of(last)
    if more.kept is not None and more.kept.at > due_at:
        told = calendar.local_date(more.kept.at - _INSTANT)
        if told > last:
            out.append(Stretch(last + _ONE_DAY, told, "kept"))
        last, due_at = told, more.kept.at.astimezone(UTC)
    since = more.days - more.before_kept
    if since:
        last = _count(calendar, last, since, phase="extension", suspended=suspended, out=out)
        due_at = end_of(last)
    return last, due_at


def _first_day_counts(promise: Promise, start: datetime, calendar: WorkCalendar) -> bool:
    if promise.start != "same_day" or promise.as_printed:
        return promise.as_printed
    local = calendar.local(start)
    if promise.unit != "calendar_days" and not calendar.is_working_day(local.date()):
        return False
    if promise.cutoff is not None and local.time() > promise.cutoff:
        return False
    return promise.end == "end_of_day" or start < calendar.nominal_office_end(local.date())


@dataclass(frozen=True, slots=True)
class _SuspendedDays:
    first: date
    last: date
    pause: Pause


def _suspended_days(
    calendar: WorkCalendar, still: tuple[Standstill, ...], end_of: Callable[[date], datetime]
) -> tuple[_SuspendedDays, ...]:
    """The days at whose end the clock stands: each day whose end lies after a pause's start and not after its end."""
    out: list[_SuspendedDays] = []
    for pause in still:
        # An office that works over midnight closes on the day after, so the day before may still be running.
        first = max(calendar.first_day, calendar.local_date(pause.start) - _ONE_DAY)
        while end_of(first) <= pause.start:
            first += _ONE_DAY
        last = calendar.local_date(pause.end)
        while last >= first and end_of(last) > pause.end:
            last -= _ONE_DAY
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
