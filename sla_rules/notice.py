"""The yearly holiday notice as data: which days are off, which weekend days are worked in exchange.

The General Office of the State Council announces them year by year, between October and December of the
year before, and has amended them within the year (2015, 2019, 2020). A table is therefore the only honest
source; no formula gives them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, datetime
from pathlib import Path
from typing import Any

from sla_rules.errors import NoticeInvalid

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Notice:
    """Where a year's arrangement was published. `number` and `published` may be unknown.

    published: the day gov.cn published it (发布日期), which may be a day or more after the date of writing under
    the text (成文日期). A notice read from its text alone has the latter here: a text bears no other.
    """

    url: str
    number: str = ""
    published: date | None = None

    @property
    def citation(self) -> str:
        """`国办发明电〔2025〕7号(2025-11-04)`, or as much of it as is known."""
        if self.number and self.published:
            return f"{self.number}({self.published})"
        return self.number or str(self.published or "")


@dataclass(frozen=True, slots=True)
class Holiday:
    """One holiday of a notice: its days off and the weekend days worked for it. `notice` counts from 1."""

    name: str
    off: tuple[date, ...]
    work: tuple[date, ...] = ()
    notice: int = 1


@dataclass(frozen=True, slots=True)
class NoticeYear:
    """A year of the calendar, with every notice that shaped it.

    Raises NoticeInvalid when a day is both off and worked, listed twice, worked although it is no weekend
    day, or too far from the year (a notice may reach into the December before and the January after).
    """

    year: int
    notices: tuple[Notice, ...] = ()
    holidays: tuple[Holiday, ...] = ()
    origin: str = ""

    def __post_init__(self) -> None:
        seen: dict[date, str] = {}
        for holiday in self.holidays:
            where = f"holiday {holiday.name!r}"
            if not holiday.off and not holiday.work:
                raise self._refusal(where, "names no day", "没有任何日期")
            if not 1 <= holiday.notice <= max(1, len(self.notices)):
                raise self._refusal(
                    where,
                    f"cites notice {holiday.notice}, the file lists {len(self.notices)}",
                    "所引通知不存在",
                )
            for kind, days in (("off", holiday.off), ("work", holiday.work)):
                for day in days:
                    entry = f"{where}, {kind} {day}"
                    if not self._within_reach(day):
                        raise self._refusal(entry, f"does not belong to {self.year}", f"不属于 {self.year} 年")
                    if kind == "work" and day.weekday() < _SATURDAY:
                        raise self._refusal(
                            entry,
                            "a day worked in exchange must be a Saturday or Sunday",
                            "调休上班日须为周六或周日",
                        )
                    if day in seen:
                        raise self._refusal(entry, f"the day is already listed as {seen[day]!r}", "该日重复列出")
                    seen[day] = kind

    def _within_reach(self, day: date) -> bool:
        # The notice of 2012 set 2011-12-31, that of 2019 set 2018-12-29..31; none has set an earlier month.
        return (
            day.year == self.year
            or (day.year == self.year - 1 and day.month == 12)
            or (day.year == self.year + 1 and day.month == 1)
        )

    def _refusal(self, entry: str, en: str, zh: str) -> NoticeInvalid:
        origin = self.origin or str(self.year)
        return NoticeInvalid(f"{origin}: {entry}: {en}", f"{origin}:{entry}:{zh}")

    def url_of(self, holiday: Holiday) -> str:
        """The address of the notice that set this holiday, '' when unknown."""
        return self.notices[holiday.notice - 1].url if self.notices else ""

    def citation_of(self, holiday: Holiday) -> str:
        """The notice that set this holiday as one cites it: `国办发明电〔2025〕7号(2025-11-04)`.

        Of a notice without a number only the date remains, without a date only the number; '' when neither is known.
        """
        return self.notices[holiday.notice - 1].citation if self.notices else ""

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `year_from_document` reads back identically (`origin` is left out)."""
        return {
            "year": self.year,
            "notice": [
                {
                    "url": notice.url,
                    "number": notice.number,
                    "published": notice.published.isoformat() if notice.published else None,
                }
                for notice in self.notices
            ],
            "holiday": [
                {
                    "name": holiday.name,
                    "notice": holiday.notice,
                    "off": [day.isoformat() for day in holiday.off],
                    "work": [day.isoformat() for day in holiday.work],
                }
                for holiday in self.holidays
            ],
        }


def load_year(path: Path) -> NoticeYear:
    """Read one year file (TOML). Raises NoticeInvalid naming the file, the entry and the reason."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NoticeInvalid(f"{path}: can't be read: {error}", f"{path}:无法读取:{error}") from error
    return year_from_document(document, origin=path.name)


def load_years(directory: Path) -> tuple[NoticeYear, ...]:
    """Every year file of a folder, in order. The file's name must be its year.

    Raises NoticeInvalid when a file is wrong or the folder has none.
    """
    years: list[NoticeYear] = []
    for path in sorted(directory.glob("*.toml")):
        year = load_year(path)
        if path.stem != str(year.year):
            raise NoticeInvalid(
                f"{path.name}: says year = {year.year}, which its name contradicts",
                f"{path.name}:文件内年份 {year.year} 与文件名不符",
            )
        years.append(year)
    if not years:
        raise NoticeInvalid(f"{directory}: holds no year file (2026.toml …)", f"{directory}:没有年份文件")
    return tuple(years)


def year_from_document(document: Mapping[str, Any], *, origin: str = "") -> NoticeYear:
    """Build a year from parsed TOML or JSON. Dates may be dates or ISO text. Raises NoticeInvalid."""
    year = document.get("year")
    if not isinstance(year, int) or isinstance(year, bool) or not MINYEAR < year < MAXYEAR:
        raise NoticeInvalid(f"{origin or 'notice'}: `year` is missing or not a year", f"{origin or '通知'}:缺少 year")
    origin = origin or str(year)
    _refuse_unknown_keys(document, {"year", "notice", "holiday"}, origin, "file")
    notices: list[Notice] = []
    for entry in _tables(document, "notice", origin):
        _refuse_unknown_keys(entry, {"url", "number", "published"}, origin, "notice")
        url = entry.get("url")
        # What came from a file has no address; then its name stands for the number.
        if not isinstance(url, str) or not (url or entry.get("number")):
            raise NoticeInvalid(f"{origin}: notice: `url` is missing", f"{origin}:通知缺少 url")
        published = entry.get("published")
        notices.append(
            Notice(
                url=url,
                number=str(entry.get("number", "")),
                published=None if published is None else _date(published, origin, "notice"),
            )
        )
    holidays: list[Holiday] = []
    for entry in _tables(document, "holiday", origin):
        _refuse_unknown_keys(entry, {"name", "notice", "off", "work"}, origin, "holiday")
        name = entry.get("name")
        if not isinstance(name, str) or not name:
            raise NoticeInvalid(f"{origin}: holiday: `name` is missing", f"{origin}:节日缺少 name")
        holidays.append(
            Holiday(
                name=name,
                off=_dates(entry.get("off", ()), origin, name),
                work=_dates(entry.get("work", ()), origin, name),
                notice=_position(entry.get("notice", 1), origin, name),
            )
        )
    return NoticeYear(year=year, notices=tuple(notices), holidays=tuple(holidays), origin=origin)


def _tables(document: Mapping[str, Any], key: str, origin: str) -> list[Mapping[str, Any]]:
    value = document.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise NoticeInvalid(f"{origin}: `{key}` must be a list of tables", f"{origin}:{key} 应为表的列表")
    return value


def _refuse_unknown_keys(table: Mapping[str, Any], known: set[str], origin: str, what: str) -> None:
    # A mistyped key would otherwise drop days in silence.
    unknown = sorted(set(table) - known)
    if unknown:
        raise NoticeInvalid(f"{origin}: {what}: unknown key {unknown[0]!r}", f"{origin}:{what}:未知的键 {unknown[0]!r}")


def _position(value: Any, origin: str, name: str) -> int:
    if not isinstance(value, int):
        raise NoticeInvalid(
            f"{origin}: holiday {name!r}: `notice` is not a number: {value!r}",
            f"{origin}:“{name}”的 notice 不是数字:{value!r}",
        )
    return value


def _dates(values: Any, origin: str, name: str) -> tuple[date, ...]:
    if not isinstance(values, list | tuple):
        raise NoticeInvalid(
            f"{origin}: holiday {name!r}: not a list of dates: {values!r}",
            f"{origin}:“{name}”的日期不是列表:{values!r}",
        )
    return tuple(_date(value, origin, f"holiday {name!r}") for value in values)


def _date(value: Any, origin: str, entry: str) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise NoticeInvalid(f"{origin}: {entry}: not a date: {value!r}", f"{origin}:{entry}:不是日期:{value!r}")
