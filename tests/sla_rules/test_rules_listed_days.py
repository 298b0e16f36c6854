"""A year of single days, as feeds and tables list them: put together as a notice would, and checked as one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest

from sla_rules import NoticeReading, NoticeUnreadable, NoticeYear, Remark, WorkCalendar, load_calendar
from sla_rules.listed_days import ListedDay, examine_days
from sla_rules.notice import year_from_document
from sla_rules.notice_reading import examine_year

YEARS = load_calendar().years


def listed(year: NoticeYear) -> Iterator[ListedDay]:
    for holiday in year.holidays:
        for day in holiday.off:
            yield ListedDay(day, "off", holiday.name, f"{day} off")
        for day in holiday.work:
            yield ListedDay(day, "work", holiday.name, f"{day} work")


def days_of(year: NoticeYear | NoticeReading) -> set[tuple[date, str]]:
    return {(day, kind) for entry in year.holidays for kind in ("off", "work") for day in getattr(entry, kind)}


def off(text: str, name: str = "元旦") -> ListedDay:
    return ListedDay(date.fromisoformat(text), "off", name, f"row {text}")


def work(text: str, name: str = "元旦") -> ListedDay:
    return ListedDay(date.fromisoformat(text), "work", name, f"row {text}")


@pytest.mark.parametrize("year", YEARS, ids=lambda year: str(year.year))
def test_the_days_of_every_notice_make_that_year_again(year: NoticeYear) -> None:
    alone = examine_days(listed(year), origin="days.csv")
    among_all = examine_days((day for each in YEARS for day in listed(each)), origin="days.csv", year=year.year)
    for reading in (alone, among_all):
        assert reading.year == year.year
        assert reading.doubts == ()
        assert days_of(reading) == days_of(year)
    assert any("other years left out" in note.en for note in among_all.notes)


def test_consecutive_days_off_of_one_name_are_one_holiday() -> None:
    reading = examine_days(listed(YEARS[-1]), origin="days.csv")
    assert [(entry.name, len(entry.off), len(entry.work)) for entry in reading.holidays] == [
        ("元旦", 3, 1),
        ("春节", 9, 2),
        ("清明节", 3, 0),
        ("劳动节", 5, 1),
        ("端午节", 3, 0),
        ("中秋节", 3, 0),
        ("国庆节", 7, 2),
    ]
    assert reading.holidays[0].sentence == "2026-01-01 off; 2026-01-02 off; 2026-01-03 off; 2026-01-04 work"


def test_a_list_is_no_notice_and_is_cited_by_its_name() -> None:
    reading = examine_days(listed(YEARS[-1]), origin="days.csv")
    assert [note.en for note in reading.notes] == [
        "no notice of the State Council; compare each day with the one published"
    ]
    day = WorkCalendar.from_years([reading.to_year()]).day(date(2026, 1, 1))
    assert (day.source, day.citation) == ("", "days.csv")
    assert reading.to_year("https://example.org/feed").notices[0].url == "https://example.org/feed"


def test_the_new_year_begun_in_december_belongs_to_the_year_it_ends_in() -> None:
    reading = examine_days(
        [work("2018-12-29"), off("2018-12-30"), off("2018-12-31"), off("2019-01-01")], origin="days.csv"
    )
    assert reading.year == 2019
    assert reading.holidays[0].work == (date(2018, 12, 29),)


@pytest.mark.parametrize(
    ("days", "quote", "doubt"),
    [
        ([off("2026-01-01"), off("2026-01-01")], "row 2026-01-01", "2026-01-01 is listed for 元旦 already"),
        ([off("2026-01-01"), work("2026-01-01")], "row 2026-01-01", "2026-01-01 is both off and worked"),
        ([off("2026-01-01"), work("2026-01-05")], "row 2026-01-05", "2026-01-05 is a 周一; a day worked in exchange"),
        ([off("2026-01-01"), work("2026-02-28")], "row 2026-02-28", "2026-02-28 is worked too far from its holiday"),
        ([off("2026-01-01"), work("2026-01-04", "年节")], "row 2026-01-04", "days are worked, but none is off"),
        ([off("2026-01-01"), off("2026-03-02", "")], "row 2026-03-02", "the holiday has no name"),
        (
            [off("2026-01-01"), *(off(f"2026-03-{day:02d}", "长假") for day in range(1, 17))],
            "row 2026-03-01",
            "2026-03-01 to 2026-03-16 is no holiday of 1 to 15 days",
        ),
        ([off("2026-01-02")], "days.csv", "2026-01-01 is 元旦 by law and is not off"),
    ],
)
def test_what_cannot_be_true_is_a_doubt_that_quotes_its_row(days: list[ListedDay], quote: str, doubt: str) -> None:
    doubts = [(found.sentence, found.en) for found in examine_days(days, origin="days.csv").doubts]
    assert any(sentence == quote and en.startswith(doubt) for sentence, en in doubts), doubts


def test_a_festival_that_was_lost_is_found_by_the_law() -> None:
    days = [day for day in listed(YEARS[-1]) if day.name != "端午节"]
    assert [doubt.zh for doubt in examine_days(days, origin="days.csv").doubts] == ["2026-06-19 依法为端午节,却未放假"]


def test_a_slip_in_another_year_does_not_concern_the_one_asked_for() -> None:
    slips = [off("2025-05-01", "又一个"), off("2025-05-01", "再一个")]
    both = [*slips, *listed(YEARS[-2]), *listed(YEARS[-1])]
    assert examine_days(both, origin="days.csv", year=2026).doubts == ()
    assert examine_days(both, origin="days.csv", year=2025).doubts != ()


@pytest.mark.parametrize(
    ("days", "year", "doubt"),
    [
        ([off("2025-01-01"), off("2026-01-01")], None, "the years 2025, 2026 are listed; say which one"),
        ([off("2025-01-01"), off("2026-01-01")], 2027, "2027 is not listed, only 2025, 2026"),
        ([], 2026, "no day is stated"),
    ],
)
def test_without_a_year_nothing_is_read(days: list[ListedDay], year: int | None, doubt: str) -> None:
    row = Remark("row 9", "not a date", "不是日期")
    with pytest.raises(NoticeUnreadable) as refused:
        examine_days(days, origin="days.csv", year=year, doubts=[row])
    assert [found.en for found in refused.value.doubts] == ["not a date", doubt]


def test_doubts_about_the_list_itself_come_first() -> None:
    row = Remark("row 9", "not a date", "不是日期")
    reading = examine_days([off("2026-01-02")], origin="days.csv", doubts=[row])
    assert reading.doubts[0] == row
    assert len(reading.doubts) > 1


# A year that is data already ------------------------------------------------------------------------------


@pytest.mark.parametrize("year", YEARS, ids=lambda year: str(year.year))
def test_every_year_of_the_house_stands_the_checks_and_is_read_back(year: NoticeYear) -> None:
    reading = examine_year(year)
    assert (reading.doubts, reading.notes) == ((), ())
    assert reading.to_year() == NoticeYear(year.year, year.notices, year.holidays)


def test_a_year_file_has_its_doubts_too() -> None:
    document = {
        "year": 2045,  # whose lunar dates nobody knows here
        "holiday": [
            {"name": "元旦", "off": ["2045-01-01"], "work": ["2045-02-25"]},
            {"name": "空", "work": ["2045-03-04"]},
            {"name": "国庆节", "off": ["2045-10-01", "2045-10-02", "2045-10-03"]},
        ],
    }
    reading = examine_year(year_from_document(document, origin="2045.toml"))
    assert [(doubt.sentence, doubt.en) for doubt in reading.doubts] == [
        ("2045.toml", "2045-05-01 is 劳动节 by law and is not off"),
        ("2045.toml", "2045-05-02 is 劳动节 by law and is not off"),
        ("元旦", "2045-02-25 is worked too far from its holiday"),
        ("空", "days are worked, but none is off"),
    ]
    assert [note.en for note in reading.notes] == [
        "no notice of the State Council; compare each day with the one published"
    ]
    assert reading.sources[0].citation == "2045.toml"
