"""What somebody writes: into the log, into names, into sheets, and letters that only look alike."""

import csv
import io
import json
import subprocess
import sys

import openpyxl
import pytest

from tests.api.clients import Api
from tests.api.test_auth import log_in
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, Desk

FORGED = '13897001234\n{"event": "answered", "status": 200}\r\n\x1b[2J\x1b[31mroot logged in\u2028\u0085'


def test_a_line_of_the_log_is_not_forged() -> None:
    # In a process of its own: how a process logs is set once.
    program = (
        "import logging; from service.core.logging import configure_logging, log; configure_logging(as_json=True);"
        f"log.info('answered', route={FORGED!r}); logging.getLogger('others').warning('told: %s', {FORGED!r})"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    lines = [line for line in (ran.stdout + ran.stderr).split("\n") if line]

    assert 1 <= len(lines) <= 2
    for line in lines:
        assert json.loads(line)["event"] != "root logged in"
        assert "\x1b" not in line
        assert "\r" not in line


ALIKE = ("аgent1", "agent１", "agent1\u200b", "agent1\u202e", "ＡGENT1", "agent1\x00", "agent1%00")


@pytest.mark.parametrize("username", ALIKE)
def test_a_name_that_only_looks_alike_is_somebody_else(shared_api: Api, username: str) -> None:
    refused = log_in(shared_api, username, PASSWORD)

    assert refused.status_code in {401, 422}
    assert "access_token" not in refused.text


@pytest.mark.parametrize("username", ["аgent1", "agent１", "admin\u200b", "Admin1", "admin\u0301"])
def test_no_account_gets_a_name_that_looks_like_anothers(shared_desk: Desk, username: str) -> None:
    from service.identity.errors import UsernameInvalid
    from service.identity.people import CreatePerson, create_person

    command = CreatePerson(
        username=username, display_name="x", org_code=GOLMUD, roles=frozenset(), password="long enough for a test"
    )
    with pytest.raises(UsernameInvalid), shared_desk.application.unit() as unit:
        create_person(unit, command)


@pytest.mark.parametrize(
    "text",
    [
        "a" + "\u0301" * 190,
        "\u202e" * 100 + "x",
        "\u200b" * 199 + "x",
        "👨‍👩‍👧‍👦" * 20,
        "ﷺ" * 200,
        "\U0001f1e8" * 199 + "x",
    ],
)
def test_very_odd_words_are_kept_found_and_shown_without_a_fault(shared_api: Api, shared_desk: Desk, text: str) -> None:
    number = shared_desk.accepted(title=text, employer=text)
    agent = shared_api.as_("agent1")

    assert agent.get(f"/tickets/{number}").json()["title"] == text
    assert agent.get("/tickets", params={"q": text}).status_code in {200, 422}
    assert agent.post("/intake/assist", json={"title": text, "body": text}).status_code in {200, 422}


FORMULAS = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", "=HYPERLINK(1)", "|calc", "%=1")


def test_an_export_holds_no_formula_in_any_column(shared_api: Api, shared_desk: Desk) -> None:
    numbers = [shared_desk.accepted(title=title, employer=title) for title in FORMULAS]
    asked = {"filters": {}, "numbers": numbers, "reason": "核对"}
    book, text = (
        shared_api.as_("dispatcher1").post("/tickets/bulk/export", json=asked | {"format": kind})
        for kind in ("xlsx", "csv")
    )

    sheets = openpyxl.load_workbook(io.BytesIO(book.content))
    cells = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert {cell.value for cell in cells} >= set(numbers)
    assert all(cell.data_type != "f" for cell in cells)
    rows = list(csv.reader(io.StringIO(text.content.decode("utf-8-sig"))))
    assert {cell for row in rows for cell in row} >= set(numbers)
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert not [cell for row in rows for cell in row if cell.startswith("-") and not cell[1:].strip().isdecimal()]
