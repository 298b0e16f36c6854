"""Escalation as a ladder of rungs: what is due when, planned from the clock alone.

A rung says where it stands relative to the promise, who is told and what else happens. Whether it has fired
already is known to the ledger; nothing here remembers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

from sla_rules.calendar import WorkCalendar
from sla_rules.clock import Clock, ClockStatus
from sla_rules.counting import Standstill, advance, retreat, working_day_after
from sla_rules.errors import LadderInvalid
from sla_rules.promise import Deadline

Audience = Literal[
    "handler",
    "deputy",
    "leader",
    "parent_leader",
    "supervisor",
    "leadership",
    "dispatcher",
    "agent",
    "caller",
]
Effect = Literal["open_supervision", "sign_by_silence", "bulletin"]

AUDIENCES: tuple[str, ...] = get_args(Audience)
EFFECTS: tuple[str, ...] = get_args(Effect)

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class AtFraction:
    """When `fraction` (above 0, below 1) of the counted time between start and deadline is used."""

    fraction: float

    def __post_init__(self) -> None:
        if not 0 < self.fraction < 1:
            raise LadderInvalid(
                f"a fraction must lie between 0 and 1, got {self.fraction}",
                f"比例须在 0 与 1 之间,现为 {self.fraction}",
            )


@dataclass(frozen=True, slots=True)
class AtDue:
    """At the deadline itself: the instant after the last moment allowed."""


@dataclass(frozen=True, slots=True)
class AtWorkingTime:
    """`minutes` of working time after the deadline, or before it when negative; pauses left out; not 0."""

    minutes: int

    def __post_init__(self) -> None:
        if self.minutes == 0:
            raise LadderInvalid(
                "0 minutes from the deadline is the deadline: say `due`", "距期限 0 分钟即期限本身,请用 due"
            )


@dataclass(frozen=True, slots=True)
class AtWorkingDays:
    """The end (24:00) of the `days`-th working day (1 or more) after the last day, counted like a promise."""

    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise LadderInvalid(
                f"working days after the deadline start at 1, got {self.days}",
                f"期限后工作日至少为 1,现为 {self.days}",
            )


@dataclass(frozen=True, slots=True)
class BeforeOfficeEnd:
    """`minutes` (1 or more) of real time before the office closes on the last day allowed.

    On a rest day, the hour the office would close if it worked: a duty shift goes by the same clock.
    """

    minutes: int

    def __post_init__(self) -> None:
        if self.minutes < 1:
            raise LadderInvalid(
                f"minutes before closing start at 1, got {self.minutes}",
                f"下班前分钟数至少为 1,现为 {self.minutes}",
            )


Place = AtFraction | AtDue | AtWorkingTime | AtWorkingDays | BeforeOfficeEnd


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung.

    name: unique in its ladder and stable, for the ledger keeps it.
    audience, effects: from the closed sets AUDIENCES and EFFECTS; one of them must say something.
    urgent: the message does not wait for the end of quiet hours.
    Raises LadderInvalid.
    """

    name: str
    at: Place
    audience: tuple[Audience, ...] = ()
    effects: tuple[Effect, ...] = ()
    urgent: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise LadderInvalid("a rung needs a name", "梯级须有名称")
        for given, known, what, what_zh in (
            (self.audience, AUDIENCES, "audience", "通知对象"),
            (self.effects, EFFECTS, "effect", "后果"),
        ):
            for value in given:
                if value not in known:
                    raise LadderInvalid(
                        f"rung {self.name!r}: unknown {what} {value!r}; known: {', '.join(known)}",
                        f"梯级 {self.name!r}:未知{what_zh} {value!r},可用:{'、'.join(known)}",
                    )
            if len(set(given)) != len(given):
                raise LadderInvalid(f"rung {self.name!r}: {what} named twice", f"梯级 {self.name!r}:{what_zh}重复")
        if not self.audience and not self.effects:
            raise LadderInvalid(
                f"rung {self.name!r} tells nobody and does nothing", f"梯级 {self.name!r} 既无对象也无后果"
            )

    @property
    def follows_breach(self) -> bool:
        """Whether it stands at the deadline or after it: a consequence of breach, not a warning."""
        if isinstance(self.at, AtWorkingTime):
            return self.at.minutes > 0
        return isinstance(self.at, AtDue | AtWorkingDays)


Ladder = tuple[Rung, ...]


@dataclass(frozen=True, slots=True)
class PlannedRung:
    """A rung with its instant (UTC)."""

    rung: Rung
    at: datetime


def check_ladder(rungs: Iterable[Rung]) -> Ladder:
    """The rungs as a ladder. Raises LadderInvalid when it is empty or two share a name."""
    ladder = tuple(rungs)
    if not ladder:
        raise LadderInvalid("a ladder needs at least one rung", "升级梯至少要有一级")
    names: set[str] = set()
    for rung in ladder:
        if rung.name in names:
            raise LadderInvalid(f"two rungs are named {rung.name!r}", f"梯级名称 {rung.name!r} 重复")
        names.add(rung.name)
    return ladder


def plan(
    clock: Clock, ladder: Iterable[Rung], calendar: WorkCalendar, *, as_of: datetime | None = None
) -> tuple[PlannedRung, ...]:
    """Every rung of `clock` with its instant, in order of time; ties keep the ladder's order.

    Rungs that would stand at or before the start collapse into the highest of them, at the start itself: a
    ticket that is taken in late warns once, not three times.
    A stopped clock keeps only what its breach had already earned: rungs at or after the deadline that were
    reached by the stop. They fire even when noticed later; warnings of a finished clock, and what lies
    after the stop, don't.
    as_of: needed while the clock stands, as for `Clock.deadline`; the plan is that of a resumption at that
    moment.
    """
    as_of = clock.stopped_at or as_of
    due = clock.deadline(calendar, as_of=as_of)
    still = clock.standstills(as_of)
    planned = [
        PlannedRung(rung, _instant(rung, clock, due, calendar, still=still, as_of=as_of))
        for rung in check_ladder(ladder)
    ]
    if clock.stopped_at is not None:
        stopped_at = clock.stopped_at
        return _in_order(entry for entry in planned if entry.rung.follows_breach and entry.at <= stopped_at)
    start = clock.began.astimezone(UTC)
    passed = [entry for entry in planned if entry.at <= start]
    ahead = [entry for entry in planned if entry.at > start]
    return _in_order([*(replace(entry, at=start) for entry in passed[-1:]), *ahead])


def next_check(planned: Iterable[PlannedRung], fired: Collection[str], *, status: ClockStatus) -> datetime | None:
    """When the clock must next be looked at: its earliest rung not fired yet, None when nothing is left.

    None also while it stands and once it has stopped: settle what was due with `due_rungs` before or at
    that step.
    """
    if status != "running":
        return None
    return min((entry.at for entry in planned if entry.rung.name not in fired), default=None)


def due_rungs(planned: Iterable[PlannedRung], fired: Collection[str], at: datetime) -> tuple[PlannedRung, ...]:
    """The rungs reached by `at` and not fired yet, in order: what a late sweep has to catch up on."""
    return _in_order(entry for entry in planned if entry.at <= at and entry.rung.name not in fired)


def _in_order(entries: Iterable[PlannedRung]) -> tuple[PlannedRung, ...]:
    return tuple(sorted(entries, key=lambda entry: entry.at))


def _instant(
    rung: Rung,
    clock: Clock,
    due: Deadline,
    calendar: WorkCalendar,
    *,
    still: tuple[Standstill, ...],
    as_of: datetime | None,
) -> datetime:
    match rung.at:
        case AtFraction(fraction):
            return clock.instant_at_fraction(calendar, fraction, as_of=as_of)
        case AtDue():
            return due.due_at
        case AtWorkingTime(minutes) if minutes > 0:
            return advance("open", due.due_at, minutes * _MINUTE, calendar, still)
        case AtWorkingTime(minutes):
            return retreat("open", due.due_at, -minutes * _MINUTE, calendar, still)
        case AtWorkingDays(days):
            return calendar.end_of_day(working_day_after(due.last_day, days, calendar, still))
    return calendar.nominal_office_end(due.last_day) - rung.at.minutes * _MINUTE
