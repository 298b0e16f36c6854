"""History under other rules: what a changed policy or calendar would have made of the promises to the citizens.

A ticket counts with each resolve clock of the citizen's leg (重办 has its own). "Then" is the deadline as it was
recorded, "now" the one `sla_rules.simulate` recomputes; both are judged by the same timestamps.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, func, select

from service.core.clock import LOCAL, local
from service.core.errors import Bilingual, Malformed
from service.core.unit import Unit
from service.org.tree import org_tree, within
from service.reports.breaches import TIER_NAMES, PeriodInvalid
from service.sla.clocks import clock_value, counted_as_of
from service.sla.models import CalendarVersion, PolicyVersion, SlaClock, SlaPause
from service.sla.rules import Rules, current_rules
from service.tickets.models import Ticket
from service.tickets.queries import QueueNotVisible
from service.tickets.repository import in_subtree
from sla_rules import (
    ClockKind,
    Figures,
    PastClock,
    Policy,
    Promise,
    Recomputed,
    Simulation,
    Tier,
    Unanswered,
    WorkCalendar,
    simulate,
)

DEFINITION = "simulation/1"
DEFINITIONS = {
    "clock": Bilingual(
        "每个工单按其公众办结时限计一件,重办的每一轮另计;期限落在所选区间的才计入。",
        "A ticket counts once for each resolve clock of the citizen's leg (重办 has its own) whose recorded deadline"
        " falls in the period.",
    ),
    "given": Bilingual(
        "随件带来期限的导入工单不计:其期限不由本规则计算。",
        "Imported tickets that came with their own deadline are left out: no rule here counts it.",
    ),
    "due": Bilingual(
        "到期:已停表,或期限已过。当时按记录的期限,模拟按重新计算的期限,所以两个分母可以不同。",
        "Due: the clock was stopped or its deadline has passed; then by the recorded deadline, now by the recomputed"
        " one, so the two denominators may differ.",
    ),
    "late": Bilingual(
        "逾期:停表时刻不早于期限(期限为不含的时刻),或未停表而期限已过;期限之前挂起的不算逾期。",
        "Late: stopped at or after the deadline (which is exclusive), or not stopped and past it; a clock suspended"
        " before its deadline has broken nothing.",
    ),
    "on_time": Bilingual("按时办结率 = 按时 ÷ 到期。", "On-time rate = on time ÷ due."),
    "unanswered": Bilingual(
        "无法重新计算的单独列出,不计入两边的到期和按时。",
        "What could not be recomputed is listed and in neither count of due and on time.",
    ),
    "assumption": Bilingual(
        "受理、挂起、延期、分级和办结时刻都照当时的记录;期限若真的不同,人们的做法也可能不同。",
        "Starts, suspensions, extensions, tiers and stops stay as recorded; under other deadlines people might have"
        " acted otherwise.",
    ),
}

_BATCH = 1000
_ONE_DAY = timedelta(days=1)
_UNITS = {
    "same_day": ("当天", "the same day"),
    "working_days": ("{} 个工作日", "{} working days"),
    "calendar_days": ("{} 天", "{} days"),
    "working_minutes": ("{} 分钟工作时间", "{} minutes of working time"),
    "real_minutes": ("{} 分钟", "{} minutes"),
}

Watch = Callable[[Iterable[PastClock], int], Iterable[PastClock]]


class RulesUnchanged(Malformed):
    """Nothing to simulate: these are the rules that all of it was counted by."""

    zh = (
        "没有改动任何规则,模拟结果与历史相同。请指定要改动的内容,例如 --set difficult=3、"
        "--no-made-up-days、--policy 规则.toml 或 --calendar 通知.txt。"
    )
    en = (
        "No rule is changed, so history would stay as it was. Say what to change, for example --set difficult=3,"
        " --no-made-up-days, --policy RULES.toml or --calendar NOTICE.txt."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateHistory:
    """The rules to try, the union at the top of the subtree, and the local days in which the recorded deadline fell,
    `start` included and `end` not; None is without bound."""

    policy: Policy
    calendar: WorkCalendar
    org: str
    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class RecordedRules:
    """The versions under which so many clocks of the history were last counted."""

    policy_version: str
    calendar_version: str
    clocks: int


@dataclass(frozen=True, slots=True)
class Line:
    """The figures of a tier or a union. `rated` is whether enough was due to speak of a rate (policy limit)."""

    key: str
    name: Bilingual
    figures: Figures
    rated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationReport:
    """What would have been, with the rules of both sides. `changes` says in words how they differ."""

    org_code: str
    org: Bilingual
    start: date | None
    end: date | None
    recorded: tuple[RecordedRules, ...]
    changes: tuple[Bilingual, ...]
    result: Simulation
    total: Line
    by_tier: tuple[Line, ...]
    by_union: tuple[Line, ...]
    union_names: dict[str, Bilingual]

    @property
    def changed(self) -> list[Recomputed]:
        """The tickets that change sides: newly late first, then by union and recorded deadline."""
        return sorted(
            self.result.changed,
            key=lambda c: (c.direction != "newly_late", c.past.union, c.past.recorded_due_at, c.past.reference),
        )

    @property
    def unanswered(self) -> tuple[Unanswered, ...]:
        """The tickets that could not be recomputed, each with its reason."""
        return self.result.unanswered

    def to_document(self) -> dict[str, Any]:
        """JSON-able; instants in local time with their offset, rates from 0 to 1, shifts in seconds."""
        farthest = self.result.largest_shift
        return {
            "definition": DEFINITION,
            "definitions": {name: {"zh": words.zh, "en": words.en} for name, words in DEFINITIONS.items()},
            "as_of": _told(self.result.as_of),
            "org_code": self.org_code,
            "org": self.org.zh,
            "from": self.start.isoformat() if self.start else None,
            "to": self.end.isoformat() if self.end else None,
            "rules_then": [asdict(rules) for rules in self.recorded],
            "rules_now": {
                "policy_version": self.result.policy_version,
                "calendar_version": self.result.calendar_version,
            },
            "changes": [{"zh": change.zh, "en": change.en} for change in self.changes],
            "total": _figures(self.total),
            "by_tier": [_figures(line) for line in self.by_tier],
            "by_union": [_figures(line) for line in self.by_union],
            "largest_shift": _recomputed(farthest) if farthest else None,
            "changed": [_recomputed(changed) for changed in self.changed],
            "unanswered": [
                {
                    **_past(entry.past),
                    "code": entry.error.code,
                    "zh": entry.error.zh,
                    "en": entry.error.en,
                }
                for entry in self.unanswered
            ],
        }


def simulate_history(
    unit: Unit, command: SimulateHistory, *, watched: Watch = lambda clocks, _total: clocks
) -> SimulationReport:
    """Recompute the history of a subtree. The clocks are read in one streamed statement, whatever their number.

    `watched` is given the clocks and how many there are, and passes them on: for a progress bar.
    Raises QueueNotVisible for a union outside the actor's scope, PeriodInvalid, RulesUnchanged.
    """
    tree = org_tree(unit.session)
    if command.org not in tree or not within(command.org, unit.actor.scope):
        raise QueueNotVisible(code=command.org)
    if command.start and command.end and command.end <= command.start:
        raise PeriodInvalid
    rules = current_rules(unit.session)
    recorded = _recorded_rules(unit, command)
    asked = (command.policy.version, command.calendar.version)
    known = {(one.policy_version, one.calendar_version) for one in recorded}
    if known | {(rules.policy.version, rules.calendar.version)} == {asked}:
        raise RulesUnchanged
    result = simulate(
        watched(_past_clocks(unit, command), sum(one.clocks for one in recorded)),
        policy=command.policy,
        calendar=command.calendar,
        as_of=unit.now,
    )
    enough = command.policy.limits.unrated_below_due
    names = {union.code: union.name for union in tree}

    def line(key: str, name: Bilingual, figures: Figures) -> Line:
        return Line(key, name, figures, rated=min(figures.due_then, figures.due_now) >= enough)

    return SimulationReport(
        org_code=command.org,
        org=names[command.org],
        start=command.start,
        end=command.end,
        recorded=recorded,
        changes=tuple(_changes(rules, command)),
        result=result,
        total=line("", Bilingual("合计", "total"), result.total),
        by_tier=tuple(line(tier or "", tier_name(tier), figures) for tier, figures in result.by_tier.items()),
        by_union=tuple(line(union, names[union], figures) for union, figures in result.by_union.items()),
        union_names=names,
    )


def tier_name(tier: Tier | None) -> Bilingual:
    """A tier in words."""
    return Bilingual(*TIER_NAMES[tier or ""])


def shown_shift(shift: timedelta) -> Bilingual:
    """How far a deadline moves, to the minute: 「提前 2 天」, "2 days earlier"."""
    minutes = abs(shift) // timedelta(minutes=1)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [
        (f"{number} {zh}", f"{number} {en}{'' if number == 1 else 's'}")
        for number, zh, en in ((days, "天", "day"), (hours, "小时", "hour"), (minutes, "分钟", "minute"))
        if number
    ]
    if not parts:
        return Bilingual("不变", "unmoved")
    zh, en = (" ".join(words) for words in zip(*parts, strict=True))
    return Bilingual(f"提前 {zh}", f"{en} earlier") if shift < timedelta(0) else Bilingual(f"推后 {zh}", f"{en} later")


def _chosen(unit: Unit, command: SimulateHistory) -> list[ColumnElement[bool]]:
    """Deadlines are exclusive: one at 00:00 belongs to the day that ends there."""
    conditions: list[ColumnElement[bool]] = [
        SlaClock.kind == ClockKind.resolve.value,
        SlaClock.leg == "citizen",
        ~SlaClock.given,
        in_subtree(SlaClock.org_code, org_tree(unit.session).get(command.org).scope),
    ]
    if command.start:
        conditions.append(SlaClock.due_at > datetime.combine(command.start, time(), LOCAL))
    if command.end:
        conditions.append(SlaClock.due_at <= datetime.combine(command.end, time(), LOCAL))
    return conditions


def _recorded_rules(unit: Unit, command: SimulateHistory) -> tuple[RecordedRules, ...]:
    rows = unit.session.execute(
        select(PolicyVersion.version, CalendarVersion.version, func.count())
        .select_from(SlaClock)
        .join(PolicyVersion, PolicyVersion.id == SlaClock.policy_version_id)
        .join(CalendarVersion, CalendarVersion.id == SlaClock.calendar_version_id)
        .where(*_chosen(unit, command))
        .group_by(PolicyVersion.version, CalendarVersion.version)
        .order_by(func.min(SlaClock.id))
    )
    return tuple(RecordedRules(*row) for row in rows)


def _past_clocks(unit: Unit, command: SimulateHistory) -> Iterator[PastClock]:
    rows = unit.session.execute(
        select(SlaClock, Ticket.number, SlaPause)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .outerjoin(SlaPause, SlaPause.clock_id == SlaClock.id)
        .where(*_chosen(unit, command))
        .order_by(SlaClock.id, SlaPause.starts_at)
        .execution_options(yield_per=_BATCH)
    )
    for (row, number), group in groupby(rows, key=lambda found: (found[0], found[1])):
        pauses = [pause for _, _, pause in group if pause is not None]
        yield PastClock(
            reference=number,
            union=row.org_code,
            tier=Tier(row.tier) if row.tier else None,
            clock=clock_value(row, pauses),
            recorded_due_at=row.due_at,
            urgent=row.urgent,
            resumes_at=counted_as_of(pauses, unit.now),
        )


def _changes(rules: Rules, command: SimulateHistory) -> Iterator[Bilingual]:
    """How the rules to try differ from those in force, as far as the resolve promise and the days go."""
    cases = [(tier_name(tier), tier, 1) for tier in Tier] + [(Bilingual("重办", "redone work"), Tier.difficult, 2)]
    for name, tier, cycle in cases:
        before, after = (
            policy.promise_rule(ClockKind.resolve, tier, cycle=cycle) for policy in (rules.policy, command.policy)
        )
        if before.promise != after.promise and (cycle == 1 or before.redo or after.redo):
            old, new = _promised(before.promise), _promised(after.promise)
            yield Bilingual(f"{name.zh}:{old.zh} → {new.zh}", f"{name.en}: {old.en} → {new.en}")
    if rules.calendar.hours != command.calendar.hours:
        yield Bilingual("办公时段有改动", "the office hours are changed")
    if rules.calendar.layers != command.calendar.layers:
        yield Bilingual("地区安排有改动", "the regional layers are changed")
    first = max(rules.calendar.first_day, command.calendar.first_day)
    last = max(rules.calendar.covered_until, command.calendar.covered_until)
    fewer, more = _days_changed(rules.calendar, command.calendar, first, last)
    parts = [
        (f"{count} {zh}", f"{count} {en}")
        for count, zh, en in (
            (fewer, "个工作日改为休息", "working days rest"),
            (more, "个休息日改为工作日", "days of rest work"),
        )
        if count
    ]
    if parts:
        zh, en = (", ".join(words) for words in zip(*parts, strict=True))
        yield Bilingual(f"{first} 至 {last}:{zh}", f"{first} to {last}: {en}")


def _days_changed(before: WorkCalendar, after: WorkCalendar, first: date, last: date) -> tuple[int, int]:
    fewer = more = 0
    day = first
    while day <= last:
        worked, works = before.is_working_day(day), after.is_working_day(day)
        fewer += worked and not works
        more += works and not worked
        day += _ONE_DAY
    return fewer, more


def _promised(promise: Promise) -> Bilingual:
    zh, en = _UNITS[promise.unit]
    return Bilingual(zh.format(promise.amount), en.format(promise.amount))


def _figures(line: Line) -> dict[str, Any]:
    figures = line.figures
    return {
        "key": line.key,
        "name_zh": line.name.zh,
        "name_en": line.name.en,
        **asdict(figures),
        "rate_then": figures.rate_then,
        "rate_now": figures.rate_now,
        "rated": line.rated,
    }


def _past(past: PastClock) -> dict[str, Any]:
    return {
        "number": past.reference,
        "cycle": past.clock.cycle,
        "org_code": past.union,
        "tier": past.tier,
        "due_then": _told(past.recorded_due_at),
        "stopped_at": _told(past.clock.stopped_at),
    }


def _recomputed(changed: Recomputed) -> dict[str, Any]:
    return {
        **_past(changed.past),
        "due_now": _told(changed.due_at),
        "shift_seconds": int(changed.shift.total_seconds()),
        "then": changed.then,
        "now": changed.now,
        "direction": changed.direction,
    }


def _told(at: datetime | None) -> str | None:
    return local(at).isoformat() if at else None
