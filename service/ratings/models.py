"""What the worker said of the service: one rating for each cycle of a ticket."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base, Words

RESULTS = ("answered", "timeout", "invalid_key", "unreachable", "refused")
HANDLER_FAULTS = ("not_contacted", "not_resolved", "attitude", "late", "untrue_reply")
OTHER_REASONS = ("policy_does_not_allow", "unreasonable_demand")


class Rating(Base):
    """No default: silence is not praise. Sentinels (timeout, refused, …) carry no score at all."""

    __tablename__ = "rating"
    __table_args__ = (
        UniqueConstraint("ticket_id", "cycle"),
        CheckConstraint("way in ('call', 'link')", name="way"),
        CheckConstraint("result in ('answered', 'timeout', 'invalid_key', 'unreachable', 'refused')", name="result"),
        CheckConstraint("satisfaction between 1 and 5", name="satisfaction"),
        CheckConstraint("agent_score between 1 and 5", name="agent_score"),
        CheckConstraint(
            "num_nonnulls(contacted, resolved, satisfaction) = case when result = 'answered' then 3 else 0 end",
            name="answered_whole",
        ),
        CheckConstraint("satisfaction is null or satisfaction >= 3 or reason is not null", name="low_has_reason"),
        Index("ix_rating_rated_at", "rated_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    org_code: Mapped[str]
    way: Mapped[str]
    result: Mapped[str]
    contacted: Mapped[bool | None]
    resolved: Mapped[bool | None]
    satisfaction: Mapped[int | None]
    agent_score: Mapped[int | None]
    reason: Mapped[str | None]
    comment: Mapped[Words]
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    rated_at: Mapped[datetime]


class CallbackAttempt(Base):
    """One try to reach the worker: three on two days in two time bands before `unreachable` may be recorded."""

    __tablename__ = "callback_attempt"
    __table_args__ = (
        CheckConstraint("result in ('answered', 'timeout', 'invalid_key', 'unreachable', 'refused')", name="result"),
        Index("ix_callback_attempt_ticket_id", "ticket_id", "cycle", "id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    cycle: Mapped[int]
    at: Mapped[datetime]
    by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    result: Mapped[str]
