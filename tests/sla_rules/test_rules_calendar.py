"""The calendar as data: which days work, what covers them, and how a version is written down."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import chinese_calendar
import pytest

from sla_rules import (
    CalendarInvalid,
    DateExpected,
    DayOverride,
    NaiveTime,
    NoticeInvalid,
    NoticeYear,
    OfficeHours,
    OutsideCalendar,
    Season,
    Window,
    WorkCalendar,
    calendar_from_document,
    load_calendar,
    parse_hours,
)
from sla_rules.statutory import statutory_holidays

At = Callable[[str], datetime]


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def test_every_day_of_2010_to_2026_agrees_with_an_independent_package(calendar: WorkCalendar) -> None:
    disagreeing = [
        day
        for day in days(date(2010, 1, 1), date(2026, 12, 31))
        if calendar.is_working_day(day) != chinese_calendar.is_workday(day)
    ]
    assert disagreeing == []


def test_every_statutory_holiday_of_a_published_year_is_off_in_its_notice(calendar: WorkCalendar) -> None:
    # The table that stands in for missing notices is held against all the notices there are.
    for year in range(2010, 2027):
        for day in statutory_holidays(year):
            assert not calendar.is_working_day(day), day


def test_every_year_cites_its_notice(calendar: WorkCalendar) -> None:
    assert [year.year for year in calendar.years] == list(range(2010, 2027))
    for year in calendar.years:
        assert year.notices
        assert all("gov.cn/zhengce/" in notice.url for notice in year.notices)


@pytest.mark.parametrize(
    ("day", "working", "kind", "name"),
    [
        ("2026-02-13", True, "weekday", ""),
        ("2026-02-14", True, "work", "春节"),
        ("2026-02-16", False, "off", "春节"),
        ("2026-03-07", False, "weekend", ""),
        ("2011-12-31", True, "work", "元旦"),  # set by the notice of the following year
        ("2018-12-31", False, "off", "元旦"),
        ("2020-02-01", False, "off", "春节"),  # a working Saturday until the second notice of 2020
        ("2020-02-03", True, "weekday", ""),
        ("2015-09-03", False, "off", "抗日战争暨世界反法西斯战争胜利70周年纪念日"),
    ],
)
def test_a_day_says_what_it_is(day: str, working: bool, kind: str, name: str, calendar: WorkCalendar) -> None:
    info = calendar.day(date.fromisoformat(day))
    assert (info.working, info.kind, info.name, info.provisional) == (working, kind, name, False)
    assert info.working == calendar.is_working_day(info.date)
    assert bool(info.source) == (kind in ("off", "work"))


def test_a_day_cites_the_notice_that_set_it(calendar: WorkCalendar) -> None:
    assert "/2019-03/22/" in calendar.day(date(2019, 5, 2)).source
    assert "/2018-12/" in calendar.day(date(2019, 2, 4)).source
    assert "/2020-01/27/" in calendar.day(date(2020, 1, 31)).source
    assert "/2019-11/21/" in calendar.day(date(2020, 1, 30)).source


def test_coverage_and_settlement(calendar: WorkCalendar) -> None:
    assert calendar.first_day == date(2010, 1, 1)
    assert calendar.covered_until == date(2026, 12, 31)
    assert calendar.settled_until == date(2026, 12, 20)
    assert not calendar.is_provisional(date(2026, 12, 20))
    assert calendar.day(date(2026, 12, 21)).provisional


def test_no_notice_has_ever_reached_back_before_the_settled_day(calendar: WorkCalendar) -> None:
    reached = [
        day
        for year in calendar.years
        for holiday in year.holidays
        for day in (*holiday.off, *holiday.work)
        if day.year < year.year
    ]
    assert min((day.month, day.day) for day in reached) > (
        calendar.settled_until.month,
        calendar.settled_until.day,
    )


def test_beyond_the_last_notice_the_law_and_the_weekends_stand_in(calendar: WorkCalendar) -> None:
    # 2027: 除夕 5 February to 初三 8 February, two days of 劳动节, 端午 9 June, 中秋 15 September.
    off = [day for day in days(date(2027, 1, 1), date(2027, 12, 31)) if calendar.day(day).kind == "off"]
    assert off == [
        date(2027, 1, 1),
        *days(date(2027, 2, 5), date(2027, 2, 8)),
        date(2027, 4, 5),
        *days(date(2027, 5, 1), date(2027, 5, 2)),
        date(2027, 6, 9),
        date(2027, 9, 15),
        *days(date(2027, 10, 1), date(2027, 10, 3)),
    ]
    assert all(calendar.day(day).provisional and not calendar.day(day).source for day in off)


def test_a_holiday_that_meets_another_is_off_under_both_names() -> None:
    assert statutory_holidays(2031)[date(2031, 10, 1)] == "国庆节、中秋节"


def test_years_without_a_lunar_date_keep_the_fixed_holidays() -> None:
    assert set(statutory_holidays(2060)) == {
        date(2060, 1, 1),
        date(2060, 5, 1),
        date(2060, 5, 2),
        date(2060, 10, 1),
        date(2060, 10, 2),
        date(2060, 10, 3),
    }


@pytest.mark.parametrize(("year", "first", "last"), [(2012, -1, 1), (2020, 0, 2), (2026, -1, 2)])
def test_the_spring_festival_followed_the_regulation_of_its_time(year: int, first: int, last: int) -> None:
    spring = {2012: date(2012, 1, 23), 2020: date(2020, 1, 25), 2026: date(2026, 2, 17)}[year]
    named = [day for day, name in statutory_holidays(year).items() if name == "春节"]
    assert named == days(spring + timedelta(days=first), spring + timedelta(days=last))


# -- counting days --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2026-02-12", 5, "2026-02-26"),
        ("2026-02-14", 5, "2026-02-28"),
        ("2026-02-17", 5, "2026-02-28"),
        ("2026-02-02", 15, "2026-02-28"),
        ("2026-09-18", 15, "2026-10-15"),
        ("2026-02-12", 15, "2026-03-11"),
        ("2018-02-09", 5, "2018-02-22"),
        ("2018-02-14", 5, "2018-02-27"),
        ("2026-02-24", -1, "2026-02-14"),
        ("2026-02-20", -1, "2026-02-14"),
        ("2026-02-20", 1, "2026-02-24"),
        ("2026-02-20", 0, "2026-02-20"),
    ],
)
def test_adding_working_days(day: str, count: int, expected: str, calendar: WorkCalendar) -> None:
    assert calendar.add_working_days(date.fromisoformat(day), count) == date.fromisoformat(expected)


def test_ten_years_of_working_days_are_one_look_up(calendar: WorkCalendar) -> None:
    end = calendar.add_working_days(date(2010, 1, 4), 2500)
    assert calendar.working_days_between(date(2010, 1, 4), end) == 2500
    assert calendar.working_days_between(end, date(2010, 1, 4)) == -2500


def test_a_rest_day_rolls_forward_and_a_working_day_stays(calendar: WorkCalendar) -> None:
    assert calendar.roll_forward(date(2026, 2, 17)) == date(2026, 2, 24)
    assert calendar.roll_forward(date(2026, 2, 14)) == date(2026, 2, 14)


# -- editions: a year published twice -------------------------------------------------------------------


def test_the_calendar_of_2018_did_not_know_its_last_days_yet() -> None:
    earlier = load_calendar(through_year=2018)
    assert earlier.covered_until == date(2018, 12, 31)
    assert not earlier.is_working_day(date(2018, 12, 29))
    assert load_calendar(through_year=2019).is_working_day(date(2018, 12, 29))
    assert earlier.is_provisional(date(2018, 12, 29))
    assert earlier.version != load_calendar().version


def test_a_calendar_may_begin_with_a_year_whose_notice_reaches_back() -> None:
    alone = WorkCalendar.from_years([year for year in load_calendar().years if year.year == 2012])
    assert alone.first_day == date(2012, 1, 1)
    assert alone.working_days_between(date(2012, 1, 1), date(2012, 1, 4)) == 1


# -- versions -------------------------------------------------------------------------------------------


def test_the_built_in_calendar_is_built_once(calendar: WorkCalendar) -> None:
    assert load_calendar() is calendar


def test_a_calendar_survives_being_stored_as_json(calendar: WorkCalendar) -> None:
    special = calendar.with_overrides(
        [
            DayOverride(date(2026, 7, 11), "off", name="州庆", source="notice"),
            DayOverride(date(2026, 7, 13), "work", parse_hours(["09:00-12:00", "20:00-26:00"])),
        ]
    )
    for original in (calendar, special):
        restored = calendar_from_document(json.loads(json.dumps(original.to_document(), ensure_ascii=False)))
        assert restored == original
        assert restored.version == original.version
        assert hash(restored) == hash(original)
        assert restored.day(date(2026, 7, 11)) == original.day(date(2026, 7, 11))
        assert restored.windows(date(2026, 7, 14)) == original.windows(date(2026, 7, 14))
    assert special != calendar
    assert calendar != "calendar"


def test_the_version_names_year_edition_and_content(calendar: WorkCalendar) -> None:
    label, _, digest = calendar.version.partition("+")
    assert label == "2026.1"
    assert len(digest) == 8
    assert load_calendar(through_year=2015).version.startswith("2015.2+")
    assert calendar.version in repr(calendar)


def test_an_altered_document_is_refused(calendar: WorkCalendar) -> None:
    document = calendar.to_document()
    document["years"] = [*document["years"][:-1], {**document["years"][-1], "holiday": []}]
    with pytest.raises(CalendarInvalid, match="altered"):
        calendar_from_document(document)


@pytest.mark.parametrize("damage", [{"format": 99}, {"hours": None}, {"tz": "Mars/Olympus"}])
def test_a_damaged_document_is_refused(damage: dict[str, object], calendar: WorkCalendar) -> None:
    with pytest.raises(CalendarInvalid):
        calendar_from_document({**calendar.to_document(), **damage})
    incomplete = calendar.to_document()
    del incomplete["settled_until"]
    with pytest.raises(CalendarInvalid, match="incomplete"):
        calendar_from_document(incomplete)


# -- what is refused ------------------------------------------------------------------------------------


def test_days_and_times_outside_are_refused_at_once(calendar: WorkCalendar, at: At) -> None:
    for day in (date(2009, 12, 31), date(1900, 1, 1), date(2042, 1, 1), date.max):
        with pytest.raises(OutsideCalendar, match="2010-01-01 to 2041-12-31") as refused:
            calendar.day(day)
        assert "超出日历范围" in refused.value.zh
        assert refused.value.code == "outside_calendar"
    for moment in (at("2009-12-31 23:59"), at("9999-01-01 00:00"), at("2042-01-01 00:01")):
        with pytest.raises(OutsideCalendar):
            calendar.is_open(moment)
    with pytest.raises(OutsideCalendar):
        calendar.local_date(at("2042-01-01 00:00"))  # the end of the last day belongs to no day
    with pytest.raises(OutsideCalendar):
        calendar.add_working_days(date(2026, 1, 1), 10_000)
    with pytest.raises(OutsideCalendar):
        calendar.add_working_days(date(2010, 1, 10), -100)
    with pytest.raises(OutsideCalendar):
        calendar.add_open_time(at("2026-01-01 00:00"), timedelta(days=100_000))
    with pytest.raises(OutsideCalendar):
        calendar.add_open_time(at("2010-01-04 00:00"), timedelta(hours=-1))
    with pytest.raises(OutsideCalendar):
        calendar.next_open(at("2041-12-31 23:00"))
    with pytest.raises(OutsideCalendar):
        calendar.prev_open(at("2010-01-01 00:00"))


def test_a_time_without_an_offset_is_refused(calendar: WorkCalendar) -> None:
    with pytest.raises(NaiveTime, match="aware"):
        calendar.is_open(datetime(2026, 1, 5, 9))  # noqa: DTZ001 - the point of the test


def test_a_time_in_place_of_a_date_is_refused(calendar: WorkCalendar) -> None:
    with pytest.raises(DateExpected):
        calendar.is_working_day(datetime(2026, 1, 5, 9, tzinfo=UTC))


@pytest.mark.parametrize("years", [[], [NoticeYear(2020), NoticeYear(2020)], [NoticeYear(2020), NoticeYear(2022)]])
def test_years_must_follow_one_another(years: list[NoticeYear]) -> None:
    with pytest.raises(CalendarInvalid):
        WorkCalendar.from_years(years)


@pytest.mark.parametrize(
    "options",
    [
        {"rest_weekdays": range(7)},
        {"rest_weekdays": [7]},
        {"horizon_years": 0},
        {"horizon_years": 101},
        {"tz": "Nowhere/Land"},
        {"hours": []},
        {"overrides": [DayOverride(date(2020, 1, 2), "off"), DayOverride(date(2020, 1, 2), "work")]},
        {"overrides": [DayOverride(date(2000, 1, 2), "off")]},
    ],
)
def test_a_calendar_that_can_not_be_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(CalendarInvalid):
        WorkCalendar.from_years([NoticeYear(2020)], **options)  # type: ignore[arg-type]


def test_a_day_off_has_no_hours() -> None:
    with pytest.raises(CalendarInvalid):
        DayOverride(date(2020, 1, 2), "off", parse_hours(["09:00-10:00"]))
    with pytest.raises(CalendarInvalid):
        DayOverride(date(2020, 1, 2), "closed")  # type: ignore[arg-type]


def test_a_folder_of_year_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "2020.toml").write_text(
        'year = 2020\n[[holiday]]\nname = "元旦"\noff = [2020-01-01]\n', encoding="utf-8"
    )
    custom = load_calendar(tmp_path)
    assert custom.day(date(2020, 1, 1)).name == "元旦"
    with pytest.raises(CalendarInvalid):
        load_calendar(tmp_path, through_year=2019)
    (tmp_path / "2021.toml").write_text("year = 2022\n", encoding="utf-8")
    with pytest.raises(NoticeInvalid, match=r"2021\.toml"):
        load_calendar(tmp_path)


def test_a_folder_without_years_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoticeInvalid, match="no year file"):
        load_calendar(tmp_path)


# -- office hours of a day ------------------------------------------------------------------------------


def test_an_override_beats_the_notice_in_both_directions(calendar: WorkCalendar) -> None:
    layered = calendar.with_overrides(
        [
            DayOverride(date(2026, 10, 1), "work", name="值班"),
            DayOverride(date(2026, 11, 20), "off", name="停电"),
            DayOverride(date(2026, 11, 23), "work", parse_hours(["09:00-11:00"]), name="半天"),
        ]
    )
    assert layered.is_working_day(date(2026, 10, 1))
    assert layered.day(date(2026, 11, 20)).kind == "off"
    assert layered.windows(date(2026, 11, 20)) == ()
    assert layered.day(date(2026, 11, 23)).kind == "weekday"
    assert [str(window) for window in layered.windows(date(2026, 11, 23))] == ["09:00-11:00"]


def test_the_office_ends_with_its_last_window(calendar: WorkCalendar, at: At) -> None:
    assert calendar.office_end(date(2026, 2, 14)) == at("2026-02-14 18:00")
    assert calendar.office_end(date(2026, 2, 15)) is None
    assert calendar.nominal_office_end(date(2026, 2, 15)) == at("2026-02-15 18:00")


def test_seasons_and_weekdays_have_their_own_hours(at: At) -> None:
    summer = Season((6, 1), (9, 30), parse_hours(["08:00-12:00", "15:00-18:00"]))
    winter = Season((12, 1), (2, 28), parse_hours(["09:00-12:00"]))
    hours = OfficeHours(
        parse_hours(["08:00-12:00", "14:30-17:30"]), {4: parse_hours(["08:00-12:00"])}, (summer, winter)
    )
    custom = WorkCalendar.from_years([NoticeYear(2026)], hours)
    assert custom.office_end(date(2026, 5, 28)) == at("2026-05-28 17:30")
    assert custom.office_end(date(2026, 5, 29)) == at("2026-05-29 12:00")  # a Friday
    assert custom.office_end(date(2026, 6, 1)) == at("2026-06-01 18:00")
    assert custom.office_end(date(2026, 1, 15)) == at("2026-01-15 12:00")
    assert custom.office_end(date(2026, 12, 1)) == at("2026-12-01 12:00")
    assert calendar_from_document(custom.to_document()) == custom


def test_a_window_over_midnight_belongs_to_the_day_it_began(at: At) -> None:
    night = WorkCalendar.from_years([NoticeYear(2026)], ["08:00-12:00", "22:00-26:00"])
    friday, saturday = date(2026, 11, 20), date(2026, 11, 21)
    assert night.windows(friday) == (Window(0, 120), Window(480, 720), Window(1320, 1440))
    assert night.windows(saturday) == (Window(0, 120),)
    assert night.windows(date(2026, 11, 22)) == ()
    assert night.is_open(at("2026-11-21 01:59"))
    assert not night.is_open(at("2026-11-21 02:00"))
    assert night.office_end(friday) == at("2026-11-21 02:00")
    assert night.open_time_between(at("2026-11-20 21:00"), at("2026-11-21 12:00")) == timedelta(hours=4)
    with pytest.raises(OutsideCalendar):
        night.nominal_office_end(night.last_day)


def test_a_tail_over_midnight_that_meets_the_morning_is_not_counted_twice(at: At) -> None:
    shifts = WorkCalendar.from_years([NoticeYear(2026)], ["08:00-32:00"])
    assert shifts.windows(date(2026, 11, 18)) == (Window(0, 1440),)
    assert shifts.open_time_between(at("2026-11-18 00:00"), at("2026-11-19 00:00")) == timedelta(days=1)
