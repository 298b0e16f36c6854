"""Deadlines in batches: what one call for each start would say, on every kind of promise and calendar."""

from __future__ import annotations

import random
from datetime import UTC, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from sla_rules import (
    Deadline,
    NaiveTime,
    OutsideCalendar,
    Promise,
    WorkCalendar,
    deadline,
    deadlines,
    load_calendar,
)
from sla_rules.counting import Segment, Stretch, course

SHANGHAI = timezone(timedelta(hours=8))
ZONES = (UTC, SHANGHAI, timezone(timedelta(hours=-5)))
FIRST = datetime(2010, 1, 4, tzinfo=SHANGHAI)
MINUTES = 17 * 365 * 24 * 60 - 30 * 24 * 60

PROMISES = (
    Promise("working_days", 5),
    Promise("working_days", 1),
    Promise("working_days", 250),
    Promise("working_minutes", 16 * 60),
    Promise("working_minutes", 1),
    Promise("real_minutes", 120),
    Promise("calendar_days", 15),
    Promise("calendar_days", 15, roll=False),
    Promise("same_day", 1),
    Promise("same_day", 1, cutoff=time(16)),
)


def random_starts(count: int) -> list[datetime]:
    """Moments of 2010 to 2026 at any hour, written in several zones, midnights among them."""
    rng = random.Random(12351)
    out = []
    for number in range(count):
        start = FIRST + timedelta(minutes=rng.randrange(MINUTES), microseconds=rng.choice((0, 1, 999_999)))
        if number % 10 == 0:
            start = start.replace(hour=0, minute=0, second=0, microsecond=0)
        out.append(start.astimezone(rng.choice(ZONES)))
    return out


def berlin() -> WorkCalendar:
    return WorkCalendar.from_years(load_calendar().years, tz="Europe/Berlin")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.unit}-{promise.amount}")
def test_a_batch_says_what_single_calls_say(promise: Promise, calendar: WorkCalendar) -> None:
    starts = random_starts(4_000)
    assert deadlines(promise, starts, calendar) == [deadline(promise, start, calendar) for start in starts]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: f"{promise.unit}-{promise.amount}")
def test_a_batch_follows_a_zone_with_summer_time(promise: Promise) -> None:
    elsewhere = berlin()
    starts = random_starts(500)
    assert deadlines(promise, starts, elsewhere) == [deadline(promise, start, elsewhere) for start in starts]


@pytest.mark.parametrize("amount", [1, 5, 60, 250])
def test_working_days_are_those_found_by_walking(amount: int, calendar: WorkCalendar) -> None:
    for start, due in zip(
        starts := random_starts(400), deadlines(Promise("working_days", amount), starts, calendar), strict=True
    ):
        day, left = start.astimezone(SHANGHAI).date(), amount
        while left:
            day += timedelta(days=1)
            left -= calendar.is_working_day(day)
        end = datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
        assert due == Deadline(end.astimezone(UTC), calendar.is_provisional(day), day)


def test_the_explained_course_ends_where_the_short_way_does(calendar: WorkCalendar) -> None:
    for start in random_starts(1_000):
        days = course(Promise("working_days", 5), start, calendar)
        first = start.astimezone(SHANGHAI).date()
        assert days.deadline == deadline(Promise("working_days", 5), start, calendar)
        assert days.stretches == (
            Stretch(first, first, "start"),
            Stretch(first + timedelta(days=1), days.deadline.last_day, "working"),
        )
        minutes = course(Promise("working_minutes", 960), start, calendar)
        assert minutes.deadline == deadline(Promise("working_minutes", 960), start, calendar)
        assert minutes.segments == (Segment(start, minutes.deadline.due_at),)


def test_the_zone_a_start_is_written_in_changes_nothing(calendar: WorkCalendar) -> None:
    promise, starts = Promise("working_days", 5), random_starts(500)
    expected = [deadline(promise, start, calendar) for start in starts]
    for zone in (*ZONES, ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")):
        assert deadlines(promise, [start.astimezone(zone) for start in starts], calendar) == expected


def test_an_empty_batch_has_no_deadlines(calendar: WorkCalendar) -> None:
    assert deadlines(Promise("working_days", 5), [], calendar) == []


def test_a_batch_may_be_any_iterable(calendar: WorkCalendar) -> None:
    promise = Promise("working_days", 5)
    assert deadlines(promise, iter([FIRST]), calendar) == [deadline(promise, FIRST, calendar)]


@pytest.mark.parametrize("promise", [Promise("working_days", 5), Promise("working_minutes", 960)])
def test_a_naive_start_is_refused_and_named(promise: Promise, calendar: WorkCalendar) -> None:
    naive = datetime(2024, 3, 5, 9)  # noqa: DTZ001 - a naive time is the case
    for ask in (
        lambda: deadlines(promise, [FIRST, naive], calendar),
        lambda: deadline(promise, naive, calendar),
        lambda: deadlines(promise, [naive], berlin()),
    ):
        with pytest.raises(NaiveTime, match="2024-03-05T09:00:00"):
            ask()


@pytest.mark.parametrize("unit", ["working_days", "working_minutes"])
@pytest.mark.parametrize("year", [1999, 2080])
def test_a_start_outside_the_calendar_is_refused(unit: str, year: int, calendar: WorkCalendar) -> None:
    start = datetime(year, 1, 1, tzinfo=UTC)
    promise = Promise(unit, 5)  # type: ignore[arg-type]
    with pytest.raises(OutsideCalendar):
        deadline(promise, start, calendar)
    with pytest.raises(OutsideCalendar):
        deadlines(promise, [FIRST, start], calendar)


@pytest.mark.parametrize("calendar", [load_calendar(), berlin()], ids=["Shanghai", "Berlin"])
def test_the_day_after_the_last_is_outside(calendar: WorkCalendar) -> None:
    end = calendar.end_of_day(calendar.last_day)
    before = end - timedelta(microseconds=1)
    assert calendar.local_date(before) == calendar.last_day
    assert calendar.day_index(before) == calendar.day_count - 1
    with pytest.raises(OutsideCalendar):
        calendar.day_index(end)
    with pytest.raises(OutsideCalendar):
        deadlines(Promise("same_day", 1), [end], calendar)
    assert calendar.day_index(calendar.start_of_day(calendar.first_day)) == 0


def test_a_promise_past_the_horizon_is_refused(calendar: WorkCalendar) -> None:
    with pytest.raises(OutsideCalendar, match="working days"):
        deadlines(Promise("working_days", 1_000_000), [FIRST], calendar)
