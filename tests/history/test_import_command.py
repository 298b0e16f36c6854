"""`hotline import` as a user types it: what is read, what is refused and why, and a process killed on the way."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from openpyxl import Workbook
from typer.testing import Result

from tests.conftest import MASTER_KEY
from tests.desk import Desk
from tests.embedded.processes import ROOT, within
from tests.history.conftest import CLOSED, HEADING, LATE, MAPPING, OPEN, Import, Sheet


def report(tmp_path: Path, name: str) -> list[dict[str, str]]:
    with (tmp_path / "out" / name).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def figures(result: Result) -> tuple[int, ...]:
    document = json.loads(result.stdout)
    return tuple(document[name] for name in ("rows", "imported", "known", "refused", "warned"))


def imported(desk: Desk) -> list[tuple[object, ...]]:
    """All that an import decides, whatever the run."""
    rows = desk.rows(
        """select a.number, i.line, t.state, t.title, t.received_at, t.due_at, t.ended_at, c.kind, c.stopped_at
        from ticket_alias a join ticket t on t.id = a.ticket_id join imported_ticket i using (ticket_id)
        left join sla_clock c using (ticket_id) order by i.line, c.kind"""
    )
    return [tuple(row) for row in rows]


class TestWhatIsShown:
    def test_the_figures_and_the_report(self, run_import: Import, sheet: Sheet, tmp_path: Path) -> None:
        result = run_import(sheet(CLOSED, LATE, OPEN), "--as-of", "2024-02-01 00:00")
        assert result.exit_code == 0
        assert "2024-02-01 00:00:00+08:00" in result.stdout
        assert "in_progress 1" in result.stdout
        summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
        assert [summary[name] for name in ("imported", "late", "in_time", "undated")] == [3, 1, 2, 0]

    def test_a_second_time_says_so_and_changes_nothing(self, run_import: Import, sheet: Sheet) -> None:
        file = sheet(CLOSED)
        run_import(file)
        result = run_import(file, "--json")
        assert "was imported by this mapping before" in result.stderr
        assert figures(result) == (1, 1, 0, 0, 0)

    def test_a_check_writes_nothing(self, run_import: Import, sheet: Sheet, desk: Desk) -> None:
        result = run_import(sheet(CLOSED, ("A9", *LATE[1:2], "?", *LATE[3:])), "--check")
        assert result.exit_code == 1
        assert "rows: 1 fit, 1 do not" in result.stdout
        assert desk.rows("select count(*) from import_run")[0].count == 0


REFUSED = {
    "number": (0, "", "is empty"),
    "title": (1, "题" * 201, "is longer than 200 characters"),
    "state": (2, "搁置", "“搁置” is not in the table"),
    "place": (4, "110000", "“110000” is not a known value"),
    "received_at": (5, "上周", "“上周” is no time in the form iso or %Y/%m/%d %H:%M"),
    "due_at": (6, "2024-01-01 00:00", "does not come after the acceptance"),
    "closed_at": (7, "2024-01-01 00:00", "lies before the acceptance or after now"),
    "people_count": (9, "很多", "“很多” is no number from 1 to 1000000"),
}


class TestRefusedRows:
    @pytest.mark.parametrize("field", REFUSED)
    def test_are_reported_with_line_field_and_reason(
        self, run_import: Import, sheet: Sheet, tmp_path: Path, field: str
    ) -> None:
        place, cell, reason = REFUSED[field]
        wrong = [*LATE]
        wrong[place] = cell
        result = run_import(sheet(CLOSED, wrong, OPEN), "--json")
        assert (result.exit_code, figures(result)) == (1, (3, 2, 0, 1, 0)), "the others come in"
        [line] = report(tmp_path, "refused.csv")
        assert (line["行 line"], line["字段 field"], line["reason in English"]) == ("3", field, reason)

    def test_every_fault_of_a_row_is_named(self, run_import: Import, sheet: Sheet, tmp_path: Path) -> None:
        run_import(sheet(("", "", "搁置", *LATE[3:9], "0")))
        assert {line["字段 field"] for line in report(tmp_path, "refused.csv")} == {
            "number",
            "title",
            "state",
            "people_count",
        }

    def test_an_end_without_its_time_and_a_time_without_an_end(
        self, run_import: Import, sheet: Sheet, tmp_path: Path
    ) -> None:
        run_import(sheet((*CLOSED[:7], "", *CLOSED[8:]), (*OPEN[:7], "2024-02-01 10:00", *OPEN[8:])))
        reasons = [line["reason in English"] for line in report(tmp_path, "refused.csv")]
        assert reasons == ["is empty, and the state is closed", "is given, and the state is in progress"]

    def test_a_row_of_another_width_is_not_guessed_at(self, run_import: Import, sheet: Sheet, tmp_path: Path) -> None:
        run_import(sheet(CLOSED, LATE[:4]))
        assert report(tmp_path, "refused.csv")[0]["reason in English"] == "the row has 4 cells, the heading 10"

    def test_nothing_of_a_caller_and_no_formula_gets_into_the_report(
        self, run_import: Import, sheet: Sheet, tmp_path: Path
    ) -> None:
        run_import(
            sheet((*LATE[:4], '=cmd|"/c calc"!A1', *LATE[5:]), (*OPEN[:8], "1389700", "x"), (*OPEN[:8], "12", ""))
        )
        words = (tmp_path / "out" / "refused.csv").read_text(encoding="utf-8")
        words += (tmp_path / "out" / "warned.csv").read_text(encoding="utf-8")
        assert "1389700" not in words
        assert not [cell for row in csv.reader(words.splitlines()) for cell in row if cell[:1] in ("=", "+", "-", "@")]

    def test_a_cell_may_hold_line_breaks_and_lines_are_still_the_files(
        self, run_import: Import, sheet: Sheet, tmp_path: Path
    ) -> None:
        run_import(sheet((CLOSED[0], "拖欠\n工资\n两月", *CLOSED[2:]), ("", *LATE[1:])))
        assert report(tmp_path, "refused.csv")[0]["行 line"] == "5"

    def test_a_check_of_the_mapping_warns_or_refuses(
        self, run_import: Import, sheet: Sheet, tmp_path: Path, mapping: Path
    ) -> None:
        check = '\n[[check]]\ncolumn = "{}"\n{}then = "{}"\nzh = "{}"\nen = "{}"\n'
        by = tmp_path / "checks.toml"
        by.write_text(
            MAPPING
            + check.format("电话", "", "warn", "没有电话", "no phone")
            + check.format("办结时间", 'before = "截止"\n', "refuse", "早于截止", "before the deadline"),
            encoding="utf-8",
        )
        result = run_import(sheet(CLOSED, LATE, OPEN), "--json", by=by)
        assert figures(result) == (3, 2, 0, 1, 1)
        assert [line["reason in English"] for line in report(tmp_path, "warned.csv")] == ["no phone"]


class TestFiles:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
    def test_the_encodings_chinese_offices_write(
        self, run_import: Import, sheet: Sheet, desk: Desk, encoding: str
    ) -> None:
        assert run_import(sheet(CLOSED, encoding=encoding)).exit_code == 0
        assert imported(desk)[0][:4] == ("A1", 2, "closed", "拖欠工资")

    def test_a_spreadsheet_gives_what_its_csv_gives(
        self, run_import: Import, sheet: Sheet, desk: Desk, tmp_path: Path
    ) -> None:
        book = Workbook()
        book.active.append(HEADING)
        for row in (CLOSED, LATE, OPEN):
            moments = [datetime.fromisoformat(cell) if cell else None for cell in row[5:8]]
            book.active.append([*row[:4], int(row[4]), *moments, row[8], int(row[9]) if row[9] else None])
        book.save(tmp_path / "old.xlsx")
        assert run_import(tmp_path / "old.xlsx").exit_code == 0
        from_spreadsheet = imported(desk)
        assert figures(run_import(sheet(CLOSED, LATE, OPEN), "--json")) == (3, 0, 3, 0, 0), "known by their numbers"
        assert [row[:7] for row in from_spreadsheet] == [row[:7] for row in imported(desk)]
        assert [row[2] for row in from_spreadsheet] == ["closed", "closed", "in_progress"]

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "there is no heading"),
            (b"\xff\xff\xff\xff", "not a text in utf-8-sig or gb18030"),
            (b"\xd0\xcf\x11\xe0rest", "the old .xls form"),
            (b"PK\x03\x04rest", "not an .xlsx file that can be read"),
            (",".join(HEADING).encode() + b'\n"A1,never closed', "line 2 can't be parsed"),
        ],
        ids=["empty", "no text", "old spreadsheet", "torn spreadsheet", "torn quotes"],
    )
    def test_what_cannot_be_read_is_a_sentence(
        self, run_import: Import, tmp_path: Path, content: bytes, says: str
    ) -> None:
        file = tmp_path / "wrong.csv"
        file.write_bytes(content)
        result = run_import(file)
        assert (result.exit_code, says in result.stderr) == (1, True), result.stderr

    @pytest.mark.parametrize(
        ("part", "says"),
        [
            (b"0" * 80_000_000, "it unpacks to 76 MB"),
            (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">]><a>&a;</a>', "it declares a DOCTYPE"),
        ],
        ids=["zeros", "entities"],
    )
    def test_a_spreadsheet_that_would_fill_the_memory_is_not_opened(
        self, run_import: Import, tmp_path: Path, part: bytes, says: str
    ) -> None:
        file = tmp_path / "bomb.xlsx"
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("[Content_Types].xml", "<Types/>")
            book.writestr("xl/sharedStrings.xml", part)
        result = run_import(file)
        assert (result.exit_code, says in result.stderr) == (1, True), result.stderr

    def test_a_column_that_is_not_there_is_named_with_the_line_of_the_mapping(
        self, run_import: Import, tmp_path: Path, desk: Desk
    ) -> None:
        file = tmp_path / "short.csv"
        file.write_text(",".join(name for name in HEADING if name != "状态"), encoding="utf-8")
        result = run_import(file)
        line = 1 + MAPPING.splitlines().index('state = { column = "状态", table = "state" }')
        assert f"map.toml, line {line}, fields.state: the file has no column '状态'" in result.stderr
        assert desk.rows("select count(*) from import_run")[0].count == 0, "nothing was begun"


@pytest.fixture
def starting(database_url: str, mapping: Path, tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes to end with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def test_killed_twice_it_ends_as_if_nothing_had_happened(
    desk: Desk,
    database_url: str,
    sheet: Sheet,
    mapping: Path,
    tmp_path: Path,
    run_import: Import,
    starting: list[subprocess.Popen[bytes]],
) -> None:
    rows = [(f"A{n}", *(CLOSED, LATE, OPEN)[n % 3][1:9], "0" if n % 50 == 0 else "") for n in range(6000)]
    file = sheet(*rows)
    environment = os.environ | {
        "HOTLINE_DATABASE_URL": database_url,
        "HOTLINE_REDIS_URL": "redis://127.0.0.1:1/0",
        "HOTLINE_MASTER_KEY": MASTER_KEY,
    }
    command = [sys.executable, "-m", "service.cli", "import", file, "--map", mapping, "--out", tmp_path / "out"]

    def done() -> int:
        found = desk.rows("select cursor from import_run where finished_at is null")
        return int(found[0].cursor) if found else 0

    for _ in range(2):
        before = done()
        process = subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        starting.append(process)
        assert within(60, lambda before=before: done() > before), "it gets on"
        time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert 0 < done() < 6000, "it was killed in the middle"
    assert figures(run_import(file, "--json")) == (6000, 5880, 0, 120, 0)
    assert [row[:2] for row in imported(desk)] == [(f"A{n}", n + 2) for n in range(6000) if n % 50]
    assert [int(line["行 line"]) for line in report(tmp_path, "refused.csv")] == [n + 2 for n in range(0, 6000, 50)]
    assert desk.rows("select count(*) from ticket_event")[0].count == 5880
