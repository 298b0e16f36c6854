"""质检抽样: which signed replies a second person looks at, drawn as they are signed, by a lot nobody can foresee."""

from datetime import datetime
from typing import cast

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words
from service.core.unit import Unit
from service.sla.rules import current_rules
from service.tickets.models import Ticket
from sla_rules import Tier

_STEPS = 1 << 32


class QualityCheck(Base):
    """A round of a ticket that was drawn for a quality check, and what came of it. Once for each round."""

    __tablename__ = "quality_check"
    __table_args__ = (
        CheckConstraint("verdict in ('passed', 'failed')", name="verdict"),
        CheckConstraint("(verdict is null) = (checked_at is null)", name="checked_whole"),
        CheckConstraint("verdict is distinct from 'failed' or note <> ''", name="failed_for_a_reason"),
        UniqueConstraint("ticket_id", "cycle"),
        Index("ix_quality_check_open", "drawn_at", "id", postgresql_where=text("verdict is null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    drawn_at: Mapped[datetime]
    verdict: Mapped[str | None]
    checked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    checked_at: Mapped[datetime | None]
    note: Mapped[Words] = mapped_column(default="")


def draw(unit: Unit, ticket: Ticket) -> None:
    """Draw a locked ticket whose reply was just signed, or not, by the policy's share of its tier.

    The lot is a keyed hash of number and round: the same whenever it is drawn, and known to nobody before.
    """
    tier = Tier(cast("str", ticket.tier))  # what was accepted has one, by a constraint
    share = current_rules(unit.session).policy.limits.quality_share(tier)
    if unit.vault.lot(f"quality check {ticket.number} {ticket.cycle}") < share * _STEPS:
        unit.session.add(QualityCheck(ticket_id=ticket.id, cycle=ticket.cycle, drawn_at=unit.now))
