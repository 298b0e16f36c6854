"""Forgetting delivered messages after a while, and why no second delivery comes of it.

A message's key keeps a second one of the same effect out of the outbox as long as the row is there. A kind is
forgotten only if its effect is safe without the row; a kind that is not named here is kept for ever, and so is what
was given up: somebody has still to look at that.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from service.outbox.models import OutboxMessage

# Each kind with the reason why its key may be forgotten.
FORGOTTEN: Mapping[str, str] = MappingProxyType(
    {
        "notice": "the inbox keeps (person, key) unique, and a notice is never deleted: a second is dropped there",
        "digest": "its key counts on with every firing, and its handler writes what is counted then: a repeat changes "
        "nothing",
        "worker_sms": "what left is kept by key in gateway_delivery, and the handler asks there before it sends",
        "worker_code": "keyed by the id of a code's row, which is made once",
        "supervision:due": "keyed by the id of the supervision, which is opened once",
        "consult:due": "keyed by the id of the question, which is asked once",
        "task:due": "keyed by the id of the task, which is set once",
        "material:due": "keyed by the id of the request, which is made once",
        "rules:recount": "keyed by change and step, and a change's steps only grow",
        "tickets:follow": "keyed by the row version of the ticket that is followed, which only grows",
    }
)


def forget_delivered(session: Session, *, before: datetime, after_id: int, limit: int) -> int | None:
    """Delete up to `limit` messages delivered before an instant, from an id on, in the order of their ids; the last
    id deleted, from which to go on, or None when there was nothing left."""
    old = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.id > after_id,
            OutboxMessage.done_at < before,
            OutboxMessage.kind.in_(FORGOTTEN.keys()),
        )
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    deleted = session.scalars(delete(OutboxMessage).where(OutboxMessage.id.in_(old)).returning(OutboxMessage.id)).all()
    return max(deleted, default=None)
