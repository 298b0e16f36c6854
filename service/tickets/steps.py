"""Taking a step: every use-case that changes a ticket begins with `take` and ends with `carry_out`.

`take` refuses before anything is written. `carry_out` does what the table says of the step: state, cycle,
clocks, the row version, the event on the timeline and the audit, all in the unit's transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select

from service.audit.recording import record
from service.core.clock import local
from service.core.db import table_of
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, ActorKind, Unit
from service.identity.models import Person
from service.org.tree import org_tree, within
from service.sla import clocks
from service.sla.models import SlaClock
from service.tickets import repository
from service.tickets.concealing import concealed
from service.tickets.errors import (
    NotAboveTheHolder,
    NotInCharge,
    NotTheCentre,
    NotTheHolder,
    NotTheLead,
    PermissionMissing,
    StepNotPossible,
    TicketChangedMeanwhile,
)
from service.tickets.models import Assignment, Ticket, TicketEvent
from service.tickets.states import (
    GOVERNING,
    PAUSABLE,
    STATE_NAMES,
    TABLE,
    Place,
    State,
    Step,
    Transition,
    steps_from,
)
from sla_rules import ClockKind, Tier


@dataclass(frozen=True, slots=True)
class Suspension:
    """Until when and why the pausable clocks rest, and who asked."""

    review_at: datetime
    reason: str
    asked_by: int | None


# Core, not ORM: nothing is read back, and the statement is compiled once.
_INSERT_EVENT = insert(table_of(TicketEvent))


def take(unit: Unit, number: str, step: Step, *, version: int | None = None) -> Ticket:
    """Load and lock a ticket for a step, or refuse.

    In this order: TicketNotFound (also outside the scope), PermissionMissing, NotTheCentre / NotTheHolder /
    NotInCharge / NotAboveTheHolder, TicketChangedMeanwhile (`version` is the row version the actor saw),
    StepNotPossible.
    """
    ticket = repository.lock(unit, number)
    check(unit, ticket, step, version=version)
    return ticket


def check(unit: Unit, ticket: Ticket, step: Step, *, version: int | None = None) -> None:
    """Refuse a step on a locked ticket; the refusals of `take` but the first."""
    transition = TABLE[step]
    check_person(unit, ticket, transition)
    if version is not None and version != ticket.row_version:
        raise _changed_meanwhile(unit, ticket)
    state = State(ticket.state)
    if state not in transition.sources:
        raise StepNotPossible(
            number=ticket.number,
            state=Bilingual(*STATE_NAMES[state]),
            step=_name(transition),
            possible=_possible(state),
        )


def carry_out(
    unit: Unit,
    ticket: Ticket,
    step: Step,
    *,
    note: str = "",
    data: dict[str, Any] | None = None,
    at: datetime | None = None,
    suspension: Suspension | None = None,
) -> None:
    """Do what the table says of a step on a ticket that `take` handed out. `at` dates a clock's stop or
    resumption earlier than now when the service itself notices it later; it never lies in the future."""
    transition = TABLE[step]
    when = min(at, unit.now) if at else unit.now
    before = _facts(ticket)
    if transition.new_cycle:
        ticket.cycle += 1
    if transition.target is not None:
        ticket.state = transition.target.value
    _apply_to_clocks(unit, ticket, transition, when, suspension)
    ticket.row_version += 1
    unit.session.flush()
    after = _facts(ticket)
    changes = {name: after[name] for name in after if after[name] != before[name]}
    write_event(
        unit,
        ticket,
        kind=transition.event,
        from_state=str(before["state"]),
        note=note,
        data={**(data or {}), **{name: value for name, value in changes.items() if name != "state"}},
    )
    record(
        unit,
        f"ticket:{step.value}",
        subject=ticket.number,
        before={name: before[name] for name in changes},
        after=changes,
    )


def write_event(
    unit: Unit,
    ticket: Ticket,
    *,
    kind: str,
    from_state: str | None,
    note: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Append to the timeline. Nothing is ever edited there: the database refuses it."""
    write_events(unit, [event_row(unit, ticket, kind=kind, from_state=from_state, note=note, data=data)])


def write_events(unit: Unit, rows: Sequence[dict[str, Any]]) -> None:
    """Append what `event_row` made, in this order."""
    if rows:
        unit.session.connection().execute(_INSERT_EVENT, rows)


def event_row(
    unit: Unit,
    ticket: Ticket,
    *,
    kind: str,
    from_state: str | None,
    note: str = "",
    data: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """An event as the timeline keeps it. A confidential caller is taken out of the note."""
    return {
        "ticket_id": ticket.id,
        "at": unit.now,
        "kind": kind,
        "from_state": from_state,
        "to_state": ticket.state,
        "cycle": ticket.cycle,
        "actor_id": unit.actor.id,
        "actor_name": unit.actor.name,
        "actor_org": unit.actor.org_code,
        "note": concealed(unit, ticket, note),
        "data": data or {},
        "correlation_id": unit.correlation_id,
    }


def start_clock(unit: Unit, ticket: Ticket, kind: ClockKind) -> SlaClock:
    """Begin a clock for the ticket's present cycle and holder."""
    centre = kind in {ClockKind.dispatch, ClockKind.callback}
    org_code = PROVINCE_CODE if centre else ticket.holder_code
    leg = "citizen" if kind is ClockKind.resolve else org_tree(unit.session).get(org_code).level
    return clocks.start(
        unit,
        clocks.StartClock(
            ticket_id=ticket.id,
            kind=kind,
            leg=leg,
            org_code=org_code,
            cycle=ticket.cycle,
            tier=Tier(ticket.tier) if ticket.tier else None,
            urgent=ticket.urgent,
            started_at=unit.now,
        ),
    )


def holder_name(unit: Unit, ticket: Ticket) -> Bilingual:
    """The union that has the ticket now, in words."""
    return org_tree(unit.session).get(ticket.holder_code).name


def repeat_deadline(ticket: Ticket, clock: SlaClock) -> None:
    """Copy the governing clock's deadline to the ticket, for queues."""
    ticket.due_at, ticket.half_at, ticket.provisional = clock.due_at, clock.half_at, clock.provisional


def _apply_to_clocks(
    unit: Unit, ticket: Ticket, transition: Transition, when: datetime, suspension: Suspension | None
) -> None:
    running = clocks.running(unit, ticket.id)
    leg = clocks.running_leg(unit, ticket.id) if _may_have_leg(unit, ticket) else None
    for kind in transition.stops:
        if kind in running:
            clocks.stop(unit, running.pop(kind), at=when, reason=transition.step.value)
    if leg is not None and ClockKind.resolve in transition.stops:
        clocks.stop(unit, leg, at=when, reason=transition.step.value)
        leg = None
    if transition.runs_on:
        stopped = clocks.latest(unit, ticket.id, ClockKind.resolve)
        assert stopped is not None, "a reply stopped the clock that is to run on"  # noqa: S101
        leg = clocks.leg_stopped_with(unit, stopped) if inner_assignment(unit, ticket) else None
        clocks.let_run_on(unit, stopped)
        running[ClockKind.resolve] = stopped
        if leg is not None:
            clocks.let_run_on(unit, leg)
    _suspend_or_resume(unit, ticket, transition, when, suspension, running, leg)
    unit.session.flush()
    for kind in transition.starts:
        # The worker is owed one first contact, whoever signs for the matter last.
        if kind not in running:
            running[kind] = start_clock(unit, ticket, kind)
    if ClockKind.resolve in running and leg is None:
        clocks.hand_over(unit, running[ClockKind.resolve], org_code=ticket.holder_code)
    governing = GOVERNING.get(State(ticket.state))
    if governing in running:
        repeat_deadline(ticket, running[governing])


def _suspend_or_resume(
    unit: Unit,
    ticket: Ticket,
    transition: Transition,
    when: datetime,
    suspension: Suspension | None,
    running: dict[ClockKind, SlaClock],
    leg: SlaClock | None,
) -> None:
    pausable = [running[kind] for kind in PAUSABLE if kind in running] + ([leg] if leg else [])
    if transition.pauses:
        assert suspension is not None, "a step that pauses clocks says until when"  # noqa: S101
        for clock in pausable:
            clocks.pause(
                unit,
                clock,
                at=when,
                review_at=suspension.review_at,
                reason=suspension.reason,
                asked_by=suspension.asked_by,
            )
        ticket.suspended = True
    elif transition.resumes:
        for clock in pausable:
            clocks.resume(unit, clock, at=when)
        ticket.suspended = False
    elif ticket.state != State.in_progress:
        ticket.suspended = False  # the stop of the clock ended its pause


def inner_assignment(unit: Unit, ticket: Ticket) -> Assignment | None:
    """The union a ticket was passed down to, while it has it or its reply is being reviewed."""
    return unit.session.scalars(
        select(Assignment).where(
            Assignment.ticket_id == ticket.id, Assignment.role == "inner", Assignment.ended_at.is_(None)
        )
    ).one_or_none()


def lead_code(unit: Unit, ticket: Ticket) -> str:
    """The union answerable for a ticket: the lead's where it was passed down, else its holder."""
    found = unit.session.scalar(
        select(Assignment.org_code).where(
            Assignment.ticket_id == ticket.id, Assignment.role == "lead", Assignment.ended_at.is_(None)
        )
    )
    return found or ticket.holder_code


def _may_have_leg(unit: Unit, ticket: Ticket) -> bool:
    """Only a county can be below the union that is answerable; so most tickets cost no question."""
    return org_tree(unit.session).get(ticket.holder_code).level == "county"


def _facts(ticket: Ticket) -> dict[str, Any]:
    return {
        "state": ticket.state,
        "tier": ticket.tier,
        "holder": ticket.holder_code,
        "cycle": ticket.cycle,
        "due_at": ticket.due_at.isoformat() if ticket.due_at else None,
        "suspended": ticket.suspended,
    }


def check_person(unit: Unit, ticket: Ticket, transition: Transition) -> None:
    """Whether the actor may take this step on this ticket at all, whatever its state.

    Raises PermissionMissing, NotTheCentre, NotTheHolder, NotTheLead, NotInCharge, NotAboveTheHolder.
    """
    actor = unit.actor
    if actor.kind is ActorKind.system:
        return
    if transition.permission is None or not actor.may(transition.permission):
        raise PermissionMissing(step=_name(transition))
    if transition.place is Place.centre and actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=_name(transition))
    if transition.place is Place.holder and actor.org_code != ticket.holder_code:
        raise NotTheHolder(holder=holder_name(unit, ticket), step=_name(transition))
    if transition.place is Place.lead and (
        actor.org_code == ticket.holder_code or actor.org_code != lead_code(unit, ticket)
    ):
        raise NotTheLead(step=_name(transition))
    if transition.place is Place.charge and actor.org_code not in {
        PROVINCE_CODE,
        ticket.holder_code,
        lead_code(unit, ticket),
    }:
        raise NotInCharge(step=_name(transition))
    if transition.place is Place.above and not (
        actor.org_code == PROVINCE_CODE
        or (actor.org_code != ticket.holder_code and within(ticket.holder_code, actor.scope))
    ):
        raise NotAboveTheHolder(step=_name(transition))


def _changed_meanwhile(unit: Unit, ticket: Ticket) -> TicketChangedMeanwhile:
    last, display_name = unit.session.execute(
        select(TicketEvent, Person.display_name)
        .outerjoin(Person, Person.id == TicketEvent.actor_id)
        .where(TicketEvent.ticket_id == ticket.id)
        .order_by(TicketEvent.id.desc())
        .limit(1)
    ).one()
    names = {row.event: (row.name_zh, row.name_en) for row in TABLE.values()}
    return TicketChangedMeanwhile(
        number=ticket.number,
        who=display_name or Bilingual("系统", "the service"),
        when=f"{local(last.at):%Y-%m-%d %H:%M}",
        what=Bilingual(*names.get(last.kind, (last.kind, last.kind))),
    )


def _name(transition: Transition) -> Bilingual:
    return Bilingual(transition.name_zh, transition.name_en)


def _possible(state: State) -> Bilingual:
    rows = [TABLE[step] for step in steps_from(state)]
    return Bilingual(
        "、".join(row.name_zh for row in rows) or "无", ", ".join(row.name_en for row in rows) or "nothing"
    )
