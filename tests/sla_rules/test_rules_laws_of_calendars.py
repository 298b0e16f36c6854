"""Laws of what a calendar is made of: days added and taken, regions, and zones that change their clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sla_rules import (
    Clock,
    ClockKind,
    DayOverride,
    Promise,
    RegionalLayer,
    WorkCalendar,
    deadline,
    explain,
)
from tests.sla_rules.test_rules_laws import (
    HALF_DAY,
    HOURS,
    YEAR,
    built,
    calendars,
    days_of_year,
    minute_promises,
    moments,
    promises,
    ruled_days,
)

PREFECTURE, COUNTY, ELSEWHERE = "6327", "632721", "630102"
every_promise = st.one_of(ruled_days, promises)
some_days = st.frozensets(days_of_year, min_size=1, max_size=5)


def with_layers(calendar: WorkCalendar, *layers: RegionalLayer) -> WorkCalendar:
    return WorkCalendar.from_years(
        calendar.years, calendar.hours, calendar.tz, overrides=calendar.overrides, layers=layers, horizon_years=1
    )


def observance(days: frozenset[date], *, stops_clock: bool) -> RegionalLayer:
    return RegionalLayer(
        PREFECTURE, "州庆", tuple(DayOverride(day, "off") for day in sorted(days)), stops_clock=stops_clock
    )


# -- days added and taken -------------------------------------------------------------------------------


@given(calendars(), moments(), every_promise, some_days)
def test_a_day_taken_never_brings_a_deadline_forward(
    calendar: WorkCalendar, start: datetime, promise: Promise, days: frozenset[date]
) -> None:
    known = {override.date for override in calendar.overrides}
    fewer = calendar.with_overrides([DayOverride(day, "off") for day in days - known])
    # A day cut off at its start, or one that rests by then, hands over to the next working day: later as well.
    assert deadline(promise, start, fewer).due_at >= deadline(promise, start, calendar).due_at


@given(calendars(), moments(), minute_promises, days_of_year)
def test_shorter_hours_never_bring_a_deadline_in_minutes_forward(
    calendar: WorkCalendar, start: datetime, promise: Promise, day: date
) -> None:
    assume(calendar.is_working_day(day) and calendar.hours.default.windows[0].start <= 540)
    assume(not calendar.hours.default.after_midnight and calendar.windows(day)[0].end >= 690)
    assume(day not in {override.date for override in calendar.overrides})
    shorter = calendar.with_overrides([DayOverride(day, "work", HALF_DAY)])
    assert deadline(promise, start, shorter).due_at >= deadline(promise, start, calendar).due_at


# -- regions --------------------------------------------------------------------------------------------


@given(calendars(), moments(), every_promise, some_days)
def test_an_observance_that_stops_no_clock_moves_no_deadline_and_is_told(
    calendar: WorkCalendar, start: datetime, promise: Promise, days: frozenset[date]
) -> None:
    region = with_layers(calendar, observance(days, stops_clock=False)).for_union(COUNTY)
    clock = Clock(ClockKind.resolve, promise, start)
    assert clock.deadline(region) == clock.deadline(calendar)
    told, plain = explain(clock, region), explain(clock, calendar)
    assert [line.counted for line in told.lines] == [line.counted for line in plain.lines]
    assert all(region.day(day).observances == ("州庆",) for day in days)


@given(calendars(), moments(), every_promise, some_days)
def test_an_observance_that_stops_clocks_is_a_day_off_there_and_nowhere_else(
    calendar: WorkCalendar, start: datetime, promise: Promise, days: frozenset[date]
) -> None:
    province = with_layers(calendar, observance(days, stops_clock=True))
    assume(not days & {override.date for override in calendar.overrides})
    declared = calendar.with_overrides([DayOverride(day, "off") for day in sorted(days)])
    for union in (PREFECTURE, COUNTY):
        there = deadline(promise, start, province.for_union(union))
        assert there == deadline(promise, start, declared)
        assert there.due_at >= deadline(promise, start, province).due_at
    for union in ("63", ELSEWHERE):
        assert deadline(promise, start, province.for_union(union)) == deadline(promise, start, calendar)


@given(calendars(), some_days)
def test_the_word_of_the_smaller_region_holds(calendar: WorkCalendar, days: frozenset[date]) -> None:
    working = RegionalLayer(
        COUNTY, "本县照常", tuple(DayOverride(day, "work") for day in sorted(days)), stops_clock=True
    )
    for layers in ((observance(days, stops_clock=True), working), (working, observance(days, stops_clock=True))):
        province = with_layers(calendar, *layers)
        assert all(province.for_union(COUNTY).is_working_day(day) for day in days)
        assert not any(province.for_union(PREFECTURE).is_working_day(day) for day in days)
        assert all(province.for_union(ELSEWHERE).is_working_day(day) == calendar.is_working_day(day) for day in days)


# -- zones that change their clocks ---------------------------------------------------------------------

# The local days on which 2026 changes its clocks there.
CHANGES = {
    "Europe/Berlin": (date(YEAR, 3, 29), date(YEAR, 10, 25)),
    "America/New_York": (date(YEAR, 3, 8), date(YEAR, 11, 1)),
    "Australia/Lord_Howe": (date(YEAR, 4, 5), date(YEAR, 10, 4)),
}
changes = st.sampled_from([(tz, day) for tz, days in CHANGES.items() for day in days])


def open_minutes(calendar: WorkCalendar, start: datetime, minutes: int) -> int:
    """Minute by minute, by what the clock on the wall shows."""
    zone, total = ZoneInfo(calendar.tz), 0
    for offset in range(minutes):
        wall = (start + timedelta(minutes=offset)).astimezone(zone)
        shown = wall.hour * 60 + wall.minute
        total += any(window.start <= shown < window.end for window in calendar.windows(wall.date()))
    return total


@settings(max_examples=60)
@given(changes, st.sampled_from(HOURS), st.integers(-36 * 60, 12 * 60), st.integers(0, 48 * 60))
def test_open_time_over_a_change_of_the_clocks_is_what_the_wall_shows(
    change: tuple[str, date], hours: tuple[str, ...], lead: int, minutes: int
) -> None:
    tz, day = change
    # The day of the change works: in these zones it is a Sunday.
    calendar = built(frozenset(), frozenset({day, day - timedelta(days=1)}), hours, tz)
    start = calendar.start_of_day(day) + timedelta(minutes=lead)
    end = start + timedelta(minutes=minutes)
    assert calendar.open_time_between(start, end) == timedelta(minutes=open_minutes(calendar, start, minutes))


@given(changes, st.integers(-5, 5), st.integers(1, 10), st.integers(0, 23))
def test_days_are_local_days_whatever_their_length(change: tuple[str, date], lead: int, count: int, hour: int) -> None:
    tz, day = change
    calendar, zone = built(frozenset(), frozenset({day}), HOURS[0], tz), ZoneInfo(tz)
    first = day + timedelta(days=lead)
    start = datetime.combine(first, time(hour, 30), zone).astimezone(UTC)
    assert calendar.local_date(start) == first
    for promise in (Promise("working_days", count), Promise("calendar_days", count)):
        due = deadline(promise, start, calendar)
        assert due.due_at.astimezone(zone) == datetime.combine(due.last_day + timedelta(days=1), time(), zone)
    assert deadline(Promise("calendar_days", count, roll=False), start, calendar).last_day == first + timedelta(
        days=count
    )
    assert deadline(Promise("real_minutes", count), start, calendar).due_at == start + timedelta(minutes=count)


@given(calendars(), days_of_year)
def test_the_days_of_a_calendar_meet_at_midnight(calendar: WorkCalendar, day: date) -> None:
    following = day + timedelta(days=1)
    assert calendar.end_of_day(day) == calendar.start_of_day(following)
    assert calendar.local_date(calendar.start_of_day(day)) == day
    assert calendar.local_date(calendar.end_of_day(day) - timedelta(microseconds=1)) == day
    assert calendar.local(calendar.start_of_day(day)).time() == time()
