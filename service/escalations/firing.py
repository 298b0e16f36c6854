"""The sweep's decision: which rungs of which clocks fire, written to the ledger before anyone is told.

A sweep only narrows the field: it reads due ids through a partial index, locks their tickets (skipping those
somebody works on), and asks each clock again under the lock. The ledger's unique key makes a rung fire once
whoever sweeps, however often and however late.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.db import insert_text
from service.core.errors import Bilingual
from service.core.logging import log
from service.core.metrics import ESCALATIONS
from service.core.unit import Unit
from service.escalations.models import Escalation
from service.notifications.audience import resolve_audience
from service.notifications.brake import Brake, Occasion, tell_all
from service.sla import clocks
from service.sla.models import SlaClock
from service.sla.rules import rules_of
from service.tickets.handling import resume_by_review, sign_by_silence
from service.tickets.models import Ticket
from service.tickets.repository import lock_free
from service.tickets.requests import open_request
from service.tickets.states import GOVERNING, OPEN, State
from service.tickets.steps import repeat_deadline, write_event
from service.tickets.supervising import open_supervision
from sla_rules import PlannedRung

# A clock that raises is set aside for a while and tried again: one bad row never stops the others.
RETRY_AFTER = timedelta(minutes=10)

CLOCK_NAMES: dict[str, Bilingual] = {
    "dispatch": Bilingual("派单", "dispatch"),
    "sign": Bilingual("签收", "signing"),
    "first_contact": Bilingual("首次联系", "first contact"),
    "resolve": Bilingual("办理", "resolution"),
    "callback": Bilingual("回访", "call-back"),
    "leg": Bilingual("下派办理", "the lower union's part"),
}

_INSERT = insert_text(
    Escalation,
    (
        "ticket_id", "clock_id", "clock_kind", "cycle", "rung", "org_code", "planned_at", "fired_at", "targets",
        "policy_version", "calendar_version", "correlation_id",
    ),
    then="on conflict (ticket_id, clock_id, cycle, rung) do nothing returning id",
)  # fmt: skip


# What people read; a rung of a later policy without words here shows its name.
RUNG_NAMES: dict[str, Bilingual] = {
    "half": Bilingual("时限已用一半", "half of the time is used"),
    "most": Bilingual("时限已用八成", "four fifths of the time are used"),
    "warn_4h": Bilingual("距下班还有 4 小时", "4 hours to the end of the office day"),
    "warn_1h": Bilingual("距下班还有 1 小时", "1 hour to the end of the office day"),
    "breach": Bilingual("时限已过", "the deadline has passed"),
    "limit": Bilingual("时限已过", "the limit has passed"),
    "late_1": Bilingual("已超期 1 个工作日", "1 working day late"),
    "late_3": Bilingual("已超期 3 个工作日", "3 working days late"),
}


def rung_name(rung: str) -> Bilingual:
    """A rung in words."""
    return RUNG_NAMES.get(rung, Bilingual(rung, rung))


@dataclass(slots=True)
class Swept:
    """What one sweep did."""

    clocks: int = 0
    fired: int = 0
    failed: int = 0
    by_rung: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    occasions: list[Occasion] = field(default_factory=list)


def sweep(unit: Unit, *, limit: int, brake: Brake = Brake()) -> Swept:
    """Fire what is due by `unit.now` on up to `limit` clocks, oldest first, in one transaction. People are told of it
    as far as the storm brake lets them be."""
    swept = Swept()
    due: dict[int, list[int]] = defaultdict(list)
    for clock_id, ticket_id in due_clocks(unit.session, unit.now, limit=limit):
        due[ticket_id].append(clock_id)
    order = {ticket_id: place for place, ticket_id in enumerate(due)}
    for ticket in sorted(lock_free(unit, list(due)), key=lambda row: order[row.id]):
        for clock_id in due[ticket.id]:
            _check_one(unit, ticket, clock_id, swept)
    tell_all(unit, swept.occasions, brake)
    return swept


def due_clocks(session: Session, now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """Ids of clocks (and their tickets) to look at, oldest first, through the partial index."""
    return [
        (row.id, row.ticket_id)
        for row in session.execute(
            select(SlaClock.id, SlaClock.ticket_id)
            .where(SlaClock.next_check_at <= now)
            .order_by(SlaClock.next_check_at, SlaClock.id)
            .limit(limit)
        )
    ]


def oldest_due(session: Session) -> datetime | None:
    """The earliest next check of all clocks: its age is the scheduler's health."""
    return session.scalar(select(func.min(SlaClock.next_check_at)))


def _check_one(unit: Unit, ticket: Ticket, clock_id: int, swept: Swept) -> None:
    """One clock in its own savepoint."""
    told = len(swept.occasions)
    try:
        with unit.session.begin_nested():
            clock = unit.session.get_one(SlaClock, clock_id, populate_existing=True, with_for_update=True)
            if clock.next_check_at is None or clock.next_check_at > unit.now:
                return  # somebody was here first
            swept.clocks += 1
            _fire(unit, ticket, clock, swept)
    except Exception as error:
        swept.failed += 1
        del swept.occasions[told:]
        log.error("sweep_failed", clock_id=clock_id, ticket=ticket.number, error=type(error).__name__)
        unit.session.expire_all()
        with unit.session.begin_nested():
            clock = unit.session.get_one(SlaClock, clock_id)
            clock.check_failures += 1
            clock.next_check_at = unit.now + RETRY_AFTER * clock.check_failures


def _fire(unit: Unit, ticket: Ticket, clock: SlaClock, swept: Swept) -> None:
    rungs = clocks.due_now(unit, clock)
    pause = clocks.open_pause(unit, clock)
    for planned in rungs:
        occasion = _write_ledger(unit, ticket, clock, planned)
        if occasion is None:
            continue
        swept.occasions.append(occasion)
        swept.fired += 1
        swept.by_rung[f"{clock.kind}.{planned.rung.name}"] += 1
        if planned.at >= clock.due_at and clock.breached_at is None:
            clock.breached_at = clock.due_at
        _take_effect(unit, ticket, clock, planned)
    clocks.mark_fired(unit, clock, [planned.rung.name for planned in rungs])
    if pause is not None and pause.ends_at is None and pause.review_at <= unit.now:
        resume_by_review(unit, ticket, at=pause.review_at)
    if GOVERNING.get(State(ticket.state)) == clock.kind:
        repeat_deadline(ticket, clock)


def _write_ledger(unit: Unit, ticket: Ticket, clock: SlaClock, planned: PlannedRung) -> Occasion | None:
    """The ledger row first, then the timeline. What people are told of it waits for the end of the quiet hours unless
    the rung, the ticket or the promise is urgent. None when the rung is in the ledger already."""
    rules = rules_of(unit.session, clock.policy_version_id, clock.calendar_version_id)
    targets = resolve_audience(unit, planned.rung.audience, org_code=clock.org_code, ticket_id=ticket.id)
    escalation_id = unit.session.execute(
        _INSERT,
        {
            "ticket_id": ticket.id,
            "clock_id": clock.id,
            "clock_kind": clock.kind,
            "cycle": clock.cycle,
            "rung": planned.rung.name,
            "org_code": clock.org_code,
            "planned_at": planned.at,
            "fired_at": unit.now,
            "targets": [asdict(target) for target in targets],
            "policy_version": rules.policy.version,
            "calendar_version": rules.calendar.version,
            "correlation_id": unit.correlation_id,
        },
    ).scalar_one_or_none()
    if escalation_id is None:
        return None
    write_event(
        unit,
        ticket,
        kind="escalation:fired",
        from_state=ticket.state,
        data={
            "clock": clock.kind,
            "rung": planned.rung.name,
            "planned_at": planned.at.isoformat(),
            "told": [target.username for target in targets],
        },
    )
    urgent = planned.rung.urgent or ticket.urgent or clocks.clock_promise(clock).quiet == "pass"
    clock_name, words = CLOCK_NAMES[clock.kind], rung_name(planned.rung.name)
    ESCALATIONS.labels(clock.kind, planned.rung.name).inc()
    return Occasion(
        escalation_id=escalation_id,
        ticket_number=ticket.number,
        text=Bilingual(
            f"工单 {ticket.number} {clock_name.zh}:{words.zh}",
            f"Ticket {ticket.number}, {clock_name.en}: {words.en}",
        ),
        targets=targets,
        urgent=urgent,
        not_before=None if urgent else rules.policy.message_at(unit.now, rules.calendar),
    )


def _take_effect(unit: Unit, ticket: Ticket, clock: SlaClock, planned: PlannedRung) -> None:
    """What a rung does besides telling people."""
    effects: Iterable[str] = planned.rung.effects
    if "sign_by_silence" in effects and ticket.state == State.to_sign and open_request(unit, ticket, "return") is None:
        sign_by_silence(unit, ticket, at=planned.at)
    if "open_supervision" in effects and State(ticket.state) in OPEN:
        open_supervision(unit, ticket, instruction=f"{CLOCK_NAMES[clock.kind].zh}{rung_name(planned.rung.name).zh}")
