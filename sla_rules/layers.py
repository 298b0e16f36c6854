"""What is laid over the notices: dated exceptions for everyone, and the observances of a region.

A region's feast days (开斋节, 藏历新年, 州庆) are a layer of their own. Whether they stop a clock is a switch the
province holds for each layer; with the switch off the day is counted and only named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sla_rules.errors import CalendarInvalid
from sla_rules.windows import Hours, parse_hours


@dataclass(frozen=True, slots=True)
class DayOverride:
    """A dated exception laid over the notices: a day off, a day worked, or a working day with other hours.

    `hours` of None keeps the hours the day has anyway; a day off has none.
    """

    date: date
    kind: Literal["off", "work"]
    hours: Hours | None = None
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        if self.kind not in ("off", "work"):
            raise CalendarInvalid(
                f"override {self.date}: unknown kind {self.kind!r}",
                f"例外 {self.date}:未知类型 {self.kind!r}",
            )
        if self.kind == "off" and self.hours is not None:
            raise CalendarInvalid(
                f"override {self.date}: a day off has no hours", f"例外 {self.date}:休息日不能有办公时段"
            )

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `override_from_document` reads back."""
        return {
            "date": self.date.isoformat(),
            "kind": self.kind,
            "hours": self.hours.to_document() if self.hours is not None else None,
            "name": self.name,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True)
class RegionalLayer:
    """The observances of a region: of every union whose code begins with `prefix`.

    stops_clock: whether a clock of these unions stands on the layer's days off; off by default, since the
    promise is the province's.
    Raises CalendarInvalid when the prefix is no code, the layer has no name or day, or one day twice.
    """

    prefix: str
    name: str
    days: tuple[DayOverride, ...]
    stops_clock: bool = False
    source: str = ""

    def __post_init__(self) -> None:
        if not self.prefix.isascii() or not self.prefix.isdigit():
            raise CalendarInvalid(
                f"layer {self.name!r}: the prefix is a union's code such as 6327, got {self.prefix!r}",
                f"地区层 {self.name!r}:前缀须为工会代码(如 6327),现为 {self.prefix!r}",
            )
        if not self.name or not self.days:
            raise CalendarInvalid(
                f"the layer of {self.prefix} needs a name and at least one day",
                f"{self.prefix} 的地区层须有名称和至少一天",
            )
        seen: set[date] = set()
        for day in self.days:
            if day.date in seen:
                raise CalendarInvalid(
                    f"layer {self.name!r}: {day.date} is listed twice", f"地区层 {self.name!r}:{day.date} 重复列出"
                )
            seen.add(day.date)

    def covers(self, union: str) -> bool:
        """Whether the union of that code lies in the region."""
        return union.startswith(self.prefix)

    def to_document(self) -> dict[str, Any]:
        """A JSON-able form that `layer_from_document` reads back."""
        return {
            "prefix": self.prefix,
            "name": self.name,
            "days": [day.to_document() for day in self.days],
            "stops_clock": self.stops_clock,
            "source": self.source,
        }


def override_from_document(entry: Mapping[str, Any]) -> DayOverride:
    """The exception that `DayOverride.to_document` wrote down. Raises CalendarInvalid, KeyError, TypeError."""
    return DayOverride(
        date=date.fromisoformat(entry["date"]),
        kind=entry["kind"],
        hours=parse_hours(entry["hours"]) if entry["hours"] is not None else None,
        name=entry["name"],
        source=entry["source"],
    )


def layer_from_document(entry: Mapping[str, Any]) -> RegionalLayer:
    """The layer that `RegionalLayer.to_document` wrote down. Raises CalendarInvalid, KeyError, TypeError."""
    return RegionalLayer(
        prefix=entry["prefix"],
        name=entry["name"],
        days=tuple(override_from_document(day) for day in entry["days"]),
        stops_clock=entry["stops_clock"],
        source=entry["source"],
    )
