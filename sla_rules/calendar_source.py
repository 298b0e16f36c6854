"""Where a calendar comes from: the year files that are shipped, or the document of a published version."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

from sla_rules.calendar import DOCUMENT_FORMAT, WorkCalendar
from sla_rules.errors import CalendarInvalid
from sla_rules.layers import layer_from_document, override_from_document
from sla_rules.notice import load_years, year_from_document
from sla_rules.windows import office_hours_from_document

_BUILT_IN = Path(__file__).parent / "calendars"


def load_calendar(directory: Path | str | None = None, *, through_year: int | None = None) -> WorkCalendar:
    """The built-in calendar of China's mainland (2010-2026), or the year files of a folder.

    through_year leaves later years out: the calendar as it stood before their notices. Built-in calendars
    are cached.
    Raises CalendarInvalid (NoticeInvalid for a file) when the data are wrong or no year is left.
    """
    if directory is None:
        return _built_in(through_year)
    return _from_directory(Path(directory), through_year)


@lru_cache(maxsize=32)
def _built_in(through_year: int | None) -> WorkCalendar:
    return _from_directory(_BUILT_IN, through_year)


def _from_directory(directory: Path, through_year: int | None) -> WorkCalendar:
    years = load_years(directory)
    if through_year is not None:
        years = tuple(year for year in years if year.year <= through_year)
    return WorkCalendar.from_years(years)


def calendar_from_document(document: Mapping[str, Any]) -> WorkCalendar:
    """The calendar that `WorkCalendar.to_document` wrote down.

    Raises CalendarInvalid when the format is unknown, an entry is wrong, or the content no longer matches
    its version.
    """
    if document.get("format") != DOCUMENT_FORMAT:
        raise CalendarInvalid(
            f"unknown calendar format {document.get('format')!r}",
            f"未知的日历格式 {document.get('format')!r}",
        )
    try:
        calendar = WorkCalendar(
            (year_from_document(entry) for entry in document["years"]),
            hours=office_hours_from_document(document["hours"]),
            tz=document["tz"],
            rest_weekdays=frozenset(document["rest_weekdays"]),
            overrides=tuple(override_from_document(entry) for entry in document["overrides"]),
            layers=tuple(layer_from_document(entry) for entry in document.get("layers", ())),
            settled_until=date.fromisoformat(document["settled_until"]),
            horizon_years=document["horizon_years"],
        )
    except (KeyError, TypeError) as error:
        raise CalendarInvalid(f"the calendar document is incomplete: {error!r}", f"日历文档不完整:{error!r}") from error
    recorded = document.get("version")
    if recorded is not None and recorded != calendar.version:
        raise CalendarInvalid(
            f"the content is version {calendar.version}, the document says {recorded}: altered since stored",
            f"内容版本为 {calendar.version},文档记为 {recorded}:存储后被改动",
        )
    return calendar
