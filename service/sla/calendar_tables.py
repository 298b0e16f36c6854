"""A year from a table: one day a row, under headings in Chinese or English."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import date

from service.sla.calendar_marks import kind_of, plain
from sla_rules import NoticeReading, NoticeUnreadable, Remark
from sla_rules.listed_days import ListedDay, examine_days
from sla_rules.notice_reading import Doubt, check_weekday, day_of, remark, within_reach

_HEADINGS = {
    "date": ("date", "日期"),
    "kind": ("kind", "安排", "类型"),
    "name": ("name", "节日", "名称"),
    "weekday": ("weekday", "星期"),
}
_DELIMITERS = ",\t;，"
_DATE = re.compile(
    r"(\d{4})(?:-(\d{1,2})-(\d{1,2})|/(\d{1,2})/(\d{1,2})|(\d{2})(\d{2})|年(\d{1,2})月(\d{1,2})日)", re.ASCII
)


def is_table(text: str) -> bool:
    """Whether the first line has the headings of a table of days."""
    return {"date", "kind"} <= _columns(text).keys()


def read_table(text: str, *, name: str, year: int | None = None) -> NoticeReading:
    """The year that a CSV lists, separated by commas, tabs or semicolons; every wrong row is a doubt.

    Raises NoticeUnreadable when the headings are missing, or of several years none is asked for by `year`.
    """
    columns = _columns(text)
    missing = [" | ".join(_HEADINGS[heading]) for heading in ("date", "kind", "name") if heading not in columns]
    if missing:
        wanted = ", ".join(missing)
        raise NoticeUnreadable(
            (Remark(_first_line(text), f"the first line must hold the headings {wanted}", f"首行缺少列名:{wanted}"),)
        )
    days: list[ListedDay] = []
    doubts: list[Remark] = []
    rows = csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=_delimiter(text), strict=True)
    skipped = text[: len(text) - len(text.lstrip())].count("\n")
    try:
        next(rows)
        for row in rows:
            cells = {heading: plain(row[column]) for heading, column in columns.items() if column < len(row)}
            if not any(map(str.strip, row)):
                continue
            line = rows.line_num + skipped
            quote = f"第 {line} 行 line {line}: {','.join(row)}"
            day = None
            try:
                day = _day(cells.get("date", ""))
                days.append(_listed(day, cells, quote))
            except Doubt as doubt:
                if day is None or year is None or within_reach(day, year):
                    doubts.append(remark(quote, doubt))
    except csv.Error as error:
        line = rows.line_num + skipped
        doubts.append(
            Remark(
                f"第 {line} 行 line {line}",
                f"can't be read from here on: {error}",
                f"自此行起无法读取(引号未成对?):{error}",
            )
        )
    return examine_days(days, origin=name, year=year, doubts=doubts)


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0].strip()


def _delimiter(text: str) -> str:
    line = _first_line(text)
    return max(_DELIMITERS, key=line.count)


def _columns(text: str) -> Mapping[str, int]:
    cells = [plain(cell).strip("\"'").lower() for cell in _first_line(text).split(_delimiter(text))]
    return {
        heading: next(index for index, cell in enumerate(cells) if cell in names)
        for heading, names in _HEADINGS.items()
        if set(names) & set(cells)
    }


def _listed(day: date, cells: Mapping[str, str], quote: str) -> ListedDay:
    if cells.get("weekday"):
        check_weekday(day, cells["weekday"])
    kind = kind_of(cells.get("kind", ""))
    if kind is None:
        stated = cells.get("kind", "")
        raise Doubt(f"neither off nor work: {stated!r}", f"“{stated}”既不是放假也不是上班")
    return ListedDay(day, kind, cells.get("name", ""), quote)


def _day(text: str) -> date:
    match = _DATE.fullmatch(text)
    if match is None:
        raise Doubt(f"not a date such as 2026-01-01: {text!r}", f"不是 2026-01-01 这样的日期:“{text}”")
    year, month, day = (int(part) for part in match.groups() if part is not None)
    return day_of(year, month, day)
