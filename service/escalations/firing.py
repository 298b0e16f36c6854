"""The sweep's decision: which rungs of which clocks fire, written to the ledger before anyone is told.

A sweep only narrows the field: it reads due ids through a partial index, locks their tickets (skipping those
somebody works on), and asks each clock again under the lock. The ledger's unique key makes a rung fire once
whoever sweeps, however often and however late.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from service.core.errors import Bilingual
from service.core.logging import log
from service.core.metrics import ESCALATIONS
from service.core.unit import Unit
from service.notifications.audience import Target, Wanted, resolve_audiences
from service.notifications.brake import Brake, Occasion, tell_all
from service.sla import clocks
from service.sla.models import SlaClock, SlaPause
from service.sla.rules import Rules, rules_of
from service.tickets.handling import resume_by_review, sign_by_silence
from service.tickets.models import Ticket
from service.tickets.repository import lock_free
from service.tickets.requests import open_request
from service.tickets.states import GOVERNING, OPEN, State
from service.tickets.steps import event_row, repeat_deadline, write_events
from service.tickets.supervising import SUPERVISED, open_supervision, start_supervision
from sla_rules import Effect, PlannedRung

# Effects of rungs that move the ticket on in its life, and with it the clocks that are looked at.
MOVING: frozenset[Effect] = frozenset(("sign_by_silence",))

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

# One statement for however many rungs; a rung that is in the ledger already is left out of what comes back.
_INTO_LEDGER = text(
    """
    insert into escalation (ticket_id, clock_id, clock_kind, cycle, rung, org_code, planned_at, fired_at, targets,
                            policy_version, calendar_version, correlation_id)
    select ticket_id, clock_id, clock_kind, cycle, rung, org_code, planned_at, :fired_at, targets,
           policy_version, calendar_version, :correlation_id
    from jsonb_to_recordset(:rungs) as fired (
        ticket_id integer, clock_id integer, clock_kind text, cycle integer, rung text, org_code text,
        planned_at timestamptz, targets jsonb, policy_version text, calendar_version text)
    on conflict (ticket_id, clock_id, cycle, rung) do nothing
    returning id, clock_id, rung
    """
).bindparams(bindparam("rungs", type_=JSONB))


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

    def add(self, other: "Swept") -> None:
        """Count another's doings to these."""
        self.clocks += other.clocks
        self.fired += other.fired
        self.failed += other.failed
        for rung, times in other.by_rung.items():
            self.by_rung[rung] += times
        self.occasions += other.occasions


@dataclass(frozen=True, slots=True)
class _Due:
    """A clock whose check has come, with its ticket and its pauses, all locked, and the rungs that fire now."""

    ticket: Ticket
    clock: SlaClock
    pauses: list[SlaPause]
    rungs: tuple[PlannedRung, ...]

    def moves_on(self, now: datetime) -> bool:
        """Whether the ticket or its clocks change by what fires."""
        pause = clocks.open_pause(self.pauses)
        resumes = pause is not None and pause.review_at <= now
        return resumes or any(MOVING.intersection(planned.rung.effects) for planned in self.rungs)


def sweep(unit: Unit, *, limit: int, brake: Brake = Brake()) -> Swept:
    """Fire what is due by `unit.now` on up to `limit` clocks, urgent matters first and then the oldest, in one
    transaction.

    Clocks are fired together, in a few statements for all of them. Where the ticket moves on by it, where a ticket has
    several clocks due, and where the batch fails, each is fired by itself. People are told of it as far as the storm
    brake lets them be.
    """
    swept = Swept()
    wanted: dict[int, list[int]] = defaultdict(list)
    for clock_id, ticket_id in due_clocks(unit.session, unit.now, limit=limit):
        wanted[ticket_id].append(clock_id)
    tickets = {ticket.id: ticket for ticket in lock_free(unit, list(wanted))}
    order = [(tickets[ticket_id], ids) for ticket_id, ids in wanted.items() if ticket_id in tickets]
    singles = {ids[0]: ticket for ticket, ids in order if len(ids) == 1}
    together = _look(unit, singles, swept)
    try:
        with unit.session.begin_nested():
            swept.add(_fire_together(unit, together))
    except Exception as error:
        log.warning("sweep_batch_failed", clocks=len(together), error=type(error).__name__)
        unit.session.expire_all()
        together = []
    done = {due.clock.id for due in together}
    for ticket, ids in order:
        for clock_id in ids:
            if clock_id not in done:
                _fire_alone(unit, ticket, clock_id, swept)
    tell_all(unit, swept.occasions, brake)
    for rung, times in swept.by_rung.items():
        ESCALATIONS.labels(*rung.split(".", 1)).inc(times)
    return swept


def due_clocks(session: Session, now: datetime, *, limit: int) -> list[tuple[int, int]]:
    """Ids of clocks (and their tickets) to look at, of urgent matters first, then the oldest, through partial
    indexes."""
    found: dict[int, int] = {}
    for urgent in (True, False):
        rows = session.execute(
            select(SlaClock.id, SlaClock.ticket_id)
            .where(SlaClock.next_check_at <= now, SlaClock.urgent.is_(urgent))
            .order_by(SlaClock.next_check_at, SlaClock.id)
            .limit(limit - len(found))
        )
        found.update((row.id, row.ticket_id) for row in rows)
        if len(found) == limit:
            break
    return list(found.items())


def oldest_due(session: Session) -> datetime | None:
    """The earliest next check of all clocks: its age is the scheduler's health."""
    return session.scalar(select(func.min(SlaClock.next_check_at)))


def _look(unit: Unit, tickets: Mapping[int, Ticket], swept: Swept) -> list[_Due]:
    """Those of these clocks that are still due and can be fired together, in the order given. One that cannot be
    reckoned is set aside, and the others go on."""
    found: dict[int, _Due] = {}
    for clock, pauses in clocks.locked_with_pauses(unit, list(tickets)):
        if clock.next_check_at is None or clock.next_check_at > unit.now:
            continue  # somebody was here first
        try:
            due = _Due(tickets[clock.id], clock, pauses, clocks.due_now(unit, clock, pauses))
        except Exception as error:
            _set_aside(unit, clock, tickets[clock.id], error, swept)
        else:
            if not due.moves_on(unit.now):
                found[clock.id] = due
    return [found[clock_id] for clock_id in tickets if clock_id in found]


def _fire_together(unit: Unit, dues: Sequence[_Due]) -> Swept:
    """Clocks of different tickets, none of which moves on by it."""
    swept = Swept()
    written = _write_ledger(unit, [(due, planned) for due in dues for planned in due.rungs], swept)
    for due in dues:
        for planned in due.rungs:
            if (due.clock.id, planned.rung.name) in written:
                _take_effect(unit, due, planned)
        _note(unit, due, written, swept)
    unit.session.flush()
    return swept


def _fire_alone(unit: Unit, ticket: Ticket, clock_id: int, swept: Swept) -> None:
    """One clock in its own savepoint, rung by rung, each with what follows from it."""
    fired = Swept()
    try:
        with unit.session.begin_nested():
            [(clock, pauses)] = clocks.locked_with_pauses(unit, [clock_id])
            if clock.next_check_at is None or clock.next_check_at > unit.now:
                return  # somebody was here first
            due = _Due(ticket, clock, pauses, clocks.due_now(unit, clock, pauses))
            written: set[tuple[int, str]] = set()
            for planned in due.rungs:
                new = _write_ledger(unit, [(due, planned)], fired)
                if new:
                    _take_effect(unit, due, planned)
                written |= new
            _note(unit, due, written, fired)
    except Exception as error:
        unit.session.expire_all()
        _set_aside(unit, unit.session.get_one(SlaClock, clock_id), ticket, error, swept)
    else:
        swept.add(fired)


def _set_aside(unit: Unit, clock: SlaClock, ticket: Ticket, error: Exception, swept: Swept) -> None:
    """A clock that fails is tried again later and later: one bad row never stops the others."""
    log.error("sweep_failed", clock_id=clock.id, ticket=ticket.number, error=type(error).__name__)
    swept.failed += 1
    with unit.session.begin_nested():
        clock.check_failures += 1
        clock.next_check_at = unit.now + RETRY_AFTER * clock.check_failures


def _note(unit: Unit, due: _Due, written: Set[tuple[int, str]], swept: Swept) -> None:
    """Keep on the clock and the ticket what is in the ledger now."""
    clock = due.clock
    swept.clocks += 1
    for planned in due.rungs:
        if (clock.id, planned.rung.name) in written:
            swept.fired += 1
            swept.by_rung[f"{clock.kind}.{planned.rung.name}"] += 1
            if planned.at >= clock.due_at and clock.breached_at is None:
                clock.breached_at = clock.due_at
    clocks.mark_fired(unit, clock, due.pauses, [planned.rung.name for planned in due.rungs])
    pause = clocks.open_pause(due.pauses)
    if pause is not None and pause.review_at <= unit.now:
        resume_by_review(unit, due.ticket, at=pause.review_at)
    if GOVERNING.get(State(due.ticket.state)) == clock.kind:
        repeat_deadline(due.ticket, clock)


def _write_ledger(unit: Unit, rungs: Sequence[tuple[_Due, PlannedRung]], swept: Swept) -> set[tuple[int, str]]:
    """The ledger rows first, then the timeline, and what people are to be told of it. Returns the rungs that were not
    in the ledger already, by clock."""
    if not rungs:
        return set()
    audiences = resolve_audiences(
        unit,
        [
            Wanted(_audience(due, planned), due.clock.org_code, due.ticket.id, urgent=_is_urgent(due, planned))
            for due, planned in rungs
        ],
    )
    rows = [_ledger_row(unit, due, planned, told) for (due, planned), told in zip(rungs, audiences, strict=True)]
    written = {
        (row.clock_id, row.rung): row.id
        for row in unit.session.execute(
            _INTO_LEDGER, {"rungs": rows, "fired_at": unit.now, "correlation_id": unit.correlation_id}
        )
    }
    fired = [
        (due, planned, told, written[due.clock.id, planned.rung.name])
        for (due, planned), told in zip(rungs, audiences, strict=True)
        if (due.clock.id, planned.rung.name) in written
    ]
    write_events(unit, [_event(unit, due, planned, told) for due, planned, told, _ in fired])
    swept.occasions += [_occasion(unit, due, planned, told, id_) for due, planned, told, id_ in fired]
    return set(written)


def _ledger_row(unit: Unit, due: _Due, planned: PlannedRung, targets: Sequence[Target]) -> dict[str, Any]:
    clock, rules = due.clock, _rules(unit, due.clock)
    return {
        "ticket_id": due.ticket.id,
        "clock_id": clock.id,
        "clock_kind": clock.kind,
        "cycle": clock.cycle,
        "rung": planned.rung.name,
        "org_code": clock.org_code,
        "planned_at": planned.at.isoformat(),
        "targets": [asdict(target) for target in targets],
        "policy_version": rules.policy.version,
        "calendar_version": rules.calendar.version,
    }


def _event(unit: Unit, due: _Due, planned: PlannedRung, targets: Sequence[Target]) -> dict[str, Any]:
    return event_row(
        unit,
        due.ticket,
        kind="escalation:fired",
        from_state=due.ticket.state,
        data={
            "clock": due.clock.kind,
            "rung": planned.rung.name,
            "planned_at": planned.at.isoformat(),
            "told": [target.username for target in targets],
        },
    )


def _occasion(unit: Unit, due: _Due, planned: PlannedRung, targets: Sequence[Target], escalation_id: int) -> Occasion:
    """What the targets hear, after the quiet hours unless it is urgent."""
    urgent = _is_urgent(due, planned)
    clock_name, words = CLOCK_NAMES[due.clock.kind], rung_name(planned.rung.name)
    zh, en = (",已列入督办", "; it is under supervision") if _tells_of_supervision(due, planned) else ("", "")
    rules = _rules(unit, due.clock)
    return Occasion(
        escalation_id=escalation_id,
        ticket_number=due.ticket.number,
        text=Bilingual(
            f"工单 {due.ticket.number} {clock_name.zh}:{words.zh}{zh}",
            f"Ticket {due.ticket.number}, {clock_name.en}: {words.en}{en}",
        ),
        targets=targets,
        urgent=urgent,
        not_before=None if urgent else rules.policy.message_at(unit.now, rules.calendar),
    )


def _audience(due: _Due, planned: PlannedRung) -> tuple[str, ...]:
    """Whom a rung names, and with a supervision those who have to answer it."""
    return (*planned.rung.audience, *SUPERVISED) if _tells_of_supervision(due, planned) else planned.rung.audience


def _tells_of_supervision(due: _Due, planned: PlannedRung) -> bool:
    """Whether one notice, which the brake counts, tells of the rung and of the supervision that it opens: where the
    union that is late has the ticket."""
    ticket = due.ticket
    return _supervises(ticket, planned) and due.clock.org_code == ticket.holder_code


def _supervises(ticket: Ticket, planned: PlannedRung) -> bool:
    return "open_supervision" in planned.rung.effects and State(ticket.state) in OPEN


def _is_urgent(due: _Due, planned: PlannedRung) -> bool:
    """Whether the rung, the ticket or the promise is urgent."""
    return planned.rung.urgent or due.ticket.urgent or clocks.clock_promise(due.clock).quiet == "pass"


def _rules(unit: Unit, clock: SlaClock) -> Rules:
    return rules_of(unit.session, clock.policy_version_id, clock.calendar_version_id)


def _take_effect(unit: Unit, due: _Due, planned: PlannedRung) -> None:
    """What a rung does besides telling people."""
    ticket, effects = due.ticket, planned.rung.effects
    if "sign_by_silence" in effects and ticket.state == State.to_sign and open_request(unit, ticket, "return") is None:
        sign_by_silence(unit, ticket, at=planned.at)
    if _supervises(ticket, planned):
        begin = start_supervision if _tells_of_supervision(due, planned) else open_supervision
        begin(unit, ticket, instruction=f"{CLOCK_NAMES[due.clock.kind].zh}{rung_name(planned.rung.name).zh}")
