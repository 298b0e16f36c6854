"""The calendars that the tables of vectors name, built when a row asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from sla_rules import (
    DayOverride,
    NoticeYear,
    OfficeHours,
    Season,
    WorkCalendar,
    load_calendar,
    parse_hours,
)

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
    "ZA": lambda: custom(range(2013, 2014), ["09:00-17:00"], BERLIN),
    # 23 September stands in the list of days off as well, switched off: here a day is off or it isn't listed.
    "ZAh": lambda: custom(range(2015, 2016), ["09:00-17:00"], BERLIN, off=["2015-09-22"]),
    "ZA8": lambda: custom(range(2016, 2017), ["08:00-20:00"], BERLIN, off=["2016-11-01"]),
    "ZD": lambda: custom(range(2013, 2014), ["09:00-18:00"], BERLIN, rest=ALL_WEEK),
    "CW": lambda: custom(range(2024, 2025), ["09:00-17:00"], "UTC"),
    "CWt": lambda: with_own_weekday(range(2024, 2025), 1, "09:00-20:00"),
    "CWs": lambda: with_own_weekday(range(2024, 2025), 5, "00:00-24:00", rest={6}),
    "CWny": lambda: custom(range(2024, 2025), ["09:00-17:00"], "America/New_York"),
    "RTsun": lambda: custom(range(2006, 2008), ["09:00-17:00"], "UTC", rest=range(6)),
    "RT12": lambda: custom(range(2006, 2008), ["09:00-17:00"], "UTC", rest=range(2, 7)),
    "RTny": lambda: custom(range(2006, 2008), ["09:00-18:00"], "America/New_York"),
    "RTmo": lambda: custom(range(2006, 2008), ["09:00-18:00"], "Europe/Moscow"),
    "GL": lambda: weekly(range(2034, 2035), **LATE_MONDAY),
    "GLd": lambda: custom(range(2018, 2020), ["08:00-20:00"], "UTC"),
    "GL8": lambda: custom(range(2034, 2035), ["08:00-19:00"], "UTC"),
    "GLs": lambda: weekly(range(2023, 2025), mon=["09:00-18:00"], tue=["08:00-12:00", "14:00-18:00"]),
    "FR": lambda: custom(range(2026, 2027), ["10:00-18:00"], KOLKATA),
    "FRa": lambda: custom(range(2026, 2027), ["10:00-18:00"], KOLKATA, off=["2026-11-19", "2026-11-20"]),
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
