"""指定承办人: the union that holds a ticket gives it to one of its people, by name.

From then on what handlers are told of the ticket goes to that person, and to the deputy while they are away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import aliased

from service.core.clock import local
from service.core.errors import Bilingual, Conflict, Malformed
from service.core.unit import Unit
from service.identity.absences import Absence, on_day
from service.identity.handlers import TicketHandler
from service.identity.models import Person, PersonRole
from service.identity.permissions import Role
from service.identity.recusals import Recusal
from service.tickets.messages import tell_person
from service.tickets.models import Ticket
from service.tickets.states import Step
from service.tickets.steps import carry_out, take
from service.tickets.views import HandlerView


class HandlerUnfit(Malformed):
    zh = "{username} 不是本单位在岗的承办人,不能指定。"
    en = "{username} is no active handler of your union; choose another."


class HandlerKeepsOut(Conflict):
    zh = "{name} 已对工单 {number} 回避,请另选承办人。"
    en = "{name} keeps out of ticket {number} for an interest; choose another."


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignTicket:
    """Which ticket, and the user name of who is to handle it."""

    number: str
    username: str
    note: str = ""
    version: int | None = None


def assign_ticket(unit: Unit, command: AssignTicket) -> None:
    """Give a ticket to a handler of one's own union, who is told. A repeat changes nothing.

    Who is away may be given it: the deputy is told as well, and the timeline and the ticket say so. Raises the refusals
    of `take`, HandlerUnfit, HandlerKeepsOut.
    """
    ticket = take(unit, command.number, Step.assign, version=command.version)
    chosen = next((each for each in handlers_at(unit, ticket.holder_code) if each.username == command.username), None)
    if chosen is None:
        raise HandlerUnfit(username=command.username)
    if unit.session.get(Recusal, (ticket.id, chosen.person_id)) is not None:
        raise HandlerKeepsOut(name=chosen.name, number=ticket.number)
    before = handler_of(unit, ticket)
    if before is not None and before.username == chosen.username:
        return
    hand_to(unit, ticket, chosen, note=command.note)


def hand_to(unit: Unit, ticket: Ticket, chosen: HandlerView, *, note: str) -> None:
    """Put a locked ticket into somebody's hands, whoever had it, and tell them."""
    values = {"person_id": chosen.person_id, "by": unit.actor.id, "at": unit.now}
    unit.session.execute(
        insert(TicketHandler)
        .values(ticket_id=ticket.id, **values)
        .on_conflict_do_update(index_elements=["ticket_id"], set_=values)
    )
    data = {"person": chosen.username}
    if chosen.absent_until is not None:
        data |= {"absent_until": str(chosen.absent_until), "deputy": chosen.deputy or ""}
    carry_out(unit, ticket, Step.assign, note=note, data=data)
    tell_person(
        unit,
        ticket,
        chosen.person_id,
        Bilingual(
            f"工单 {ticket.number} 指定由 {chosen.name} 承办",
            f"Ticket {ticket.number} is given to {chosen.name} to handle",
        ),
        key=f"{ticket.number}:{ticket.row_version}:assigned",
    )


def handler_of(unit: Unit, ticket: Ticket) -> HandlerView | None:
    """Who has a ticket in hand; None for all handlers of the union alike, and when the person has left."""
    in_hand = exists().where(TicketHandler.ticket_id == ticket.id, TicketHandler.person_id == Person.id)
    return next(iter(handlers_at(unit, ticket.holder_code, in_hand)), None)


def handlers(unit: Unit) -> Sequence[HandlerView]:
    """The handlers of the actor's own union, with who of them is away today."""
    return handlers_at(unit, unit.actor.org_code or "")


def handlers_at(unit: Unit, org_code: str, *wanted: object) -> Sequence[HandlerView]:
    """The handlers of a union, with who of them is away today."""
    deputy = aliased(Person)
    rows = unit.session.execute(
        select(Person.id, Person.username, Person.display_name, Absence.ends_on, deputy.display_name.label("deputy"))
        .join(PersonRole, and_(PersonRole.person_id == Person.id, PersonRole.role == Role.handler))
        .outerjoin(Absence, and_(Absence.person_id == Person.id, on_day(local(unit.now).date())))
        .outerjoin(deputy, and_(deputy.id == Absence.deputy_id, deputy.active))
        .where(Person.active, Person.org_code == org_code, *wanted)  # type: ignore[arg-type]
        .order_by(Person.username)
    )
    return [
        HandlerView(
            person_id=row.id, username=row.username, name=row.display_name, absent_until=row.ends_on, deputy=row.deputy
        )
        for row in rows
    ]
