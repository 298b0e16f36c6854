"""The escalation ledger: append-only, each rung of each clock of each cycle exactly once."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class Escalation(Base):
    """A rung that fired: when it was planned for, when it was written, and who was to be told at that moment."""

    __tablename__ = "escalation"
    __table_args__ = (
        UniqueConstraint("ticket_id", "clock_id", "cycle", "rung"),
        CheckConstraint("fired_at >= planned_at", name="never_early"),
        Index("ix_escalation_planned_at", "planned_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    clock_id: Mapped[int] = mapped_column(ForeignKey("sla_clock.id"))
    clock_kind: Mapped[str]
    cycle: Mapped[int]
    rung: Mapped[str]
    org_code: Mapped[str]
    planned_at: Mapped[datetime]
    fired_at: Mapped[datetime]
    targets: Mapped[list[Any]]
    policy_version: Mapped[str]
    calendar_version: Mapped[str]
    correlation_id: Mapped[str]
