"""Days as a unit: counted under the notices, ended with the day or with the office, and moved by an amended notice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache

import pytest

from sla_rules import (
    AtWorkingTime,
    Clock,
    ClockKind,
    Holiday,
    NoticeYear,
    Promise,
    Rung,
    WorkCalendar,
    deadline,
    load_calendar,
    plan,
)
from tests.rows import covers
from tests.sla_rules.named_calendars import calendars, custom, instant

At = Callable[[str], datetime]

FIVE = Promise("working_days", 5)
FIFTEEN = Promise("calendar_days", 15)
FIFTEEN_WORKING = Promise("working_days", 15)


@cache
def without_made_up_days() -> WorkCalendar:
    """The built-in calendar as though no weekend were worked in exchange."""
    return WorkCalendar.from_years(
        replace(year, holidays=tuple(replace(holiday, work=()) for holiday in year.holidays if holiday.off))
        for year in load_calendar().years
    )


# Row, first day, last day, and the last day if nobody worked in exchange.
FIVE_DAYS = [
    ("W5", "2026-02-12", "2026-02-26", "2026-02-27"),
    ("W6", "2026-02-14", "2026-02-28", "2026-03-02"),
    ("W8", "2026-09-30", "2026-10-13", "2026-10-14"),
    ("W9", "2026-09-18", "2026-09-24", "2026-09-28"),
    ("W10", "2025-12-31", "2026-01-08", "2026-01-09"),
    ("W11", "2026-04-30", "2026-05-11", "2026-05-12"),
    ("W12", "2026-06-18", "2026-06-26", "2026-06-26"),
    ("W12b", "2026-02-28", "2026-03-06", "2026-03-06"),
    ("W12c", "2026-10-10", "2026-10-16", "2026-10-16"),
    ("W17", "2018-02-09", "2018-02-22", "2018-02-23"),
    ("W17b", "2018-02-14", "2018-02-27", "2018-02-28"),
]

# Row, promise, first day, last day.
DAYS = [
    # By choice the day of acceptance is not counted on a holiday either (Civil Code, art. 201): GLPI, which begins
    # with the next working day as day 0, says 03-02.
    ("W7", FIVE, "2026-02-17", "2026-02-28"),
    ("W13", replace(FIFTEEN, roll=False), "2026-02-02", "2026-02-17"),
    ("W13b", FIFTEEN, "2026-02-02", "2026-02-24"),
    ("W14", FIFTEEN_WORKING, "2026-02-02", "2026-02-28"),
    ("W15", replace(FIFTEEN, roll=False), "2026-09-18", "2026-10-03"),
    ("W15b", FIFTEEN, "2026-09-18", "2026-10-08"),
    ("W15c", FIFTEEN_WORKING, "2026-09-18", "2026-10-15"),
    ("W16", FIFTEEN, "2026-02-12", "2026-02-27"),
    ("W16b", FIFTEEN_WORKING, "2026-02-12", "2026-03-11"),
]


@covers(table=FIVE_DAYS)
@pytest.mark.parametrize(("first", "last", "otherwise"), [row[1:] for row in FIVE_DAYS], ids=[r[0] for r in FIVE_DAYS])
def test_days_worked_in_exchange_are_working_days(
    first: str, last: str, otherwise: str, calendar: WorkCalendar, at: At
) -> None:
    start = at(f"{first} 10:00")
    assert deadline(FIVE, start, calendar).last_day == date.fromisoformat(last)
    assert deadline(FIVE, start, without_made_up_days()).last_day == date.fromisoformat(otherwise)


@covers(table=DAYS)
@pytest.mark.parametrize(("promise", "first", "last"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_days_end_with_the_last_day(promise: Promise, first: str, last: str, calendar: WorkCalendar, at: At) -> None:
    due = deadline(promise, at(f"{first} 10:00"), calendar)
    assert due.last_day == date.fromisoformat(last)
    assert due.due_at == at(f"{last} 00:00") + timedelta(days=1)


@covers("W1")
def test_seven_working_days_there_and_back() -> None:
    calendar, start = calendars("GLd"), instant("GLd", "2018-11-19 10:00")
    # By choice a day has no minute: the row's 11-28 10:00 is the end of 11-28, or of its office day at 20:00.
    assert deadline(Promise("working_days", 7), start, calendar).due_at == instant("GLd", "2018-11-29 00:00")
    to_office_end = Promise("working_days", 7, end="office_end")
    assert deadline(to_office_end, start, calendar).due_at == instant("GLd", "2018-11-28 20:00")
    assert calendar.add_working_days(date(2018, 11, 19), -7) == date.fromisoformat("2018-11-08")


@covers("W2")
def test_five_working_days_to_the_end_of_the_office_day_and_warnings_before_it() -> None:
    calendar, start = calendars("GL"), instant("GL", "2034-06-09 08:46:12")
    clock = Clock(ClockKind.resolve, Promise("working_days", 5, end="office_end"), start)
    due = clock.deadline(calendar)
    assert due.due_at == instant("GL", "2034-06-16 19:00")
    # By choice the level is counted from our deadline; from the row's 06-16 08:46:12 it would be the row's.
    (eight_hours,) = plan(clock, [Rung("8h", AtWorkingTime(-480), ("handler",))], calendar)
    assert eight_hours.at == instant("GL", "2034-06-16 11:00")
    same_minute = instant("GL", "2034-06-16 08:46:12")
    assert calendar.add_open_time(same_minute, -timedelta(hours=8)) == instant("GL", "2034-06-15 11:16:12")
    # Two office days of 10.5 hours before the end. By choice going back stays at the opening of the day used up
    # where the row has the closing of the day before: no office hour lies between the two.
    (two_days,) = plan(clock, [Rung("2d", AtWorkingTime(-2 * 630), ("handler",))], calendar)
    assert two_days.at == instant("GL", "2034-06-15 08:30")
    assert calendar.open_time_between(instant("GL", "2034-06-14 19:00"), two_days.at) == timedelta(0)


@covers("W3")
def test_single_days_off_are_passed_over_both_ways() -> None:
    calendar = custom(range(2020, 2021), ["09:00-17:00"], "UTC", off=["2020-09-21", "2020-09-15"])
    saturday = date.fromisoformat("2020-09-19")
    assert calendar.add_working_days(saturday, 1) == date.fromisoformat("2020-09-22")
    assert calendar.add_working_days(saturday, -5) == date.fromisoformat("2020-09-11")


@covers("W4")
def test_a_week_of_six_days() -> None:
    calendar = custom(range(2020, 2021), ["09:00-17:00"], "UTC", rest={6}, off=["2020-09-15"])
    sunday = date.fromisoformat("2020-09-20")
    assert calendar.add_working_days(sunday, 1) == date.fromisoformat("2020-09-21")
    assert calendar.add_working_days(sunday, 6) == date.fromisoformat("2020-09-26")


@covers("W18")
@pytest.mark.parametrize(
    ("accepted", "printed"),
    [("2026-03-07 10:00", "2026-03-07 23:59:59"), ("2026-03-06 20:00", "2026-03-06 23:59:59")],
    ids=["Saturday", "Friday evening"],
)
def test_the_same_day_as_printed_and_as_office_hours_have_it(
    accepted: str, printed: str, calendar: WorkCalendar, at: At
) -> None:
    as_printed, by_office = Promise("same_day", 1), Promise("same_day", 1, end="office_end")
    # Our deadline is the instant after the last moment allowed.
    assert deadline(as_printed, at(accepted), calendar).due_at == at(printed) + timedelta(seconds=1)
    assert deadline(by_office, at(accepted), calendar).due_at == at("2026-03-09 18:00")


def labour_day_2019(*, amended: bool) -> WorkCalendar:
    off = ["2019-05-01", "2019-05-02", "2019-05-03", "2019-05-04"] if amended else ["2019-05-01"]
    work = ["2019-04-28", "2019-05-05"] if amended else []
    holiday = Holiday("劳动节", tuple(map(date.fromisoformat, off)), tuple(map(date.fromisoformat, work)))
    return WorkCalendar.from_years([NoticeYear(2019, holidays=(holiday,))])


@covers(
    table=[("CN-V1", "2019-04-22", "2019-04-29", "2019-04-28"), ("CN-V2", "2019-04-30", "2019-05-08", "2019-05-09")]
)
@pytest.mark.parametrize(
    ("accepted", "before", "after"),
    [("2019-04-22", "2019-04-29", "2019-04-28"), ("2019-04-30", "2019-05-08", "2019-05-09")],
    ids=["CN-V1", "CN-V2"],
)
def test_an_amended_notice_moves_a_deadline_and_what_was_told_stands(
    accepted: str, before: str, after: str, calendar: WorkCalendar, at: At
) -> None:
    first, amended = labour_day_2019(amended=False), labour_day_2019(amended=True)
    clock = Clock(ClockKind.resolve, FIVE, at(f"{accepted} 10:00"))
    told = clock.deadline(first)
    assert told.last_day == date.fromisoformat(before)
    for recounted in (amended, calendar):  # the built-in 2019 is the amended one
        assert clock.deadline(recounted).last_day == date.fromisoformat(after)
        kept = clock.keep(told.due_at).deadline(recounted).last_day
        assert kept == max(date.fromisoformat(before), date.fromisoformat(after))
