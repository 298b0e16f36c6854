"""The outbox: PostgreSQL is the queue, Redis only the doorbell."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base


class OutboxMessage(Base):
    """Work asked for in the transaction that made it necessary. `key` makes asking twice the same as once.

    `attempts` counts deliveries that failed, `publishes` how often the id was handed to Redis: a flushed Redis
    raises the second and not the first. `queue` carries the lane: `service/outbox/lanes.py` says which it is.
    `available_at` is when it may be published next; `due_at` when it was to go at first, where it was to wait.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        CheckConstraint("queue ~ '^((sms|mail|wecom|dingtalk|feishu)-)?(urgent|default|bulk)$'", name="queue"),
        CheckConstraint("not (done_at is not null and buried_at is not null)", name="done_or_buried"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index(
            "ix_outbox_message_pending",
            "queue",
            "available_at",
            "id",
            postgresql_where=text("done_at is null and buried_at is null"),
        ),
        Index(
            "ix_outbox_message_channel",
            text("(payload ->> 'channel_id')"),
            "id",
            postgresql_where=text("payload ->> 'channel_id' is not null"),
        ),
        Index("ix_outbox_message_buried", "buried_at", postgresql_where=text("buried_at is not null")),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    queue: Mapped[str]
    payload: Mapped[dict[str, Any]]
    correlation_id: Mapped[str]
    traceparent: Mapped[str | None]
    created_at: Mapped[datetime]
    available_at: Mapped[datetime]
    due_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    publishes: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    buried_at: Mapped[datetime | None]
    last_error: Mapped[str | None]
