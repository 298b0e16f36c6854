"""Two tickets about one matter: noted while a call is taken down or later, without merging them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.db import Base
from service.core.errors import Malformed
from service.core.unit import Unit
from service.tickets.errors import TicketNotFound
from service.tickets.models import Ticket, one_of
from service.tickets.repository import visible
from service.tickets.steps import write_event
from service.tickets.views import LinkedTicket

LINK_KINDS = ("duplicate", "related", "appeal")


class TicketLink(Base):
    """An unordered pair of tickets, kept once: `a_id` is the older one. `duplicate` is the same matter again."""

    __tablename__ = "ticket_link"
    __table_args__ = (
        CheckConstraint("a_id < b_id", name="ordered"),
        CheckConstraint(one_of("kind", LINK_KINDS), name="kind"),
    )

    a_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    b_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, index=True)
    kind: Mapped[str]
    linked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    linked_at: Mapped[datetime]


class LinkedToItself(Malformed):
    """A pair has two tickets."""

    zh = "工单 {number} 不能与自身关联。"
    en = "Ticket {number} can't be linked to itself."


def link(unit: Unit, ticket: Ticket, others: Sequence[str], *, kind: str) -> int:
    """Note that `ticket` is about the same matter as (or related to) `others`; answers how many pairs were new.

    A pair that was noted before stays as it is. Both timelines tell of a new one. Raises TicketNotFound for a number
    out of scope, LinkedToItself.
    """
    wanted = list(dict.fromkeys(others))
    found = {
        other.number: other
        for other in unit.session.scalars(select(Ticket).where(Ticket.number.in_(wanted), visible(unit.actor)))
    }
    made = 0
    for number in wanted:
        if number not in found:
            raise TicketNotFound(number=number)
        if number == ticket.number:
            raise LinkedToItself(number=number)
        made += _link_pair(unit, ticket, found[number], kind=kind)
    return made


def links_of(unit: Unit, ticket: Ticket) -> list[LinkedTicket]:
    """The tickets linked to this one that the actor may see, the newest first."""
    other_end = or_(
        (TicketLink.a_id == ticket.id) & (TicketLink.b_id == Ticket.id),
        (TicketLink.b_id == ticket.id) & (TicketLink.a_id == Ticket.id),
    )
    rows = unit.session.execute(
        select(Ticket.number, TicketLink.kind, TicketLink.linked_at)
        .join(TicketLink, other_end)
        .where(visible(unit.actor))
        .order_by(TicketLink.linked_at.desc(), Ticket.id.desc())
    )
    return [LinkedTicket(number=row.number, kind=row.kind, linked_at=row.linked_at) for row in rows]


def _link_pair(unit: Unit, ticket: Ticket, other: Ticket, *, kind: str) -> int:
    a_id, b_id = sorted((ticket.id, other.id))
    new = unit.session.execute(
        insert(TicketLink)
        .values(a_id=a_id, b_id=b_id, kind=kind, linked_by=unit.actor.id, linked_at=unit.now)
        .on_conflict_do_nothing()
        .returning(TicketLink.a_id)
    ).one_or_none()
    if new is None:
        return 0
    for one, another in ((ticket, other), (other, ticket)):
        write_event(unit, one, kind="ticket:linked", from_state=one.state, data={"to": another.number, "kind": kind})
    record(unit, "ticket:link", subject=ticket.number, after={"to": other.number, "kind": kind})
    return 1
