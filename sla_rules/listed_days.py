"""A year put together from single days, as tables and calendar feeds list them, and checked like a notice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from sla_rules.notice import Notice
from sla_rules.notice_reading import (
    ONE_DAY,
    Doubt,
    NoticeReading,
    NoticeUnreadable,
    ReadHoliday,
    Remark,
    both_ways,
    check_near,
    check_some_off,
    check_worked,
    listed_already,
    lost_by_law,
    no_notice,
    not_off,
    remark,
    stretch,
    within_reach,
)


@dataclass(frozen=True, slots=True)
class ListedDay:
    """A day off or worked in exchange, the holiday it belongs to, and the row or event that says so."""

    date: date
    kind: Literal["off", "work"]
    name: str
    quote: str


def examine_days(
    days: Iterable[ListedDay], *, origin: str, year: int | None = None, doubts: Iterable[Remark] = ()
) -> NoticeReading:
    """The year that single days make, with what is doubtful about them; `doubts` are those of the list itself.

    Consecutive days off of one name are one holiday, and belong to the year of the last of them; a day worked
    belongs to the nearest holiday of its name. `origin` names the list and is cited as the source.
    Raises NoticeUnreadable when no day is left, or of several years none is asked for by `year`.
    """
    once, again = _each_once(days)
    holidays = _holidays(once)
    years = sorted({holiday.year for holiday in holidays})
    wanted = years[0] if year is None and len(years) == 1 else year
    if wanted not in years:
        raise NoticeUnreadable((*doubts, _no_year(origin, years, year)))
    kept = [holiday for holiday in holidays if holiday.year == wanted]
    off = {listed.date for listed in once if listed.kind == "off"}
    found = [
        *doubts,
        *(remark(listed.quote, doubt) for listed, doubt in again if within_reach(listed.date, wanted)),
        *(doubt for holiday in kept for doubt in holiday.doubts()),
        *(remark(origin, not_off(day, name)) for day, name in lost_by_law(wanted, off).items()),
    ]
    others = ", ".join(str(other) for other in years if other != wanted)
    left_out = Remark(origin, f"other years left out: {others}", f"其他年份未计入:{others}")
    return NoticeReading(
        year=wanted,
        holidays=tuple(holiday.read() for holiday in kept),
        doubts=tuple(found),
        notes=(no_notice(origin), left_out) if others else (no_notice(origin),),
        sources=(Notice(url="", number=origin),),
    )


@dataclass(slots=True)
class _Holiday:
    name: str
    off: list[ListedDay] = field(default_factory=list)
    work: list[ListedDay] = field(default_factory=list)

    @property
    def year(self) -> int:
        return (self.off or self.work)[-1].date.year

    def read(self) -> ReadHoliday:
        listed = (*self.off, *self.work)
        return ReadHoliday(
            name=self.name,
            off=tuple(day.date for day in self.off),
            work=tuple(day.date for day in self.work),
            sentence="; ".join(dict.fromkeys(day.quote for day in listed)),
        )

    def doubts(self) -> Iterable[Remark]:
        listed = (*self.off, *self.work)
        off = [day.date for day in self.off]
        try:
            if not self.name:
                raise Doubt("the holiday has no name", "节日没有名称")
            check_some_off(off)
            stretch(off[0], off[-1])
        except Doubt as doubt:
            yield remark(listed[0].quote, doubt)
            return
        for day in self.work:
            try:
                check_worked(day.date)
                check_near(day.date, off)
            except Doubt as doubt:
                yield remark(day.quote, doubt)


def _each_once(days: Iterable[ListedDay]) -> tuple[list[ListedDay], list[tuple[ListedDay, Doubt]]]:
    """The days in order, and those listed again with what that means."""
    seen: dict[date, ListedDay] = {}
    again: list[tuple[ListedDay, Doubt]] = []
    for day in days:
        before = seen.setdefault(day.date, day)
        if before is not day:
            same = before.kind == day.kind
            again.append((day, listed_already(day.date, before.name) if same else both_ways(day.date)))
    return [seen[day] for day in sorted(seen)], again


def _holidays(days: list[ListedDay]) -> list[_Holiday]:
    holidays: list[_Holiday] = []
    last: dict[str, _Holiday] = {}
    for day in days:
        if day.kind == "off":
            holiday = last.get(day.name)
            if holiday is None or day.date - holiday.off[-1].date > ONE_DAY:
                holiday = last[day.name] = _Holiday(day.name)
                holidays.append(holiday)
            holiday.off.append(day)
    alone: dict[str, _Holiday] = {}
    for day in days:
        if day.kind == "work":
            of_its_name = [holiday for holiday in holidays if holiday.name == day.name]
            if of_its_name:
                nearest = min(of_its_name, key=lambda holiday: min(abs(day.date - off.date) for off in holiday.off))
            else:
                nearest = alone.setdefault(day.name, _Holiday(day.name))
            nearest.work.append(day)
    return sorted([*holidays, *alone.values()], key=lambda holiday: (holiday.off or holiday.work)[0].date)


def _no_year(origin: str, years: list[int], asked: int | None) -> Remark:
    listed = ", ".join(map(str, years))
    if not years:
        return Remark(origin, "no day is stated", "没有写明任何日期")
    if asked is None:
        return Remark(origin, f"the years {listed} are listed; say which one", f"列有 {listed} 年,须指定其中一年")
    return Remark(origin, f"{asked} is not listed, only {listed}", f"未列 {asked} 年,只有 {listed} 年")
