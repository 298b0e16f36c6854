"""What a union lays over the notices: one file, read with its line where it is wrong, and written back equal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_rules import (
    CalendarInvalid,
    DayOverride,
    Hours,
    OfficeHours,
    RegionalLayer,
    Season,
    WorkCalendar,
    load_calendar,
    parse_hours,
)
from sla_rules.local_calendar import (
    LocalArrangement,
    LocalCalendarInvalid,
    arrangement_of,
    is_local,
    laid_over,
    read_local,
    to_toml,
)

TEXT = """\
hours = ["08:30-12:00", "14:30-18:00"]
rest_weekdays = ["周六", "星期日"]

[[weekday]]
day = "周五"
hours = ["08:30-12:00"]

[[season]]
from = "06-01"
to = "09-30"
hours = ["08:00-12:00", "15:00-24:00"]

[[override]]
date = 2026-05-06
kind = "work"
hours = ["08:30-12:00"]
name = "半天"
source = "会议纪要"

[[override]]
date = "2026-12-24"
kind = "off"

[[layer]]
prefix = "6327"
name = "玉树州"
stops_clock = true
source = "条例"

  [[layer.day]]
  date = 2026-07-24
  kind = "off"

  [[layer.day]]
  date = 2026-07-25
  kind = "work"
  hours = ["20:00-26:00"]

[[layer]]
prefix = "63"
name = "节日"

  [[layer.day]]
  date = 2026-03-20
  kind = "off"
"""

MORNING = parse_hours(["08:30-12:00"])
READ = LocalArrangement(
    hours=OfficeHours(
        default=parse_hours(["08:30-12:00", "14:30-18:00"]),
        weekdays={4: MORNING},
        seasons=(Season((6, 1), (9, 30), parse_hours(["08:00-12:00", "15:00-24:00"])),),
    ),
    rest_weekdays=frozenset({5, 6}),
    overrides=(
        DayOverride(date(2026, 5, 6), "work", MORNING, "半天", "会议纪要"),
        DayOverride(date(2026, 12, 24), "off"),
    ),
    layers=(
        RegionalLayer(
            "6327",
            "玉树州",
            (
                DayOverride(date(2026, 7, 24), "off"),
                DayOverride(date(2026, 7, 25), "work", parse_hours(["20:00-26:00"])),
            ),
            stops_clock=True,
            source="条例",
        ),
        RegionalLayer("63", "节日", (DayOverride(date(2026, 3, 20), "off"),)),
    ),
)


def test_the_file_says_all_that_a_union_may_lay_over_the_notices() -> None:
    assert read_local(TEXT, origin="local.toml") == READ


def test_hours_alone_are_enough() -> None:
    arrangement = read_local('hours = ["00:00-24:00"]\nrest_weekdays = [0, 6]', origin="local.toml")
    assert arrangement == LocalArrangement(OfficeHours(parse_hours(["00:00-24:00"])), frozenset({0, 6}))
    assert read_local('hours = ["09:00-17:00"]', origin="local.toml").rest_weekdays == {5, 6}


def test_it_is_laid_over_the_same_notices(calendar: WorkCalendar, at: Callable[[str], datetime]) -> None:
    local = laid_over(calendar, READ)
    assert local.years == calendar.years
    assert (local.settled_until, local.last_day) == (calendar.settled_until, calendar.last_day)
    assert local.open_time_between(at("2026-05-06 00:00"), at("2026-05-07 00:00")) == timedelta(hours=3.5)
    assert local.open_time_between(at("2026-07-01 00:00"), at("2026-07-02 00:00")) == timedelta(hours=13)
    assert not local.is_working_day(date(2026, 12, 24))
    assert not local.for_union("632701").is_working_day(date(2026, 7, 24))
    assert local.for_union("632701").day(date(2026, 3, 20)).observances == ("节日",)
    assert local.is_working_day(date(2026, 7, 24))


def test_the_present_arrangement_can_be_taken_edited_and_loaded(calendar: WorkCalendar) -> None:
    text = to_toml(arrangement_of(laid_over(calendar, READ)))
    edited = text.replace("stops_clock = true", "stops_clock = false")
    again = laid_over(calendar, read_local(text, origin="local.toml"))
    assert again.version == laid_over(calendar, READ).version
    assert laid_over(calendar, read_local(edited, origin="local.toml")).version != again.version


def test_the_built_in_calendar_has_the_hours_of_the_province(calendar: WorkCalendar) -> None:
    assert to_toml(arrangement_of(calendar)) == (
        'hours = ["08:30-12:00", "14:30-18:00"]\nrest_weekdays = ["周六", "周日"]\n'
    )
    assert laid_over(calendar, arrangement_of(calendar)) == calendar


def test_a_date_outside_the_calendar_is_refused_when_it_is_laid_over(calendar: WorkCalendar) -> None:
    arrangement = LocalArrangement(overrides=(DayOverride(date(2009, 1, 5), "off"),))
    with pytest.raises(CalendarInvalid, match="2009-01-05 lies outside"):
        laid_over(calendar, arrangement)


@pytest.mark.parametrize(
    ("before", "after", "line", "reason"),
    [
        ('hours = ["08:30-12:00", "14:30-18:00"]\n', "", None, "`hours` is missing"),
        ('hours = ["08:30-12:00", "14:30-18:00"]\n', "hours = '08:30-12:00'\n", 1, "`hours` must be windows such as"),
        ('"14:30-18:00"]', "18]", 1, "`hours` must be windows such as"),
        ('"14:30-18:00"]', '"2pm-6pm"]', 1, "not a window of the form 08:30-12:00: '2pm-6pm'"),
        ('"14:30-18:00"]', '"11:30-18:00"]', 1, "windows must be in order and apart: 08:30-12:00 and 11:30-18:00"),
        ('"星期日"', '"周八"', 2, "not a weekday 周一 to 周日 or 0 to 6: '周八'"),
        ('"星期日"', "7", 2, "not a weekday 周一 to 周日 or 0 to 6: 7"),
        ('"星期日"', "true", 2, "not a weekday 周一 to 周日 or 0 to 6: True"),
        ('["周六", "星期日"]', '"周六"', 2, "`rest_weekdays` must be a list"),
        ('["周六", "星期日"]', "[0, 1, 2, 3, 4, 5, 6]", 2, "at least one weekday must be worked"),
        ('day = "周五"\n', "", 4, "not a weekday 周一 to 周日 or 0 to 6: None"),
        ("[[season]]", '[[weekday]]\nday = 4\nhours = ["09:00-10:00"]\n[[season]]', 9, "周五 is listed twice"),
        ('from = "06-01"', 'from = "06-31"', 8, "no such day of the year: 6-31"),
        ('from = "06-01"', 'from = "6-1"', 9, "`from` must be a month and a day such as 06-01"),
        ('to = "09-30"', "to = 930", 10, "`to` must be text in quotes, got 930"),
        ('to = "09-30"', "until = '09-30'", 10, "unknown key 'until'"),
        (
            "[[override]]\ndate = 2026",
            "[[season]]\nfrom = '09-30'\nto = '02-01'\nhours = ['10:00-11:00']\n[[override]]\ndate = 2026",
            13,
            "two seasons cover 09-30",
        ),
        ("date = 2026-05-06", "date = 2026-05-06T08:00:00", 14, "`date` must be a date such as 2026-05-04"),
        ('"2026-12-24"', '"2026-12-32"', 21, "`date` must be a date such as 2026-05-04"),
        ('"2026-12-24"', "2026-05-06", 21, "2026-05-06 is listed twice"),
        ('kind = "work"\nhours = ["08:30-12:00"]\nname', 'kind = "half"\nname', 15, "unknown kind 'half'"),
        ('kind = "work"\nhours = ["08:30-12:00"]\nname', 'hours = ["08:30-12:00"]\nname', 13, "`kind` is missing"),
        (
            'kind = "work"\nhours = ["08:30-12:00"]\nname',
            'kind = "off"\nhours = ["08:30-12:00"]\nname',
            15,
            "has no hours",
        ),
        ('source = "会议纪要"', "source = 7", 18, "`source` must be text in quotes, got 7"),
        ('prefix = "6327"', "prefix = 6327", 25, "`prefix` must be text in quotes, got 6327"),
        ('prefix = "6327"', 'prefix = "玉树"', 25, "the prefix is a union's code such as 6327"),
        ("stops_clock = true", 'stops_clock = "yes"', 27, "`stops_clock` must be true or false, got 'yes'"),
        ("date = 2026-07-25", "date = 2026-07-24", 35, "2026-07-24 is listed twice"),
        ('["20:00-26:00"]', '["22:00-02:00"]', 37, "the window '22:00-02:00' is empty, backwards"),
        ('prefix = "63"\nname = "节日"', 'prefix = "6327"\nname = "玉树州"', 41, "6327 has two layers of that name"),
        ('\n  [[layer.day]]\n  date = 2026-03-20\n  kind = "off"\n', "", 40, "needs a name and at least one day"),
        ('[[override]]\ndate = "2026-12-24"\nkind = "off"\n', "layer.x = 1\n", 20, "unknown key 'layer'"),
        ("hours = [", "layer = 3\nhours = [", 25, "can't be read: Cannot overwrite a value"),
        ("name = ", "name ", 17, "can't be read"),
        ('"08:30-12:00", ', '"08:30-12:00", "', 1, "can't be read"),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_reason(
    before: str, after: str, line: int | None, reason: str
) -> None:
    text = TEXT.replace(before, after, 1)
    assert text != TEXT
    with pytest.raises(LocalCalendarInvalid) as refused:
        read_local(text, origin="local.toml")
    assert reason in refused.value.en
    assert refused.value.line == line
    where = "local.toml: " if line is None else f"local.toml, line {line}: "
    assert refused.value.en.startswith(where)
    assert refused.value.zh.startswith("local.toml:" if line is None else f"local.toml 第 {line} 行:")


@pytest.mark.parametrize("text", ["hours = ['09:00-10:00']\nlayer = 3", "hours = ['09:00-10:00']\nseason = [1]"])
def test_tables_have_double_brackets(text: str) -> None:
    with pytest.raises(LocalCalendarInvalid, match=r"line 2: `\w+` must be written \[\["):
        read_local(text, origin="local.toml")


def test_the_file_is_known_by_its_keys() -> None:
    assert is_local(TEXT)
    assert is_local('  [[layer]]\nprefix = "63"')
    assert not is_local("year = 2026\n[[holiday]]\nname = '元旦'")


# Laws -----------------------------------------------------------------------------------------------------


@st.composite
def any_hours(draw: st.DrawFn) -> Hours:
    """Up to four windows; the last may run over midnight."""
    bounds = sorted(draw(st.sets(st.integers(0, 1439), min_size=2, max_size=8)))
    windows = list(zip(bounds[::2], bounds[1::2], strict=False))
    if draw(st.booleans()):
        start = windows[-1][0]
        windows[-1] = (start, draw(st.integers(1440, start + 1440)))
    return parse_hours(f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}" for start, end in windows)


DAYS_OF_THE_YEAR = st.dates(date(2000, 1, 1), date(2000, 12, 31)).map(lambda day: (day.month, day.day))
DATES = st.dates(date(2011, 1, 1), date(2013, 12, 31))
WORDS = st.text(max_size=12)


@st.composite
def seasons(draw: st.DrawFn) -> tuple[Season, ...]:
    """Up to three seasons that share no day, the last perhaps over the turn of the year."""
    bounds = sorted(draw(st.sets(DAYS_OF_THE_YEAR, min_size=2, max_size=6)))
    turn = draw(st.integers(0, 1))  # from the first bound on, or from the second over the turn of the year
    bounds = bounds[turn:] + bounds[:turn]
    pairs = list(zip(bounds[::2], bounds[1::2], strict=False))
    return tuple(Season(start, end, draw(any_hours())) for start, end in pairs)


@st.composite
def overrides(draw: st.DrawFn, least: int = 0) -> tuple[DayOverride, ...]:
    days = sorted(draw(st.sets(DATES, min_size=least, max_size=4)))
    return tuple(
        DayOverride(day, "work", draw(st.none() | any_hours()), draw(WORDS), draw(WORDS))
        if draw(st.booleans())
        else DayOverride(day, "off", None, draw(WORDS), draw(WORDS))
        for day in days
    )


@st.composite
def arrangements(draw: st.DrawFn) -> LocalArrangement:
    names = sorted(draw(st.sets(st.tuples(st.sampled_from(["63", "6301", "632701"]), st.text(min_size=1)), max_size=3)))
    return LocalArrangement(
        hours=OfficeHours(
            default=draw(any_hours()),
            weekdays=draw(st.dictionaries(st.integers(0, 6), any_hours(), max_size=2)),
            seasons=draw(st.just(()) | seasons()),
        ),
        rest_weekdays=frozenset(draw(st.sets(st.integers(0, 6), max_size=6))),
        overrides=draw(overrides()),
        layers=tuple(
            RegionalLayer(prefix, name, draw(overrides(1)), stops_clock=draw(st.booleans()), source=draw(WORDS))
            for prefix, name in names
        ),
    )


@given(arrangements())
def test_every_arrangement_is_read_back_as_it_was_written(arrangement: LocalArrangement) -> None:
    assert read_local(to_toml(arrangement), origin="local.toml") == arrangement


@given(arrangements())
def test_a_calendar_gives_back_what_was_laid_over_it(arrangement: LocalArrangement) -> None:
    notices = WorkCalendar.from_years([load_calendar().years[1]], horizon_years=2)
    assert arrangement_of(laid_over(notices, arrangement)) == arrangement
