"""Towards the end: review (审核), closing (办结), another round (重办), reopening; urging and notes."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select

from service.core.errors import Bilingual
from service.core.unit import Unit
from service.sla.rules import current_rules
from service.tickets import requests
from service.tickets.assisting import call_off_tasks
from service.tickets.concealing import concealed
from service.tickets.errors import RedoRoundsUsedUp, ReopeningWindowClosed, ReviewerIsReplier
from service.tickets.messages import tell_union
from service.tickets.models import Assignment, Reply, Ticket
from service.tickets.passing_down import endorse
from service.tickets.quality_samples import draw
from service.tickets.states import Step
from service.tickets.steps import carry_out, inner_assignment, take
from service.tickets.together import ask_to_follow
from service.tickets.warning import warn_of_urging


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewReply:
    """What the leader says to the reply; compulsory when sending back."""

    number: str
    note: str = ""
    version: int | None = None


def approve_reply(unit: Unit, command: ReviewReply) -> Ticket:
    """Sign the reply; the worker is called back next. Where the matter was passed down, the county's leader signs
    first and the city's after that. Raises ReviewerIsReplier and the refusals of `take`."""
    ticket = take(unit, command.number, Step.approve, version=command.version)
    inner = inner_assignment(unit, ticket)
    if inner is not None and ticket.holder_code == inner.org_code:
        _refuse_own_reply(unit, ticket)
        endorse(unit, ticket, inner, note=command.note)
        return ticket
    _review(unit, ticket, "approved", command.note)
    if inner is not None:
        inner.ended_at, inner.end_reason = unit.now, "finished"
    carry_out(unit, ticket, Step.approve, note=command.note)
    draw(unit, ticket)
    ask_to_follow(unit, ticket)
    return ticket


def send_reply_back(unit: Unit, command: ReviewReply) -> Ticket:
    """Send the reply back (审核退回). The deadline does not move; the clock runs on as if never stopped."""
    ticket = take(unit, command.number, Step.send_back, version=command.version)
    _review(unit, ticket, "sent_back", command.note)
    ticket.replied_at = None
    inner = inner_assignment(unit, ticket)
    if inner is not None:
        ticket.holder_code = inner.org_code  # back to whoever wrote it
    carry_out(unit, ticket, Step.send_back, note=command.note)
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(f"工单 {ticket.number} 的反馈被退回", f"Your reply to ticket {ticket.number} was sent back"),
        occasion="sent_back",
    )
    return ticket


def close_ticket(unit: Unit, ticket: Ticket, *, note: str = "") -> None:
    """Close a ticket that `take` handed out for closing (办结): the assignments end with it."""
    ticket.ended_at = unit.now
    carry_out(unit, ticket, Step.close, note=note)
    for assignment in unit.session.scalars(
        select(Assignment).where(Assignment.ticket_id == ticket.id, Assignment.ended_at.is_(None)).with_for_update()
    ):
        assignment.ended_at, assignment.end_reason = unit.now, "finished"
    call_off_tasks(unit, ticket)
    unit.session.flush()


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRedo:
    """Why the matter has to be done again."""

    number: str
    reason: str
    version: int | None = None


def order_redo(unit: Unit, command: OrderRedo) -> Ticket:
    """A supervisor's quality check sends a matter back for another round. Raises RedoRoundsUsedUp."""
    ticket = take(unit, command.number, Step.redo, version=command.version)
    if not redo_rounds_left(unit, ticket):
        raise RedoRoundsUsedUp(rounds=ticket.cycle - 1)
    carry_out(unit, ticket, Step.redo, note=command.reason)
    _tell_of_redo(unit, ticket)
    return ticket


def redo_by_rating(unit: Unit, ticket: Ticket, *, reason: str) -> None:
    """The worker says it is not resolved: a new cycle with its own clocks, rating and breach. Ticket is locked."""
    carry_out(unit, ticket, Step.redo_by_rating, data={"reason": reason})
    _tell_of_redo(unit, ticket)


def redo_rounds_left(unit: Unit, ticket: Ticket) -> bool:
    """Whether the policy allows one more round."""
    return ticket.cycle - 1 < current_rules(unit.session).policy.limits.redo_max_rounds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenTicket:
    """The new facts."""

    number: str
    reason: str
    version: int | None = None


def reopen_ticket(unit: Unit, command: ReopenTicket) -> Ticket:
    """Reopen a closed ticket on new facts within the window. The breach of an earlier cycle stays on record.

    Raises ReopeningWindowClosed and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.reopen, version=command.version)
    days = current_rules(unit.session).policy.limits.reopen_window_days
    if ticket.ended_at is not None and unit.now > ticket.ended_at + timedelta(days=days):
        raise ReopeningWindowClosed(days=days)
    ticket.ended_at = ticket.replied_at = None
    carry_out(unit, ticket, Step.reopen, note=command.reason)
    unit.session.add(
        Assignment(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            org_code=ticket.holder_code,
            role="lead",
            adjudicated=True,
            dispatched_at=unit.now,
            dispatched_by=unit.actor.id,
            signed_at=unit.now,
        )
    )
    unit.session.flush()
    _tell_of_redo(unit, ticket)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNote:
    """Words for the timeline: an urging or a note."""

    number: str
    note: str
    version: int | None = None


def urge_ticket(unit: Unit, command: AddNote) -> Ticket:
    """催办: the holder is told that the worker asked again; the third time in a cycle the supervisor is."""
    ticket = take(unit, command.number, Step.urge, version=command.version)
    carry_out(unit, ticket, Step.urge, note=command.note)
    tell_union(
        unit,
        ticket,
        ("handler", "leader"),
        Bilingual(f"催办:工单 {ticket.number}", f"Urging: ticket {ticket.number}"),
        occasion="urged",
    )
    warn_of_urging(unit, ticket)
    return ticket


def add_note(unit: Unit, command: AddNote) -> Ticket:
    """备注: a note that everybody in scope reads on the timeline."""
    ticket = take(unit, command.number, Step.note, version=command.version)
    carry_out(unit, ticket, Step.note, note=command.note)
    return ticket


def _refuse_own_reply(unit: Unit, ticket: Ticket) -> Reply:
    """The reply that waits for review, locked. Raises ReviewerIsReplier for whoever wrote it."""
    reply = unit.session.scalars(
        select(Reply).where(Reply.ticket_id == ticket.id, Reply.verdict.is_(None)).with_for_update()
    ).one()
    if reply.replied_by == unit.actor.id:
        raise ReviewerIsReplier
    return reply


def _review(unit: Unit, ticket: Ticket, verdict: str, note: str) -> None:
    reply = _refuse_own_reply(unit, ticket)
    reply.verdict, reply.reviewed_by, reply.reviewed_at, reply.review_note = (
        verdict,
        unit.actor.id,
        unit.now,
        concealed(unit, ticket, note),
    )
    requests.void_open_requests(unit, ticket, note="审核")


def _tell_of_redo(unit: Unit, ticket: Ticket) -> None:
    tell_union(
        unit,
        ticket,
        ("handler", "leader"),
        Bilingual(f"工单 {ticket.number} 须重新办理", f"Ticket {ticket.number} has to be done again"),
        occasion="redo",
    )
