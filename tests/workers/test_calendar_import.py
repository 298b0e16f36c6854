"""`hotline calendar import`: a notice is shown as it was understood, and its doubts end the command."""

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
