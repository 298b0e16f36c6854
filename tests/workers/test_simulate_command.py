"""`hotline sla simulate` as a user types it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import sla_rules
from service.cli import app
from service.core.clock import SimulatedClock
from service.core.settings import Settings
from tests.conftest import MASTER_KEY
from tests.desk import GOLMUD, Desk, at

Run = Callable[..., Result]

NOTICE = """国务院办公厅关于2024年部分节假日安排的通知
一、元旦:1月1日放假,与周末连休。
二、春节:2月10日至17日放假调休,共8天。2月18日(星期日)上班。
三、清明节:4月4日至6日放假调休,共3天。4月7日(星期日)上班。
四、劳动节:5月1日至5日放假调休,共5天。4月28日(星期日)、5月11日(星期六)上班。
五、端午节:6月10日放假,与周末连休。
六、中秋节:9月15日至17日放假调休,共3天。9月14日(星期六)上班。
七、国庆节:10月1日至7日放假调休,共7天。9月29日(星期日)、10月12日(星期六)上班。
国务院办公厅
2023年10月25日
"""


@pytest.fixture
def clock() -> SimulatedClock:
    """A Friday that lies in the past wherever the tests run; the Sunday after it was worked in exchange."""
    return SimulatedClock(at("2024-02-02 09:00"))


@pytest.fixture
def run(settings: Settings) -> Run:
    """`hotline` with the settings of a server installation."""
    environment = {
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url,
        "HOTLINE_MASTER_KEY": MASTER_KEY,
    }
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], env=environment)


@pytest.fixture
def number(desk: Desk) -> str:
    """Due at the end of Thursday 02-08 with the Sunday worked, of Friday without it; answered on Friday."""
    number = desk.in_progress()
    desk.go_to("2024-02-09 10:00")
    desk.reply(number)
    return number


def test_without_made_up_days_a_late_ticket_is_in_time(run: Run, number: str) -> None:
    result = run("sla", "simulate", "--no-made-up-days")

    assert result.exit_code == 0, result.output
    assert re.search(r"合计 +0\.0 % \(0/1\) +100\.0 % \(1/1\)", result.stdout)
    assert re.search(rf"{number} .*2024-02-08 24:00 +2024-02-09 24:00 \(推后 1 天\) +不再逾期", result.stdout)
    assert "1/1" in result.stderr, "the bar is on standard error"


def test_the_answer_is_a_document_for_a_program(run: Run, number: str) -> None:
    result = run("sla", "simulate", "--set", "difficult=10", "--set", "ordinary=1:working_days", "--json")

    document = json.loads(result.stdout)
    assert [change["en"] for change in document["changes"]] == [
        "ordinary: the same day → 1 working days",
        "difficult: 5 working days → 10 working days",
    ]
    assert [changed["number"] for changed in document["changed"]] == [number]


def test_files_are_written_into_a_folder(run: Run, number: str, tmp_path: Path) -> None:
    result = run("sla", "simulate", "--no-made-up-days", "--org", GOLMUD, "--out", tmp_path / "new" / "report")

    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in (tmp_path / "new" / "report").iterdir()) == [
        "changed.csv",
        "report.html",
        "simulation.json",
    ]


def test_a_calendar_is_a_notice_or_a_year_file(run: Run, number: str, tmp_path: Path) -> None:
    notice, year = tmp_path / "notice.txt", tmp_path / "year.toml"
    notice.write_text(NOTICE, encoding="utf-8")
    year.write_text('year = 2024\n[[holiday]]\nname = "春节"\noff = ["2024-02-09"]\n')

    by_notice = run("sla", "simulate", "--calendar", notice, "--json")
    by_year = run("sla", "simulate", "--calendar", year, "--json")

    # The notice lists no Sunday 02-04 to be worked; the year file gives the Friday off as well.
    assert by_notice.exit_code == 0, by_notice.output
    assert json.loads(by_notice.stdout)["changed"][0]["due_now"] == "2024-02-10T00:00:00+08:00"
    assert json.loads(by_year.stdout)["changed"][0]["due_now"] == "2024-02-13T00:00:00+08:00"


def test_a_local_arrangement_is_tried_like_a_calendar(run: Run, number: str, tmp_path: Path) -> None:
    arrangement = tmp_path / "local.toml"
    arrangement.write_text('hours = ["09:00-17:00"]\n[[override]]\nkind = "off"\ndate = 2024-02-08\nname = "停电"\n')
    document = json.loads(run("sla", "simulate", "--calendar", arrangement, "--json").stdout)

    assert document["changed"][0]["due_now"] == "2024-02-10T00:00:00+08:00"
    assert [change["zh"] for change in document["changes"]] == [
        "办公时段有改动",
        "2010-01-01 至 2026-12-31:1 个工作日改为休息",
    ]


def test_a_whole_policy_is_read_from_a_file(run: Run, number: str, tmp_path: Path) -> None:
    built_in = (Path(sla_rules.__file__).parent / "policies" / "qinghai.toml").read_text(encoding="utf-8")
    policy = tmp_path / "policy.toml"
    policy.write_text(built_in.replace('version = "2026.1"', 'version = "draft"').replace("amount = 5", "amount = 6"))

    document = json.loads(run("sla", "simulate", "--policy", policy, "--json").stdout)

    assert document["rules_now"]["policy_version"].startswith("qinghai-draft+")
    assert document["changed"][0]["direction"] == "no_longer_late"


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ((), 1, "--no-made-up-days"),
        (("--set", "difficult=5"), 1, "没有改动任何规则"),
        (("--set", "difficult=0"), 1, "the amount must be 1 to"),
        (("--set", "difficult=3:weeks"), 2, "ordinary=1:working_days"),
        (("--set", "hard=3"), 2, "ordinary | difficult | complex"),
        (("--set", "difficult"), 2, "difficult=3"),
        (("--set", "ordinary=2"), 1, "same_day means one day"),
        (("--policy", "nowhere.toml"), 1, "nowhere.toml"),
        (("--calendar", "nowhere.txt"), 2, "nowhere.txt"),
        (("--no-made-up-days", "--org", "999999"), 1, "999999"),
        (("--no-made-up-days", "--from", "yesterday"), 2, "2026-01-31"),
        (("--no-made-up-days", "--from", "2024-02-02", "--to", "2024-02-01"), 1, "结束日期须晚于开始日期"),
    ],
)
def test_what_cannot_be_answered_gets_a_sentence(
    run: Run, number: str, words: tuple[str, ...], code: int, says: str
) -> None:
    result = run("sla", "simulate", *words)
    assert result.exit_code == code, result.output
    assert says in result.output
    assert "Traceback" not in result.output


def test_an_empty_history_is_told_as_such(run: Run, desk: Desk) -> None:
    result = run("sla", "simulate", "--set", "difficult=3")
    assert (result.exit_code, "0 in all" in result.stdout) == (0, True)
