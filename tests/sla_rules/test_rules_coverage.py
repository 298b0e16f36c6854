"""The year that is missing: from when the alarm rings, how often it is to be told, and what it says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_rules import CoverageAlarm, DateExpected, NoticeYear, WorkCalendar, coverage_alarm, load_calendar

ONE_DAY = timedelta(days=1)


def reaching(year: int) -> WorkCalendar:
    """A calendar whose last year is this one."""
    return WorkCalendar.from_years([NoticeYear(year)], horizon_years=1)


def ringing(calendar: WorkCalendar, today: str) -> CoverageAlarm:
    alarm = coverage_alarm(calendar, date.fromisoformat(today))
    assert alarm is not None
    return alarm


@pytest.mark.parametrize(
    ("today", "days_left"),
    [
        ("2026-01-01", None),
        ("2026-10-31", None),
        ("2026-11-01", 60),
        ("2026-11-22", 39),
        ("2026-12-31", 0),
        ("2027-01-01", -1),
        ("2027-06-01", -152),
        ("2027-11-01", -305),
    ],
)
def test_it_rings_from_the_first_of_november_until_the_year_is_there(today: str, days_left: int | None) -> None:
    alarm = coverage_alarm(reaching(2026), date.fromisoformat(today))

    if days_left is None:
        assert alarm is None
    else:
        assert alarm == CoverageAlarm(
            missing_year=2027, since=date(2026, 11, 1), covered_until=date(2026, 12, 31), days_left=days_left
        )


def test_the_year_once_loaded_silences_it_until_the_next_november() -> None:
    assert coverage_alarm(reaching(2027), date(2026, 12, 31)) is None
    assert coverage_alarm(reaching(2027), date(2027, 10, 31)) is None
    assert ringing(reaching(2027), "2027-11-01").missing_year == 2028


def test_of_several_missing_years_the_first_is_named() -> None:
    assert ringing(reaching(2024), "2026-11-22").missing_year == 2025


def test_today_2027_is_missing() -> None:
    alarm = ringing(load_calendar(through_year=2026), "2026-11-22")

    assert alarm.zh == "尚未载入 2027 年的工作日历,已发布的只到 2026-12-31(还有 39 天)。"
    assert alarm.en == "The calendar of 2027 is not loaded; the published one ends on 2026-12-31 (39 day(s) left)."


def test_past_the_last_covered_day_it_says_since_when() -> None:
    alarm = ringing(reaching(2026), "2027-01-05")

    assert "已过 5 天" in alarm.zh
    assert "5 day(s) ago" in alarm.en


@pytest.mark.parametrize(
    ("today", "occasion"),
    [
        ("2026-11-01", "2026-11-01"),
        ("2026-11-07", "2026-11-01"),
        ("2026-11-08", "2026-11-08"),
        ("2026-11-22", "2026-11-22"),
        ("2026-11-28", "2026-11-22"),
        ("2026-11-30", "2026-11-29"),
        ("2026-12-01", "2026-12-01"),
        ("2026-12-02", "2026-12-02"),
        ("2027-01-01", "2027-01-01"),
        ("2027-11-02", "2027-11-02"),
    ],
)
def test_it_is_told_weekly_in_november_and_daily_from_december_on(today: str, occasion: str) -> None:
    assert ringing(reaching(2026), today).occasion == date.fromisoformat(occasion)


def test_a_time_is_refused_where_a_local_date_is_meant() -> None:
    with pytest.raises(DateExpected):
        coverage_alarm(reaching(2026), datetime(2026, 10, 31, 16, tzinfo=UTC))


def test_every_notice_until_now_came_out_in_the_months_the_alarm_goes_by() -> None:
    for year in load_calendar(through_year=2026).years:
        first = min(notice.published for notice in year.notices if notice.published is not None)
        assert date(year.year - 1, 10, 25) <= first <= date(year.year - 1, 12, 16)


@given(st.integers(2000, 2060), st.dates(date(2000, 1, 1), date(2060, 12, 31)))
def test_it_rings_just_when_november_came_without_the_next_year_or_today_is_not_covered(last: int, today: date) -> None:
    calendar = reaching(last)
    november_without = today >= date(today.year, 11, 1) and calendar.covered_until.year < today.year + 1
    not_covered = today > calendar.covered_until

    assert (coverage_alarm(calendar, today) is not None) == (november_without or not_covered)


@given(st.dates(date(2026, 11, 1), date(2029, 12, 31)))
def test_an_occasion_never_lies_ahead_nor_more_than_six_days_back_and_is_its_own(today: date) -> None:
    alarm = ringing(reaching(2026), today.isoformat())

    assert timedelta(0) <= today - alarm.occasion <= (timedelta(0) if today >= date(2026, 12, 1) else 6 * ONE_DAY)
    assert ringing(reaching(2026), alarm.occasion.isoformat()).occasion == alarm.occasion
