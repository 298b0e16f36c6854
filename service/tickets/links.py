"""Two tickets about one matter: noted while a call is taken down or later, without merging them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.db import Base
from service.core.errors import Conflict, Malformed
from service.core.unit import Unit
from service.tickets.errors import TicketNotFound
from service.tickets.models import Ticket, one_of
from service.tickets.repository import lock_all, visible
from service.tickets.states import TABLE, Step
from service.tickets.steps import carry_out, check, write_event
from service.tickets.views import LinkedTicket

LINK_KINDS = ("duplicate", "related", "appeal")


class TicketLink(Base):
    """An unordered pair of tickets, kept once: `a_id` is the older one. `duplicate` is the same matter again,
    `appeal` the matter taken up anew after it was closed."""

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


class AlreadyLinked(Conflict):
    zh = "工单 {number} 与 {other} 已有关联。"
    en = "Tickets {number} and {other} are linked already."


class NotLinked(Conflict):
    zh = "工单 {number} 与 {other} 没有关联。"
    en = "Tickets {number} and {other} are not linked."


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTickets:
    """Which two belong together, and how: one of LINK_KINDS."""

    number: str
    other: str
    kind: str
    note: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnlinkTickets:
    """Which two do not belong together after all, and why."""

    number: str
    other: str
    reason: str
    version: int | None = None


def link_tickets(unit: Unit, command: LinkTickets) -> Ticket:
    """Note at any time that two tickets belong together (关联); seen from both by whoever sees the other.

    Raises LinkedToItself, AlreadyLinked, TicketNotFound for either, and the refusals of `check`.
    """
    ticket, other = _both(unit, command, Step.link)
    a_id, b_id = sorted((ticket.id, other.id))
    values = {"a_id": a_id, "b_id": b_id, "kind": command.kind, "linked_by": unit.actor.id, "linked_at": unit.now}
    made = insert(TicketLink).values(values).on_conflict_do_nothing().returning(TicketLink.a_id)
    if unit.session.execute(made).one_or_none() is None:
        raise AlreadyLinked(number=ticket.number, other=other.number)
    carry_out(unit, ticket, Step.link, note=command.note, data={"to": other.number, "kind": command.kind})
    _tell_the_other(unit, other, Step.link, note=command.note, data={"to": ticket.number, "kind": command.kind})
    return ticket


def unlink_tickets(unit: Unit, command: UnlinkTickets) -> Ticket:
    """Take a link back, with the reason on both timelines. Raises NotLinked, and as `link_tickets` does."""
    ticket, other = _both(unit, command, Step.unlink)
    a_id, b_id = sorted((ticket.id, other.id))
    gone = delete(TicketLink).where(TicketLink.a_id == a_id, TicketLink.b_id == b_id).returning(TicketLink.a_id)
    if unit.session.execute(gone).one_or_none() is None:
        raise NotLinked(number=ticket.number, other=other.number)
    carry_out(unit, ticket, Step.unlink, note=command.reason, data={"to": other.number})
    _tell_the_other(unit, other, Step.unlink, note=command.reason, data={"to": ticket.number})
    return ticket


def seen_numbers(unit: Unit, numbers: Iterable[str]) -> set[str]:
    """Those of these tickets that the actor may see: what a timeline says of another is for them only."""
    wanted = sorted(set(numbers))
    if not wanted:
        return set()
    return set(unit.session.scalars(select(Ticket.number).where(Ticket.number.in_(wanted), visible(unit.actor))))


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


def _both(unit: Unit, command: LinkTickets | UnlinkTickets, step: Step) -> tuple[Ticket, Ticket]:
    """Both tickets, locked; who may not take the step is told so first."""
    found = lock_all(unit, {command.number, command.other})
    ticket, other = found[command.number], found[command.other]
    check(unit, ticket, step, version=command.version)
    if ticket is other:
        raise LinkedToItself(number=ticket.number)
    return ticket, other


def _tell_the_other(unit: Unit, other: Ticket, step: Step, *, note: str, data: dict[str, Any]) -> None:
    other.row_version += 1
    write_event(unit, other, kind=TABLE[step].event, from_state=other.state, note=note, data=data)
    record(unit, f"ticket:{step.value}", subject=other.number, after=data)
    unit.session.flush()


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
