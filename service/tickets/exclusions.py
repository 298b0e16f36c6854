"""剔除: what a union asks to be left out of its score, and who agreed. The rating and the breach themselves stay."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, exists, or_, select, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.sla.models import SlaClock
from service.tickets.models import Ticket, TicketEvent


class Exclusion(Base):
    """A rating or a breach that a union asks to be left out, once. It is left out when one person of the province has
    supported it and another granted it; a trigger keeps the asking union's people out of both, and what was decided as
    it was.
    """

    __tablename__ = "exclusion"
    __table_args__ = (
        UniqueConstraint("rating_id"),
        UniqueConstraint("clock_id"),
        CheckConstraint("num_nonnulls(rating_id, clock_id) = 1", name="about_one"),
        CheckConstraint("reason <> ''", name="reason"),
        CheckConstraint("(supported_by is null) = (supported_at is null)", name="supported_whole"),
        CheckConstraint("num_nulls(verdict, decided_by, decided_at) in (0, 3)", name="decided_whole"),
        CheckConstraint("verdict in ('granted', 'refused')", name="verdict"),
        CheckConstraint("verdict <> 'granted' or supported_by is not null", name="two_people"),
        CheckConstraint("supported_by <> asked_by", name="supporter_is_another"),
        CheckConstraint("decided_by <> asked_by and decided_by <> supported_by", name="decider_is_another"),
        Index("uq_exclusion_open", "ticket_id", unique=True, postgresql_where=text("verdict is null")),
        Index("ix_exclusion_asked_at", "asked_at", "id", postgresql_where=text("verdict is null")),
        Index("ix_exclusion_ticket_id", "ticket_id", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    rating_id: Mapped[int | None] = mapped_column(ForeignKey("rating.id"))
    clock_id: Mapped[int | None] = mapped_column(ForeignKey("sla_clock.id"))
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    reason: Mapped[Words]
    asked_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    asked_at: Mapped[datetime]
    supported_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    supported_at: Mapped[datetime | None]
    support_note: Mapped[Words] = mapped_column(default="")
    verdict: Mapped[str | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[Words] = mapped_column(default="")


def open_exclusion(unit: Unit, ticket: Ticket) -> Exclusion | None:
    """The exclusion of a ticket that waits for a decision."""
    return unit.session.scalars(
        select(Exclusion).where(Exclusion.ticket_id == ticket.id, Exclusion.verdict.is_(None))
    ).one_or_none()


def exclusion_waits(unit: Unit, ticket: Ticket) -> set[str]:
    """What a ticket's exclusion waits for from this actor: `exclusion` (the first word), `supported_exclusion` (the
    second), `nothing_excluded` where the actor's union could ask. Who spoke already, and the union that asked, has no
    word in it."""
    actor = unit.actor
    if not actor.may(Permission.exclusion_decide) and not actor.may(Permission.exclusion_ask):
        return set()
    waiting = open_exclusion(unit, ticket)
    if waiting is None:
        return {"nothing_excluded"} if _may_be_asked(unit, ticket) else set()
    if actor.org_code == waiting.org_code or actor.id in {waiting.asked_by, waiting.supported_by}:
        return set()
    return {"open_exclusion", "exclusion" if waiting.supported_by is None else "supported_exclusion"}


def _may_be_asked(unit: Unit, ticket: Ticket) -> bool:
    """Whether something counts against the actor's union: a breach of its own, or a rating on the ticket."""
    if unit.actor.org_code == PROVINCE_CODE:
        return False
    breach = exists().where(
        SlaClock.ticket_id == ticket.id, SlaClock.org_code == unit.actor.org_code, SlaClock.breached_at.is_not(None)
    )
    rated = exists().where(TicketEvent.ticket_id == ticket.id, TicketEvent.kind == "rating:recorded")
    return bool(unit.session.scalar(select(or_(breach, rated))))
