"""`hotline catalogue` and the absences of `hotline user`."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from service.cli import app
from service.core.settings import Settings
from tests.conftest import MASTER_KEY
from tests.desk import GOLMUD, Desk

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, desk: Desk) -> Run:
    environment = {
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url,
        "HOTLINE_MASTER_KEY": MASTER_KEY,
    }
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words], env=environment)


def test_a_catalogue_written_by_a_chinese_excel_is_published_and_shown(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "目录.csv"
    file.write_bytes("category,place,org\r\n0101,格尔木市,632801\r\n".encode("gb18030"))
    assert run("catalogue", "show").exit_code == 1

    published = run("catalogue", "import", file, "--reason", "年度目录")
    assert published.exit_code == 0, published.output
    shown = json.loads(run("catalogue", "show", "--json").stdout)
    assert shown["entries"] == [{"category": "0101", "place": GOLMUD, "org": GOLMUD}]


def test_a_faulty_catalogue_is_refused_line_by_line(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("category,place,org\n0101,火星,632801\n", encoding="utf-8")
    refused = run("catalogue", "import", file, "--reason", "试")

    assert refused.exit_code == 1
    assert "第 2 行" in refused.output
    assert "line 2" in refused.output


def test_an_absence_is_recorded_listed_and_ended(run: Run) -> None:
    days = ("--from", "2099-01-05", "--to", "2099-01-09")
    who = (f"handler-{GOLMUD}", *days, "--deputy", f"leader-{GOLMUD}", "--reason", "年休假")
    recorded = run("user", "absence", *who)
    assert recorded.exit_code == 0, recorded.output

    (absence,) = json.loads(run("user", "absences", "--json").stdout)
    assert (absence["starts_on"], absence["deputy"], absence["reason"]) == ("2099-01-05", f"leader-{GOLMUD}", "年休假")
    assert run("user", "absence", *who).exit_code == 1
    assert run("user", "back", absence["id"]).exit_code == 0
    assert json.loads(run("user", "absences", "--json").stdout) == []
    wrong = run("user", "absence", "x", "--from", "morgen", "--to", "2099-01-09", "--deputy", "y", "--reason", "z")
    assert wrong.exit_code == 2
