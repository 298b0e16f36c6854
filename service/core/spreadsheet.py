"""What leaves the house as a table. A spreadsheet runs a text that looks like a formula, whoever typed it."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import IO, Any

import xlsxwriter

BOM = "\ufeff"
# Also in full width, which some programs fold, and behind what they pass over.
_FORMULAS = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
_PASSED_OVER = " \u00a0\u200b\u200c\u200d\u2060\u3000\ufeff"


def harmless(value: Any) -> Any:
    """A text that a spreadsheet would take for a formula, with an apostrophe before it; all else as it is."""
    return f"'{value}" if isinstance(value, str) and value.lstrip(_PASSED_OVER).startswith(_FORMULAS) else value


class CsvTable:
    """Rows as CSV, each of its texts harmless. The only place that writes CSV for people's spreadsheets."""

    def __init__(self, file: IO[str]) -> None:
        file.write(BOM)
        self._writer = csv.writer(file)

    def row(self, values: Iterable[Any]) -> None:
        """One row below those before."""
        self._writer.writerow([harmless(value) for value in values])


def as_csv(heading: Sequence[str], rows: Iterable[Iterable[Any]], facts: Sequence[tuple[str, str]] = ()) -> bytes:
    """A whole small table as CSV: UTF-8 with BOM, for any spreadsheet. `facts` about it stand below an empty line."""
    file = io.StringIO()
    table = CsvTable(file)
    table.row(heading)
    for row in rows:
        table.row(row)
    for row in ((), *facts) if facts else ():
        table.row(row)
    return file.getvalue().encode()


def workbook(file: IO[bytes], **options: Any) -> xlsxwriter.Workbook:
    """An XLSX file in which texts stay texts. The only place that makes one."""
    return xlsxwriter.Workbook(file, {**options, "strings_to_formulas": False, "strings_to_urls": False})
