"""Laws that hold on any calendar, looked for by Hypothesis on random ones and on the real one."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sla_rules import (
    Clock,
    ClockKind,
    DayOverride,
    Holiday,
    NoticeYear,
    Pause,
    Promise,
    Tier,
    WorkCalendar,
    calendar_from_document,
    deadline,
    explain,
    load_calendar,
    load_policy,
    parse_hours,
    plan,
)
from sla_rules.promise import EndRule
from tests.rows import covers

YEAR = 2026
# From the second, so that the year has begun in every zone.
FIRST, LAST = datetime(YEAR, 1, 2, tzinfo=UTC), datetime(YEAR, 12, 1, tzinfo=UTC)
REAL_FIRST, REAL_LAST = datetime(2010, 1, 4, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
MICROSECOND, HALF_HOUR = timedelta(microseconds=1), timedelta(minutes=30)

HOURS = (
    ("08:30-12:00", "14:30-18:00"),
    ("00:00-24:00",),
    ("09:00-12:00", "12:00-17:30"),
    ("06:00-06:30", "23:30-24:00"),
    ("08:00-12:00", "20:00-26:00"),
    ("07:00-12:00", "20:00-31:30"),  # the night runs into the next morning
)


# Mostly ours; the others change their clocks by an hour in either half of the year, or by half an hour.
ZONES = ("Asia/Shanghai", "Asia/Shanghai", "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
HALF_DAY = parse_hours(["09:00-11:30"])


@cache
def built(
    off: frozenset[date], work: frozenset[date], hours: tuple[str, ...], tz: str, halves: frozenset[date] = frozenset()
) -> WorkCalendar:
    holiday = Holiday("节", tuple(sorted(off)), tuple(sorted(work)))
    years = [NoticeYear(YEAR, holidays=(holiday,) if off or work else ())]
    overrides = [DayOverride(day, "work", HALF_DAY) for day in sorted(halves - off - work) if day.weekday() < 5]
    return WorkCalendar.from_years(years, list(hours), tz, overrides=overrides, horizon_years=1)


def year_days() -> Iterable[date]:
    return (date(YEAR, 1, 1) + timedelta(days=offset) for offset in range(365))


days_of_year = st.integers(0, 364).map(lambda offset: date(YEAR, 1, 1) + timedelta(days=offset))


@st.composite
def calendars(draw: st.DrawFn) -> WorkCalendar:
    """A year with holidays of one to nine days, weekend days worked, half days, any hours, with and without summer
    time."""
    off: set[date] = set()
    for first, length in draw(st.lists(st.tuples(days_of_year, st.integers(1, 9)), max_size=6)):
        off |= {first + timedelta(days=offset) for offset in range(length)}
    off = {day for day in off if day.year == YEAR}
    work = {day for day in draw(st.sets(days_of_year, max_size=12)) if day.weekday() > 4} - off
    halves = draw(st.frozensets(days_of_year, max_size=3))
    return built(frozenset(off), frozenset(work), draw(st.sampled_from(HOURS)), draw(st.sampled_from(ZONES)), halves)


def moments(first: datetime = FIRST, last: datetime = LAST) -> st.SearchStrategy[datetime]:
    """Any microsecond, and as often a half hour, where windows open and close."""
    microseconds = st.integers(0, (last - first) // MICROSECOND).map(lambda offset: first + offset * MICROSECOND)
    half_hours = st.integers(0, (last - first) // HALF_HOUR).map(lambda offset: first + offset * HALF_HOUR)
    return microseconds | half_hours


spans = st.integers(0, 200 * 3600 * 10**6).map(lambda amount: amount * MICROSECOND) | st.integers(0, 400).map(
    lambda amount: amount * HALF_HOUR
)
day_promises = st.one_of(
    st.builds(Promise, st.just("working_days"), st.integers(1, 40)),
    st.builds(Promise, st.just("calendar_days"), st.integers(1, 60)),
)
ends_of_days = st.sampled_from(["end_of_day", "office_end"])
# Every promise in days that may not end on a rest day, under every rule of start and end.
ruled_days = st.one_of(
    st.builds(Promise, st.just("working_days"), st.integers(1, 40), end=ends_of_days),
    st.builds(
        Promise,
        st.sampled_from(["working_days", "calendar_days"]),
        st.integers(1, 40),
        start=st.just("same_day"),
        cutoff=st.sampled_from([None, time(9), time(17)]),
        end=ends_of_days,
    ),
    st.builds(Promise, st.just("calendar_days"), st.integers(1, 60), end=ends_of_days),
    st.builds(Promise, st.just("same_day"), st.just(1), cutoff=st.sampled_from([time(9), time(17)]), end=ends_of_days),
    st.just(Promise("same_day", 1, end="office_end")),
)
minutes = st.integers(1, 6000) | st.integers(1, 200).map(lambda amount: amount * 30)
minute_promises = st.builds(Promise, st.sampled_from(["working_minutes", "real_minutes"]), minutes)
promises = st.one_of(st.just(Promise("same_day", 1)), day_promises, minute_promises)


@st.composite
def pauses(draw: st.DrawFn, start: datetime) -> tuple[Pause, ...]:
    """Up to four pauses after `start` that may touch."""
    grain = draw(st.sampled_from([timedelta(minutes=1), HALF_HOUR]))
    gaps = draw(st.lists(st.integers(0, timedelta(days=6) // grain), max_size=8))
    out, moment = [], start
    for wait, length in zip(gaps[::2], gaps[1::2], strict=False):
        first = moment + wait * grain
        moment = first + length * grain
        out.append(Pause(first, moment))
    return tuple(out)


# -- open time ------------------------------------------------------------------------------------------


@given(calendars(), moments(), spans)
def test_adding_then_measuring_gives_back_the_amount(calendar: WorkCalendar, start: datetime, span: timedelta) -> None:
    end = calendar.add_open_time(start, span)
    assert calendar.open_time_between(start, end) == span
    if span:
        # The earliest such instant: a moment before it, some of the span is still missing.
        assert calendar.open_time_between(start, end - MICROSECOND) < span


@covers("S25")
def test_ten_thousand_spans_measure_back_and_order_as_they_should() -> None:
    chance = random.Random(12351)
    weekends = [day for day in year_days() if day.weekday() > 4]
    for _ in range(20):
        off = frozenset(chance.sample(list(year_days()), 30))
        work = frozenset(chance.sample(weekends, 10)) - off
        calendar = built(off, work, chance.choice(HOURS), chance.choice(ZONES))
        for _ in range(500):
            grain = chance.choice([HALF_HOUR, timedelta(seconds=1)])
            start = FIRST + chance.randrange((LAST - FIRST) // grain) * grain
            span = chance.randrange(timedelta(hours=200) // grain) * grain
            end = calendar.add_open_time(start, span)
            assert calendar.open_time_between(start, end) == span
            assert calendar.open_time_between(start, end - MICROSECOND) < span or not span
            assert calendar.add_open_time(start, span + MICROSECOND) > end
            assert calendar.add_open_time(start + MICROSECOND, span) >= end


@given(calendars(), moments(first=datetime(YEAR, 5, 1, tzinfo=UTC)), spans)
def test_going_back_then_measuring_gives_back_the_amount(
    calendar: WorkCalendar, end: datetime, span: timedelta
) -> None:
    total = calendar.open_time_between(FIRST, end)
    assume(span <= total)
    start = calendar.add_open_time(end, -span)
    assert start <= end
    assert calendar.open_time_between(start, end) == span
    if span:
        assert calendar.open_time_between(start + MICROSECOND, end) < span


@given(calendars(), moments(), moments(), spans, spans)
def test_adding_is_monotone_in_start_and_in_amount(
    calendar: WorkCalendar, one: datetime, other: datetime, short: timedelta, long: timedelta
) -> None:
    earlier, later = sorted((one, other))
    less, more = sorted((short, long))
    assert calendar.add_open_time(earlier, less) <= calendar.add_open_time(later, less)
    assert calendar.add_open_time(earlier, less) <= calendar.add_open_time(earlier, more)


@given(calendars(), moments(), moments(), moments())
def test_open_time_adds_up(calendar: WorkCalendar, one: datetime, two: datetime, three: datetime) -> None:
    a, b, c = sorted((one, two, three))
    whole = calendar.open_time_between(a, c)
    assert calendar.open_time_between(a, b) + calendar.open_time_between(b, c) == whole
    assert whole <= c - a


@given(calendars(), moments())
def test_openings_agree_with_being_open(calendar: WorkCalendar, at: datetime) -> None:
    following = calendar.next_open(at)
    assert calendar.is_open(following)
    assert calendar.open_time_between(at, following) == timedelta(0)
    assert (following == at) == calendar.is_open(at)


@given(calendars(), days_of_year)
def test_the_windows_of_a_day_are_its_open_time(calendar: WorkCalendar, day: date) -> None:
    assume(calendar.end_of_day(day) - calendar.start_of_day(day) == timedelta(days=1))
    minutes = sum(window.minutes for window in calendar.windows(day))
    measured = calendar.open_time_between(calendar.start_of_day(day), calendar.end_of_day(day))
    assert measured == timedelta(minutes=minutes)
    nights = bool(calendar.hours.default.after_midnight)
    for override in calendar.overrides:
        assert nights or calendar.windows(override.date) == HALF_DAY.windows


# -- days -----------------------------------------------------------------------------------------------


@given(calendars(), days_of_year, st.integers(-60, 200))
def test_adding_working_days_then_counting_gives_back_the_number(calendar: WorkCalendar, day: date, count: int) -> None:
    assume(count >= 0 or calendar.working_days_between(calendar.first_day, day) > -count + 1)
    end = calendar.add_working_days(day, count)
    if count >= 0 or calendar.is_working_day(day):
        assert calendar.working_days_between(day, end) == count
    if count:
        assert calendar.is_working_day(end)


@given(calendars(), days_of_year)
def test_a_day_rolls_to_the_first_working_day_from_it_on(calendar: WorkCalendar, day: date) -> None:
    rolled = calendar.roll_forward(day)
    passed = [day + timedelta(days=offset) for offset in range((rolled - day).days)]
    assert calendar.is_working_day(rolled)
    assert not any(calendar.is_working_day(day) for day in passed)


@given(calendars(), days_of_year, days_of_year)
def test_counting_one_by_one_agrees(calendar: WorkCalendar, one: date, other: date) -> None:
    start, end = sorted((one, other))
    span = (end - start).days
    slow = sum(calendar.is_working_day(start + timedelta(days=offset)) for offset in range(1, span + 1))
    assert calendar.working_days_between(start, end) == slow == -calendar.working_days_between(end, start)


@given(calendars(), moments(), ruled_days, st.integers(0, 6), st.data())
def test_a_promise_in_days_never_ends_on_a_rest_day(
    calendar: WorkCalendar, start: datetime, promise: Promise, extension: int, data: st.DataObject
) -> None:
    stood = data.draw(pauses(start))
    due = deadline(promise, start, calendar, pauses=stood, extension_days=extension)
    assert calendar.is_working_day(due.last_day)
    ends = {"end_of_day": calendar.end_of_day(due.last_day), "office_end": calendar.office_end(due.last_day)}
    assert due.due_at == ends[promise.end]
    assert due.last_day >= calendar.local_date(start)


@given(calendars(), days_of_year, st.integers(1, 40), st.sampled_from(["end_of_day", "office_end"]), st.data())
def test_every_day_of_a_holiday_has_the_deadline_of_the_last_working_day_before_it(
    calendar: WorkCalendar, day: date, count: int, end: EndRule, data: st.DataObject
) -> None:
    promise = Promise("working_days", count, end=end)
    before = calendar.roll_forward(day)
    expected = deadline(promise, calendar.start_of_day(before), calendar)
    assert expected.last_day == calendar.add_working_days(before, count)
    resting = before + timedelta(days=1)
    while not calendar.is_working_day(resting):
        first, last = calendar.start_of_day(resting), calendar.end_of_day(resting)
        moment = data.draw(moments(first, last - MICROSECOND))
        assert deadline(promise, moment, calendar) == expected
        resting += timedelta(days=1)


@given(calendars(), moments(), moments(), promises)
def test_a_later_start_never_ends_earlier(
    calendar: WorkCalendar, one: datetime, other: datetime, promise: Promise
) -> None:
    earlier, later = sorted((one, other))
    assert deadline(promise, earlier, calendar).due_at <= deadline(promise, later, calendar).due_at
    for extension in (1, 3):
        ends = [deadline(promise, start, calendar, extension_days=extension).due_at for start in (earlier, later)]
        assert ends == sorted(ends)


@given(calendars(), moments(), st.integers(1, 40), st.integers(1, 40), st.integers(0, 5), st.data())
def test_a_longer_promise_never_ends_earlier(
    calendar: WorkCalendar, start: datetime, one: int, other: int, extension: int, data: st.DataObject
) -> None:
    short, long = sorted((one, other))
    stood = data.draw(pauses(start))
    for unit in ("working_days", "calendar_days", "working_minutes", "real_minutes"):
        ends = [
            deadline(Promise(unit, amount), start, calendar, pauses=stood, extension_days=extension).due_at
            for amount in (short, long)
        ]
        assert ends == sorted(ends)
        longer = deadline(Promise(unit, short), start, calendar, pauses=stood, extension_days=extension + 1).due_at
        assert longer > ends[0]


@given(calendars(), moments(), st.one_of(ruled_days, minute_promises), days_of_year, st.data())
def test_a_made_up_day_never_makes_a_deadline_later(
    calendar: WorkCalendar, start: datetime, promise: Promise, day: date, data: st.DataObject
) -> None:
    assume(not calendar.is_working_day(day))
    stood = data.draw(pauses(start))
    more = calendar.with_overrides([DayOverride(day, "work")])
    assert (
        deadline(promise, start, more, pauses=stood).due_at <= deadline(promise, start, calendar, pauses=stood).due_at
    )


@given(calendars(), moments(), st.integers(1, 30), st.data())
def test_a_made_up_day_within_a_promise_brings_it_forward_to_the_working_day_before(
    calendar: WorkCalendar, start: datetime, count: int, data: st.DataObject
) -> None:
    promise = Promise("working_days", count)
    due = deadline(promise, start, calendar).last_day
    span = (due - calendar.local_date(start)).days
    resting = [
        day for day in (due - timedelta(days=offset) for offset in range(1, span)) if not calendar.is_working_day(day)
    ]
    assume(resting)
    day = data.draw(st.sampled_from(resting))
    more = calendar.with_overrides([DayOverride(day, "work")])
    assert deadline(promise, start, more).last_day == more.add_working_days(due, -1)


# -- pauses ---------------------------------------------------------------------------------------------


@given(calendars(), moments(), minute_promises, st.data())
def test_a_pause_moves_a_deadline_in_minutes_by_its_counted_time(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    due = deadline(promise, start, calendar).due_at
    lead = data.draw(st.integers(0, (due - start) // MICROSECOND - 1)) * MICROSECOND
    pause = Pause(start + lead, start + lead + data.draw(st.integers(0, 10 * 24 * 3600)) * timedelta(seconds=1))
    assert pause.end is not None
    # At the deadline's own closing instant nothing is left to count, so the pause must begin before it is used up.
    assume(promise.unit == "real_minutes" or calendar.open_time_between(pause.start, due))
    paused = deadline(promise, start, calendar, pauses=[pause]).due_at
    if promise.unit == "real_minutes":
        assert paused == due + (pause.end - pause.start)
    else:
        assert paused == calendar.add_open_time(due, calendar.open_time_between(pause.start, pause.end))


@given(calendars(), moments(), promises, st.data())
def test_pauses_never_bring_a_deadline_forward(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    stood = data.draw(pauses(start))
    plain = deadline(promise, start, calendar)
    paused = deadline(promise, start, calendar, pauses=stood)
    assert paused.due_at >= plain.due_at
    if not stood or stood[0].start >= plain.due_at:
        assert paused == plain


@given(
    calendars(),
    moments(),
    st.builds(
        Promise,
        st.sampled_from(["working_days", "calendar_days"]),
        st.integers(1, 30),
        roll=st.booleans(),
        start=st.sampled_from(["next_day", "same_day"]),
    ),
    st.integers(0, 4),
    st.data(),
)
def test_a_deadline_in_days_agrees_with_counting_one_by_one(
    calendar: WorkCalendar, start: datetime, promise: Promise, extension: int, data: st.DataObject
) -> None:
    stood = data.draw(pauses(start))

    def runs(day: date) -> bool:
        end = calendar.end_of_day(day)
        return not any(pause.start < end and pause.end is not None and pause.end >= end for pause in stood)

    def after(day: date, count: int, *, resting: bool) -> date:
        while count:
            day += timedelta(days=1)
            count -= runs(day) and (resting or calendar.is_working_day(day))
        return day

    eve = calendar.local_date(start) - timedelta(days=promise.start == "same_day")
    last = after(eve, promise.amount, resting=promise.unit == "calendar_days")
    if promise.unit == "calendar_days" and promise.roll and not calendar.is_working_day(last):
        last = after(last, 1, resting=False)
    last = after(last, extension, resting=False)
    due = deadline(promise, start, calendar, pauses=stood, extension_days=extension)
    assert due.last_day == last


@given(calendars(), moments(), promises, st.integers(0, 10), st.data())
def test_splitting_a_pause_in_two_changes_nothing(
    calendar: WorkCalendar, start: datetime, promise: Promise, extension: int, data: st.DataObject
) -> None:
    stood = data.draw(pauses(start))
    assume(stood)
    first = stood[0]
    assert first.end is not None
    middle = first.start + (first.end - first.start) / 2
    split = (Pause(first.start, middle), Pause(middle, first.end), *stood[1:])
    one = deadline(promise, start, calendar, pauses=stood, extension_days=extension)
    assert deadline(promise, start, calendar, pauses=split, extension_days=extension) == one


# -- explanation, clocks, ladders -----------------------------------------------------------------------


@given(calendars(), moments(), promises, st.just(0) | st.integers(0, 6), st.data())
def test_the_explanation_counts_what_was_promised_and_ends_at_the_deadline(
    calendar: WorkCalendar, start: datetime, promise: Promise, extension: int, data: st.DataObject
) -> None:
    clock = Clock(ClockKind.resolve, promise, start, data.draw(pauses(start)), extension)
    told = explain(clock, calendar)
    due = clock.deadline(calendar)
    assert (told.due_at, told.last_day, told.provisional) == (due.due_at, due.last_day, due.provisional)
    assert told.lines[-1].date == due.last_day
    if promise.in_days:
        assert sum(line.counted for line in told.lines) == promise.amount + extension
        days = [line.date for line in told.lines]
        assert days == [days[0] + timedelta(days=offset) for offset in range(len(days))]
    elif not extension:
        assert told.lines[-1].running_count == promise.amount


@given(calendars(), moments(), promises, st.data())
def test_used_and_remaining_add_up(
    calendar: WorkCalendar, start: datetime, promise: Promise, data: st.DataObject
) -> None:
    clock = Clock(ClockKind.resolve, promise, start, data.draw(pauses(start)))
    due = clock.deadline(calendar).due_at
    total = clock.used(calendar, due)
    at = start + data.draw(st.integers(0, 30 * 24 * 60)) * timedelta(minutes=1)
    assert clock.used(calendar, at) + clock.remaining(calendar, at) == total
    assert (clock.breached_at(calendar, at) is None) == (at < due)
    assert clock.breached_at(calendar, due) == due
    assert due - MICROSECOND < start or clock.breached_at(calendar, due - MICROSECOND) is None


@given(calendars(), moments(), promises, st.floats(0, 1), st.floats(0, 1))
def test_instants_at_fractions_are_ordered_and_lie_within_the_clock(
    calendar: WorkCalendar, start: datetime, promise: Promise, one: float, other: float
) -> None:
    clock = Clock(ClockKind.resolve, promise, start)
    instants = [clock.instant_at_fraction(calendar, share) for share in (0.0, *sorted((one, other)), 1.0)]
    assert instants == sorted(instants)
    assert start <= instants[0]
    assert instants[-1] <= clock.deadline(calendar).due_at


@given(moments(REAL_FIRST, REAL_LAST), st.sampled_from(Tier), st.booleans(), st.sampled_from(ClockKind), st.data())
def test_planned_rungs_are_ordered_and_none_precedes_the_start(
    start: datetime, tier: Tier, urgent: bool, kind: ClockKind, data: st.DataObject
) -> None:
    calendar, policy = load_calendar(), load_policy()
    clock = Clock(kind, policy.promise(kind, tier, urgent=urgent), start, data.draw(pauses(start)))
    planned = plan(clock, policy.ladder(kind, tier, urgent=urgent), calendar)
    instants = [entry.at for entry in planned]
    assert instants == sorted(instants)
    assert instants[0] >= start
    due = clock.deadline(calendar).due_at
    for entry in planned:
        assert entry.rung.follows_breach == (entry.at >= due) or entry.at == due
    stop = start + data.draw(st.integers(0, 40 * 24 * 60)) * timedelta(minutes=1)
    assume(not clock.pauses or stop >= clock.pauses[-1].start)
    stopped = Clock(kind, clock.promise, start, clock.pauses, stopped_at=stop)
    earned = plan(stopped, policy.ladder(kind, tier, urgent=urgent), calendar)
    assert bool(earned) == (stop >= due)
    assert [entry for entry in planned if entry.at <= stop and entry.rung.follows_breach] == list(earned)


@settings(max_examples=20)
@given(calendars())
def test_a_calendar_written_down_is_the_same_calendar(calendar: WorkCalendar) -> None:
    restored = calendar_from_document(calendar.to_document())
    assert restored == calendar
    start = FIRST + timedelta(days=100)
    assert restored.add_open_time(start, timedelta(hours=100)) == calendar.add_open_time(start, timedelta(hours=100))


@given(st.lists(st.integers(0, 1440), min_size=2, max_size=8, unique=True))
def test_hours_written_down_are_the_same_hours(bounds: list[int]) -> None:
    bounds = sorted(bounds)[: len(bounds) // 2 * 2]
    texts = [
        f"{first // 60:02d}:{first % 60:02d}-{last // 60:02d}:{last % 60:02d}"
        for first, last in zip(bounds[::2], bounds[1::2], strict=True)
    ]
    assert parse_hours(texts).to_document() == texts
