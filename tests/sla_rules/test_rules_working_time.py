"""Open time: adding, measuring, and where the next or last opening lies.

The numbers come from the behaviour of many systems, derived anew under one meaning: the deadline is the
earliest instant at which the open time is used, and using a day up exactly stays at its closing time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sla_rules import (
    AtDue,
    AtWorkingTime,
    CalendarInvalid,
    Clock,
    ClockKind,
    DayOverride,
    Hours,
    NoticeYear,
    Pause,
    Promise,
    PromiseInvalid,
    Rung,
    Window,
    WorkCalendar,
    deadline,
    plan,
)
from tests.rows import covers, shared
from tests.sla_rules.named_calendars import ALL_WEEK, BERLIN, by_weekday, calendars, custom, instant, span
from tests.sla_rules.rows_of_libraries import own_rows, shared_rows

At = Callable[[str], datetime]

ELAPSED = [
    ("E1", "ZN", "2005-10-20 10:00", "2005-10-21 10:00", "13h"),
    ("E2", "ZN", "2005-10-20 10:00", "2005-10-24 10:00", "26h"),
    ("E3", "ZN", "2005-10-20 10:00", "2005-10-27 10:00", "65h"),
    ("E4", "ZN", "2005-10-20 10:00", "2005-11-03 10:00", "130h"),
    ("E5", "ZN", "2005-12-21 10:00", "2005-12-31 10:00", "89h"),
    ("E6", "ZN", "2003-12-21 10:00", "2003-12-31 10:00", "52h"),
    ("E7", "ZN", "2005-10-23 10:00", "2005-10-24 10:00", "2h"),
    ("E8", "ZN", "2005-10-23 10:00", "2005-10-25 13:00", "18h"),
    ("E9", "ZN", "2005-10-23 10:00", "2005-10-30 13:00", "65h"),
    ("E10", "ZN", "2005-10-24 11:44:12", "2005-10-24 16:13:31", "16159s"),
    ("E11", "ZN", "2006-12-05 22:57:34", "2006-12-06 10:25:34", "8734s"),
    ("E12", "ZN", "2006-12-06 07:50", "2006-12-07 08:54", "13.9h"),
    ("E13", "ZN", "2010-01-28 22:00:02", "2010-01-28 22:01:02", "0s"),
    ("E14", "S9", "2015-03-26T16:00+00:00", "2015-03-27T08:00+00:00", "2h"),
    ("E15", "S9", "2015-03-27 10:00", "2015-03-26 10:00", "0s"),
    ("E16", "S9", "2016-03-25 08:00", "2016-03-25 15:00", "6h"),
    ("E17", "NB", "2015-12-23 08:10:15", "2015-12-28 17:10:14", "205199s"),
    ("E18", "NB", "2016-03-26 22:24:39", "2016-03-28 23:24:39", "48h"),  # a day of 23 hours
    ("E19", "GLd", "2019-01-01 07:00", "2019-01-01 09:00", "1h"),
    ("E20", "GLd", "2019-01-01 00:00", "2019-01-08 00:00", "60h"),
    ("E20b", "GLd", "2019-01-08 00:00", "2019-01-01 00:00", "0s"),
    ("E21", "GL", "2034-06-05 11:00", "2034-06-07 09:30", "70200s"),
    ("E22", "GL", "2034-06-07 10:00", "2034-06-08 09:00", "34200s"),
    ("E23", "GL", "2034-06-07 11:00", "2034-06-13 11:00", "40h"),
    ("E24", "GL", "2034-06-14 07:00", "2034-06-14 18:00", "34200s"),
    ("E25", "FRb", "2026-11-19 17:50", "2026-11-23 12:30", "160m"),
    ("E26", "CN26", "2026-02-13 17:00", "2026-02-24 09:00", "8.5h"),
    ("E27", "CN26", "2026-02-14 00:00", "2026-03-01 00:00", "42h"),
]

ADDED = [
    ("A1", "ZN", "2006-11-12 10:15", "4h", "2006-11-13 12:00"),
    ("A2", "ZN", "2006-11-13 10:15", "4h", "2006-11-13 14:15"),
    ("A2b", "ZN", "2006-11-13 10:15", "11h", "2006-11-14 08:15"),
    ("A3", "ZN", "2006-12-31 10:15", "11h", "2007-01-02 19:00"),
    ("A4", "ZN", "2006-12-29 10:15", "11h", "2007-01-02 08:15"),
    ("A5", "ZN", "2007-01-16 20:15", "1.25h", "2007-01-17 08:30"),
    ("A6", "ZN", "2007-03-14 21:21:02", "1h", "2007-03-15 09:00"),
    ("A7", "ZN", "2007-10-26 18:12:23", "5.5h", "2007-10-29 10:42:23"),
    ("A7b", "ZN", "2007-10-26 18:12:23", "18.5h", "2007-10-30 10:42:23"),
    ("A8", "ZN", "2007-03-23 18:12:23", "5.5h", "2007-03-26 10:42:23"),
    ("A8b", "ZN", "2007-03-23 18:12:23", "18.5h", "2007-03-27 10:42:23"),
    ("A9", "ZN", "2013-03-16 10:00", "1m", "2013-03-18 08:01"),
    ("A10", "ZN", "2013-03-16 10:00", "13h", "2013-03-18 21:00"),  # stays at closing
    ("A11", "ZN", "2013-03-16 10:00", "14h 1m", "2013-03-19 09:01"),
    ("A12", "S9", "2015-03-27T11:00+00:00", "15h", "2015-03-31T07:00+00:00"),
    ("A13", "S9", "2016-02-01 12:25:30", "5h", "2016-02-02 08:25:30"),
    ("A14", "S9", "2016-01-31 12:25:30", "45h 25m 30s", "2016-02-08 08:25:30"),
    ("A15", "S9", "2015-12-22 16:24:49", "20h", "2015-12-29 08:24:49"),
    ("A16", "C8", "2016-01-31 12:25:30", "5h", "2016-02-01 13:00"),
    ("A17", "C8", "2016-02-01 16:59:30", "3.5h", "2016-02-02 10:29:30"),
    ("A18", "N24", "2015-02-17 12:00", f"{730 * 24}h", "2017-02-28 12:00"),
    ("A18b", "N24", "2015-02-17 12:00", f"{90 * 24}h", "2015-05-19 12:00"),
    ("A20", "ZA", "2013-10-21T09:30+00:00", "120m", "2013-10-21T11:30+00:00"),
    ("A20b", "ZA", "2013-10-21T05:30+00:00", "120m", "2013-10-21T09:00+00:00"),
    ("A21", "ZAh", "2015-09-21T14:30+00:00", "120m", "2015-09-23T08:30+00:00"),
    ("A21b", "ZAh", "2015-09-21T14:30+00:00", "240m", "2015-09-23T10:30+00:00"),
    ("A22", "ZA8", "2016-11-01T13:56:21+00:00", "120m", "2016-11-02T09:00+00:00"),
    ("A22b", "ZA8", "2016-11-01T13:56:21+00:00", "1200m", "2016-11-03T15:00+00:00"),
    ("A23", "ZA8", "2016-11-07T13:26:00+00:00", "1200m", "2016-11-09T09:26+00:00"),
    ("A24", "CW", "2024-01-17 10:00", "2h", "2024-01-17 12:00"),
    ("A24b", "CW", "2024-01-17 07:00", "2h", "2024-01-17 11:00"),
    ("A24c", "CW", "2024-01-17 18:00", "2h", "2024-01-18 11:00"),
    ("A25", "CW", "2024-01-19 16:00", "2h", "2024-01-22 10:00"),
    ("A26", "CW", "2024-01-20 10:00", "2h", "2024-01-22 11:00"),
    ("A27", "CW", "2024-01-15 16:00", "10h", "2024-01-17 10:00"),
    ("A28", "CWt", "2024-01-15 18:00", "10h", "2024-01-16 19:00"),
    ("A28b", "CWt", "2024-01-15 16:00", "12h", "2024-01-16 20:00"),
    ("A29", "CWs", "2024-01-20 00:00", "24h", "2024-01-21 00:00"),
    ("A30", "CWny", "2024-01-19 16:00", "2h", "2024-01-22 10:00"),
    ("A32", "RTsun", "2007-01-01 00:00", "60m", "2007-01-07 10:00"),
    ("A34", "RTny", "2007-01-01T22:00+00:00", "2h", "2007-01-02T15:00+00:00"),
    ("A34b", "RTmo", "2007-01-01T22:00+00:00", "2h", "2007-01-02T08:00+00:00"),
    ("A35", "GL", "2034-06-09 08:46:12", "30m", "2034-06-09 09:16:12"),
    ("A37", "GL", "2034-06-05 10:00", "4h", "2034-06-05 14:30"),
    ("A39", "GL", "2034-06-09 14:54:34", "10h", "2034-06-12 16:24:34"),
    ("A40", "GL", "2034-06-14 10:00", "178200s", "2034-06-21 09:00"),
    ("A43", "GLs", "2024-01-16 10:00", "5h", "2024-01-16 17:00"),
    ("A43b", "GLs", "2024-01-16 07:00", "3h", "2024-01-16 11:00"),
    ("A43c", "GLs", "2024-01-16 13:00", "2h", "2024-01-16 16:00"),
    ("A44", "GLs", "2024-01-15 15:00", "-2h", "2024-01-15 13:00"),
    ("A44b", "GLs", "2024-01-16 17:00", "-5h", "2024-01-16 10:00"),
    ("A44c", "GLs", "2024-01-16 13:00", "-2h", "2024-01-16 10:00"),
    ("A44d", "GLs", "2024-01-16 10:00", "-2h", "2024-01-16 08:00"),  # stays at opening, going back
    ("A45", "FR", "2026-11-16 11:00", "1h", "2026-11-16 12:00"),
    ("A45b", "FR", "2026-11-16 08:00", "1h", "2026-11-16 11:00"),
    ("A45c", "FR", "2026-11-16 08:00", "4h", "2026-11-16 14:00"),
    ("A46", "FR", "2026-11-16 20:00", "0.5h", "2026-11-17 10:30"),
    ("A46b", "FR", "2026-11-16 20:00", "2h", "2026-11-17 12:00"),
    ("A47", "FR", "2026-11-21 15:00", "24h", "2026-11-25 18:00"),
    ("A47b", "FR", "2026-11-21 15:00", "72h", "2026-12-03 18:00"),
    ("A48", "FR", "2026-11-20 17:00", "2h", "2026-11-23 11:00"),
    ("A48b", "FR", "2026-11-20 19:00", "4h", "2026-11-23 14:00"),
    ("A50", "FRa", "2026-11-19 15:00", "0.5h", "2026-11-23 10:30"),
    ("A50b", "FRa", "2026-11-19 15:00", "2h", "2026-11-23 12:00"),
    ("A51", "CN26", "2026-02-13 17:00", "4h", "2026-02-14 11:30"),
    ("A52", "CN26", "2026-02-13 12:30", "1h", "2026-02-13 15:30"),
    ("A53", "CN26", "2026-02-14 17:30", "1h", "2026-02-24 09:00"),
    ("A54", "CN26", "2026-09-30 17:00", "8h", "2026-10-08 18:00"),
    ("A55", "CN26", "2026-10-10 17:00", "2h", "2026-10-12 09:30"),
    ("A56", "CN26", "2025-12-31 17:30", "1h", "2026-01-04 09:00"),
    ("A57", "CN26s", "2026-05-29 17:00", "1h", "2026-06-01 08:30"),
    ("A58", "CN26s", "2026-09-30 17:00", "2h", "2026-10-08 09:00"),
]


# Where an opening is asked for: the first instant at or after the given one at which time runs.
OPENINGS = [
    ("A32", "RTsun", "2007-01-01 00:00", "2007-01-07 09:00"),
    ("A33", "RT12", "2007-01-01 13:15", "2007-01-01 13:15"),
    ("A33b", "RT12", "2007-01-01 19:15", "2007-01-02 09:00"),
    ("A33c", "RT12", "2007-01-06 13:15", "2007-01-08 09:00"),
    ("A34", "RTny", "2007-01-01T22:00+00:00", "2007-01-01T22:00+00:00"),
    ("A34b", "RTmo", "2007-01-01T22:00+00:00", "2007-01-02T06:00+00:00"),
    ("A37", "GL", "2034-06-05 10:00", "2034-06-05 10:30"),
]


@covers(table=ELAPSED)
@pytest.mark.parametrize(
    ("name", "start", "end", "expected"), [row[1:] for row in ELAPSED], ids=[row[0] for row in ELAPSED]
)
def test_open_time_between_two_instants(name: str, start: str, end: str, expected: str) -> None:
    measured = calendars(name).open_time_between(instant(name, start), instant(name, end))
    assert measured == span(expected)


@covers(table=ADDED)
@pytest.mark.parametrize(
    ("name", "start", "amount", "expected"), [row[1:] for row in ADDED], ids=[row[0] for row in ADDED]
)
def test_adding_open_time(name: str, start: str, amount: str, expected: str) -> None:
    sign = -1 if amount.startswith("-") else 1
    answer = calendars(name).add_open_time(instant(name, start), sign * span(amount.lstrip("-")))
    assert answer == instant(name, expected)
    assert answer.utcoffset() == timedelta(0)


@covers(table=OPENINGS)
@pytest.mark.parametrize(("name", "start", "expected"), [row[1:] for row in OPENINGS], ids=[row[0] for row in OPENINGS])
def test_where_time_begins_to_run(name: str, start: str, expected: str) -> None:
    assert calendars(name).next_open(instant(name, start)) == instant(name, expected)


# -- rows that need more than a sum ---------------------------------------------------------------------

EARLY = Rung("early", AtWorkingTime(-60), ("handler",))
TEN_BEFORE = Rung("ten_before", AtWorkingTime(-10), ("handler",))
BREACH = Rung("breach", AtDue(), ("leader",))


def pauses(name: str, *bounds: tuple[str, str]) -> list[Pause]:
    return [Pause(instant(name, start), instant(name, end)) for start, end in bounds]


@covers("A19")
def test_what_promises_nothing_is_refused() -> None:
    for amount in (-1, 0):
        with pytest.raises(PromiseInvalid):
            Promise("working_minutes", amount)
    with pytest.raises(PromiseInvalid, match="moons"):
        Promise("moons", 1)  # type: ignore[arg-type]
    # By choice a calendar, asked for a negative span, goes back (A44): a ladder warns before its deadline by it.
    assert calendars("CW").add_open_time(instant("CW", "2024-01-17 12:00"), -span("2h")) == instant(
        "CW", "2024-01-17 10:00"
    )


@covers("A31")
@pytest.mark.parametrize("closed", [{"rest_weekdays": range(7)}, {"hours": []}])
def test_a_calendar_that_never_opens_is_refused(closed: dict[str, Any]) -> None:
    with pytest.raises(CalendarInvalid):
        WorkCalendar.from_years([NoticeYear(2026)], **closed)


@covers("A35")
def test_a_warning_ten_minutes_before(at: At) -> None:
    clock = Clock(ClockKind.dispatch, Promise("working_minutes", 30), instant("GL", "2034-06-09 08:46:12"))
    assert [entry.at for entry in plan(clock, [TEN_BEFORE, BREACH], calendars("GL"))] == [
        instant("GL", "2034-06-09 09:06:12"),
        instant("GL", "2034-06-09 09:16:12"),
    ]


@covers("A36")
def test_three_pauses_move_a_deadline_by_their_sum() -> None:
    lengths = timedelta(seconds=4692), timedelta(seconds=1525), timedelta(seconds=2736)
    stood, start = [], instant("GL", "2034-06-09 08:50")
    for length in lengths:
        stood.append(Pause(start, start + length))
        start += length + timedelta(minutes=1)
    due = deadline(Promise("working_minutes", 30), instant("GL", "2034-06-09 08:46:12"), calendars("GL"), pauses=stood)
    assert due.due_at == instant("GL", "2034-06-09 11:45:25")


@covers("A38")
def test_pauses_over_closed_hours_move_a_deadline_by_their_open_time() -> None:
    stood = pauses("GL", ("2034-06-05 11:00", "2034-06-07 09:30"), ("2034-06-07 10:00", "2034-06-08 09:00"))
    due = deadline(Promise("working_minutes", 240), instant("GL", "2034-06-05 10:00"), calendars("GL"), pauses=stood)
    assert due.due_at == instant("GL", "2034-06-08 12:00")


@covers("A41", "A42")
def test_a_deadline_and_its_warning_move_with_a_pause_and_with_the_tier() -> None:
    calendar, ladder = calendars("GL8"), [EARLY, BREACH]

    def planned(clock: Clock) -> list[datetime]:
        return [entry.at for entry in plan(clock, ladder, calendar)]

    four_hours = Clock(ClockKind.resolve, Promise("working_minutes", 240), instant("GL8", "2034-08-16 13:00"))
    paused = four_hours.pause(instant("GL8", "2034-08-16 14:00"), "").resume(instant("GL8", "2034-08-16 14:10"))
    six_hours = Promise("working_minutes", 360)
    assert planned(four_hours) == [instant("GL8", "2034-08-16 16:00"), instant("GL8", "2034-08-16 17:00")]
    assert planned(paused) == [instant("GL8", "2034-08-16 16:10"), instant("GL8", "2034-08-16 17:10")]
    assert planned(paused.retier(six_hours)) == [instant("GL8", "2034-08-16 18:10"), instant("GL8", "2034-08-17 08:10")]
    # By choice a day used up exactly ends at its closing time, where GLPI goes on to 08:00 of the next.
    assert planned(four_hours.retier(six_hours))[-1] == instant("GL8", "2034-08-16 19:00")


@covers("A49")
@pytest.mark.parametrize(("held", "due"), [(3600, "2026-11-19 18:00:00"), (3601, "2026-11-20 10:00:01")])
def test_one_second_on_hold_carries_a_deadline_into_the_next_day(held: int, due: str) -> None:
    start = instant("FR", "2026-11-19 15:00")
    hold = Pause(start + timedelta(minutes=5), start + timedelta(minutes=5, seconds=held))
    assert deadline(Promise("working_minutes", 120), start, calendars("FR"), pauses=[hold]).due_at == instant("FR", due)


def test_a_whole_day_open_is_exactly_one_day() -> None:
    start, end = instant("N24", "2015-06-01 00:00"), instant("N24", "2015-06-02 00:00")
    assert calendars("N24").open_time_between(start, end) == timedelta(seconds=86_400)


def test_microseconds_are_kept(calendar: WorkCalendar, at: At) -> None:
    start = at("2026-02-13 17:59:59.999999")
    assert calendar.add_open_time(start, timedelta(microseconds=1)) == at("2026-02-13 18:00")
    assert calendar.add_open_time(start, timedelta(microseconds=2)) == at("2026-02-14 08:30:00.000001")


def test_adding_nothing_stays_where_it_is(calendar: WorkCalendar, at: At) -> None:
    assert calendar.add_open_time(at("2026-02-17 03:00"), timedelta(0)) == at("2026-02-17 03:00")


@pytest.mark.parametrize(
    ("moment", "is_open", "following", "preceding"),
    [
        ("2026-02-13 08:29:59", False, "2026-02-13 08:30", "2026-02-12 18:00"),
        ("2026-02-13 08:30", True, "2026-02-13 08:30", "2026-02-13 08:30"),
        ("2026-02-13 12:00", False, "2026-02-13 14:30", "2026-02-13 12:00"),
        ("2026-02-13 13:00", False, "2026-02-13 14:30", "2026-02-13 12:00"),
        ("2026-02-13 17:59:59", True, "2026-02-13 17:59:59", "2026-02-13 17:59:59"),
        ("2026-02-13 18:00", False, "2026-02-14 08:30", "2026-02-13 18:00"),
        ("2026-02-17 10:00", False, "2026-02-24 08:30", "2026-02-14 18:00"),
    ],
)
def test_the_next_and_the_last_opening(
    moment: str, is_open: bool, following: str, preceding: str, *, calendar: WorkCalendar, at: At
) -> None:
    assert calendar.is_open(at(moment)) is is_open
    assert calendar.next_open(at(moment)) == at(following)
    assert calendar.prev_open(at(moment)) == at(preceding)


def test_an_hour_that_summer_time_skips_does_not_exist() -> None:
    nightly = custom(range(2016, 2017), ["02:00-03:00"], BERLIN, rest=ALL_WEEK)
    start, end = (datetime(2016, 3, day, tzinfo=ZoneInfo(BERLIN)) for day in (27, 28))
    assert nightly.open_time_between(start, end) == timedelta(0)
    assert nightly.local_date(datetime(2016, 3, 27, 21, 59, tzinfo=UTC)) == date(2016, 3, 27)
    assert nightly.local_date(datetime(2016, 3, 27, 22, 0, tzinfo=UTC)) == date(2016, 3, 28)


# -- the table of other libraries' answers --------------------------------------------------------------

LIBRARIES = shared("working_time.json")
LIBRARY_ROWS = shared_rows(LIBRARIES) if LIBRARIES else own_rows()

# A day of those libraries is a span of business hours moved along to the same minute. Ours is a counted day, which
# ends with the day: of their answers in days the date is compared. And of nothing added, ours is the instant itself.
OURS_BY_CHOICE: dict[str, tuple[object, str]] = {
    "zendesk/biz-090": (datetime(2006, 1, 3), "nothing taken away: not moved back to the last closing"),  # noqa: DTZ001
    "zendesk/biz-091": (datetime(2006, 1, 3), "nothing added: not moved on to the next opening"),  # noqa: DTZ001
    "zendesk/biz-097": (date(2006, 1, 3), "before opening on Thursday, Thursday has begun: two days back is Tuesday"),
    "zendesk/biz-103": (
        date(2006, 1, 5),
        "filed after close on Tuesday, Wednesday is the first day and Thursday ends it",
    ),
}


def minutes(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


def without(windows: Iterable[Window], breaks: list[list[str]]) -> Hours:
    left = [(window.start, window.end) for window in windows]
    for start, end in ((minutes(a), minutes(b)) for a, b in breaks):
        cut = [part for first, last in left for part in ((first, min(last, start)), (max(first, end), last))]
        left = [(first, last) for first, last in cut if first < last]
    return Hours(tuple(Window(first, last) for first, last in left))


@cache
def calendar_of(description: str) -> WorkCalendar:
    told = json.loads(description)
    hours, rest = by_weekday(
        **{day: [f"{a}-{b}" for a, b in sorted(windows)] for day, windows in told["hours"].items() if windows}
    )
    overrides = [DayOverride(date.fromisoformat(day), "off") for day in told["holidays"]]
    overrides += [
        DayOverride(day, "work", without(hours.of(day).windows, breaks))
        for day, breaks in ((date.fromisoformat(text), breaks) for text, breaks in told["breaks"].items())
        if day.weekday() not in rest
    ]
    years = [NoticeYear(year) for year in range(2003, 2031)]
    return WorkCalendar.from_years(years, hours, "UTC", rest_weekdays=rest, overrides=overrides, horizon_years=1)


def answer(row: dict[str, Any]) -> object:
    calendar = calendar_of(json.dumps({key: row[key] for key in ("hours", "holidays", "breaks")}, sort_keys=True))
    start = datetime.fromisoformat(row["start"]).replace(tzinfo=UTC)
    match row["op"]:
        case "diff_hours":
            end = datetime.fromisoformat(row["end"]).replace(tzinfo=UTC)
            return pytest.approx(calendar.open_time_between(start, end) / timedelta(hours=1), abs=1e-6)
        case "is_open":
            return calendar.is_open(start)
        case "next_open":
            return calendar.next_open(start).replace(tzinfo=None)
        case "prev_open":
            return calendar.prev_open(start).replace(tzinfo=None)
    sign = 1 if row["op"] == "add" else -1
    if row["unit"] == "days":
        return calendar.add_working_days(start.date(), sign * row["amount"])
    moved = calendar.add_open_time(start, sign * timedelta(**{row["unit"]: row["amount"]}))
    return moved.replace(tzinfo=None)


def expected_of(row: dict[str, Any]) -> object:
    if row["unit"] == "days":
        return date.fromisoformat(row["expected"][:10])
    if isinstance(row["expected"], str):
        return datetime.fromisoformat(row["expected"])
    return row["expected"]


@pytest.mark.parametrize("row", LIBRARY_ROWS, ids=[row["id"] for row in LIBRARY_ROWS])
def test_a_row_of_another_library(row: dict[str, Any]) -> None:
    ours, reason = OURS_BY_CHOICE.get(row["id"], (None, ""))
    if ours is None:
        assert answer(row) == expected_of(row)
    else:
        assert answer(row) == ours != expected_of(row), reason


def test_the_own_copy_of_the_libraries_rows_is_whole() -> None:
    assert len({row["id"] for row in own_rows()}) == 136
    assert OURS_BY_CHOICE.keys() <= {row["id"] for row in own_rows()}
    if LIBRARIES:
        assert own_rows() == shared_rows(LIBRARIES)
