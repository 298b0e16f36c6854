"""`hotline calendar import`: a notice or file is shown as it was understood, and its doubts end the command."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app

NOTICE = """一、元旦:1月1日(周四)至3日(周六)放假调休,共3天。1月4日(周日)上班。
二、清明节:4月4日(周六)至6日(周一)放假,共3天。鼓励错峰出行。
"""


def check(*words: object, text: str | None = None) -> Result:
    """`hotline calendar import … --check`, with `text` on standard input."""
    return CliRunner().invoke(app, ["calendar", "import", *map(str, words), "--check"], input=text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_notice_is_shown_day_by_day(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "notice.txt"
    file.write_text(NOTICE, encoding=encoding)
    result = check(file, "--year", 2026)
    assert result.exit_code == 0
    assert "2026-01-04  日    上班 work  元旦" in result.stdout
    assert "鼓励错峰出行" in result.stdout, "what is left out is told"
    assert "6 days off, 1 worked in exchange, 0 in doubt" in result.stdout


def test_standard_input_is_read() -> None:
    assert "2026-04-05" in check("-", "--year", 2026, text=NOTICE).stdout


def test_a_doubt_ends_with_its_sentence_and_what_was_understood() -> None:
    result = check("-", "--year", 2026, text=NOTICE.replace("1月4日(周日)", "1月4日(周六)"))
    assert result.exit_code == 1
    assert "存疑:2026-01-04 是周日,不是周六:「1月4日(周六)上班。」" in result.stderr
    assert "2026-01-03" in result.stdout


def test_a_notice_without_a_year_is_refused() -> None:
    result = check("-", text=NOTICE)
    assert (result.exit_code, "neither stated nor given" in result.stderr) == (1, True)


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notice.pdf"
    file.write_bytes(b"%PDF\xff\xff\xff")
    result = check(file, "--year", 2026)
    assert (result.exit_code, "is not a text" in result.stderr) == (2, True)
    assert check(tmp_path / "nowhere.txt", "--year", 2026).exit_code == 2


FEED = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test
BEGIN:VEVENT
DTSTART;VALUE=DATE:20450101
DTEND;VALUE=DATE:20450104
SUMMARY:元旦(休)
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20450107
SUMMARY:元旦(班)
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20450501
DURATION:P2D
SUMMARY:劳动节(休)
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20451001
DTEND;VALUE=DATE:20451004
SUMMARY:国庆节(休)
END:VEVENT
END:VCALENDAR
"""
TABLE = "日期,类型,名称\n2045-01-01,休,元旦\n2045年5月1日,休,劳动节\n2045/5/2,休,劳动节\n"


def test_a_feed_is_shown_as_a_notice_is_and_called_no_notice(tmp_path: Path) -> None:
    file = tmp_path / "holidays.ics"
    file.write_text(FEED, encoding="utf-8")
    result = check(file)
    assert result.exit_code == 0
    assert "2045-01-07  六    上班 work  元旦" in result.stdout
    assert "附注 note: 「holidays.ics」 并非国务院通知原文" in result.stdout
    assert "8 days off, 1 worked in exchange, 0 in doubt" in result.stdout


def test_a_table_with_a_wrong_row_quotes_it(tmp_path: Path) -> None:
    file = tmp_path / "2045.csv"
    file.write_text(TABLE + "2045-10-32,休,国庆节\n", encoding="gb18030")
    result = check(file)
    assert result.exit_code == 1
    assert "2045-05-02" in result.stdout, "what was understood is shown all the same"
    assert "没有 2045年10月32日这一天:「第 5 行 line 5: 2045-10-32,休,国庆节」" in result.stderr
    assert "2045-10-01 依法为国庆节,却未放假:「2045.csv」" in result.stderr


def test_a_feed_of_several_years_asks_for_one(tmp_path: Path) -> None:
    file = tmp_path / "holidays.ics"
    file.write_text(FEED.replace("204505", "204605"), encoding="utf-8")
    result = check(file)
    assert (result.exit_code, "the years 2045, 2046 are listed" in result.stderr) == (1, True)
    assert "2046-05-02" in check(file, "--year", 2046).stdout


def test_a_year_file_is_checked_as_well() -> None:
    result = check("-", text='year = 2045\n[[holiday]]\nname = "元旦"\noff = [2045-01-01]\n')
    assert (result.exit_code, "2045-10-01 依法为国庆节" in result.stderr) == (1, True)
    assert "「标准输入」 并非国务院通知原文" in result.stdout


ARRANGEMENT = """hours = ["08:30-12:00", "14:30-18:00"]
[[season]]
from = "06-01"
to = "09-30"
hours = ["08:00-12:00"]
[[override]]
date = 2026-05-06
kind = "work"
hours = ["08:30-12:00"]
name = "半天"
[[layer]]
prefix = "6327"
name = "玉树州"
[[layer.day]]
date = 2026-07-25
kind = "off"
"""


def test_a_unions_own_arrangement_is_shown_as_understood(tmp_path: Path) -> None:
    file = tmp_path / "local.toml"
    file.write_text(ARRANGEMENT, encoding="utf-8")
    result = check(file)
    assert result.exit_code == 0
    assert "06-01 至 to 09-30  08:00-12:00" in result.stdout
    assert "2026-05-06  三    上班 work  08:30-12:00  半天" in result.stdout
    assert "6327 玉树州 (不停表 does not stop the clock)" in result.stdout


def test_a_wrong_arrangement_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "local.toml"
    file.write_text(ARRANGEMENT.replace("2026-05-06", "2026-05"), encoding="utf-8")
    result = check(file)
    assert result.exit_code == 1
    assert "local.toml 第 7 行" in result.stderr
    assert "local.toml, line 7: " in result.stderr
