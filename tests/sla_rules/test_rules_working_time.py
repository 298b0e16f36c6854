"""Open time: adding, measuring, and where the next or last opening lies.

The numbers come from the behaviour of many systems, derived anew under one meaning: the deadline is the
earliest instant at which the open time is used, and using a day up exactly stays at its closing time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sla_rules import (
    DayOverride,
    Hours,
    NoticeYear,
    OfficeHours,
    Season,
    Window,
    WorkCalendar,
    load_calendar,
    parse_hours,
)

At = Callable[[str], datetime]

CHRISTMAS = ((1, 1), (5, 1), (12, 24), (12, 25), (12, 26), (12, 31))
ALL_WEEK: frozenset[int] = frozenset()
WEEKEND = frozenset({5, 6})


def custom(
    years: range,
    hours: list[str] | OfficeHours,
    tz: str,
    *,
    rest: Iterable[int] = WEEKEND,
    yearly_off: Iterable[tuple[int, int]] = (),
    off: Iterable[str] = (),
) -> WorkCalendar:
    overrides = [DayOverride(date(year, *day), "off") for year in years for day in yearly_off]
    overrides += [DayOverride(date.fromisoformat(day), "off") for day in off]
    return WorkCalendar.from_years(
        [NoticeYear(year) for year in years],
        hours,
        tz,
        rest_weekdays=rest,
        overrides=overrides,
        horizon_years=1,
    )


def by_weekday(**hours: list[str]) -> tuple[OfficeHours, frozenset[int]]:
    names = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    per_day = {names.index(name): parse_hours(windows) for name, windows in hours.items()}
    return OfficeHours(next(iter(per_day.values())), per_day), frozenset(range(7)) - set(per_day)


BERLIN = "Europe/Berlin"
GERMAN_YEARS = range(2003, 2017)


def china_with_summer_hours() -> WorkCalendar:
    season = Season((6, 1), (9, 30), parse_hours(["08:00-12:00", "15:00-18:00"]))
    hours = OfficeHours(parse_hours(["08:00-12:00", "14:30-17:30"]), seasons=(season,))
    return WorkCalendar.from_years(load_calendar().years, hours)


def with_own_weekday(years: range, weekday: int, window: str, *, rest: Iterable[int] = WEEKEND) -> WorkCalendar:
    return custom(years, OfficeHours(parse_hours(["09:00-17:00"]), {weekday: parse_hours([window])}), "UTC", rest=rest)


def weekly(years: range, **hours: list[str]) -> WorkCalendar:
    office_hours, rest = by_weekday(**hours)
    return custom(years, office_hours, "UTC", rest=rest)


LATE_MONDAY = {"mon": ["10:30-19:00"]} | {day: ["08:30-19:00"] for day in ("tue", "wed", "thu", "fri")}
KOLKATA = "Asia/Kolkata"

# Each calendar is built only when a row asks for it.
CALENDARS: dict[str, Callable[[], WorkCalendar]] = {
    "ZN": lambda: custom(GERMAN_YEARS, ["08:00-21:00"], BERLIN, yearly_off=CHRISTMAS),
    "S9": lambda: custom(GERMAN_YEARS, ["08:00-13:00", "14:00-18:00"], BERLIN, yearly_off=CHRISTMAS),
    "C8": lambda: custom(GERMAN_YEARS, ["08:00-18:00"], BERLIN, yearly_off=CHRISTMAS),
    "N24": lambda: custom(range(2015, 2018), ["00:00-24:00"], "UTC", rest=ALL_WEEK, yearly_off=CHRISTMAS),
    "NB": lambda: custom(range(2015, 2018), ["00:00-24:00"], BERLIN, rest=ALL_WEEK, yearly_off=CHRISTMAS),
    "ZAh": lambda: custom(range(2015, 2016), ["09:00-17:00"], BERLIN, off=["2015-09-22"]),
    "CW": lambda: custom(range(2024, 2025), ["09:00-17:00"], "UTC"),
    "CWt": lambda: with_own_weekday(range(2024, 2025), 1, "09:00-20:00"),
    "CWs": lambda: with_own_weekday(range(2024, 2025), 5, "00:00-24:00", rest={6}),
    "CWny": lambda: custom(range(2024, 2025), ["09:00-17:00"], "America/New_York"),
    "RTsun": lambda: custom(range(2006, 2008), ["09:00-17:00"], "UTC", rest=range(6)),
    "GL": lambda: weekly(range(2034, 2035), **LATE_MONDAY),
    "GLd": lambda: custom(range(2018, 2020), ["08:00-20:00"], "UTC"),
    "GLs": lambda: weekly(range(2023, 2025), mon=["09:00-18:00"], tue=["08:00-12:00", "14:00-18:00"]),
    "FR": lambda: custom(range(2026, 2027), ["10:00-18:00"], KOLKATA),
    "FRb": lambda: custom(range(2026, 2027), ["10:00-18:00"], KOLKATA, off=["2026-11-20"]),
    "CN26": load_calendar,
    "CN26s": china_with_summer_hours,
}


@cache
def calendars(name: str) -> WorkCalendar:
    return CALENDARS[name]()


def zone_of(name: str) -> ZoneInfo:
    tz = calendars(name).tz
    return ZoneInfo(tz)


def instant(name: str, text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=zone_of(name))


def span(text: str) -> timedelta:
    units = {"h": "hours", "m": "minutes", "s": "seconds"}
    return timedelta(**{units[part[-1]]: float(part[:-1]) for part in text.split()})


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
    ("A21", "ZAh", "2015-09-21T14:30+00:00", "120m", "2015-09-23T08:30+00:00"),
    ("A21b", "ZAh", "2015-09-21T14:30+00:00", "240m", "2015-09-23T10:30+00:00"),
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
    ("A46", "FR", "2026-11-16 20:00", "0.5h", "2026-11-17 10:30"),
    ("A47", "FR", "2026-11-21 15:00", "24h", "2026-11-25 18:00"),
    ("A47b", "FR", "2026-11-21 15:00", "72h", "2026-12-03 18:00"),
    ("A51", "CN26", "2026-02-13 17:00", "4h", "2026-02-14 11:30"),
    ("A52", "CN26", "2026-02-13 12:30", "1h", "2026-02-13 15:30"),
    ("A53", "CN26", "2026-02-14 17:30", "1h", "2026-02-24 09:00"),
    ("A54", "CN26", "2026-09-30 17:00", "8h", "2026-10-08 18:00"),
    ("A55", "CN26", "2026-10-10 17:00", "2h", "2026-10-12 09:30"),
    ("A56", "CN26", "2025-12-31 17:30", "1h", "2026-01-04 09:00"),
    ("A57", "CN26s", "2026-05-29 17:00", "1h", "2026-06-01 08:30"),
    ("A58", "CN26s", "2026-09-30 17:00", "2h", "2026-10-08 09:00"),
]


@pytest.mark.parametrize(
    ("name", "start", "end", "expected"), [row[1:] for row in ELAPSED], ids=[row[0] for row in ELAPSED]
)
def test_open_time_between_two_instants(name: str, start: str, end: str, expected: str) -> None:
    measured = calendars(name).open_time_between(instant(name, start), instant(name, end))
    assert measured == span(expected)


@pytest.mark.parametrize(
    ("name", "start", "amount", "expected"), [row[1:] for row in ADDED], ids=[row[0] for row in ADDED]
)
def test_adding_open_time(name: str, start: str, amount: str, expected: str) -> None:
    sign = -1 if amount.startswith("-") else 1
    answer = calendars(name).add_open_time(instant(name, start), sign * span(amount.lstrip("-")))
    assert answer == instant(name, expected)
    assert answer.utcoffset() == timedelta(0)


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


# -- the shared table of other libraries' answers -------------------------------------------------------

# Where ours differs by choice. Adding nothing gives the instant back, it is not moved into the next or last
# window; and a "day" of that library is a span of business hours moved along, where ours is a counted day.
DIFFERENT_BY_CHOICE = {"zendesk/biz-090", "zendesk/biz-091", "zendesk/biz-097", "zendesk/biz-103"}
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


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


def test_every_row_of_the_shared_working_time_table(vectors: Path) -> None:
    rows = json.loads((vectors / "working_time.json").read_text(encoding="utf-8"))
    assert len(rows) >= 136
    differing = set()
    for row in rows:
        if expected_of(row) != answer(row):
            differing.add(row["id"])
    assert differing == DIFFERENT_BY_CHOICE
