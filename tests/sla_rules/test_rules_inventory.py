"""No row of the shared tables is forgotten: every one is named by a test, and its numbers stand in that test."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from tests.rows import shared

TESTS = Path(__file__).resolve().parents[1]
TABLES = shared("working_time.md")

# The project's own list of the rows.
ROWS = {
    *(f"E{number}" for number in range(1, 28)),
    *(f"A{number}" for number in range(1, 59)),
    *(f"W{number}" for number in range(1, 19)),
    *(f"S{number}" for number in range(1, 26)),
    "CN-V1",
    "CN-V2",
}
TRAPS = {
    "Exact-boundary at closing",
    "start before opening, in lunch, after close, on off day, on make-up day",
    "year end",
    "horizon",
    "UTC storage vs +08:00",
    "microseconds",
    "pause starting/ending outside hours",
    "pause still open at report time",
    "tier change while paused",
    "reassign while paused",
    "merge of two tickets with different dues",
    "reopen on an off day",
    "calendar edit under open pauses",
}

_ROW = re.compile(r"^\| ((?:CN-V|[EAWS])\d+) \|(.*)\|$", re.MULTILINE)
_DAY = re.compile(r"(?<![\d:])(?:\d{4}-)?(\d\d-\d\d)(?![\d:])")
_TIME = re.compile(r"(?<![\d:])\d\d:\d\d(?::(?!00)\d\d)?")

_SPAN = re.compile(r"(?<![\w:×.])(\d[\d .]*\d|\d) ?(h|min|m|s)\b")

# What stands in a row and is no number of ours.
NOT_OURS = {
    "A35": {"10.0m"},  # the test has the rung TEN_BEFORE
    "S7": {"08-18"},  # office hours from 08 to 18, no day
    "W7": {"03-02"},  # what GLPI answers
}


@cache
def declared() -> dict[str, str]:
    """Each row named by a test, with the text of that test: its entry of a table, or its source."""
    found: dict[str, str] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        if "@covers(" not in path.read_text(encoding="utf-8"):
            continue
        module = import_module(".".join(path.relative_to(TESTS.parent).with_suffix("").parts))
        for test in _functions(module):
            names, table = getattr(test, "rows", ((), ()))
            for name in names:
                found[name] = found.get(name, "") + inspect.getsource(test)
            for entry in table:
                name = re.sub(r"(?<=\d)[a-z]$", "", entry[0])
                found[name] = found.get(name, "") + repr(entry)
    return found


def _functions(holder: object) -> Iterator[object]:
    for name, value in vars(holder).items():
        if inspect.isclass(value) and name.startswith("Test"):
            yield from _functions(value)
        elif inspect.isfunction(value) and name.startswith("test"):
            yield value


def table_rows() -> dict[str, str]:
    """The rows of the shared tables with their text."""
    assert TABLES is not None
    return dict(_ROW.findall(TABLES.read_text(encoding="utf-8")))


def test_every_row_is_named_by_a_test() -> None:
    assert sorted(ROWS - declared().keys()) == []


def test_every_trap_is_named_by_a_test() -> None:
    assert sorted(TRAPS - declared().keys()) == []


def test_no_test_names_a_row_that_is_none() -> None:
    assert sorted(declared().keys() - ROWS - TRAPS) == []


@pytest.mark.skipif(TABLES is None, reason="the shared tables are not beside this checkout")
def test_the_shared_tables_have_the_rows_and_traps_known_here() -> None:
    assert table_rows().keys() == ROWS
    assert TABLES is not None
    traps = TABLES.read_text(encoding="utf-8").partition("## Traps our own tests should pin\n")[2]
    assert {trap.strip(" .\n") for trap in traps.split(";")} == TRAPS


def numbers(text: str) -> set[str]:
    """The days and times of day in a text, and the spans if it is of a table: 16 159 s, 13.9 h and 160 min alike."""
    spans = {f"{float(amount.replace(' ', ''))}{unit[0]}" for amount, unit in _SPAN.findall(text)}
    return {*_DAY.findall(text), *_TIME.findall(text), *spans}


@pytest.mark.parametrize("name", sorted(ROWS) if TABLES else [])
def test_the_numbers_of_a_row_stand_in_its_test(name: str) -> None:
    text, ours = table_rows()[name], declared()[name]
    wanted = numbers(text) - NOT_OURS.get(name, set())
    if not ours.startswith("("):  # a test that computes its spans in code writes them as code does
        wanted = {number for number in wanted if ":" in number or "-" in number}
    assert sorted(wanted - numbers(ours)) == []
