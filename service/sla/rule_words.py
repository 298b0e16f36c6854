"""Promises, office hours and shifts as people say them, and what was understood of a rule file, day by day."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from service.core.errors import Bilingual
from service.sla.calendar_files import CalendarFile
from sla_rules import (
    DayOverride,
    Hours,
    LocalArrangement,
    Notice,
    NoticeReading,
    OfficeHours,
    Policy,
    Promise,
    Remark,
)

_WEEKDAYS_ZH = "一二三四五六日"
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Nobody puts more than that right from one page; rubbish has a doubt in every line.
_MOST_REMARKS = 100
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PromiseLine:
    """What a policy promises for one kind of clock and case. `tier` of None is any tier."""

    kind: str
    tier: str | None
    urgent: bool
    redo: bool
    words: Bilingual
    source: str


@dataclass(frozen=True, slots=True)
class UnderstoodDay:
    """A day as the file sets it. `region` is a union's code where the day is of a regional layer; `hours` are special
    ones; `sentence` is what the file says."""

    date: date
    kind: Literal["off", "work"]
    name: str
    region: str = ""
    stops_clock: bool = True
    hours: str = ""
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """What a file says, for a person to compare with the original. Of no use while `doubts` holds anything.

    form: `year`, days of the year `year`; `arrangement`, all that is laid over the notices; `policy`.
    replaces: the year is in force already and would be replaced as a whole.
    """

    form: Literal["year", "arrangement", "policy"]
    year: int | None = None
    days: tuple[UnderstoodDay, ...] = ()
    doubts: tuple[Remark, ...] = ()
    notes: tuple[Remark, ...] = ()
    sources: tuple[Notice, ...] = ()
    hours: tuple[tuple[Bilingual, Bilingual], ...] = ()
    promises: tuple[PromiseLine, ...] = ()
    title: str = ""
    replaces: bool = False


def understood(said: CalendarFile | Policy, *, in_force: frozenset[int] = frozenset()) -> Understood:
    """What a file says, its days in order. `in_force` are the years of the present calendar."""
    if isinstance(said, Policy):
        return Understood("policy", promises=promise_lines(said), title=said.title)
    if isinstance(said, LocalArrangement):
        days = [_overridden(day) for day in said.overrides]
        for layer in said.layers:
            days += [_overridden(day, layer.prefix, layer.name, layer.stops_clock) for day in layer.days]
        return Understood("arrangement", days=_in_order(days), hours=hours_lines(said))
    return Understood(
        "year",
        year=said.year,
        days=_in_order(_noticed(said)),
        doubts=said.doubts[:_MOST_REMARKS],
        notes=said.notes[:_MOST_REMARKS],
        sources=said.sources,
        replaces=said.year in in_force,
    )


def promise_lines(policy: Policy) -> tuple[PromiseLine, ...]:
    """All promises of a policy in its own order."""
    return tuple(
        PromiseLine(
            kind=rule.kind.value,
            tier=rule.tier.value if rule.tier else None,
            urgent=rule.urgent,
            redo=rule.redo,
            words=promise_in_words(rule.promise),
            source=rule.source,
        )
        for rule in policy.promises
    )


def promise_in_words(promise: Promise) -> Bilingual:
    """`5 个工作日,当日不计,至末日 24:00`."""
    zh, en = [_amount(promise).zh], [_amount(promise).en]
    if promise.cutoff is not None:
        zh.append(f"{promise.cutoff:%H:%M} 后自下一工作日起算")
        en.append(f"after {promise.cutoff:%H:%M} from the next working day")
    if promise.unit in ("working_days", "calendar_days"):
        counted = promise.start == "same_day"
        zh.append("当日计入" if counted else "当日不计")
        en.append("the first day counted" if counted else "the first day not counted")
    if promise.in_days:
        at_close = promise.end == "office_end"
        zh.append("至末日下班" if at_close else "至末日 24:00")
        en.append("until the office closes on the last" if at_close else "until 24:00 of the last")
    if promise.unit == "calendar_days":
        zh.append("末日逢休息日顺延" if promise.roll else "末日逢休息日不顺延")
        en.append("rolling past rest days" if promise.roll else "not rolling past rest days")
    return Bilingual(",".join(zh), ", ".join(en))


def shift_in_words(shift: timedelta) -> Bilingual:
    """`推后 1 天 2 小时`; a dash for no shift. Seconds are not said."""
    span = abs(shift)
    if span < _MINUTE:
        return Bilingual("—", "—")
    amounts = (span // _DAY, span % _DAY // _HOUR, span % _HOUR // _MINUTE)
    zh = " ".join(f"{n} {word}" for n, word in zip(amounts, ("天", "小时", "分钟"), strict=True) if n)
    en = " ".join(f"{n} {word}" for n, word in zip(amounts, ("d", "h", "min"), strict=True) if n)
    return Bilingual(f"推后 {zh}", f"{en} later") if shift > timedelta(0) else Bilingual(f"提前 {zh}", f"{en} earlier")


def hours_lines(arrangement: LocalArrangement) -> tuple[tuple[Bilingual, Bilingual], ...]:
    """When offices are open, the ordinary hours first, and the weekdays at rest."""
    hours: OfficeHours = arrangement.hours
    lines = [(Bilingual("平日", "ordinarily"), _windows(hours.default))]
    for day in sorted(hours.weekdays):
        lines.append((_weekdays([day]), _windows(hours.weekdays[day])))
    for season in hours.seasons:
        (first_month, first_day), (last_month, last_day) = season.start, season.end
        first, last = f"{first_month:02d}-{first_day:02d}", f"{last_month:02d}-{last_day:02d}"
        lines.append((Bilingual(f"每年 {first} 至 {last}", f"{first} to {last}"), _windows(season.hours)))
    return (*lines, (Bilingual("休息日", "at rest"), _weekdays(sorted(arrangement.rest_weekdays))))


def _windows(hours: Hours) -> Bilingual:
    windows = hours.to_document()
    return Bilingual("、".join(windows), ", ".join(windows))


def _weekdays(days: list[int]) -> Bilingual:
    return Bilingual("、".join(f"周{_WEEKDAYS_ZH[day]}" for day in days), ", ".join(_WEEKDAYS_EN[day] for day in days))


def _amount(promise: Promise) -> Bilingual:
    amount, unit = promise.amount, promise.unit
    if unit == "same_day":
        return Bilingual("当天", "the same day")
    if unit == "working_days":
        return Bilingual(f"{amount} 个工作日", f"{amount} working day(s)")
    if unit == "calendar_days":
        return Bilingual(f"{amount} 天(自然日)", f"{amount} calendar day(s)")
    zh, en = (f"{amount // 60} 小时", f"{amount // 60} h") if amount % 60 == 0 else (f"{amount} 分钟", f"{amount} min")
    if unit == "working_minutes":
        return Bilingual(f"{zh}(工作时间)", f"{en} of working time")
    return Bilingual(f"{zh}(夜间和节假日不停)", f"{en}, through nights and holidays")


def _noticed(said: NoticeReading) -> list[UnderstoodDay]:
    days: list[UnderstoodDay] = []
    for holiday in said.holidays:
        days += [UnderstoodDay(day, "off", holiday.name, sentence=holiday.sentence) for day in holiday.off]
        days += [UnderstoodDay(day, "work", holiday.name, sentence=holiday.sentence) for day in holiday.work]
    return days


def _overridden(day: DayOverride, region: str = "", name: str = "", stops_clock: bool = True) -> UnderstoodDay:
    hours = " ".join(day.hours.to_document()) if day.hours else ""
    return UnderstoodDay(day.date, day.kind, day.name or name, region, stops_clock, hours, sentence=day.source)


def _in_order(days: list[UnderstoodDay]) -> tuple[UnderstoodDay, ...]:
    return tuple(sorted(days, key=lambda day: (day.date, day.region)))
