"""The year of a calendar from whatever file it comes in: the notice's text, a feed, a table or a year file."""

import re
import tomllib
from pathlib import PurePath

from service.core.errors import Malformed
from service.sla.calendar_feeds import is_feed, read_feed
from service.sla.calendar_tables import is_table, read_table
from sla_rules import NoticeInvalid, NoticeReading, NoticeUnreadable, Remark, examine_notice, year_from_document
from sla_rules.notice_reading import examine_year

_TOML = re.compile(r"^\s*(?:year\s*=\s*\d{4}|\[\[(?:notice|holiday)\]\])\s*(?:#.*)?$", re.MULTILINE)


class CalendarFileIsNoText(Malformed):
    """The file holds no text."""

    zh = "{name} 不是文本文件(电子表格请另存为 CSV)。"
    en = "{name} is not a text (save a spreadsheet as CSV)."


def read_calendar_file(raw: bytes, *, name: str, year: int | None = None) -> NoticeReading:
    """What a file says of a year, with the doubts that a person has to settle; UTF-8 or GB18030.

    The content tells what it is: an iCalendar, a table (CSV), a year file (TOML) or the notice's text; the ending of
    `name` only where the content doesn't. `name` is also the source that days are cited by where no notice is.
    Raises CalendarFileIsNoText, NoticeUnreadable when no year can be told, NoticeInvalid for a wrong year file.
    """
    text = _decoded(raw, name)
    ending = PurePath(name).suffix.lower()
    if is_feed(text):
        return read_feed(text, name=name, year=year)
    if is_table(text):
        return read_table(text, name=name, year=year)
    if _TOML.search(text):
        return _read_year_file(text, name, year)
    by_ending = {".ics": read_feed, ".csv": read_table}.get(ending)
    if by_ending is not None:
        return by_ending(text, name=name, year=year)
    if ending == ".toml":
        return _read_year_file(text, name, year)
    return examine_notice(text, year=year)


def _decoded(raw: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):  # the second is what Chinese Windows writes
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise CalendarFileIsNoText(name=name)


def _read_year_file(text: str, name: str, year: int | None) -> NoticeReading:
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NoticeInvalid(f"{name}: can't be read: {error}", f"{name}:无法读取:{error}") from error
    reading = examine_year(year_from_document(document, origin=name))
    if year not in (None, reading.year):
        raise NoticeUnreadable(
            (
                Remark(
                    name, f"the file is of {reading.year}, not of {year}", f"文件属于 {reading.year} 年,而非 {year} 年"
                ),
            )
        )
    return reading
