"""History under other rules: how many promises would have been kept, and which tickets change sides.

What was: the deadline as it was recorded. What would be: the same start, pauses, extensions and stop under the
other policy and calendar, by `Clock.deadline` like any deadline. People are taken to have acted as they did,
although another deadline might have moved them to act otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from sla_rules.calendar import WorkCalendar
from sla_rules.clock import Clock
from sla_rules.errors import NaiveTime, RuleError
from sla_rules.layers import DayOverride
from sla_rules.notice import NoticeYear
from sla_rules.policy import Policy, PromiseRule
from sla_rules.promise import ClockKind, Promise, Tier, Unit

Standing = Literal["on_time", "late", "running"]
Direction = Literal["newly_late", "no_longer_late"]
PromiseOf = Callable[[ClockKind, Tier | None, bool, int], Promise]

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastClock:
    """A clock as history left it.

    reference, union: the ticket's number and the code of the union whose figures it counts in.
    tier, urgent: what the policy asks for, beside the clock's kind and cycle, to find the promise.
    recorded_due_at: the deadline it had then, exclusive.
    resumes_at: when an open pause is taken to end; None is the moment of the simulation.
    Raises NaiveTime.
    """

    reference: str
    union: str
    tier: Tier | None
    clock: Clock
    recorded_due_at: datetime
    urgent: bool = False
    resumes_at: datetime | None = None

    def __post_init__(self) -> None:
        for at in (self.recorded_due_at, self.resumes_at):
            if at is not None:
                _aware(at)

    def standing(self, due_at: datetime, as_of: datetime) -> Standing:
        """How it stands at `as_of` under the deadline `due_at`, which is exclusive.

        Judged by its stop, else by the start of its open pause, else by `as_of`: a clock suspended before its
        deadline has broken nothing.
        """
        stopped_at = self.clock.stopped_at
        if stopped_at is not None:
            return "late" if stopped_at >= due_at else "on_time"
        judged_at = next((pause.start for pause in self.clock.pauses if pause.end is None), as_of)
        return "late" if judged_at >= due_at else "running"


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A clock of history with the deadline `due_at` it would have had, and how it stands by either."""

    past: PastClock
    due_at: datetime
    then: Standing
    now: Standing

    @property
    def shift(self) -> timedelta:
        """How far its deadline moves; negative is earlier."""
        return self.due_at - self.past.recorded_due_at

    @property
    def direction(self) -> Direction | None:
        """To which side it changes, None when it stays."""
        if (self.then == "late") == (self.now == "late"):
            return None
        return "newly_late" if self.now == "late" else "no_longer_late"


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A clock that the other rules have no deadline for, and why."""

    past: PastClock
    error: RuleError


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Counts of clocks, 0 or more. `clocks` is all of them; those `unanswered` are in no other count.

    A clock is due when it was stopped or its deadline has passed, so `due_then` and `due_now` may differ.
    due = on time + late.
    """

    clocks: int = 0
    unanswered: int = 0
    due_then: int = 0
    on_time_then: int = 0
    due_now: int = 0
    on_time_now: int = 0
    moved: int = 0
    newly_late: int = 0
    no_longer_late: int = 0

    @property
    def rate_then(self) -> float | None:
        """On time ÷ due as recorded, 0 to 1; None when nothing was due."""
        return self.on_time_then / self.due_then if self.due_then else None

    @property
    def rate_now(self) -> float | None:
        """On time ÷ due as recomputed, 0 to 1; None when nothing would be due."""
        return self.on_time_now / self.due_now if self.due_now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What other rules would have made of a history.

    by_tier, by_union: figures that each add up to `total`.
    changed: the clocks that change sides, in the order of the history. unanswered: likewise, those without answer.
    largest_shift: the clock whose deadline moves farthest, None when none moves.
    """

    as_of: datetime
    policy_version: str
    calendar_version: str
    total: Figures
    by_tier: Mapping[Tier | None, Figures]
    by_union: Mapping[str, Figures]
    changed: tuple[Recomputed, ...]
    unanswered: tuple[Unanswered, ...]
    largest_shift: Recomputed | None


def simulate(history: Iterable[PastClock], *, policy: Policy, calendar: WorkCalendar, as_of: datetime) -> Simulation:
    """Recompute a history under `policy` and `calendar`, as it stands at `as_of` (aware).

    One pass; only the clocks that change sides or have no answer are kept in memory. A clock the rules can't
    answer (OutsideCalendar, TierRequired, …) is told in `unanswered` and hinders no other.
    Raises NaiveTime.
    """
    _aware(as_of)
    promise_of = _promises(policy)
    seen: Counter[_Seen] = Counter()
    changed: list[Recomputed] = []
    unanswered: list[Unanswered] = []
    farthest: Recomputed | None = None
    for past in history:
        try:
            again = _recomputed(past, promise_of, calendar, as_of)
        except RuleError as error:
            unanswered.append(Unanswered(past, error))
            seen[_Seen(past.union, past.tier, None, None, False)] += 1
            continue
        shift = again.shift
        seen[_Seen(past.union, past.tier, again.then, again.now, shift != _NOTHING)] += 1
        if again.direction is not None:
            changed.append(again)
        if shift and (farthest is None or abs(shift) > abs(farthest.shift)):
            farthest = again
    return Simulation(
        as_of=as_of,
        policy_version=policy.version,
        calendar_version=calendar.version,
        total=_figures(seen.items()),
        by_tier={
            tier: _figures(entry for entry in seen.items() if entry[0].tier == tier)
            for tier in (*Tier, None)
            if any(entry.tier == tier for entry in seen)
        },
        by_union={
            union: _figures(entry for entry in seen.items() if entry[0].union == union)
            for union in sorted({entry.union for entry in seen})
        },
        changed=tuple(changed),
        unanswered=tuple(unanswered),
        largest_shift=farthest,
    )


def without_made_up_days(calendar: WorkCalendar) -> WorkCalendar:
    """The calendar as if no day of rest were worked in exchange (调休上班); holidays, hours and layers stay."""
    years = [
        replace(year, holidays=tuple(replace(holiday, work=()) for holiday in year.holidays if holiday.off))
        for year in calendar.years
    ]
    overrides = [
        override
        for override in calendar.overrides
        if override.kind == "off" or override.date.weekday() not in calendar.rest_weekdays
    ]
    return _varied(calendar, years=years, overrides=overrides, settled_until=calendar.settled_until)


def with_year(calendar: WorkCalendar, year: NoticeYear) -> WorkCalendar:
    """The calendar with `year` in place of its own, or added before its first or after its last.

    Raises CalendarInvalid when a year between would be missing.
    """
    years = [kept for kept in calendar.years if kept.year != year.year] + [year]
    # A year after the last settles the days before it; how far, the calendar itself knows.
    settled_until = calendar.settled_until if year.year <= calendar.covered_until.year else None
    return _varied(calendar, years=years, overrides=calendar.overrides, settled_until=settled_until)


def with_amount(policy: Policy, kind: ClockKind, tier: Tier, *, amount: int, unit: Unit | None = None) -> Policy:
    """The policy with another amount (and unit) in the promise of `kind` for `tier`.

    With the unit change the rules of rounding and cut-off that belong to the old one. The promises for urgent
    matters and for redone work are apart and stay; a promise for any tier stays for the other tiers.
    Raises PromiseInvalid.
    """
    rule = policy.promise_rule(kind, tier)
    if unit is None or unit == rule.promise.unit:
        promise = replace(rule.promise, amount=amount)
    else:
        promise = Promise(unit, amount)
    if promise == rule.promise:
        return policy
    changed = PromiseRule(kind=kind, promise=promise, tier=tier, source="模拟 / simulated")
    if rule.tier is None:
        return replace(policy, promises=(*policy.promises, changed))
    return replace(policy, promises=tuple(changed if one is rule else one for one in policy.promises))


def _varied(
    calendar: WorkCalendar,
    *,
    years: Iterable[NoticeYear],
    overrides: Iterable[DayOverride],
    settled_until: date | None,
) -> WorkCalendar:
    return WorkCalendar(
        years,
        hours=calendar.hours,
        tz=calendar.tz,
        rest_weekdays=calendar.rest_weekdays,
        overrides=overrides,
        layers=calendar.layers,
        settled_until=settled_until,
        horizon_years=calendar.horizon_years,
    )


class _Seen(NamedTuple):
    """How a clock stands and where it is counted; without answer both standings are None."""

    union: str
    tier: Tier | None
    then: Standing | None
    now: Standing | None
    moved: bool


def _promises(policy: Policy) -> PromiseOf:
    """`policy.promise`, looked up once for each case: a history asks for the same few over and over."""

    @lru_cache(maxsize=1024)
    def promise_of(kind: ClockKind, tier: Tier | None, urgent: bool, cycle: int) -> Promise:
        return policy.promise(kind, tier, urgent=urgent, cycle=cycle)

    return promise_of


def _recomputed(past: PastClock, promise_of: PromiseOf, calendar: WorkCalendar, as_of: datetime) -> Recomputed:
    clock = past.clock
    promise = promise_of(clock.kind, past.tier, past.urgent, clock.cycle)
    if promise != clock.promise:
        # A deadline told under the old promise binds nobody who was promised something else.
        clock = replace(clock, promise=promise, kept=None)
    due_at = clock.deadline(calendar.for_union(past.union), as_of=past.resumes_at or as_of).due_at
    return Recomputed(past, due_at, past.standing(past.recorded_due_at, as_of), past.standing(due_at, as_of))


def _figures(seen: Iterable[tuple[_Seen, int]]) -> Figures:
    counts: Counter[str] = Counter()
    for (_union, _tier, then, now, moved), number in seen:
        counts["clocks"] += number
        counts["unanswered"] += number * (then is None)
        counts["due_then"] += number * (then in ("on_time", "late"))
        counts["on_time_then"] += number * (then == "on_time")
        counts["due_now"] += number * (now in ("on_time", "late"))
        counts["on_time_now"] += number * (now == "on_time")
        counts["moved"] += number * moved
        counts["newly_late"] += number * (now == "late" != then)
        counts["no_longer_late"] += number * (then == "late" != now)
    return Figures(**counts)


def _aware(at: datetime) -> None:
    if at.utcoffset() is None:
        raise NaiveTime(f"the time {at.isoformat()} has no offset", f"时间 {at.isoformat()} 没有时区")
