"""The breach report: every promise that was broken in a period, traced to its ticket, and totals that add up.

A clock belongs to the period in which its deadline fell. It broke its promise when it was stopped at or after
the deadline, or runs on past it; a clock suspended before its deadline has broken nothing. The report reads
timestamps only: what was noticed when, and by which sweep, does not matter.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, literal, select
from sqlalchemy.orm import aliased

from service.audit.looking import looked_at_report
from service.core.clock import LOCAL, local
from service.core.errors import Malformed
from service.core.unit import Unit
from service.escalations.models import Escalation
from service.identity.models import Person
from service.org.tree import org_tree, within
from service.ratings.excluding import ExclusionView, excluded_among
from service.ratings.models import Rating
from service.sla.clocks import clock_value
from service.sla.models import SlaClock, SlaPause
from service.sla.rules import current_rules, rules_of
from service.tickets.exclusions import Exclusion
from service.tickets.models import Assignment, Ticket
from service.tickets.queries import QueueNotVisible
from service.tickets.repository import free_of_interest, in_subtree
from service.tickets.taxonomy import category_names

DEFINITION = "breaches/2"
LONGEST_PERIOD = timedelta(days=366 * 20)


class PeriodInvalid(Malformed):
    """The end does not come after the start, or the period is longer than 20 years."""

    zh = "统计区间无效:结束日期须晚于开始日期,且不超过 20 年。"
    en = "The period is not valid: it ends after it begins and lasts at most 20 years."


@dataclass(frozen=True, slots=True, kw_only=True)
class BreachQuery:
    """Local days, `start` included and `end` not, and the union at the top of the subtree."""

    start: date
    end: date
    org: str


@dataclass(frozen=True, slots=True)
class FiredRung:
    """A rung of the ladder and when it was planned and written."""

    rung: str
    planned_at: datetime
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class Excluded:
    """Who agreed that a breach or rating is left out of a score, when the second of them did, and why."""

    supported_by: str
    decided_by: str
    decided_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class BreachRow:
    """A broken promise. `late_seconds` is working time from the deadline to the stop, or to now while it runs."""

    number: str
    clock: str
    leg: str
    cycle: int
    tier: str | None
    category_code: str
    category: str
    org_code: str
    org: str
    held_by: str | None
    started_at: datetime
    due_at: datetime
    stopped_at: datetime | None
    late_seconds: int
    late_working_days: int
    extension_days: int
    provisional: bool
    state: str
    rungs: tuple[FiredRung, ...]
    rating_result: str | None
    satisfaction: int | None
    resolved: bool | None
    excluded: Excluded | None
    rating_excluded: Excluded | None


@dataclass(frozen=True, slots=True)
class Total:
    """Promises due in the period: kept, broken (`late` = stopped late + still open past it), suspended or not yet
    due (`open`). due = on_time + late + open. Of `late`, `excluded` are left out of a score and `late_counted` are
    not: late = excluded + late_counted."""

    key: str
    name_zh: str
    name_en: str
    due: int
    on_time: int
    late: int
    late_still_open: int
    open: int
    excluded: int
    late_counted: int


@dataclass(frozen=True, slots=True)
class BreachReport:
    """The rows, and totals by each dimension; the `late` of every dimension sums to the number of rows."""

    definition: str
    start: date
    end: date
    org_code: str
    org: str
    as_of: datetime
    calendar_version: str
    policy_version: str
    rows: tuple[BreachRow, ...]
    total: Total
    by_clock: tuple[Total, ...]
    by_union: tuple[Total, ...]
    by_tier: tuple[Total, ...]
    by_category: tuple[Total, ...]

    def to_document(self) -> dict[str, Any]:
        """JSON-able; instants in local time with their offset."""
        document: dict[str, Any] = _plain(asdict(self))
        return document


CLOCK_NAMES = {
    "dispatch": ("派单", "dispatch"),
    "sign": ("签收", "signing"),
    "first_contact": ("首次联系", "first contact"),
    "resolve": ("办理", "resolution"),
    "callback": ("回访", "call-back"),
    "leg": ("下派办理", "the lower union's part"),
}
TIER_NAMES = {
    "ordinary": ("一般问题", "ordinary"),
    "difficult": ("难点问题", "difficult"),
    "complex": ("特别复杂问题", "complex"),
    "": ("未定级", "no tier yet"),
}


def breach_report(unit: Unit, query: BreachQuery) -> BreachReport:
    """The report for a period and a subtree. Seven statements, whatever the number of rows.

    Raises QueueNotVisible for a union outside the actor's scope, PeriodInvalid.
    """
    tree = org_tree(unit.session)
    if query.org not in tree or not within(query.org, unit.actor.scope):
        raise QueueNotVisible(code=query.org)
    if not timedelta(0) < query.end - query.start <= LONGEST_PERIOD:
        raise PeriodInvalid
    looked_at_report(unit, "breaches", org=query.org, start=query.start, end=query.end)
    rules = current_rules(unit.session)
    rows = _rows(unit, query)
    counts = _counts(unit, query)
    org = tree.get(query.org)

    def union_name(code: str) -> tuple[str, str]:
        return tree.get(code).name_zh, tree.get(code).name_en

    def category_name(code: str) -> tuple[str, str]:
        names = category_names(unit.session, code)
        return names.zh, names.en

    return BreachReport(
        definition=DEFINITION,
        start=query.start,
        end=query.end,
        org_code=org.code,
        org=org.name_zh,
        as_of=unit.now,
        calendar_version=rules.calendar.version,
        policy_version=rules.policy.version,
        rows=rows,
        total=_total(counts, lambda _: "", lambda _: ("合计", "total"))[0] if counts else _EMPTY,
        by_clock=_total(counts, lambda c: c.clock, CLOCK_NAMES.__getitem__),
        by_union=_total(counts, lambda c: c.org_code, union_name),
        by_tier=_total(counts, lambda c: c.tier or "", TIER_NAMES.__getitem__),
        by_category=_total(counts, lambda c: c.category_code, category_name),
    )


@dataclass(frozen=True, slots=True)
class _Count:
    clock: str
    org_code: str
    tier: str | None
    category_code: str
    due: int
    on_time: int
    late: int
    late_still_open: int
    excluded: int


_EMPTY = Total(
    key="",
    name_zh="合计",
    name_en="total",
    due=0,
    on_time=0,
    late=0,
    late_still_open=0,
    open=0,
    excluded=0,
    late_counted=0,
)


def _due_in_period(query: BreachQuery, unit: Unit) -> list[ColumnElement[bool]]:
    """Deadlines are exclusive: one at 00:00 belongs to the day that ends there. A ticket that the reader has an
    interest in is no row and in no figure of theirs."""
    first = datetime.combine(query.start, time(), LOCAL)
    last = datetime.combine(query.end, time(), LOCAL)
    scope = org_tree(unit.session).get(query.org).scope
    return [
        SlaClock.due_at > first,
        SlaClock.due_at <= last,
        in_subtree(SlaClock.org_code, scope),
        free_of_interest(unit.actor),
    ]


def _judged_at(unit: Unit) -> ColumnElement[datetime]:
    """The instant a clock is judged by: its stop, else the start of its open pause, else now."""
    open_pause = (
        select(SlaPause.starts_at)
        .where(SlaPause.clock_id == SlaClock.id, SlaPause.ends_at.is_(None))
        .correlate(SlaClock)
        .scalar_subquery()
    )
    return func.coalesce(SlaClock.stopped_at, open_pause, literal(unit.now))


def _counts(unit: Unit, query: BreachQuery) -> list[_Count]:
    late = _judged_at(unit) >= SlaClock.due_at
    stopped = SlaClock.stopped_at.is_not(None)
    count = func.count()
    statement = (
        select(
            SlaClock.kind,
            SlaClock.org_code,
            SlaClock.tier,
            Ticket.category_code,
            count,
            func.sum(case((stopped & ~late, 1), else_=0)),
            func.sum(case((late, 1), else_=0)),
            func.sum(case((late & ~stopped, 1), else_=0)),
            func.sum(case((late & Exclusion.id.is_not(None), 1), else_=0)),
        )
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .outerjoin(Exclusion, (Exclusion.clock_id == SlaClock.id) & (Exclusion.verdict == "granted"))
        .where(*_due_in_period(query, unit))
        .group_by(SlaClock.kind, SlaClock.org_code, SlaClock.tier, Ticket.category_code)
    )
    return [_Count(*row) for row in unit.session.execute(statement)]


def _total(
    counts: Iterable[_Count], key: Callable[[_Count], str], name: Callable[[str], tuple[str, str]]
) -> tuple[Total, ...]:
    sums: dict[str, list[int]] = {}
    for count in counts:
        figures = sums.setdefault(key(count), [0] * 5)
        counted = (count.due, count.on_time, count.late, count.late_still_open, count.excluded)
        for place, figure in enumerate(counted):
            figures[place] += figure
    return tuple(
        Total(
            key=code,
            name_zh=name(code)[0],
            name_en=name(code)[1],
            due=due,
            on_time=on_time,
            late=late,
            late_still_open=still_open,
            open=due - on_time - late,
            excluded=excluded,
            late_counted=late - excluded,
        )
        for code, (due, on_time, late, still_open, excluded) in sorted(sums.items())
    )


def _rows(unit: Unit, query: BreachQuery) -> tuple[BreachRow, ...]:
    clocks = unit.session.execute(
        select(SlaClock, Ticket.number, Ticket.state, Ticket.category_code)
        .join(Ticket, Ticket.id == SlaClock.ticket_id)
        .where(*_due_in_period(query, unit), _judged_at(unit) >= SlaClock.due_at)
        .order_by(SlaClock.due_at, Ticket.number, SlaClock.id)
    ).all()
    ids = [clock.id for clock, *_ in clocks]
    tickets = [clock.ticket_id for clock, *_ in clocks]
    pauses = _grouped(unit.session.scalars(_of(SlaPause, SlaPause.clock_id, ids)), lambda p: p.clock_id)
    rungs = _grouped(unit.session.scalars(_of(Escalation, Escalation.clock_id, ids)), lambda e: e.clock_id)
    ratings = {(r.ticket_id, r.cycle): r for r in unit.session.scalars(_of(Rating, Rating.ticket_id, tickets))}
    holders = _holders(unit, tickets)
    excluded = excluded_among(unit, tickets)
    clocks_excluded = {each.clock_id: _excluded(each) for each in excluded if each.clock_id is not None}
    ratings_excluded = {each.rating_id: _excluded(each) for each in excluded if each.rating_id is not None}
    return tuple(
        _row(
            unit,
            clock,
            number=number,
            state=state,
            category_code=category_code,
            pauses=pauses.get(clock.id, []),
            rungs=rungs.get(clock.id, []),
            rating=ratings.get((clock.ticket_id, clock.cycle)),
            held_by=holders.get((clock.ticket_id, clock.org_code)),
            excluded=clocks_excluded.get(clock.id),
            ratings_excluded=ratings_excluded,
        )
        for clock, number, state, category_code in clocks
    )


def _row(
    unit: Unit,
    clock: SlaClock,
    *,
    number: str,
    state: str,
    category_code: str,
    pauses: Sequence[SlaPause],
    rungs: Sequence[Escalation],
    rating: Rating | None,
    held_by: str | None,
    excluded: Excluded | None,
    ratings_excluded: Mapping[int, Excluded],
) -> BreachRow:
    rules = rules_of(unit.session, clock.policy_version_id, clock.calendar_version_id)
    value, calendar = clock_value(clock, pauses), rules.calendar_of(clock.org_code)
    return BreachRow(
        number=number,
        clock=clock.kind,
        leg=clock.leg,
        cycle=clock.cycle,
        tier=clock.tier,
        category_code=category_code,
        category=category_names(unit.session, category_code).zh,
        org_code=clock.org_code,
        org=org_tree(unit.session).get(clock.org_code).name_zh,
        held_by=held_by,
        started_at=clock.started_at,
        due_at=clock.due_at,
        stopped_at=clock.stopped_at,
        late_seconds=int(value.late_by(calendar, unit.now).total_seconds()),
        late_working_days=value.working_days_late(calendar, unit.now),
        extension_days=clock.extension_days,
        provisional=clock.provisional,
        state=state,
        rungs=tuple(
            FiredRung(rung=e.rung, planned_at=e.planned_at, fired_at=e.fired_at)
            for e in sorted(rungs, key=lambda e: (e.planned_at, e.id))
        ),
        rating_result=rating.result if rating else None,
        satisfaction=rating.satisfaction if rating else None,
        resolved=rating.resolved if rating else None,
        excluded=excluded,
        rating_excluded=ratings_excluded.get(rating.id) if rating else None,
    )


def _excluded(view: ExclusionView) -> Excluded:
    assert view.supported_by is not None, "granted by two"  # noqa: S101
    assert view.decided_by is not None, "granted by two"  # noqa: S101
    assert view.decided_at is not None, "granted by two"  # noqa: S101
    return Excluded(
        supported_by=view.supported_by, decided_by=view.decided_by, decided_at=view.decided_at, reason=view.reason
    )


def _holders(unit: Unit, tickets: Sequence[int]) -> dict[tuple[int, str], str]:
    """Who signed for a ticket at a union: the user name, or `silence`. The latest assignment counts."""
    signer = aliased(Person)
    rows = unit.session.execute(
        select(Assignment.ticket_id, Assignment.org_code, Assignment.signed_by_silence, signer.username)
        .outerjoin(signer, signer.id == Assignment.signed_by)
        .where(Assignment.ticket_id == func.any(literal(list(set(tickets)))), Assignment.role == "lead")
        .order_by(Assignment.id)
    )
    return {
        (ticket_id, org_code): username or ("silence" if silence else "")
        for ticket_id, org_code, silence, username in rows
    }


def _of(model: Any, column: Any, ids: Sequence[int]) -> Any:
    """Rows whose column is one of these ids, as one array parameter however many there are."""
    return select(model).where(column == func.any(literal(sorted(set(ids))))).order_by(model.id)


def _grouped(rows: Iterable[Any], key: Callable[[Any], int]) -> dict[int, list[Any]]:
    groups: dict[int, list[Any]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return local(value).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return value
