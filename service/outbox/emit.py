"""Asking for work: the only way to have something done after the transaction."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.core.db import insert_text
from service.core.tracing import traceparent
from service.core.unit import Unit
from service.outbox.lanes import Queue, lane_of, queue_name
from service.outbox.models import OutboxMessage

__all__ = ["CHANNEL", "Message", "Queue", "emit"]

CHANNEL = "hotline_outbox"  # a trigger on the table notifies it, so the bell rings on commit and only then

_INSERT = insert_text(
    OutboxMessage,
    (
        "key",
        "kind",
        "queue",
        "payload",
        "correlation_id",
        "traceparent",
        "created_at",
        "available_at",
        "due_at",
    ),
    values={"attempts": "0", "publishes": "0"},
    then="on conflict (key) do nothing",
)


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be done. `key` names the effect: emitting the same key twice asks once."""

    kind: str
    key: str
    payload: dict[str, Any] = field(default_factory=dict)
    queue: Queue = Queue.default
    not_before: datetime | None = None


def emit(unit: Unit, *messages: Message) -> None:
    """Put messages into the outbox in the caller's transaction; a rollback asks for nothing."""
    if not messages:
        return
    trace = traceparent()
    rows = [
        {
            "key": message.key,
            "kind": message.kind,
            "queue": queue_name(lane_of(message.kind), message.queue),
            "payload": message.payload,
            "correlation_id": unit.correlation_id,
            "traceparent": trace,
            "created_at": unit.now,
            "available_at": message.not_before or unit.now,
            "due_at": message.not_before,
        }
        for message in messages
    ]
    unit.session.connection().execute(_INSERT, rows)
