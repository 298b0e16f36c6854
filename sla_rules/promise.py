"""What is promised, as values: how long a step may take, when it stood, what was told to the caller.

`sla_rules.counting` makes deadlines of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Literal, get_args

from sla_rules.errors import NaiveTime, PausesInvalid, PromiseInvalid

Unit = Literal["same_day", "working_days", "calendar_days", "working_minutes", "real_minutes"]
Measure = Literal["open", "real"]
StartRule = Literal["next_day", "same_day", "at_once"]
EndRule = Literal["end_of_day", "office_end", "to_the_minute"]
QuietRule = Literal["wait", "pass"]

UNITS: tuple[str, ...] = get_args(Unit)
QUIET_RULES: tuple[str, ...] = get_args(QuietRule)
# What each unit may start and end with; the first of each is what applies when nothing is said.
START_RULES: dict[str, tuple[StartRule, ...]] = {
    "same_day": ("same_day",),
    "working_days": ("next_day", "same_day"),
    "calendar_days": ("next_day", "same_day"),
    "working_minutes": ("at_once",),
    "real_minutes": ("at_once",),
}
END_RULES: dict[str, tuple[EndRule, ...]] = {
    "same_day": ("end_of_day", "office_end"),
    "working_days": ("end_of_day", "office_end"),
    "calendar_days": ("end_of_day", "office_end"),
    "working_minutes": ("to_the_minute",),
    "real_minutes": ("to_the_minute",),
}
_MINUTE_UNITS = ("working_minutes", "real_minutes")
# Two and a half thousand years of days: far past every horizon, and still inside what a date can hold.
_MAX_AMOUNT = 1_000_000
_ONE_DAY = timedelta(days=1)
_ONE_MINUTE = timedelta(minutes=1)
_INSTANT = timedelta(microseconds=1)
_NOTHING = timedelta(0)


class Tier(StrEnum):
    """How hard a matter is: 一般问题, 难点问题, 特别复杂问题."""

    ordinary = "ordinary"
    difficult = "difficult"
    complex = "complex"


class ClockKind(StrEnum):
    """What a clock measures: 派单, 签收, 首次联系, 办结, 回访, and a lower union's part of 办结 (下派)."""

    dispatch = "dispatch"
    sign = "sign"
    first_contact = "first_contact"
    resolve = "resolve"
    callback = "callback"
    leg = "leg"


@dataclass(frozen=True, slots=True)
class Promise:
    """How long a step may take.

    unit and amount: `same_day` (amount 0 or 1, which mean the same), working days, calendar days, or minutes
    of working or of real time, 1 to 1,000,000.
    roll: calendar days only; a last day that rests gives way to the next working day (Civil Code, art.
    203).
    cutoff: only where the day it starts on counts; after this local time, or on a rest day, that day does not
    count and the next working day is the first.
    start: `next_day`, the day it starts on is not counted (Civil Code, art. 201, the default in days);
    `same_day`, it is the first day counted if it works; `at_once`, to the minute.
    end: `end_of_day`, 24:00 of the last day (art. 203, the default in days); `office_end`, when the office
    closes that day (art. 203 where business hours are kept); `to_the_minute`.
    quiet: whether messages about it `wait` through quiet hours or `pass` them; real minutes run through
    nights, so theirs pass unless it is said otherwise.
    Raises PromiseInvalid.
    """

    unit: Unit
    amount: int
    roll: bool = True
    cutoff: time | None = None
    # Empty means the unit's own rule and is replaced by it, so that equal promises compare equal.
    start: StartRule = ""  # type: ignore[assignment]
    end: EndRule = ""  # type: ignore[assignment]
    quiet: QuietRule = ""  # type: ignore[assignment]
    # Working days from the next day to 24:00, which most promises are and which cost three look-ups.
    plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise PromiseInvalid(
                f"unknown unit {self.unit!r}; known: {', '.join(UNITS)}",
                f"未知单位 {self.unit!r},可用:{'、'.join(UNITS)}",
            )
        if isinstance(self.amount, bool) or not isinstance(self.amount, int):
            raise PromiseInvalid(
                f"the amount must be a whole number, got {self.amount!r}",
                f"数量须为整数,现为 {self.amount!r}",
            )
        if self.unit == "same_day":
            if self.amount not in (0, 1):
                raise PromiseInvalid(
                    f"same_day means one day, got amount {self.amount}",
                    f"当天办结只能是一天,现为 {self.amount}",
                )
        elif not 1 <= self.amount <= _MAX_AMOUNT:
            raise PromiseInvalid(
                f"the amount must be 1 to {_MAX_AMOUNT}, got {self.amount}",
                f"数量须为 1 至 {_MAX_AMOUNT},现为 {self.amount}",
            )
        self._set("start", START_RULES[self.unit], "the start", "起算规则")
        self._set("end", END_RULES[self.unit], "the end", "截止规则")
        self._set("quiet", ("pass", "wait") if self.unit == "real_minutes" else QUIET_RULES, "quiet", "静默规则")
        if self.cutoff is not None and (self.start != "same_day" or self.cutoff.tzinfo is not None):
            raise PromiseInvalid(
                "a cut-off is a local time and belongs to promises whose first day counts (start = same_day)",
                "截止时刻须为当地时间,且只用于当日计入的承诺(start = same_day)",
            )
        plain = self.unit == "working_days" and self.start == "next_day" and self.end == "end_of_day"
        object.__setattr__(self, "plain", plain)

    def _set(self, name: str, allowed: tuple[str, ...], what: str, what_zh: str) -> None:
        value = getattr(self, name) or allowed[0]
        if value not in allowed:
            raise PromiseInvalid(
                f"{what} of a promise in {self.unit} is one of {', '.join(allowed)}, got {value!r}",
                f"{self.unit} 的{what_zh}可用:{'、'.join(allowed)},现为 {value!r}",
            )
        object.__setattr__(self, name, value)

    @property
    def in_days(self) -> bool:
        """Whether it ends with a day rather than at a minute."""
        return self.unit not in _MINUTE_UNITS

    @property
    def by_the_day(self) -> bool:
        """Whether all starts of one day end together, whatever their hour."""
        return self.in_days and (self.start == "next_day" or (self.cutoff is None and self.as_printed))

    @property
    def as_printed(self) -> bool:
        """Whether it is the printed "the same day": until 24:00, on a rest day as well."""
        return self.unit == "same_day" and self.cutoff is None and self.end == "end_of_day"

    @property
    def span(self) -> timedelta:
        """The promised span of a promise in minutes; in days, PromiseInvalid: a day is no 24 hours."""
        if self.in_days:
            raise PromiseInvalid("a promise in days has no span in time", "以天计的承诺没有固定时长")
        return timedelta(minutes=self.amount)

    @property
    def measure(self) -> Measure:
        """What its used and remaining time is counted in: open working time, or real time."""
        return "open" if self.unit in ("working_days", "working_minutes") else "real"


@dataclass(frozen=True, slots=True)
class Pause:
    """An interval in which a clock stands; `end` of None is still open. Raises PausesInvalid, NaiveTime."""

    start: datetime
    end: datetime | None
    reason: str = ""

    def __post_init__(self) -> None:
        for at in (self.start, self.end):
            if at is not None and at.utcoffset() is None:
                raise NaiveTime(
                    f"the pause's time {at.isoformat()} has no offset", f"挂起时间 {at.isoformat()} 没有时区"
                )
        if self.end is not None and self.end < self.start:
            raise PausesInvalid(
                f"the pause ends {self.end.isoformat()}, before it starts {self.start.isoformat()}",
                f"挂起结束 {self.end.isoformat()} 早于开始 {self.start.isoformat()}",
            )


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a promise ends.

    due_at: aware UTC and exclusive, the instant after the last moment allowed (00:00 of the next day for
    days).
    provisional: a notice that has not appeared may still move it.
    last_day: the local day of the last moment allowed.
    """

    due_at: datetime
    provisional: bool
    last_day: date


@dataclass(frozen=True, slots=True)
class Kept:
    """A deadline that was told and is not to be shortened by a later count.

    at: aware; the count may not end before it.
    extension_days: how many of the clock's working days of extension it held already; later ones are added to
    it.
    """

    at: datetime
    extension_days: int = 0
