"""A calendar's files, told apart by what they hold: a year of notices in any form, or a union's own arrangement."""

import re
import tomllib
from collections.abc import Callable
from pathlib import PurePath

from service.core.errors import Malformed
from service.sla.calendar_feeds import is_feed, read_feed
from service.sla.calendar_tables import is_table, read_table
from sla_rules import (
    LocalArrangement,
    NoticeInvalid,
    NoticeReading,
    NoticeUnreadable,
    Remark,
    examine_notice,
    read_local,
    year_from_document,
)
from sla_rules.local_calendar import is_local
from sla_rules.notice_reading import examine_year

CalendarFile = NoticeReading | LocalArrangement

# Blanks of one line only: over many empty lines anything else is tried from each of them to the last.
_YEAR_FILE = re.compile(r"^[ \t]*(?:year[ \t]*=[ \t]*\d{4}|\[\[(?:notice|holiday)\]\])[ \t\r]*(?:#.*)?$", re.MULTILINE)


class CalendarFileIsNoText(Malformed):
    """The file holds no text."""

    zh = "{name} 不是文本文件。PDF、Word 文件请打开后复制文字,电子表格请另存为 CSV。"
    en = "{name} is not a text. Copy the words out of a PDF or Word file; save a spreadsheet as CSV."


def read_calendar_file(
    raw: bytes, *, name: str, year: int | None = None, amends: NoticeReading | None = None
) -> CalendarFile:
    """What a file says of a year, with the doubts that a person has to settle, or what a union lays over the notices.

    The content tells what it is: an iCalendar, a table (CSV), a year file or a local arrangement (TOML), or the
    notice's text; the ending of `name` only where the content doesn't. UTF-8 or GB18030. `name` is also the source
    that days are cited by where no notice is, and where a refusal points. `amends`: the year as it stands, for the
    text of a notice that changes it.
    Raises CalendarFileIsNoText, NoticeUnreadable when no year can be told, NoticeInvalid for a wrong year file,
    LocalCalendarInvalid for a wrong arrangement.
    """
    text = decoded(raw, name)
    ending = PurePath(name).suffix.lower()
    if is_feed(text):
        return read_feed(text, name=name, year=year)
    if is_table(text):
        return read_table(text, name=name, year=year)
    if _YEAR_FILE.search(text) or is_local(text):
        return _read_toml(text, name=name, year=year)
    by_ending: dict[str, Callable[..., CalendarFile]] = {".ics": read_feed, ".csv": read_table, ".toml": _read_toml}
    if ending in by_ending:
        return by_ending[ending](text, name=name, year=year)
    return examine_notice(text, year=year, amends=amends)


def decoded(raw: bytes, name: str) -> str:
    """The text of a file in UTF-8 or GB18030. Raises CalendarFileIsNoText."""
    for encoding in ("utf-8-sig", "gb18030"):  # the second is what Chinese Windows writes
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise CalendarFileIsNoText(name=name)


def _read_toml(text: str, *, name: str, year: int | None) -> CalendarFile:
    if is_local(text) and not _YEAR_FILE.search(text):
        return read_local(text, origin=name)
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise NoticeInvalid(f"{name}: can't be read: {error}", f"{name}:无法读取:{error}") from error
    reading = examine_year(year_from_document(document, origin=name))
    if year not in (None, reading.year):
        en, zh = f"the file is of {reading.year}, not of {year}", f"文件属于 {reading.year} 年,而非 {year} 年"
        raise NoticeUnreadable((Remark(name, en, zh),))
    return reading
