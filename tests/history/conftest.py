"""A hotline's old file, a mapping for it, and the import of one by the other."""

import csv
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli import app
from service.core.clock import SimulatedClock
from tests.conftest import MASTER_KEY
from tests.desk import at

HEADING = ("编号", "标题", "状态", "类别", "单位", "来电时间", "截止", "办结时间", "电话", "人数")
MAPPING = """
format = 1
kind = "old_line"
keep = ["状态"]

[time]
formats = ["iso", "%Y/%m/%d %H:%M"]

[due]
by = "file"
last_moment = "minute"

[fields]
number = { column = "编号" }
title = { column = "标题" }
body = { text = "{标题}({类别})" }
state = { column = "状态", table = "state" }
kind = { value = "complaint" }
category = { column = "类别", table = "category", otherwise = "9901" }
place = { column = "单位" }
received_at = { column = "来电时间" }
due_at = { column = "截止" }
closed_at = { column = "办结时间" }
phone = { column = "电话" }
people_count = { column = "人数" }

[tables.state]
"待派" = "accepted"
"待签" = "to_sign"
"在办" = "in_progress"
"办结" = "closed"

[tables.category]
"欠薪" = "0101"
"""

CLOSED = (
    "A1",
    "拖欠工资",
    "办结",
    "欠薪",
    "632801",
    "2024-01-08 09:00",
    "2024-01-15 18:00",
    "2024-01-12 10:00",
    "",
    "",
)
LATE = ("A2", "工伤认定", "办结", "", "632801", "2024-01-08 09:00", "2024-01-15 18:00", "2024-01-16 10:00", "", "3")
OPEN = ("A3", "社保断缴", "在办", "", "632801", "2024-01-31 09:00", "2024-02-09 18:00", "", "13897001234", "")

Import = Callable[..., Result]
Sheet = Callable[..., Path]


@pytest.fixture
def clock() -> SimulatedClock:
    """A Friday that lies in the past wherever the tests run, after everything in the file."""
    return SimulatedClock(at("2024-02-02 09:00"))


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    file = tmp_path / "map.toml"
    file.write_text(MAPPING, encoding="utf-8")
    return file


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    """Writes a file of rows."""

    def write(*rows: Iterable[object], name: str = "old.csv", encoding: str = "utf-8") -> Path:
        file = tmp_path / name
        with file.open("w", encoding=encoding, newline="") as out:
            csv.writer(out).writerows([HEADING, *rows])
        return file

    return write


@pytest.fixture
def run_import(database_url: str, tmp_path: Path, mapping: Path) -> Import:
    """`hotline import` as a user types it, with the report in `out`."""
    environment = {
        "HOTLINE_DATABASE_URL": database_url,
        "HOTLINE_REDIS_URL": "redis://127.0.0.1:1/0",
        "HOTLINE_MASTER_KEY": MASTER_KEY,
    }

    def run(file: Path, *words: object, by: Path = mapping) -> Result:
        line = ("import", file, "--map", by, "--out", tmp_path / "out", *words)
        return CliRunner().invoke(app, [str(word) for word in line], env=environment)

    return run
