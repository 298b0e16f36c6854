"""Office hours: the windows of a day in which working time runs.

A window is half-open, `[start, end)`, in minutes after local midnight, so that 24:00 can be written and
adjacent windows neither lose nor count twice the instant between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import Any

from sla_rules.errors import WindowInvalid

DAY_MINUTES = 24 * 60
_WEEKDAYS = range(7)
_TEXT = re.compile(r"^\s*(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})\s*$")


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """An open stretch of one day, half-open: `start` and `end` in minutes after midnight.

    0 <= start < end <= 1440. Raises WindowInvalid when it is empty, backwards or outside the day.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= DAY_MINUTES:
            raise WindowInvalid(
                f"a window needs 00:00 <= start < end <= 24:00, got {_clock(self.start)}-{_clock(self.end)}",
                f"时段须满足 00:00 ≤ 开始 < 结束 ≤ 24:00,现为 {_clock(self.start)}-{_clock(self.end)}",
            )

    @property
    def minutes(self) -> int:
        """Length in minutes, 1 to 1440."""
        return self.end - self.start

    def __str__(self) -> str:
        return f"{_clock(self.start)}-{_clock(self.end)}"


@dataclass(frozen=True, slots=True)
class Hours:
    """The windows of one working day, those of its own morning and the tail that runs past its midnight.

    `windows` belong to the day itself; `after_midnight` are the minutes of the next calendar day that still
    belong to this working day (22:00-26:00 gives 22:00-24:00 and 00:00-02:00).
    """

    windows: tuple[Window, ...]
    after_midnight: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        if not self.windows:
            raise WindowInvalid("a working day needs at least one window", "工作日至少要有一个时段")
        for part in (self.windows, self.after_midnight):
            for before, after in pairwise(part):
                if after.start < before.end:
                    raise WindowInvalid(
                        f"windows must be in order and apart: {before} and {after}",
                        f"时段须按先后排列且不重叠:{before} 与 {after}",
                    )

    def to_document(self) -> list[str]:
        """The windows as text, a window over midnight joined again (`22:00-26:00`)."""
        if not self.after_midnight:
            return [str(window) for window in self.windows]
        head, tail = self.windows[-1], self.after_midnight[0]
        joined = f"{_clock(head.start)}-{_clock(DAY_MINUTES + tail.end)}"
        return [*(str(window) for window in self.windows[:-1]), joined]


def parse_hours(texts: Iterable[str]) -> Hours:
    """Read windows written `08:30-12:00`, in order, none overlapping.

    A window over midnight is written with an end past 24:00 (`22:00-26:00`) and is split there. The plain
    `22:00-02:00`
    is refused: it can't be told from a slip of the pen such as `14:00-12:00`.
    Raises WindowInvalid with the text that is wrong.
    """
    windows: list[Window] = []
    after: list[Window] = []
    listed = list(texts)
    for position, text in enumerate(listed):
        match = _TEXT.match(text)
        if match is None:
            raise WindowInvalid(
                f"not a window of the form 08:30-12:00: {text!r}", f"不是 08:30-12:00 这样的时段:{text!r}"
            )
        start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
        start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
        if start_minute > 59 or end_minute > 59 or start >= DAY_MINUTES or not start < end <= start + DAY_MINUTES:
            raise WindowInvalid(
                f"the window {text!r} is empty, backwards or longer than a day",
                f"时段 {text!r} 为空、颠倒或超过一天",
            )
        if end > DAY_MINUTES:
            if position != len(listed) - 1:
                raise WindowInvalid(
                    f"only the last window may run past midnight: {text!r}",
                    f"只有最后一个时段可以跨过零点:{text!r}",
                )
            after.append(Window(0, end - DAY_MINUTES))
            end = DAY_MINUTES
        windows.append(Window(start, end))
    return Hours(tuple(windows), tuple(after))


@dataclass(frozen=True, slots=True)
class Season:
    """Other hours for a part of every year, from one (month, day) to another, both included.

    A season may run over the turn of the year (from (10, 1) to (5, 31)).
    """

    start: tuple[int, int]
    end: tuple[int, int]
    hours: Hours

    def __post_init__(self) -> None:
        for month, day in (self.start, self.end):
            try:
                date(2000, month, day)  # a leap year, so that 29 February may bound a season
            except ValueError as error:
                raise WindowInvalid(
                    f"no such day of the year: {month}-{day}", f"没有这样的日子:{month}月{day}日"
                ) from error

    def covers(self, day: date) -> bool:
        """Whether the season includes `day`."""
        key = (day.month, day.day)
        if self.start <= self.end:
            return self.start <= key <= self.end
        return key >= self.start or key <= self.end


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When a working day is open: by default, on given weekdays (0 = Monday), in a season.

    A season beats a weekday, a weekday beats the default. A Saturday or Sunday worked in exchange has the
    default hours unless that weekday has its own.
    """

    default: Hours
    weekdays: Mapping[int, Hours] = field(default_factory=dict)
    seasons: tuple[Season, ...] = ()

    def __post_init__(self) -> None:
        for weekday in self.weekdays:
            if weekday not in _WEEKDAYS:
                raise WindowInvalid(
                    f"weekdays run from 0 (Monday) to 6, got {weekday}",
                    f"星期须为 0(周一)至 6,现为 {weekday}",
                )

    def of(self, day: date) -> Hours:
        """The hours `day` has when it is a working day."""
        for season in self.seasons:
            if season.covers(day):
                return season.hours
        return self.weekdays.get(day.weekday(), self.default)

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `office_hours_from_document` reads back identically."""
        return {
            "default": self.default.to_document(),
            "weekdays": {str(weekday): self.weekdays[weekday].to_document() for weekday in sorted(self.weekdays)},
            "seasons": [
                {"start": list(season.start), "end": list(season.end), "windows": season.hours.to_document()}
                for season in self.seasons
            ],
        }


def office_hours_from_document(document: Mapping[str, Any]) -> OfficeHours:
    """The inverse of `OfficeHours.to_document`. Raises WindowInvalid."""
    return OfficeHours(
        default=parse_hours(document["default"]),
        weekdays={int(weekday): parse_hours(texts) for weekday, texts in document.get("weekdays", {}).items()},
        seasons=tuple(
            Season(_month_day(entry["start"]), _month_day(entry["end"]), parse_hours(entry["windows"]))
            for entry in document.get("seasons", ())
        ),
    )


def as_office_hours(hours: OfficeHours | Sequence[str] | Sequence[Window]) -> OfficeHours:
    """Accept full office hours, or simply the windows of every working day as text or as `Window` values."""
    if isinstance(hours, OfficeHours):
        return hours
    return OfficeHours(default=parse_hours(str(window) for window in hours))


def merged(windows: Iterable[Window]) -> tuple[Window, ...]:
    """The windows in order, touching or overlapping ones made one, so that no instant is counted twice."""
    out: list[Window] = []
    for window in sorted(windows):
        if out and window.start <= out[-1].end:
            out[-1] = Window(out[-1].start, max(out[-1].end, window.end))
        else:
            out.append(window)
    return tuple(out)


def _month_day(value: Sequence[int]) -> tuple[int, int]:
    month, day = value
    return int(month), int(day)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


# Default office hours of the province: 08:30-12:00 and 14:30-18:00.
DEFAULT_HOURS = OfficeHours(default=parse_hours(["08:30-12:00", "14:30-18:00"]))
