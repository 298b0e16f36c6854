"""The audit: who did what to which thing, append-only (the database refuses UPDATE and DELETE)."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class AuditEvent(Base):
    """`action` is `source:subject:action`, e.g. `person:ticket:accept`. Neither before nor after holds a caller's data.

    `code` is made over all the others with a key that the database does not have; events of before there were codes
    have none.
    """

    __tablename__ = "audit_event"
    __table_args__ = (
        Index("ix_audit_event_subject", "subject", "id"),
        # What an auditor asks: when, who, in which request, and which lists named a ticket.
        Index("ix_audit_event_at", "at", "id"),
        Index("ix_audit_event_actor_name", "actor_name", "id"),
        Index("ix_audit_event_correlation_id", "correlation_id"),
        Index(
            "ix_audit_event_tickets",
            "after",
            postgresql_using="gin",
            postgresql_ops={"after": "jsonb_path_ops"},
            postgresql_where=text("after ? 'tickets'"),
        ),
        CheckConstraint("octet_length(code) = 32", name="code"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str]
    actor_org: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    correlation_id: Mapped[str]
    code: Mapped[bytes | None] = mapped_column(LargeBinary(32))


class AuditLink(Base):
    """An event's place in the chain. Append-only; the hash is made over the one before and the event."""

    __tablename__ = "audit_link"
    __table_args__ = (
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint("octet_length(hash) = 32", name="hash"),
        Index("ix_audit_link_at", "at", "event_id"),
    )

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(ForeignKey("audit_event.id"), unique=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime]
