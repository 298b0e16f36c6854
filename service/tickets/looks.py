"""谁看过: who looked at a ticket, for those who watch over it and for the auditors."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, text

from service.audit.looking import CALLER_LOOKUP, TICKET_READ, TICKET_SEARCH
from service.audit.models import AuditEvent
from service.core.errors import Bilingual
from service.core.unit import ActorKind, Unit
from service.identity.models import Person
from service.identity.permissions import Permission
from service.tickets.errors import PermissionMissing
from service.tickets.repository import find

MOST_LOOKS = 100
_SEE = Bilingual("查看谁看过", "see who looked")
# On the ticket itself, and among several where its number stands in the list.
OF_ONE = (TICKET_READ, "caller:reveal", "attachment:download", "worker:export")
OF_SEVERAL = (TICKET_SEARCH, CALLER_LOOKUP, "ticket:exported")


@dataclass(frozen=True, slots=True)
class LookView:
    """One look: when, who of which union, by what (`ticket:read`, `caller:reveal`, …), and at which parts."""

    at: datetime
    username: str
    name: str
    org_code: str
    action: str
    parts: tuple[str, ...]


def looks_of(unit: Unit, number: str) -> list[LookView]:
    """The newest looks at a ticket in scope, at most MOST_LOOKS. Raises PermissionMissing, TicketNotFound."""
    if not unit.actor.may(Permission.look_read):
        raise PermissionMissing(step=_SEE)
    ticket = find(unit, number, None)
    rows = unit.session.execute(
        select(
            AuditEvent.at,
            AuditEvent.actor_name,
            func.coalesce(Person.display_name, AuditEvent.actor_name).label("name"),
            AuditEvent.actor_org,
            AuditEvent.action,
            AuditEvent.after,
        )
        .outerjoin(Person, Person.id == AuditEvent.actor_id)
        .where(
            or_(
                and_(AuditEvent.subject == ticket.number, is_one_of(OF_ONE)),
                and_(listed(ticket.number), is_one_of(OF_SEVERAL)),
            )
        )
        .order_by(AuditEvent.id.desc())
        .limit(MOST_LOOKS)
    )
    return [
        LookView(
            at=row.at,
            username=row.actor_name,
            name=row.name,
            org_code=row.actor_org,
            action=row.action.partition(":")[2],
            parts=tuple((row.after or {}).get("parts", ())),
        )
        for row in rows
    ]


def is_one_of(actions: Iterable[str]) -> ColumnElement[bool]:
    """Whether an event is one of these actions, by whomever."""
    return AuditEvent.action.in_([f"{kind.value}:{action}" for kind in ActorKind for action in actions])


def listed(number: str) -> ColumnElement[bool]:
    """Whether a ticket's number stands in the list of an event; written so that its index serves it."""
    return and_(text("after ? 'tickets'"), AuditEvent.after.contains({"tickets": [number]}))
