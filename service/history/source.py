"""The file of an import, CSV or XLSX, read row by row: a million rows take no more memory than a hundred."""

import codecs
import csv
import hashlib
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import IO, Any

# The error alone: it is openpyxl that reads.
from xml.etree.ElementTree import ParseError  # nosec B405

from service.core.errors import Bilingual, Malformed
from service.history.mapping import HistoryMapping

# What a cell holds: text as it stands, or a time that the spreadsheet itself knows to be one.
Cell = str | datetime | date

# A list of a million tickets unpacks to less than a gigabyte, and to some twenty times what it is packed.
MOST_UNPACKED, MOST_TIMES = 4 << 30, 200
_HARMLESS = 64 << 20
# Nothing of a workbook has one (ECMA-376, part 2); it stands before the first element.
_DOCTYPE, _PROLOGUE = re.compile(rb"<!\0?D\0?O\0?C\0?T\0?Y\0?P\0?E"), 4096
_BROKEN = (zipfile.BadZipFile, zlib.error, ParseError, EOFError)
_CHUNK = 1 << 20
_XLSX = b"PK\x03\x04"
_XLS = b"\xd0\xcf\x11\xe0"


class FileUnreadable(Malformed):
    """The file is not what it should be, up to the row it names."""

    zh = "{name}:{reason}"
    en = "{name}: {reason}"


@dataclass(frozen=True, slots=True)
class Record:
    """A row and the line (CSV) or row number (XLSX) it begins on, from 1."""

    line: int
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file by its content. `lines` is about as many as it has rows; `encoding` None is a spreadsheet."""

    path: Path
    digest: bytes
    lines: int
    encoding: str | None


@dataclass(frozen=True, slots=True)
class Sheet:
    """The heading, and the rows below it."""

    header: tuple[str, ...]
    records: Iterator[Record]


def examine(path: Path, mapping: HistoryMapping) -> SourceFile:
    """Look through a file once: its digest and its encoding (UTF-8 with or without a mark, UTF-16 with one, GB18030, or
    the one the mapping names). Raises FileUnreadable."""
    digest = hashlib.sha256()
    lines = 0
    with path.open("rb") as file:
        head = file.peek(4)[:4] if hasattr(file, "peek") else b""
        if head.startswith(_XLS):
            raise _unreadable(
                path, "旧版 .xls 格式,请另存为 .xlsx 或 CSV", "the old .xls form; save it as .xlsx or CSV"
            )
        spreadsheet = head.startswith(_XLSX)
        possible = {} if spreadsheet else {name: _decoder(name) for name in _encodings(head, mapping)}
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            lines += chunk.count(b"\n")
            possible = {name: decoder for name, decoder in possible.items() if _decodes(decoder, chunk, final=False)}
    possible = {name: decoder for name, decoder in possible.items() if _decodes(decoder, b"", final=True)}
    if not spreadsheet and not possible:
        tried = "、".join(_encodings(head, mapping))
        raise _unreadable(path, f"不是 {tried} 编码的文本", f"not a text in {tried.replace('、', ' or ')}")
    return SourceFile(
        path=path,
        digest=digest.digest(),
        lines=max(0, lines - mapping.header_line),
        encoding=None if spreadsheet else next(iter(possible)),
    )


@contextmanager
def opened(source: SourceFile, mapping: HistoryMapping) -> Iterator[Sheet]:
    """The rows of a file, while the block lasts. Raises FileUnreadable, also from among the rows."""
    if source.encoding is None:
        with _workbook(source.path) as book:
            yield _spreadsheet(source.path, book, mapping)
        return
    with source.path.open(encoding=source.encoding, newline="") as file:
        yield _table(source.path, file, mapping)


def _encodings(head: bytes, mapping: HistoryMapping) -> tuple[str, ...]:
    if mapping.encoding is not None:
        return (mapping.encoding,)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ("utf-16",)
    return ("utf-8-sig", "gb18030")  # the second is what Chinese Windows writes


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    return codecs.getincrementaldecoder(encoding)()


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeError:
        return False
    return True


def _table(path: Path, file: IO[str], mapping: HistoryMapping) -> Sheet:
    for _ in range(mapping.header_line - 1):
        file.readline()
    reader = csv.reader(file, delimiter=mapping.delimiter, strict=True)
    rows = _numbered(path, reader, mapping.header_line - 1)
    header = next(rows, None)
    if header is None:
        raise _no_header(path)
    names = tuple(str(cell).strip() for cell in header.cells)
    return Sheet(names, (record for record in rows if record.cells))


def _numbered(path: Path, reader: Any, skipped: int) -> Iterator[Record]:
    """A cell may hold line breaks, so a row begins after the line where the one before ended."""
    while True:
        line = skipped + reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise _unreadable(path, f"第 {line} 行无法解析:{error}", f"line {line} can't be parsed: {error}") from error
        yield Record(line, tuple(cells))


@contextmanager
def _workbook(path: Path) -> Iterator[Any]:
    from openpyxl import load_workbook  # noqa: PLC0415 - a second that no CSV should pay
    from openpyxl.utils.exceptions import InvalidFileException  # noqa: PLC0415

    try:
        _check_unpacked(path)
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, *_BROKEN, KeyError, ValueError) as error:
        raise _no_workbook(path) from error
    try:
        yield book
    except _BROKEN as error:
        raise _no_workbook(path) from error
    finally:
        book.close()


def _check_unpacked(path: Path) -> None:
    """Refuse a workbook that would unpack to more than any list of tickets, or that declares entities of its own: a few
    kilobytes of either fill the memory. What a part says of its size is all that is ever unpacked of it."""
    with zipfile.ZipFile(path) as book:
        parts = book.infolist()
        unpacked = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts)
        if unpacked > MOST_UNPACKED or (unpacked > _HARMLESS and unpacked > MOST_TIMES * packed):
            megabytes = unpacked >> 20
            raise _unreadable(
                path, f"解压后达 {megabytes} MB,超出限度,未读取", f"it unpacks to {megabytes} MB, beyond what is read"
            )
        for part in parts:
            with book.open(part) as content:
                if _DOCTYPE.search(content.read(_PROLOGUE)):
                    raise _unreadable(path, "含有 DOCTYPE 声明,未读取", "it declares a DOCTYPE and is not read")


def _spreadsheet(path: Path, book: Any, mapping: HistoryMapping) -> Sheet:
    if mapping.sheet is not None and mapping.sheet not in book.sheetnames:
        sheets = "、".join(book.sheetnames)
        raise _unreadable(
            path, f"没有工作表“{mapping.sheet}”;有:{sheets}", f"no sheet {mapping.sheet!r}; there are: {sheets}"
        )
    sheet = book[mapping.sheet] if mapping.sheet is not None else book.worksheets[0]
    rows = sheet.iter_rows(min_row=mapping.header_line, values_only=True)
    header = next(rows, None)
    if header is None:
        raise _no_header(path)
    names = [str(_cell(value)).strip() for value in header]
    while names and not names[-1]:
        names.pop()
    width = len(names)
    return Sheet(tuple(names), _sheet_records(rows, mapping.header_line, width))


def _sheet_records(rows: Iterator[tuple[Any, ...]], header_line: int, width: int) -> Iterator[Record]:
    for line, row in enumerate(rows, header_line + 1):
        cells = tuple(_cell(value) for value in row[:width])
        if any(cell != "" for cell in cells):
            yield Record(line, cells + ("",) * (width - len(cells)))


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, (str, datetime, date)):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _no_workbook(path: Path) -> FileUnreadable:
    return _unreadable(path, "不是可读的 .xlsx 文件", "not an .xlsx file that can be read")


def _no_header(path: Path) -> FileUnreadable:
    return _unreadable(path, "没有表头", "there is no heading")


def _unreadable(path: Path, zh: str, en: str) -> FileUnreadable:
    return FileUnreadable(name=path.name, reason=Bilingual(zh, en))
