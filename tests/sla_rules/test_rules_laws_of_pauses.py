"""Laws of pauses and of what is done to a clock, looked for on random calendars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import assume, given
from hypothesis import strategies as st

from sla_rules import (
    Clock,
    ClockKind,
    DayOverride,
    Pause,
    Promise,
    WorkCalendar,
    deadline,
    due_rungs,
    explain,
    load_policy,
    next_check,
    plan,
)
from tests.sla_rules.test_rules_laws import (
    LAST,
    MICROSECOND,
    YEAR,
    calendars,
    day_promises,
    minute_promises,
    minutes,
    moments,
    promises,
    ruled_days,
)

# From several pauses within a minute to one over days.
GRAINS = (MICROSECOND, timedelta(seconds=1), timedelta(minutes=7), timedelta(minutes=30), timedelta(hours=5))


@st.composite
def any_pauses(draw: st.DrawFn, start: datetime) -> tuple[Pause, ...]:
    """Up to six pauses, some beginning before `start`, some touching, some of no length."""
    moment = start - draw(st.sampled_from([timedelta(0), timedelta(hours=10)]))
    out = []
    for _ in range(draw(st.integers(0, 6))):
        grain = draw(st.sampled_from(GRAINS))
        first = moment + draw(st.integers(0, 20)) * grain
        moment = first + draw(st.integers(0, 20)) * grain
        out.append(Pause(first, moment))
    return tuple(out)


def counted(
    promise: Promise, start: datetime, end: datetime, calendar: WorkCalendar, stood: tuple[Pause, ...]
) -> timedelta:
    """Time of the promise's measure in [start, end) outside the pauses, added up piece by piece."""
    bounds = sorted(
        {start, end, *(bound for pause in stood for bound in (pause.start, pause.end) if start < bound < end)}
    )
    total = timedelta(0)
    for first, last in pairwise(bounds):
        if not any(pause.start <= first and last <= pause.end for pause in stood):
            total += last - first if promise.measure == "real" else calendar.open_time_between(first, last)
    return total


# -- pauses ---------------------------------------------------------------------------------------------


@given(calendars(), moments(), minute_promises, st.data())
def test_a_deadline_in_minutes_is_where_the_promise_is_used_whatever_the_pauses(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    stood = data.draw(any_pauses(start))
    due = deadline(promise, start, calendar, pauses=stood).due_at
    assert counted(promise, start, due, calendar, stood) == promise.span
    assert counted(promise, start, due - MICROSECOND, calendar, stood) < promise.span
    # Once the time is used up a pause comes too late.
    afterwards = Pause(max(due, *(pause.end for pause in stood if pause.end), due), None)
    assert deadline(promise, start, calendar, pauses=(*stood, afterwards), as_of=LAST).due_at == due


@given(calendars(), moments(), minute_promises, st.data())
def test_only_the_open_part_of_a_pause_counts(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    assume(promise.unit == "working_minutes")
    stood = data.draw(any_pauses(start))
    trimmed = []
    for pause in stood:
        assert pause.end is not None
        if calendar.open_time_between(pause.start, pause.end):
            trimmed.append(Pause(calendar.next_open(pause.start), calendar.prev_open(pause.end)))
    due = deadline(promise, start, calendar, pauses=stood)
    assert deadline(promise, start, calendar, pauses=trimmed) == due


@given(calendars(), moments(), day_promises, st.data())
def test_a_pause_over_the_ends_of_so_many_days_moves_a_deadline_by_so_many(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    promise = Promise(promise.unit, promise.amount, roll=False)
    plain = deadline(promise, start, calendar)
    paused_at = data.draw(moments(start, plain.due_at - MICROSECOND))
    pause = Pause(paused_at, paused_at + data.draw(st.integers(0, 10 * 24 * 60)) * timedelta(minutes=1))
    assert pause.end is not None
    first, last = calendar.local_date(pause.start), calendar.local_date(pause.end) - timedelta(days=1)
    days = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    stood = [day for day in days if day > calendar.local_date(start)]
    moved = deadline(promise, start, calendar, pauses=[pause]).last_day
    if promise.unit == "working_days":
        working = sum(calendar.is_working_day(day) for day in stood)
        assert moved == calendar.add_working_days(plain.last_day, working)
    else:
        assert moved == plain.last_day + timedelta(days=len(stood))


@given(calendars(), moments(first=datetime(YEAR, 1, 12, tzinfo=UTC)), st.one_of(ruled_days, promises), st.data())
def test_what_was_over_before_the_start_is_of_no_concern(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    before = Pause(start - timedelta(days=8), start - data.draw(st.integers(0, 7 * 24)) * timedelta(hours=1))
    assert deadline(promise, start, calendar, pauses=[before]) == deadline(promise, start, calendar)


@given(
    calendars(),
    moments(),
    st.one_of(
        st.builds(Promise, st.just("working_minutes"), minutes),
        st.builds(Promise, st.just("working_days"), st.integers(1, 30)),
    ),
    st.data(),
)
def test_a_day_changed_under_a_pause_changes_nothing(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    lead, length = (data.draw(st.integers(0, 20 * 24)) * timedelta(hours=1) for _ in range(2))
    pause = Pause(start + lead, start + lead + length + timedelta(days=2))
    assert pause.end is not None
    first, last = calendar.local_date(pause.start), calendar.local_date(pause.end)
    # In minutes a day that lies in the pause whole; one before it has hours that run past its midnight.
    inside = range(2 if promise.unit == "working_minutes" else 0, (last - first).days)
    assume(inside)
    day = first + timedelta(days=data.draw(st.sampled_from(inside)))
    assume(promise.unit == "working_days" or day + timedelta(days=1) < last)
    kind = "off" if calendar.is_working_day(day) else "work"
    changed = calendar.with_overrides([DayOverride(day, kind)]) if day not in _overridden(calendar) else calendar
    was = deadline(promise, start, calendar, pauses=[pause])
    assert deadline(promise, start, changed, pauses=[pause]).due_at == was.due_at


def _overridden(calendar: WorkCalendar) -> set[object]:
    return {override.date for override in calendar.overrides}


# -- steps of a clock -----------------------------------------------------------------------------------


@given(calendars(), moments(), st.one_of(ruled_days, promises), st.integers(0, 20000), st.integers(0, 20000))
def test_a_pause_still_open_counts_as_though_it_ended_at_the_moment_asked(
    calendar: WorkCalendar, start: datetime, promise: Promise, lead: int, length: int
) -> None:
    paused_at = start + lead * timedelta(minutes=1)
    at = paused_at + length * timedelta(minutes=1)
    standing = Clock(ClockKind.resolve, promise, start).pause(paused_at, "")
    resumed = standing.resume(at)
    assert standing.deadline(calendar, as_of=at) == resumed.deadline(calendar)
    assert standing.used(calendar, at) == resumed.used(calendar, at) == standing.used(calendar, paused_at)
    assert standing.remaining(calendar, at) == resumed.remaining(calendar, at)
    assert standing.breached_at(calendar, at) == resumed.breached_at(calendar, at)
    assert standing.late_by(calendar, at) == resumed.late_by(calendar, at)
    assert explain(standing, calendar, as_of=at).lines == explain(resumed, calendar).lines


@given(calendars(), moments(), promises, st.integers(0, 20000), st.integers(0, 20000))
def test_what_stands_in_time_stays_in_time_and_what_is_late_stays_late(
    calendar: WorkCalendar, start: datetime, promise: Promise, lead: int, length: int
) -> None:
    paused_at = start + lead * timedelta(minutes=1)
    standing = Clock(ClockKind.resolve, promise, start).pause(paused_at, "")
    at = paused_at + length * timedelta(minutes=1)
    assert standing.breached_at(calendar, at) == standing.breached_at(calendar, paused_at)


@given(calendars(), moments(), st.one_of(ruled_days, promises), st.integers(0, 20000), st.integers(0, 20000))
def test_a_stop_ends_the_pause_it_finds(
    calendar: WorkCalendar, start: datetime, promise: Promise, lead: int, length: int
) -> None:
    paused_at = start + lead * timedelta(minutes=1)
    at = paused_at + length * timedelta(minutes=1)
    standing = Clock(ClockKind.resolve, promise, start).pause(paused_at, "")
    stopped = standing.stop(at)
    assert stopped == standing.resume(at).stop(at)
    later = at + timedelta(days=30)
    assert stopped.used(calendar, later) == stopped.used(calendar, paused_at)
    assert stopped.breached_at(calendar, later) == standing.breached_at(calendar, at)
    assert stopped.late_by(calendar, later) == standing.late_by(calendar, at)


@given(calendars(), moments(), promises, promises, st.integers(0, 20000), st.integers(0, 20000))
def test_the_tier_may_change_before_during_or_after_a_pause(
    calendar: WorkCalendar, start: datetime, promise: Promise, other: Promise, lead: int, length: int
) -> None:
    clock, paused_at = Clock(ClockKind.resolve, promise, start), start + lead * timedelta(minutes=1)
    at = paused_at + length * timedelta(minutes=1)
    before = clock.retier(other).pause(paused_at, "").resume(at)
    assert (
        before
        == clock.pause(paused_at, "").retier(other).resume(at)
        == clock.pause(paused_at, "").resume(at).retier(other)
    )
    assert before.deadline(calendar) == deadline(other, start, calendar, pauses=before.pauses)


@given(calendars(), moments(), promises, st.lists(st.integers(0, 60 * 24 * 60), max_size=8), st.data())
def test_whatever_the_ticks_each_rung_fires_once_and_in_order(
    calendar: WorkCalendar, start: datetime, promise: Promise, ticks: list[int], data: st.DataObject
) -> None:
    clock = Clock(ClockKind.resolve, promise, start, data.draw(any_pauses(start)))
    ladder = data.draw(st.sampled_from([rule.rungs for rule in load_policy().ladders]))
    planned = plan(clock, data.draw(st.permutations(ladder)), calendar)
    instants = [entry.at for entry in planned]
    assert instants == sorted(instants)
    fired: list[str] = []
    # Some ticks fall on a rung exactly.
    moments_of_ticks = [start + tick * timedelta(minutes=1) for tick in ticks] + data.draw(
        st.lists(st.sampled_from(instants), max_size=3)
    )
    for at in sorted(moments_of_ticks):
        check = next_check(planned, fired, status=clock.status)
        reached = due_rungs(planned, fired, at)
        assert bool(reached) == (check is not None and check <= at)
        fired += [entry.rung.name for entry in reached]
    last = max(moments_of_ticks, default=start - MICROSECOND)
    assert fired == [entry.rung.name for entry in planned if entry.at <= last]
