"""What was understood of a year's days off, and what every such reading must satisfy.

The notice's sentences, a table and a calendar feed are read in their own ways and measured alike.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import ClassVar

from sla_rules.errors import NoticeInvalid
from sla_rules.notice import Holiday, Notice, NoticeYear
from sla_rules.statutory import statutory_holidays

ONE_DAY = timedelta(days=1)
SATURDAY = 5
WEEKDAYS = "一二三四五六日"

# The longest holiday announced so far is nine days (2026), ten with the prolongation of 2020.
_LONGEST = 15
# The farthest day worked in exchange lay eleven days before its holiday (2026).
_FARTHEST_WORK = timedelta(days=14)

_WEEKDAY = re.compile(r"(?:星期|周)([一二三四五六日天])")


class Doubt(Exception):
    """Why the sentence, row or event at hand can't be taken."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


class NoticeUnreadable(NoticeInvalid):
    """The text of a notice contains something that contradicts itself or isn't understood."""

    code: ClassVar[str] = "notice_unreadable"

    def __init__(self, doubts: tuple[Remark, ...]) -> None:
        super().__init__(
            "\n".join(f"{doubt.en}: “{doubt.sentence}”" for doubt in doubts),
            "\n".join(f"{doubt.zh}:「{doubt.sentence}」" for doubt in doubts),
        )
        self.doubts = doubts


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence, row or event as it was given, a sentence without blanks, and what is to be said about it."""

    sentence: str
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class ReadHoliday:
    """One holiday as understood: its days in order, and the sentences that say so.

    `name` is empty when the text names none. `source` counts the notices from 1, as `Holiday.notice` does.
    """

    name: str
    off: tuple[date, ...]
    work: tuple[date, ...]
    sentence: str
    source: int = 1


@dataclass(frozen=True, slots=True)
class NoticeReading:
    """What a notice or a file says of a year. Of no use for a calendar while `doubts` holds anything.

    `notes` tells what was left out. `sources` holds what is known of each notice read; its text gives no address.
    """

    year: int
    holidays: tuple[ReadHoliday, ...]
    doubts: tuple[Remark, ...] = ()
    notes: tuple[Remark, ...] = ()
    sources: tuple[Notice, ...] = (Notice(url=""),)

    def to_year(self, *addresses: str) -> NoticeYear:
        """The year for `WorkCalendar.from_years`, one address for each notice read.

        Addresses may be left out where the sources have their own, or a number or file's name to be cited by.
        Raises NoticeUnreadable when there are doubts or a holiday has no name, NoticeInvalid when the number
        of addresses differs or the year holds no day.
        """
        nameless = (
            Remark(holiday.sentence, "the holiday has no name", "节日没有名称")
            for holiday in self.holidays
            if not holiday.name
        )
        doubts = (*self.doubts, *nameless)
        if doubts:
            raise NoticeUnreadable(doubts)
        own = tuple(source.url for source in self.sources if source.url or source.number)
        urls = addresses or own
        if len(urls) != len(self.sources):
            raise NoticeInvalid(
                f"{len(self.sources)} notice(s) were read, {len(urls)} address(es) given",
                f"已读通知 {len(self.sources)} 份,所给网址 {len(urls)} 个",
            )
        return NoticeYear(
            year=self.year,
            notices=tuple(replace(source, url=url) for source, url in zip(self.sources, urls, strict=True)),
            holidays=tuple(
                Holiday(name=holiday.name, off=holiday.off, work=holiday.work, notice=holiday.source)
                for holiday in self.holidays
            ),
        )


def examine_year(year: NoticeYear) -> NoticeReading:
    """A year that is data already, with what is doubtful about it: the festivals it lost, days worked too far off."""
    doubts: list[Remark] = []
    off = {day for holiday in year.holidays for day in holiday.off}
    for day, name in lost_by_law(year.year, off).items():
        doubts.append(remark(year.origin, not_off(day, name)))
    for holiday in year.holidays:
        try:
            check_some_off(holiday.off)
            for day in holiday.work:
                check_near(day, holiday.off)
        except Doubt as doubt:
            doubts.append(remark(holiday.name, doubt))
    return NoticeReading(
        year=year.year,
        holidays=tuple(
            ReadHoliday(holiday.name, holiday.off, holiday.work, holiday.name, holiday.notice)
            for holiday in year.holidays
        ),
        doubts=tuple(doubts),
        notes=() if year.notices else (no_notice(year.origin),),
        sources=year.notices or (Notice(url="", number=year.origin),),
    )


def remark(quote: str, doubt: Doubt) -> Remark:
    """The doubt with what it is about."""
    return Remark(quote, doubt.en, doubt.zh)


def within_reach(day: date, year: int) -> bool:
    """Whether a notice of `year` may speak of `day`: one has reached back to 29 December (2018)."""
    return day.year == year or (day.year, day.month) in ((year - 1, 12), (year + 1, 1))


def day_of(year: int, month: int, day: int) -> date:
    """That day. Raises Doubt when there is none."""
    if not exists(year, month, day):
        raise Doubt(f"there is no day {year}-{month}-{day}", f"没有 {year}年{month}月{day}日这一天")
    return date(year, month, day)


def exists(year: int, month: int, day: int) -> bool:
    """Whether the calendar has such a day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def stretch(first: date, last: date) -> list[date]:
    """Every day from first to last. Raises Doubt when there is none or they are implausibly many."""
    length = (last - first).days + 1
    if not 1 <= length <= _LONGEST:
        raise Doubt(f"{first} to {last} is no holiday of 1 to {_LONGEST} days", f"{first} 至 {last} 不是合理的假期")
    return [first + index * ONE_DAY for index in range(length)]


def check_reach(day: date, year: int) -> None:
    """Raises Doubt when a notice of `year` can't speak of `day`."""
    if not within_reach(day, year):
        raise Doubt(f"{day} does not belong to {year}", f"{day} 不属于 {year} 年")


def check_weekday(day: date, stated: str) -> None:
    """Raises Doubt when `stated` (周四, 星期四) is not the weekday of `day`, or none at all."""
    weekday = _WEEKDAY.fullmatch(stated)
    if weekday is None:
        raise Doubt(f"not understood: {stated}", f"无法理解“{stated}”")
    if WEEKDAYS.index(weekday[1].replace("天", "日")) != day.weekday():
        raise Doubt(
            f"{day} is a 周{WEEKDAYS[day.weekday()]}, not {stated}",
            f"{day} 是周{WEEKDAYS[day.weekday()]},不是{stated}",
        )


def check_worked(day: date) -> None:
    """Raises Doubt when a day worked in exchange is no Saturday or Sunday."""
    if day.weekday() < SATURDAY:
        weekday = WEEKDAYS[day.weekday()]
        raise Doubt(
            f"{day} is a 周{weekday}; a day worked in exchange must be a Saturday or Sunday",
            f"{day} 是周{weekday},调休上班日须为周六或周日",
        )


def check_some_off(off: Collection[date]) -> None:
    """Raises Doubt when a holiday has no day off."""
    if not off:
        raise Doubt("days are worked, but none is off", "只有上班日,没有放假日")


def check_near(day: date, off: Collection[date]) -> None:
    """Raises Doubt when `day` is worked implausibly far from the days off it is exchanged for."""
    if min(abs(day - other) for other in off) > _FARTHEST_WORK:
        raise Doubt(f"{day} is worked too far from its holiday", f"上班日 {day} 离假期过远")


def lost_by_law(year: int, off: Collection[date]) -> dict[date, str]:
    """The statutory holidays of `year` by name that are not among the days off."""
    return {day: name for day, name in sorted(statutory_holidays(year).items()) if day not in off}


def no_notice(origin: str) -> Remark:
    """What is to be said about every year that was not read from a notice: feeds and tables err."""
    return Remark(
        origin,
        "no notice of the State Council; compare each day with the one published",
        "并非国务院通知原文,请与公布的通知逐日核对",
    )


def not_off(day: date, name: str) -> Doubt:
    """That a statutory holiday is worked."""
    return Doubt(f"{day} is {name} by law and is not off", f"{day} 依法为{name},却未放假")


def both_ways(day: date) -> Doubt:
    """That a day is off and worked at once."""
    return Doubt(f"{day} is both off and worked", f"{day} 既放假又上班")


def listed_already(day: date, name: str) -> Doubt:
    """That a day is listed a second time."""
    return Doubt(f"{day} is listed for {name} already", f"{day} 已列入“{name}”")
