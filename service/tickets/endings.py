"""Other ends of a matter: withdrawn (撤回), transferred out (转出), terminated (终止办理), and archived (归档)."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Select, exists, func, select
from sqlalchemy.dialects.postgresql import insert

from service.core.errors import Bilingual, Conflict
from service.core.logging import log
from service.core.unit import Unit
from service.sla.rules import current_rules
from service.tickets import requests
from service.tickets.assisting import call_off_tasks
from service.tickets.materials import waive_all
from service.tickets.messages import tell_union, text_worker
from service.tickets.models import Assignment, Supervision, Ticket, TicketAlias
from service.tickets.repository import lock_free
from service.tickets.states import TABLE, State, Step
from service.tickets.steps import carry_out, take
from service.tickets.together import ask_to_follow


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTicket:
    """Why a matter ends without a reply."""

    number: str
    reason: str
    version: int | None = None


def withdraw_ticket(unit: Unit, command: EndTicket) -> Ticket:
    """End a matter because the worker no longer pursues it, as they told an agent."""
    ticket = take(unit, command.number, Step.withdraw, version=command.version)
    end_ticket(unit, ticket, Step.withdraw, note=command.reason)
    return ticket


def withdraw_by_worker(unit: Unit, ticket: Ticket, *, reason: str) -> None:
    """The same by the worker's own hand, on a locked ticket whose code they gave."""
    end_ticket(unit, ticket, Step.withdraw_by_worker, note=reason)


def terminate_ticket(unit: Unit, command: EndTicket) -> Ticket:
    """End a matter that can't be pursued (终止办理), by the province and with a reason the worker is told of."""
    ticket = take(unit, command.number, Step.terminate, version=command.version)
    end_ticket(unit, ticket, Step.terminate, note=command.reason)
    text_worker(unit, ticket, "ended", occasion="terminated")
    return ticket


class PeerNumberTaken(Conflict):
    zh = "{peer} 的编号 {number} 已对应另一件工单,请核对。"
    en = "The number {number} of {peer} names another ticket already; please check it."


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferOut:
    """To whom a matter goes, and the number it has there."""

    number: str
    peer: str
    peer_number: str = ""
    note: str = ""
    version: int | None = None


def transfer_out(unit: Unit, command: TransferOut) -> Ticket:
    """Hand a matter to another line that answers for it (转出), before any union has it. Its number there becomes an
    alias, by which it is found when they ask. Raises PeerNumberTaken and the refusals of `take`."""
    ticket = take(unit, command.number, Step.transfer_out, version=command.version)
    if command.peer_number:
        alias = {"kind": command.peer, "number": command.peer_number, "ticket_id": ticket.id}
        named = unit.session.execute(insert(TicketAlias).values(alias).on_conflict_do_nothing().returning(TicketAlias))
        if named.one_or_none() is None:
            raise PeerNumberTaken(peer=command.peer, number=command.peer_number)
    data = {"peer": command.peer, "peer_number": command.peer_number}
    end_ticket(unit, ticket, Step.transfer_out, note=command.note, data=data)
    text_worker(unit, ticket, "transferred_out", occasion="transferred_out")
    return ticket


def end_ticket(unit: Unit, ticket: Ticket, step: Step, *, note: str, data: dict[str, str] | None = None) -> None:
    """Take a step that ends a locked ticket: what waits for a decision is void, assignments and supervision end."""
    had_it = ticket.holder_code
    requests.void_open_requests(unit, ticket, note=TABLE[step].name_zh)
    waive_all(unit, ticket)
    ticket.ended_at = unit.now
    carry_out(unit, ticket, step, note=note, data=data)
    end_assignments(unit, ticket, reason="finished")
    call_off_tasks(unit, ticket)
    for supervision in unit.session.scalars(
        select(Supervision).where(Supervision.ticket_id == ticket.id, Supervision.closed_at.is_(None))
    ):
        supervision.closed_at = unit.now
    unit.session.flush()
    ask_to_follow(unit, ticket)
    row = TABLE[step]
    tell_union(
        unit,
        ticket,
        ("handler", "leader"),
        Bilingual(f"工单 {ticket.number} {row.name_zh}", f"Ticket {ticket.number}: {row.name_en}"),
        occasion="ended",
        org_code=had_it,
    )


def end_assignments(unit: Unit, ticket: Ticket, *, reason: str) -> None:
    """End the open assignments of a locked ticket."""
    for assignment in unit.session.scalars(
        select(Assignment).where(Assignment.ticket_id == ticket.id, Assignment.ended_at.is_(None)).with_for_update()
    ):
        assignment.ended_at, assignment.end_reason = unit.now, reason


def archive_ended(unit: Unit, *, limit: int, after_days: int = 0) -> int:
    """Archive up to `limit` tickets, oldest first, that ended `after_days` days ago, and never before they can be
    reopened no longer. Returns how many.

    Tickets somebody works on are left for the next time, and those under supervision until that has ended. One that
    cannot be archived is logged and keeps no other back.
    """
    done = 0
    found = unit.session.scalars(_to_archive(unit, after_days).order_by(Ticket.ended_at).limit(limit))
    for ticket in lock_free(unit, list(found)):
        number = ticket.number
        try:
            with unit.session.begin_nested():
                if State(ticket.state) in TABLE[Step.archive].sources:
                    carry_out(unit, ticket, Step.archive)
                    done += 1
        except Exception as error:
            log.error("archiving_failed", ticket=number, error=type(error).__name__)
            unit.session.expire_all()
    return done


def waiting_for_the_archive(unit: Unit, *, after_days: int) -> int:
    """How many tickets `archive_ended` would archive now."""
    waiting = _to_archive(unit, after_days).subquery()
    return unit.session.scalar(select(func.count()).select_from(waiting)) or 0


def _to_archive(unit: Unit, after_days: int) -> Select[tuple[int]]:
    days = max(after_days, current_rules(unit.session).policy.limits.reopen_window_days)
    return select(Ticket.id).where(
        Ticket.state.in_([state.value for state in TABLE[Step.archive].sources]),
        Ticket.ended_at < unit.now - timedelta(days=days),
        ~exists().where(Supervision.ticket_id == Ticket.id, Supervision.closed_at.is_(None)),
    )
