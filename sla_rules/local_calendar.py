"""What a union lays over the national notices, as one file that an administrator reads, edits and loads.

Office hours and their seasons, the weekdays at rest, dated exceptions, and the observances of regions:

    hours = ["08:30-12:00", "14:30-18:00"]   # several a day; over midnight 22:00-26:00
    rest_weekdays = ["周六", "周日"]           # or 0 (Monday) to 6

    [[weekday]]                              # other hours on one weekday
    day = "周五"
    hours = ["08:30-12:00"]

    [[season]]                               # other hours in a part of every year, both days included
    from = "06-01"
    to = "09-30"
    hours = ["08:00-12:00", "15:00-18:30"]

    [[override]]                             # a day off, a day worked, a day with other hours
    date = 2026-05-04
    kind = "work"
    hours = ["08:30-12:00"]
    name = "青年节半天"

    [[layer]]                                # of every union whose code begins so
    prefix = "6327"
    name = "玉树州"
    stops_clock = false

    [[layer.day]]
    date = 2026-07-25
    kind = "off"
    name = "赛马节"
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Literal, NoReturn, TypeVar, cast

from sla_rules.calendar import WorkCalendar
from sla_rules.errors import CalendarInvalid
from sla_rules.layers import DayOverride, RegionalLayer
from sla_rules.notice_reading import WEEKDAYS
from sla_rules.toml_lines import line_of
from sla_rules.windows import DEFAULT_HOURS, Hours, OfficeHours, Season, parse_hours

_KEY_OF_A_LOCAL_FILE = re.compile(
    r"^[ \t]*(?:(?:hours|rest_weekdays)[ \t]*=|\[\[(?:season|override|layer)\]\])", re.MULTILINE
)
_MONTH_DAY = re.compile(r"(\d{2})-(\d{2})", re.ASCII)
_WEEKDAY = re.compile(rf"(?:周|星期)([{WEEKDAYS}])")
_SATURDAY_AND_SUNDAY = frozenset({5, 6})
_DAYS_OF_A_LEAP_YEAR = [date(2000, 1, 1) + timedelta(days=index) for index in range(366)]

_Path = tuple[str | int, ...]
_Made = TypeVar("_Made")


class LocalCalendarInvalid(CalendarInvalid):
    """The file of the union's own arrangement contains something that can't be used.

    `line` counts from 1; None when the file as a whole is meant.
    """

    code: ClassVar[str] = "local_calendar_invalid"

    def __init__(self, en: str, zh: str, *, origin: str, line: int | None) -> None:
        where = origin if line is None else f"{origin}, line {line}"
        super().__init__(f"{where}: {en}", f"{origin if line is None else f'{origin} 第 {line} 行'}:{zh}")
        self.origin = origin
        self.line = line


@dataclass(frozen=True, slots=True)
class LocalArrangement:
    """Everything of a calendar but the notices: when offices are open, and what is laid over them.

    rest_weekdays: 0 (Monday) to 6 (Sunday).
    """

    hours: OfficeHours = DEFAULT_HOURS
    rest_weekdays: frozenset[int] = _SATURDAY_AND_SUNDAY
    overrides: tuple[DayOverride, ...] = ()
    layers: tuple[RegionalLayer, ...] = ()


def arrangement_of(calendar: WorkCalendar) -> LocalArrangement:
    """What lies over the notices of this calendar."""
    return LocalArrangement(calendar.hours, calendar.rest_weekdays, calendar.overrides, calendar.layers)


def laid_over(calendar: WorkCalendar, arrangement: LocalArrangement) -> WorkCalendar:
    """The same notices under another arrangement, which replaces the present one as a whole.

    Raises CalendarInvalid when a date lies outside the calendar.
    """
    return WorkCalendar(
        calendar.years,
        hours=arrangement.hours,
        tz=calendar.tz,
        rest_weekdays=arrangement.rest_weekdays,
        overrides=arrangement.overrides,
        layers=arrangement.layers,
        settled_until=calendar.settled_until,
        horizon_years=calendar.horizon_years,
    )


def is_local(text: str) -> bool:
    """Whether the text is such a file, right or wrong, going by its keys."""
    return bool(_KEY_OF_A_LOCAL_FILE.search(text))


def read_local(text: str, *, origin: str) -> LocalArrangement:
    """Read the file. `hours` must be there, so that none are lost in silence; all else may be left out.

    Raises LocalCalendarInvalid naming `origin`, the line and the reason.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        at = re.search(r"at line (\d+)", str(error))
        line = int(at[1]) if at else None
        raise LocalCalendarInvalid(f"can't be read: {error}", f"无法读取:{error}", origin=origin, line=line) from error
    top = _Table(document, (), text, origin)
    top.refuse_unknown("hours", "rest_weekdays", "weekday", "season", "override", "layer")
    if "hours" not in document:
        top.refuse((), "`hours` is missing", "缺少 hours")
    return LocalArrangement(
        hours=OfficeHours(
            default=top.hours("hours"),
            weekdays=_weekday_hours(top.tables("weekday")),
            seasons=_seasons(top.tables("season")),
        ),
        rest_weekdays=_rest_weekdays(top),
        overrides=_overrides(top.tables("override")),
        layers=_layers(top.tables("layer")),
    )


def to_toml(arrangement: LocalArrangement) -> str:
    """The file that `read_local` reads back to an equal arrangement."""
    hours = arrangement.hours
    lines = [
        f"hours = {_list(hours.default.to_document())}",
        f"rest_weekdays = {_list(f'周{WEEKDAYS[day]}' for day in sorted(arrangement.rest_weekdays))}",
    ]
    for weekday in sorted(hours.weekdays):
        windows = hours.weekdays[weekday].to_document()
        lines += ["", "[[weekday]]", f"day = {_quoted(f'周{WEEKDAYS[weekday]}')}", f"hours = {_list(windows)}"]
    for season in hours.seasons:
        bounds = (f'"{month:02d}-{day:02d}"' for month, day in (season.start, season.end))
        lines += ["", "[[season]]", *(f"{key} = {bound}" for key, bound in zip(("from", "to"), bounds, strict=True))]
        lines += [f"hours = {_list(season.hours.to_document())}"]
    for override in arrangement.overrides:
        lines += ["", "[[override]]", *_override_lines(override)]
    for layer in arrangement.layers:
        lines += ["", "[[layer]]", f"prefix = {_quoted(layer.prefix)}", f"name = {_quoted(layer.name)}"]
        lines += [f"stops_clock = {str(layer.stops_clock).lower()}", f"source = {_quoted(layer.source)}"]
        for day in layer.days:
            lines += ["", "[[layer.day]]", *_override_lines(day)]
    return "\n".join([*lines, ""])


def _override_lines(override: DayOverride) -> Iterable[str]:
    yield f"date = {override.date.isoformat()}"
    yield f"kind = {_quoted(override.kind)}"
    if override.hours is not None:
        yield f"hours = {_list(override.hours.to_document())}"
    yield f"name = {_quoted(override.name)}"
    yield f"source = {_quoted(override.source)}"


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(_quoted(text) for text in texts)}]"


def _quoted(text: str) -> str:
    # What JSON escapes, TOML reads; only DEL must not stand in TOML as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the file, which knows where it stands."""

    content: Mapping[str, Any]
    path: _Path
    text: str
    origin: str

    def refuse(self, below: _Path, en: str, zh: str) -> NoReturn:
        line = line_of(self.text, (*self.path, *below))
        raise LocalCalendarInvalid(en, zh, origin=self.origin, line=line)

    def refuse_unknown(self, *known: str) -> None:
        for key in self.content:
            if key not in known:
                self.refuse((key,), f"unknown key {key!r}", f"未知的键 {key!r}")

    def tables(self, key: str) -> list[_Table]:
        entries = self.content.get(key, [])
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            self.refuse((key,), f"`{key}` must be written [[{key}]]", f"{key} 应写作 [[{key}]]")
        return [_Table(entry, (*self.path, key, index), self.text, self.origin) for index, entry in enumerate(entries)]

    def string(self, key: str, default: str | None = None) -> str:
        value = self.content.get(key, default)
        if not isinstance(value, str):
            wanted = "is missing" if value is None else f"must be text in quotes, got {value!r}"
            self.refuse((key,), f"`{key}` {wanted}", f"缺少 {key}" if value is None else f"{key} 应为带引号的文字")
        return value

    def switch(self, key: str) -> bool:
        value = self.content.get(key, False)
        if not isinstance(value, bool):
            self.refuse((key,), f"`{key}` must be true or false, got {value!r}", f"{key} 应为 true 或 false")
        return value

    def day(self, key: str) -> date:
        value = self.content.get(key)
        if isinstance(value, str):
            with suppress(ValueError):
                value = date.fromisoformat(value)
        if not isinstance(value, date) or isinstance(value, datetime):
            self.refuse((key,), f"`{key}` must be a date such as 2026-05-04", f"{key} 应为 2026-05-04 这样的日期")
        return value

    def hours(self, key: str) -> Hours:
        windows = self.content.get(key)
        if not isinstance(windows, list) or not all(isinstance(window, str) for window in windows):
            example = '["08:30-12:00", "14:30-18:00"]'
            self.refuse((key,), f"`{key}` must be windows such as {example}", f"{key} 应为 {example} 这样的时段")
        return self.made(lambda: parse_hours(windows), key)

    def weekday(self, below: _Path, value: Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 6:
            return value
        match = _WEEKDAY.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self.refuse(
                below, f"not a weekday 周一 to 周日 or 0 to 6: {value!r}", f"不是 周一 至 周日 或 0 至 6:{value!r}"
            )
        return WEEKDAYS.index(match[1])

    def made(self, make: Callable[[], _Made], *below: str) -> _Made:
        """What `make` makes; what it refuses is refused with the line."""
        try:
            return make()
        except CalendarInvalid as error:
            self.refuse(below, error.en, error.zh)


def _rest_weekdays(top: _Table) -> frozenset[int]:
    key = "rest_weekdays"
    values = top.content.get(key, sorted(_SATURDAY_AND_SUNDAY))
    if not isinstance(values, list):
        top.refuse(
            (key,), f'`{key}` must be a list such as ["周六", "周日"]', f'{key} 应为 ["周六", "周日"] 这样的列表'
        )
    weekdays = frozenset(top.weekday((key, index), value) for index, value in enumerate(values))
    if len(weekdays) == len(WEEKDAYS):
        top.refuse((key,), "at least one weekday must be worked", "至少须留一天办公")
    return weekdays


def _weekday_hours(tables: list[_Table]) -> dict[int, Hours]:
    hours: dict[int, Hours] = {}
    for table in tables:
        table.refuse_unknown("day", "hours")
        weekday = table.weekday(("day",), table.content.get("day"))
        if weekday in hours:
            table.refuse(("day",), f"周{WEEKDAYS[weekday]} is listed twice", f"周{WEEKDAYS[weekday]}重复列出")
        hours[weekday] = table.hours("hours")
    return hours


def _seasons(tables: list[_Table]) -> tuple[Season, ...]:
    seasons: list[Season] = []
    for table in tables:
        table.refuse_unknown("from", "to", "hours")
        season = _season(table)
        for day in _DAYS_OF_A_LEAP_YEAR:
            if season.covers(day) and any(other.covers(day) for other in seasons):
                table.refuse((), f"two seasons cover {day:%m-%d}", f"两个季节都包含 {day:%m-%d}")
        seasons.append(season)
    return tuple(seasons)


def _season(table: _Table) -> Season:
    start, end = (_month_day(table, key) for key in ("from", "to"))
    hours = table.hours("hours")
    return table.made(lambda: Season(start, end, hours))


def _month_day(table: _Table, key: str) -> tuple[int, int]:
    match = _MONTH_DAY.fullmatch(table.string(key))
    if match is None:
        table.refuse((key,), f"`{key}` must be a month and a day such as 06-01", f"{key} 应为 06-01 这样的月日")
    return int(match[1]), int(match[2])


def _overrides(tables: list[_Table]) -> tuple[DayOverride, ...]:
    overrides: dict[date, DayOverride] = {}
    for table in tables:
        table.refuse_unknown("date", "kind", "hours", "name", "source")
        override = _override(table)
        if override.date in overrides:
            table.refuse(("date",), f"{override.date} is listed twice", f"{override.date} 重复列出")
        overrides[override.date] = override
    return tuple(overrides.values())


def _override(table: _Table) -> DayOverride:
    day, kind = table.day("date"), table.string("kind")
    hours = table.hours("hours") if "hours" in table.content else None
    name, source = table.string("name", ""), table.string("source", "")
    return table.made(lambda: DayOverride(day, cast('Literal["off", "work"]', kind), hours, name, source), "kind")


def _layers(tables: list[_Table]) -> tuple[RegionalLayer, ...]:
    layers: dict[tuple[str, str], RegionalLayer] = {}
    for table in tables:
        table.refuse_unknown("prefix", "name", "stops_clock", "source", "day")
        layer = _layer(table)
        if (layer.prefix, layer.name) in layers:
            table.refuse(("name",), f"{layer.prefix} has two layers of that name", f"{layer.prefix} 有两个同名的地区层")
        layers[layer.prefix, layer.name] = layer
    return tuple(layers.values())


def _layer(table: _Table) -> RegionalLayer:
    prefix, name, source = table.string("prefix"), table.string("name"), table.string("source", "")
    days, stops_clock = _overrides(table.tables("day")), table.switch("stops_clock")
    return table.made(lambda: RegionalLayer(prefix, name, days, stops_clock=stops_clock, source=source), "prefix")
