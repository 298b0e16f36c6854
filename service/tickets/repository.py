"""Loading tickets: through the actor's scope or not at all. The one place that builds the scope filter."""

from sqlalchemy import ColumnElement, and_, exists, func, literal_column, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from service.audit.looking import looked_at_ticket
from service.core.unit import Actor, Unit
from service.identity.recusals import Recusal
from service.tickets.errors import TicketNotFound
from service.tickets.models import Assignment, Ticket

PROVINCE_SCOPE_LENGTH = 2


_HELD = {2: Ticket.holder_province, 4: Ticket.holder_prefecture, 6: Ticket.holder_code}


def held_in(scope: str) -> ColumnElement[bool]:
    """Whether a union under a scope prefix has the ticket, written so that the queues' indexes serve it."""
    return _HELD.get(len(scope), Ticket.holder_code) == scope


def in_subtree(column: InstrumentedAttribute[str], scope: str) -> ColumnElement[bool]:
    """Whether a union code lies under a scope prefix."""
    return func.left(column, literal_column(str(len(scope)))) == scope


def visible(actor: Actor) -> ColumnElement[bool]:
    """The scope filter: tickets held in the actor's subtree, or given to it and not returned.

    A union that handed a ticket back has nothing more to do with it and no longer sees it. Neither does a person see
    one that they have an interest in (回避).
    """
    held = held_in(actor.scope)
    if len(actor.scope) == PROVINCE_SCOPE_LENGTH:
        return and_(held, free_of_interest(actor))
    given = exists().where(
        Assignment.ticket_id == Ticket.id,
        in_subtree(Assignment.org_code, actor.scope),
        or_(Assignment.end_reason.is_(None), Assignment.end_reason != "returned"),
    )
    return and_(or_(held, given), free_of_interest(actor))


def free_of_interest(actor: Actor) -> ColumnElement[bool]:
    """Whether the actor keeps out of a ticket for no interest of their own. Nobody is recused but people."""
    if actor.id is None:
        return true()
    return ~exists().where(Recusal.ticket_id == Ticket.id, Recusal.person_id == actor.id)


def find(unit: Unit, number: str, part: str | None = "ticket") -> Ticket:
    """The ticket for reading. That the actor looked at this part of it goes on record; None where nothing of it is
    shown. Raises TicketNotFound when it is not there or not visible."""
    ticket = unit.session.scalars(select(Ticket).where(Ticket.number == number, visible(unit.actor))).one_or_none()
    if ticket is None:
        raise TicketNotFound(number=number)
    if part is not None:
        looked_at_ticket(unit, ticket.number, part)
    return ticket


def lock(unit: Unit, number: str) -> Ticket:
    """The ticket for writing, row-locked. First lock of the order ticket → clocks → assignments."""
    ticket = unit.session.scalars(
        select(Ticket)
        .where(Ticket.number == number, visible(unit.actor))
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if ticket is None:
        raise TicketNotFound(number=number)
    return ticket


def lock_all(unit: Unit, numbers: set[str]) -> dict[str, Ticket]:
    """Several tickets for writing, row-locked in the order of their ids whoever asks, so that nobody waits in a
    circle. Raises TicketNotFound for one that is not there or not visible."""
    rows = unit.session.scalars(
        select(Ticket)
        .where(Ticket.number.in_(numbers), visible(unit.actor))
        .order_by(Ticket.id)
        .with_for_update(of=Ticket)
        .execution_options(populate_existing=True)
    )
    found = {ticket.number: ticket for ticket in rows}
    for number in sorted(numbers - found.keys()):
        raise TicketNotFound(number=number)
    return found


def lock_free(unit: Unit, ticket_ids: list[int]) -> list[Ticket]:
    """Those of these tickets that nobody else holds, locked. For sweeps; people's work goes first."""
    return list(
        unit.session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(ticket_ids))
            .order_by(Ticket.id)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
    )
