"""`hotline calendar preview`, `import --reason`, `arrangement`, `changes`, and explanations, as a user types them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.core.clock import SimulatedClock
from service.core.settings import Settings
from service.tickets.intake import AcceptTicket, accept_ticket
from sla_rules import Tier
from tests.conftest import MASTER_KEY
from tests.desk import Desk, at
from workers.leadership import Leadership

Run = Callable[..., Result]

# A local arrangement that closes the offices on 5 January 2027, and one of a region that stops its clocks.
CLOSED = """hours = ["08:30-12:00", "14:30-18:00"]
[[override]]
date = 2027-01-05
kind = "off"
name = "停电检修"
source = "省总办〔2027〕1号"
"""


@pytest.fixture
def clock() -> SimulatedClock:
    """A Monday; five working days later it is Wednesday 6 January 2027, counted provisionally."""
    return SimulatedClock(at("2026-12-28 09:00"))


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
    number = desk.registered()
    desk.do("agent1", accept_ticket, AcceptTicket(number=number, tier=Tier.difficult, tier_reason="需要调查"))
    return number


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    file = tmp_path / "local.toml"
    file.write_text(CLOSED, encoding="utf-8")
    return file


def test_a_preview_lists_the_tickets_that_would_move_and_moves_none(
    run: Run, desk: Desk, number: str, closed: Path
) -> None:
    result = run("calendar", "preview", closed)
    assert result.exit_code == 0, result.output
    assert f"{number}  630000      resolve     2027-01-06 00:00  2027-01-07 00:00  +1 天 days" in result.stdout
    document = json.loads(run("calendar", "preview", closed, "--json").stdout)
    assert (document["moved"], document["later"], document["largest_shift_seconds"]) == (1, 1, 86400)
    assert document["moves"][0]["after"] == "2027-01-07T00:00:00+08:00"
    assert desk.ticket(number).due_at == at("2027-01-06 00:00")
    assert desk.rows("select 1 from rule_change") == []


def test_importing_with_a_reason_puts_it_in_force_and_recounts(run: Run, desk: Desk, number: str, closed: Path) -> None:
    result = run("calendar", "import", closed, "--reason", "停电检修")
    assert result.exit_code == 0, result.output
    assert "1 项变动" in result.stdout
    assert desk.ticket(number).due_at == at("2027-01-07 00:00")
    listed = json.loads(run("calendar", "changes", "--json").stdout)
    assert [(row["reason"], row["moved"], row["failures"]) for row in listed] == [("停电检修", 1, {})]
    assert listed[0]["finished_at"] is not None
    assert "停电检修" in run("calendar", "changes").stdout
    assert "2027-01-05" in run("calendar", "arrangement").stdout
    again = run("calendar", "import", closed, "--reason", "停电检修")
    assert (again.exit_code, "无需发布" in again.stderr) == (1, True)


def test_rules_can_be_published_while_a_scheduler_leads(run: Run, desk: Desk, number: str, closed: Path) -> None:
    leader = Leadership(desk.application.database)
    assert leader.is_mine()
    try:
        assert run("calendar", "import", closed, "--reason", "停电检修").exit_code == 0
    finally:
        leader.let_go()


def test_the_arrangement_shown_can_be_loaded_as_it_is(run: Run, number: str, tmp_path: Path) -> None:
    file = tmp_path / "present.toml"
    file.write_text(run("calendar", "arrangement").stdout, encoding="utf-8")
    result = run("calendar", "preview", file)
    assert (result.exit_code, "相同,无需发布" in result.stderr) == (1, True)


def test_a_policy_is_loaded_the_same_way(run: Run, desk: Desk, number: str, tmp_path: Path) -> None:
    shipped = Path("sla_rules/policies/qinghai.toml")
    text = (Path(__file__).parents[2] / shipped).read_text(encoding="utf-8")
    file = tmp_path / "policy.toml"
    file.write_text(
        text.replace(
            'tier = "difficult"\nunit = "working_days"\namount = 5',
            'tier = "difficult"\nunit = "working_days"\namount = 6',
        ),
        encoding="utf-8",
    )
    result = run("calendar", "import", file, "--reason", "承诺改为六个工作日")
    assert result.exit_code == 0, result.output
    assert "resolve        difficult" in result.stdout
    assert desk.ticket(number).due_at == at("2027-01-07 00:00")


def test_a_notice_needs_its_source_and_a_reason_and_no_doubt(run: Run, desk: Desk, number: str, tmp_path: Path) -> None:
    file = tmp_path / "notice.txt"
    file.write_text("一、元旦:1月1日(周五)至3日(周日)放假,共3天。", encoding="utf-8")
    assert run("calendar", "import", file, "--year", 2027).exit_code == 2
    assert run("calendar", "import", file, "--year", 2027, "--check", "--reason", "x").exit_code == 2
    sourceless = run("calendar", "import", file, "--year", 2027, "--reason", "通知")
    assert (sourceless.exit_code, "网址" in sourceless.stderr) == (1, True)
    file.write_text("一、元旦:1月1日(周六)至3日(周日)放假,共3天。", encoding="utf-8")
    doubtful = run(
        "calendar", "import", file, "--year", 2027, "--reason", "通知", "--source", "https://example.invalid"
    )
    assert (doubtful.exit_code, "存疑" in doubtful.stderr) == (1, True)
    assert desk.rows("select 1 from rule_change") == []


def test_every_clock_is_explained_as_a_table_with_its_sources(run: Run, number: str, closed: Path) -> None:
    run("calendar", "import", closed, "--reason", "停电检修")
    table = run("sla", "explain", number, "--table", "--lang", "zh").stdout
    assert "2027-01-05  二    -             4            周二,停电检修放假" in table
    assert "省总办〔2027〕1号" in table
    assert "期限由 2027-01-05 24:00 改为 2027-01-06 24:00(停电检修)" in table
    every = json.loads(run("sla", "explain", number, "--kind", "all", "--json").stdout)
    assert [one["kind"] for one in every] == ["dispatch", "resolve"]
