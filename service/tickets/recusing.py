"""回避: who has an interest in a matter says so, or their leader does; from then on it is kept from them."""

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from service.audit.recording import record
from service.core.errors import Bilingual, Forbidden
from service.core.unit import Unit
from service.identity.errors import PersonNotFound
from service.identity.handlers import TicketHandler
from service.identity.models import Person, PersonRole
from service.identity.permissions import Permission, Role
from service.identity.recusals import Recusal
from service.org.tree import within
from service.tickets.concealing import concealed
from service.tickets.messages import tell_union
from service.tickets.models import Ticket
from service.tickets.repository import lock
from service.tickets.states import OPEN, State
from service.tickets.steps import write_event


class RecusalOfAnother(Forbidden):
    zh = "只能为本人申报回避;为他人登记回避请由单位负责人或管理员办理。"
    en = "You can recuse yourself only; for somebody else the leader or an administrator does it."


@dataclass(frozen=True, slots=True, kw_only=True)
class RecusePerson:
    """Who keeps out of which ticket, and why. No `username`: oneself."""

    number: str
    reason: str
    username: str = ""


def recuse(unit: Unit, command: RecusePerson) -> None:
    """Keep a ticket from somebody for good: no step on it, no sight of it, no word of it. A repeat is a no-op.

    The reason is kept beside the recusal, not on the timeline: it may be private. The person's colleagues are told to
    take over; where nobody of the role is left, the union above is. Raises TicketNotFound, RecusalOfAnother,
    PersonNotFound.
    """
    username = command.username or unit.actor.name
    if not unit.actor.may(Permission.recusal_declare if username == unit.actor.name else Permission.recusal_manage):
        raise RecusalOfAnother
    ticket = lock(unit, command.number)
    person = unit.session.scalars(select(Person).where(Person.username == username, Person.active)).one_or_none()
    if person is None or not (person.id == unit.actor.id or within(person.org_code, unit.actor.scope)):
        raise PersonNotFound(username=username)
    new = unit.session.execute(
        insert(Recusal)
        .values(
            ticket_id=ticket.id,
            person_id=person.id,
            reason=concealed(unit, ticket, command.reason),
            by=unit.actor.id,
            at=unit.now,
        )
        .on_conflict_do_nothing()
        .returning(Recusal.person_id)
    ).one_or_none()
    if new is None:
        return
    write_event(unit, ticket, kind="person:recused", from_state=ticket.state, data={"person": username})
    unit.session.execute(
        delete(TicketHandler).where(TicketHandler.ticket_id == ticket.id, TicketHandler.person_id == person.id)
    )
    record(unit, "ticket:recuse", subject=ticket.number, after={"person": username})
    if State(ticket.state) in OPEN and person.org_code == ticket.holder_code:
        _tell_who_takes_over(unit, ticket, person)


def _tell_who_takes_over(unit: Unit, ticket: Ticket, person: Person) -> None:
    roles = set(unit.session.scalars(select(PersonRole.role).where(PersonRole.person_id == person.id)))
    audience = tuple(
        name for name, role in (("handler", Role.handler), ("leader", Role.reviewer)) if role.value in roles
    )
    tell_union(
        unit,
        ticket,
        audience,
        Bilingual(
            f"工单 {ticket.number} 有人员回避,请接手办理",
            f"Somebody keeps out of ticket {ticket.number}; please take it over",
        ),
        occasion=f"recused:{person.id}",
    )
