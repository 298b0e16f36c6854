"""Clocks on a ticket: start, stop, pause, resume, extend, re-tier, hand over, recount.

Every operation changes the facts of a clock and then lets `_settle` derive the rest (deadline, half-way mark,
next check, breach) with `sla_rules`: one code path for all of them. An operation that moves a deadline records
what moved it; the database refuses one that does not. Callers hold the ticket's row lock.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, cast

from sqlalchemy import insert, select

from service.core.db import table_of
from service.core.unit import Unit
from service.sla.models import RuleChange, SlaClock, SlaDueChange, SlaPause
from service.sla.rules import Rules, current_rules, rules_of
from sla_rules import (
    ChangeCause,
    Clock,
    ClockKind,
    DueChange,
    Kept,
    Pause,
    PlannedRung,
    Promise,
    Recount,
    Tier,
    due_rungs,
    plan,
    recount,
)

# What stopped a clock that was done with before it came here, and whose policy a given deadline is of.
TAKEN_OVER = "imported"

_INSERT = insert(table_of(SlaClock))
_MINUTE = timedelta(minutes=1)
_MOST_MINUTES = 1_000_000  # as many as a promise may have; the deadline itself is kept beside it


@dataclass(frozen=True, slots=True)
class StartClock:
    """Which promise begins, for which union, from when."""

    ticket_id: int
    kind: ClockKind
    leg: str
    org_code: str
    cycle: int
    tier: Tier | None
    urgent: bool
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeOverClock:
    """A clock that began elsewhere and came here at `at`, after its stop if it has one.

    given: the deadline that came with the matter (exclusive), which no policy counts; None has the policy in force
    count it from the start.
    """

    start: StartClock
    at: datetime
    given: datetime | None = None
    stopped_at: datetime | None = None


def start(unit: Unit, command: StartClock) -> SlaClock:
    """Begin a clock under the rules in force now; it keeps their versions for life unless a recompute moves it."""
    row = SlaClock(**prepare(command, current_rules(unit.session)))
    unit.session.add(row)
    return row


def prepare(command: StartClock, rules: Rules) -> dict[str, Any]:
    """The column values of a clock that begins: for intake, which inserts it in one statement."""
    row = _begun(command, rules)
    _settle(row, [], rules=rules, now=command.started_at)
    row.first_due_at = row.due_at
    return _values(row)


def prepare_taken_over(command: TakeOverClock, rules: Rules) -> dict[str, Any]:
    """The column values of a clock that began elsewhere. What is late already is noted as such; the rungs it has
    passed are history and will not fire. Raises OutsideCalendar."""
    row = _begun(command.start, rules)
    row.taken_over_at = command.at
    row.stopped_at, row.stop_reason = command.stopped_at, TAKEN_OVER if command.stopped_at else None
    row.given, row.kept_at, row.breached_at = command.given is not None, command.given, None
    if command.given is not None:
        # A promise is at least a minute, so one that was shorter begins a little earlier.
        row.started_at = min(row.started_at, command.given - _MINUTE)
        minutes = min((command.given - row.started_at) // _MINUTE, _MOST_MINUTES)
        row.promise = promise_document(Promise("real_minutes", minutes, quiet="wait"))
    _settle(row, [], rules=rules, now=command.at)
    row.first_due_at = row.due_at
    if row.due_at <= (row.stopped_at or command.at):
        row.breached_at = row.due_at
    return _values(row)


def policy_label(row: SlaClock, rules: Rules) -> str:
    """The version of the policy a clock is counted by; `imported` for a deadline that came with the matter."""
    return TAKEN_OVER if row.given else rules.policy.version


def _begun(command: StartClock, rules: Rules) -> SlaClock:
    promise = rules.policy.promise(command.kind, command.tier, urgent=command.urgent, cycle=command.cycle)
    return SlaClock(
        ticket_id=command.ticket_id,
        kind=command.kind.value,
        leg=command.leg,
        cycle=command.cycle,
        org_code=command.org_code,
        tier=command.tier.value if command.tier else None,
        urgent=command.urgent,
        promise=promise_document(promise),
        policy_version_id=rules.policy_version_id,
        calendar_version_id=rules.calendar_version_id,
        started_at=command.started_at,
        extension_days=0,
        extensions=0,
        kept_extension_days=0,
        given=False,
        inner_days=0,
        fired=[],
        check_failures=0,
    )


def _values(row: SlaClock) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def insert_prepared(unit: Unit, values: dict[str, Any], *, ticket_id: int) -> None:
    """Insert what `prepare` made, for a ticket whose id is known by now."""
    unit.session.connection().execute(_INSERT, {**values, "ticket_id": ticket_id})


def running(unit: Unit, ticket_id: int) -> dict[ClockKind, SlaClock]:
    """The running clocks of a ticket by kind, locked, without the leg. The caller holds the ticket's lock already."""
    rows = unit.session.scalars(
        select(SlaClock)
        .where(SlaClock.ticket_id == ticket_id, SlaClock.stopped_at.is_(None), SlaClock.kind != ClockKind.leg.value)
        .order_by(SlaClock.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {ClockKind(row.kind): row for row in rows}


def start_leg(unit: Unit, whole: SlaClock, *, org_code: str, leg: str, inner_days: int) -> SlaClock:
    """Begin a lower union's part of a running resolve clock: the same promise, pauses and extensions, ending
    `inner_days` working days earlier. It ends with the whole."""
    row = SlaClock(
        ticket_id=whole.ticket_id,
        kind=ClockKind.leg.value,
        leg=leg,
        cycle=whole.cycle,
        org_code=org_code,
        tier=whole.tier,
        urgent=whole.urgent,
        promise=whole.promise,
        policy_version_id=whole.policy_version_id,
        calendar_version_id=whole.calendar_version_id,
        started_at=unit.now,
        whole_started_at=whole.started_at,
        inner_days=inner_days,
        extension_days=whole.extension_days,
        extensions=0,
        kept_at=whole.kept_at,
        kept_extension_days=whole.kept_extension_days,
        given=whole.given,
        fired=[],
        check_failures=0,
    )
    pauses = [
        SlaPause(
            starts_at=pause.starts_at,
            ends_at=pause.ends_at,
            review_at=pause.review_at,
            reason=pause.reason,
            asked_by=pause.asked_by,
            approved_by=pause.approved_by,
        )
        for pause in pauses_of(unit, whole)
    ]
    _settle(row, pauses, rules=_rules(unit, whole), now=unit.now)
    row.first_due_at = row.due_at
    unit.session.add(row)
    unit.session.flush()
    for pause in pauses:
        pause.clock_id = row.id
    unit.session.add_all(pauses)
    return row


def running_leg(unit: Unit, ticket_id: int) -> SlaClock | None:
    """The running leg of a ticket, locked."""
    return unit.session.scalars(
        select(SlaClock)
        .where(SlaClock.ticket_id == ticket_id, SlaClock.kind == ClockKind.leg.value, SlaClock.stopped_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def leg_stopped_with(unit: Unit, whole: SlaClock) -> SlaClock | None:
    """The leg that ended with a resolve clock, locked."""
    return unit.session.scalars(
        select(SlaClock)
        .where(
            SlaClock.ticket_id == whole.ticket_id,
            SlaClock.kind == ClockKind.leg.value,
            SlaClock.cycle == whole.cycle,
            SlaClock.stopped_at == whole.stopped_at,
        )
        .order_by(SlaClock.id.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()


def with_leg(unit: Unit, row: SlaClock) -> list[SlaClock]:
    """A resolve clock and the leg that runs within it: what moves the one moves the other."""
    leg = running_leg(unit, row.ticket_id) if row.kind == ClockKind.resolve.value else None
    return [row] if leg is None else [row, leg]


def latest(unit: Unit, ticket_id: int, kind: ClockKind) -> SlaClock | None:
    """The newest clock of a kind, running or stopped, locked."""
    return unit.session.scalars(
        select(SlaClock)
        .where(SlaClock.ticket_id == ticket_id, SlaClock.kind == kind.value)
        .order_by(SlaClock.id.desc())
        .limit(1)
        .with_for_update()
    ).one_or_none()


def stop(unit: Unit, row: SlaClock, *, at: datetime, reason: str) -> None:
    """End a clock; an open pause ends with it. Being late is noted here already, whoever looks first."""
    pauses = pauses_of(unit, row)
    for pause in pauses:
        if pause.ends_at is None:
            pause.ends_at = max(at, pause.starts_at)
    row.stopped_at, row.stop_reason = at, reason
    # Only the end of a pause can move the deadline here: it was counted up to the review date until now.
    with _recording(unit, row, "resume", ""):
        _settle(row, pauses, rules=_rules(unit, row), now=unit.now)


def let_run_on(unit: Unit, row: SlaClock) -> None:
    """A reply was sent back: the clock runs on as if it had never stopped, under the rules in force by now."""
    row.stopped_at = row.stop_reason = None
    _settle(row, pauses_of(unit, row), rules=_rules(unit, row), now=unit.now)
    rules = current_rules(unit.session)
    if (row.policy_version_id, row.calendar_version_id) != (rules.policy_version_id, rules.calendar_version_id):
        recount_row(unit, row, rules, reason="")


def pause(unit: Unit, row: SlaClock, *, at: datetime, review_at: datetime, reason: str, asked_by: int | None) -> None:
    """Suspend a clock from `at`; it runs again by itself at `review_at`."""
    interval = SlaPause(
        clock_id=row.id,
        starts_at=at,
        ends_at=None,
        review_at=review_at,
        reason=reason,
        asked_by=asked_by,
        approved_by=unit.actor.id,
    )
    pauses = [*pauses_of(unit, row), interval]
    unit.session.add(interval)
    unit.session.flush()
    with _recording(unit, row, "pause", reason):
        _settle(row, pauses, rules=_rules(unit, row), now=unit.now)


def resume(unit: Unit, row: SlaClock, *, at: datetime) -> None:
    """End the open pause, if there is one."""
    pauses = pauses_of(unit, row)
    for interval in pauses:
        if interval.ends_at is None:
            interval.ends_at = max(at, interval.starts_at)
    with _recording(unit, row, "resume", ""):
        _settle(row, pauses, rules=_rules(unit, row), now=unit.now)


def extend(unit: Unit, row: SlaClock, *, days: int, reason: str) -> None:
    """Add working days to the promise. The first deadline stays in `first_due_at`."""
    row.extension_days += days
    row.extensions += 1
    with _recording(unit, row, "extension", reason):
        _settle(row, pauses_of(unit, row), rules=_rules(unit, row), now=unit.now)


def retier(unit: Unit, row: SlaClock, *, tier: Tier, reason: str) -> None:
    """Another promise, counted from the same start with the same pauses. What was kept for the old one, or given with
    the matter, is let go."""
    rules = current_rules(unit.session)
    row.tier, row.given = tier.value, False
    row.promise = promise_document(promise_for(row, rules))
    row.policy_version_id, row.calendar_version_id = rules.policy_version_id, rules.calendar_version_id
    row.kept_at, row.kept_extension_days = None, 0
    with _recording(unit, row, "retier", reason):
        _settle(row, pauses_of(unit, row), rules=rules, now=unit.now)


def begin_earlier(unit: Unit, row: SlaClock, *, started_at: datetime, reason: str) -> None:
    """The same matter was told earlier in another ticket: the promise was made then, and nothing kept since holds."""
    if row.whole_started_at is not None:
        row.whole_started_at = min(row.whole_started_at, started_at)
    else:
        row.started_at = min(row.started_at, started_at)
    row.kept_at, row.kept_extension_days = None, 0
    with _recording(unit, row, "merge", reason):
        _settle(row, pauses_of(unit, row), rules=_rules(unit, row), now=unit.now)


def hand_over(unit: Unit, row: SlaClock, *, org_code: str) -> None:
    """Another union has the matter now; where it keeps other feast days, they count from here on."""
    if row.org_code == org_code:
        return
    rules = _rules(unit, row)
    moves = rules.calendar_of(row.org_code) is not rules.calendar_of(org_code)
    row.org_code = org_code
    if moves:
        with _recording(unit, row, "handover", ""):
            _settle(row, pauses_of(unit, row), rules=rules, now=unit.now)


def recounted(row: SlaClock, pauses: Sequence[SlaPause], rules: Rules, now: datetime) -> Recount:
    """A running clock as it would be under `rules`; nothing is written."""
    return recount(
        clock_value(row, pauses),
        promise_for(row, rules),
        rules.calendar_of(row.org_code),
        told=row.due_at,
        shorten="keep" if row.given else rules.policy.recount_shorten,
        as_of=counted_as_of(pauses, now),
    )


def recount_row(
    unit: Unit, row: SlaClock, rules: Rules, *, reason: str, change: RuleChange | None = None
) -> SlaDueChange | None:
    """Put a running clock under `rules`. What has fired stays fired. Returns the record if its deadline moved or
    became final."""
    pauses = pauses_of(unit, row)
    result = recounted(row, pauses, rules, unit.now)
    row.promise = promise_document(result.clock.promise)
    row.policy_version_id, row.calendar_version_id = rules.policy_version_id, rules.calendar_version_id
    kept = result.clock.kept
    row.kept_at, row.kept_extension_days = (kept.at, kept.extension_days) if kept else (None, 0)
    with _recording(unit, row, "recount", reason, change=change) as record:
        _settle(row, pauses, rules=rules, now=unit.now)
    return record[0] if record else None


def mark_fired(unit: Unit, row: SlaClock, pauses: Sequence[SlaPause], rungs: Sequence[str]) -> None:
    """Note rungs that are in the ledger now and plan the next check."""
    row.fired = [*row.fired, *rungs]
    _settle(row, pauses, rules=_rules(unit, row), now=unit.now)


def due_now(unit: Unit, row: SlaClock, pauses: Sequence[SlaPause]) -> tuple[PlannedRung, ...]:
    """Rungs that should have fired by now and have not, in order. Asked again under the lock: a sweep only narrows."""
    return due_rungs(_planned(row, pauses, _rules(unit, row), unit.now), row.fired, unit.now)


def open_pause(pauses: Sequence[SlaPause]) -> SlaPause | None:
    """The pause that is open now."""
    return next((interval for interval in pauses if interval.ends_at is None), None)


def locked_with_pauses(unit: Unit, clock_ids: Sequence[int]) -> list[tuple[SlaClock, list[SlaPause]]]:
    """Clocks, locked, each with its pauses in order. Two statements for however many; the caller holds the locks of
    their tickets already."""
    rows = unit.session.scalars(
        select(SlaClock)
        .where(SlaClock.id.in_(clock_ids))
        .order_by(SlaClock.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    pauses: dict[int, list[SlaPause]] = {row.id: [] for row in rows}
    for interval in unit.session.scalars(
        select(SlaPause).where(SlaPause.clock_id.in_(pauses)).order_by(SlaPause.clock_id, SlaPause.starts_at)
    ):
        pauses[interval.clock_id].append(interval)
    return [(row, pauses[row.id]) for row in rows]


def pauses_of(unit: Unit, row: SlaClock) -> list[SlaPause]:
    """All pauses of a clock in order."""
    return list(unit.session.scalars(select(SlaPause).where(SlaPause.clock_id == row.id).order_by(SlaPause.starts_at)))


def clock_value(row: SlaClock, pauses: Sequence[SlaPause]) -> Clock:
    """The clock as the pure value that `sla_rules` reckons with."""
    return Clock(
        kind=ClockKind(row.kind),
        promise=clock_promise(row),
        started_at=row.whole_started_at or row.started_at,
        pauses=tuple(Pause(start=p.starts_at, end=p.ends_at, reason=p.reason) for p in pauses),
        extension_days=row.extension_days,
        stopped_at=row.stopped_at,
        kept=Kept(row.kept_at, row.kept_extension_days) if row.kept_at else None,
        cycle=row.cycle,
        inner_days=row.inner_days,
        began_at=row.started_at if row.whole_started_at else None,
    )


def counted_as_of(pauses: Sequence[SlaPause], now: datetime) -> datetime:
    """Until when an open pause is taken to last: its review date, when the clock runs again by itself. So a suspended
    ticket shows the deadline it will have, and does not stay on top of a queue with one it no longer has."""
    return next((pause.review_at for pause in pauses if pause.ends_at is None), now)


def due_changes(unit: Unit, row: SlaClock) -> tuple[DueChange, ...]:
    """What has moved the deadline of a clock, in order."""
    rows = unit.session.scalars(select(SlaDueChange).where(SlaDueChange.clock_id == row.id).order_by(SlaDueChange.id))
    return tuple(
        DueChange(
            at=change.at,
            cause=cast("ChangeCause", change.cause),
            before=change.due_before,
            after=change.due_after,
            reason=change.reason,
        )
        for change in rows
    )


def promise_for(row: SlaClock, rules: Rules) -> Promise:
    """What these rules promise for a clock of that kind, tier and cycle; a given deadline stays what it is."""
    if row.given:
        return clock_promise(row)
    tier = Tier(row.tier) if row.tier else None
    return rules.policy.promise(ClockKind(row.kind), tier, urgent=row.urgent, cycle=row.cycle)


def promise_document(promise: Promise) -> dict[str, Any]:
    """A promise as a clock's row keeps it."""
    return {
        "unit": promise.unit,
        "amount": promise.amount,
        "roll": promise.roll,
        "cutoff": promise.cutoff.isoformat() if promise.cutoff else None,
        "start": promise.start,
        "end": promise.end,
        "quiet": promise.quiet,
    }


def clock_promise(row: SlaClock) -> Promise:
    """The promise a clock keeps. A row that says nothing of start, end or quiet keeps its unit's own rule."""
    document = row.promise
    return Promise(
        unit=document["unit"],
        amount=document["amount"],
        roll=document["roll"],
        cutoff=time.fromisoformat(document["cutoff"]) if document["cutoff"] else None,
        start=document.get("start", ""),
        end=document.get("end", ""),
        quiet=document.get("quiet", ""),
    )


@contextmanager
def _recording(
    unit: Unit, row: SlaClock, cause: ChangeCause, reason: str, *, change: RuleChange | None = None
) -> Iterator[list[SlaDueChange]]:
    """Write down what the block does to the deadline, if it does anything. Yields the list the record goes into."""
    before, provisional = row.due_at, row.provisional
    written: list[SlaDueChange] = []
    yield written
    if (row.due_at, row.provisional) == (before, provisional):
        return
    written.append(
        SlaDueChange(
            clock_id=row.id,
            at=unit.now,
            cause=cause,
            reason=reason,
            due_before=before,
            due_after=row.due_at,
            provisional_before=provisional,
            provisional_after=row.provisional,
            policy_version_id=row.policy_version_id,
            calendar_version_id=row.calendar_version_id,
            rule_change_id=change.id if change else None,
            actor_id=unit.actor.id,
            actor_name=unit.actor.name,
        )
    )
    unit.session.add_all(written)
    # Each move is its own row update, so that the guard finds the record of each.
    unit.session.flush()


def _rules(unit: Unit, row: SlaClock) -> Rules:
    return rules_of(unit.session, row.policy_version_id, row.calendar_version_id)


def _planned(row: SlaClock, pauses: Sequence[SlaPause], rules: Rules, now: datetime) -> tuple[PlannedRung, ...]:
    """The rungs that can still fire as things stand: none after the stop, none after an open pause began, none that
    passed before the matter came here."""
    if row.taken_over_at and row.stopped_at and row.stopped_at <= row.taken_over_at:
        return ()
    ladder = rules.policy.ladder(
        ClockKind(row.kind), Tier(row.tier) if row.tier else None, urgent=row.urgent, cycle=row.cycle
    )
    if not ladder:  # a policy of before there were legs
        return ()
    planned = plan(clock_value(row, pauses), ladder, rules.calendar_of(row.org_code), as_of=now)
    ends = [row.stopped_at] if row.stopped_at else [p.starts_at for p in pauses if p.ends_at is None]
    return tuple(
        rung
        for rung in planned
        if (not ends or rung.at <= ends[0]) and (row.taken_over_at is None or rung.at > row.taken_over_at)
    )


def _settle(row: SlaClock, pauses: Sequence[SlaPause], *, rules: Rules, now: datetime) -> None:
    """Derive everything that follows from a clock's facts."""
    value, calendar = clock_value(row, pauses), rules.calendar_of(row.org_code)
    as_of = counted_as_of(pauses, now)
    deadline = value.deadline(calendar, as_of=as_of)
    row.due_at, row.provisional = deadline.due_at, deadline.provisional
    row.half_at = value.instant_at_fraction(calendar, 0.5, as_of=as_of)
    checks = [rung.at for rung in _planned(row, pauses, rules, now) if rung.rung.name not in row.fired]
    if row.stopped_at is None:
        checks += [p.review_at for p in pauses if p.ends_at is None]
    row.next_check_at = min(checks, default=None)
    if row.stopped_at is not None and row.stopped_at >= row.due_at and row.breached_at is None:
        row.breached_at = row.due_at
