"""The year file: what is read, and what is refused with file, entry and reason."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest

import sla_rules
from sla_rules import Holiday, Notice, NoticeInvalid, NoticeYear, load_year, load_years, year_from_document

NATIONAL_DAY = """
year = 2026
[[notice]]
url = "https://example.org/notice"
number = "1"
published = 2025-11-04
[[holiday]]
name = "国庆节"
off = [2026-10-01, 2026-10-02]
work = [2026-10-10]
"""


def test_a_year_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "2026.toml"
    path.write_text(NATIONAL_DAY, encoding="utf-8")
    year = load_year(path)
    assert year.notices == (Notice("https://example.org/notice", "1", date(2025, 11, 4)),)
    assert year.holidays == (Holiday("国庆节", (date(2026, 10, 1), date(2026, 10, 2)), (date(2026, 10, 10),)),)
    assert year.url_of(year.holidays[0]) == "https://example.org/notice"


def test_a_year_survives_being_stored() -> None:
    year = year_from_document(tomllib.loads(NATIONAL_DAY))
    assert year_from_document(year.to_document()) == year


def test_a_year_without_notices_cites_none() -> None:
    year = NoticeYear(2026, holidays=(Holiday("元旦", (date(2026, 1, 1),)),))
    assert year.url_of(year.holidays[0]) == ""
    assert year.citation_of(year.holidays[0]) == ""


@pytest.mark.parametrize(
    ("number", "published", "citation"),
    [
        ("国办发明电〔2025〕7号", date(2025, 11, 4), "国办发明电〔2025〕7号(2025-11-04)"),
        ("国办发明电〔2025〕7号", None, "国办发明电〔2025〕7号"),
        ("", date(2025, 11, 4), "2025-11-04"),
        ("", None, ""),
    ],
)
def test_a_notice_is_cited_by_what_is_known_of_it(number: str, published: date | None, citation: str) -> None:
    day = Holiday("元旦", (date(2026, 1, 1),))
    assert NoticeYear(2026, (Notice("u", number, published),), (day,)).citation_of(day) == citation


def test_a_day_is_cited_from_the_notice_that_set_it() -> None:
    first, second = Notice("u", "国办发明电〔2018〕15号"), Notice("v", "国办发明电〔2019〕3号")
    new_year = Holiday("元旦", (date(2019, 1, 1),))
    labour_day = Holiday("劳动节", (date(2019, 5, 1),), notice=2)
    year = NoticeYear(2019, (first, second), (new_year, labour_day))
    assert year.citation_of(new_year) == "国办发明电〔2018〕15号"
    assert year.citation_of(labour_day) == "国办发明电〔2019〕3号"


YEARS = load_years(Path(sla_rules.__file__).parent / "calendars")
BUILT_IN = [(year.year, notice) for year in YEARS for notice in year.notices]


@pytest.mark.parametrize(("year", "notice"), BUILT_IN, ids=[f"{year}-{notice.number}" for year, notice in BUILT_IN])
def test_every_built_in_notice_can_be_cited(year: int, notice: Notice) -> None:
    assert notice.published
    number = re.fullmatch(r"国办?发明电〔(\d{4})〕[1-9]\d*号", notice.number)
    assert number
    assert int(number[1]) == notice.published.year, "a number is of the year in which it was given"
    assert date(year - 1, 10, 1) <= notice.published <= date(year, 12, 31)
    addressed = re.search(r"/(\d{4})-?(\d\d)(?:/(\d\d))?/content_", notice.url)
    assert addressed
    if year != 2014:  # whose address, in the library of documents, is later than its publication
        published = notice.published.strftime("%Y-%m-%d" if addressed[3] else "%Y-%m")
        assert "-".join(filter(None, addressed.groups())) == published


def test_no_two_built_in_notices_share_a_number() -> None:
    assert len({notice.number for _, notice in BUILT_IN}) == len(BUILT_IN) == 20


def test_a_notice_may_reach_into_the_neighbouring_months() -> None:
    NoticeYear(2012, holidays=(Holiday("元旦", (date(2012, 1, 1),), (date(2011, 12, 31),)),))
    NoticeYear(2012, holidays=(Holiday("元旦", (date(2013, 1, 1),)),))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "`year` is missing"),
        ("year = true", "`year` is missing"),
        ('year = "2026"', "`year` is missing"),
        ("year = 2026\nextra = 1", "unknown key 'extra'"),
        ("year = 2026\nnotice = 1", "must be a list of tables"),
        ("year = 2026\n[[notice]]\nnumber = '1'", "`url` is missing"),
        ("year = 2026\n[[notice]]\nurl = ''", "`url` is missing"),
        ("year = 20260", "`year` is missing or not a year"),
        ("year = 2026\n[[holiday]]\nname = '元旦'\noff = 2026-01-01", "not a list of dates"),
        ("year = 2026\n[[holiday]]\nname = '元旦'\noff = []\nnotice = 'first'", "`notice` is not a number: 'first'"),
        ("year = 2026\n[[notice]]\nurl = 'u'\npublished = 'soon'", "not a date: 'soon'"),
        ("year = 2026\n[[holiday]]\noff = [2026-01-01]", "`name` is missing"),
        ("year = 2026\n[[holiday]]\nname = 'x'", "names no day"),
        ("year = 2026\n[[holiday]]\nname = 'x'\nrest = [2026-01-01]", "unknown key 'rest'"),
        ("year = 2026\n[[holiday]]\nname = 'x'\noff = [20260101]", "not a date: 20260101"),
        ("year = 2026\n[[holiday]]\nname = 'x'\noff = [2026-01-01T08:00:00]", "not a date"),
        ("year = 2026\n[[holiday]]\nname = 'x'\noff = [2025-11-30]", "2025-11-30: does not belong to 2026"),
        ("year = 2026\n[[holiday]]\nname = 'x'\noff = [2027-02-01]", "does not belong to 2026"),
        (
            "year = 2026\n[[holiday]]\nname = 'x'\nwork = [2026-01-07]",
            "2026-01-07: a day worked in exchange must be",
        ),
        ("year = 2026\n[[holiday]]\nname = 'x'\noff = [2026-01-01, 2026-01-01]", "already listed as 'off'"),
        (
            "year = 2026\n[[holiday]]\nname = 'x'\noff = [2026-01-04]\nwork = [2026-01-04]",
            "already listed as 'off'",
        ),
        ("year = 2026\n[[holiday]]\nname = 'x'\nnotice = 2\noff = [2026-01-04]", "cites notice 2"),
    ],
)
def test_a_wrong_entry_is_named_with_its_file(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "2026.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NoticeInvalid) as refused:
        load_year(path)
    assert "2026" in str(refused.value)
    assert reason in str(refused.value)
    assert refused.value.zh


def test_a_file_that_can_not_be_read_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "2026.toml"
    broken.write_text("year = ", encoding="utf-8")
    for path in (broken, tmp_path / "2027.toml"):
        with pytest.raises(NoticeInvalid, match=path.name):
            load_year(path)


def test_a_document_without_a_year_is_refused() -> None:
    with pytest.raises(NoticeInvalid, match="notice: `year`"):
        year_from_document({})
