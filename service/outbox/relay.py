"""From the outbox to Redis: claim what is due, hand over the ids, and claim again what was never done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, Integer, String, column, func, or_, select, true, update, values
from sqlalchemy.orm import Session

from service.outbox.models import OutboxMessage

# Stands where the last failure stands: somebody decided, and nobody has to look any more.
BY_HAND = "BuriedByHand"

_DUE_AT = func.coalesce(OutboxMessage.due_at, OutboxMessage.created_at)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message id to publish. The job id carries the round: RQ refuses an id whose old hash still lives."""

    id: int
    queue: str
    job_id: str
    traceparent: str | None = None


def claim(session: Session, *, now: datetime, lease: timedelta, room: Mapping[str, int]) -> list[Claimed]:
    """Take pending messages that are due, of each queue as many as there is room for, and hide them until the lease
    ends.

    Two relays never take the same row (SKIP LOCKED). A message whose job was lost (Redis flushed, worker killed)
    shows up again when its lease has passed. One statement; of the queues that are not named nothing is looked at.
    """
    asked = values(column("queue", String), column("room", Integer), name="asked").data(list(room.items()))
    due = (
        select(OutboxMessage.id)
        .where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.buried_at.is_(None),
            OutboxMessage.available_at <= now,
            OutboxMessage.queue == asked.c.queue,
        )
        .order_by(OutboxMessage.available_at, OutboxMessage.id)
        .limit(asked.c.room)
        .with_for_update(skip_locked=True)
        .lateral("due")
    )
    taken = select(due.c.id).select_from(asked).join(due, true()).cte("taken")
    rows = session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == taken.c.id)
        .values(available_at=now + lease, publishes=OutboxMessage.publishes + 1)
        .returning(OutboxMessage.id, OutboxMessage.queue, OutboxMessage.publishes, OutboxMessage.traceparent)
    ).all()
    return [
        Claimed(id=row.id, queue=row.queue, job_id=f"outbox-{row.id}-{row.publishes}", traceparent=row.traceparent)
        for row in sorted(rows, key=lambda row: row.id)
    ]


def give_back(session: Session, ids: list[int], *, leased_until: datetime, now: datetime) -> None:
    """Undo a claim whose ids could not be published, so that they need not wait for the lease to end.

    A message that somebody has handled meanwhile no longer carries the lease and stays as it is.
    """
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(ids), OutboxMessage.available_at == leased_until)
        .values(available_at=now)
    )


def oldest_pending(session: Session, now: datetime) -> datetime | None:
    """Since when the oldest message that is neither done nor buried is due. Those that are to wait beyond `now` and
    were not published yet are left out, and one that waited is due from then on: a night's quiet is no delay."""
    return session.scalar(
        select(func.min(_DUE_AT)).where(
            OutboxMessage.done_at.is_(None),
            OutboxMessage.buried_at.is_(None),
            or_(OutboxMessage.publishes > 0, OutboxMessage.available_at <= now),
        )
    )


def pending_count(session: Session) -> int:
    """How many messages are neither done nor buried."""
    return (
        session.scalar(select(func.count()).where(OutboxMessage.done_at.is_(None), OutboxMessage.buried_at.is_(None)))
        or 0
    )


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits in one queue: messages whose time has come, how many of them were tried in vain before, and since
    when the oldest is due, of all and of those never tried."""

    queue: str
    waiting: int
    failing: int
    oldest: datetime
    oldest_untried: datetime | None


def backlog(session: Session, now: datetime) -> list[Backlog]:
    """The queues in which something waits. A night's quiet is no delay: what is to wait beyond `now` and was never
    published is left out."""
    untried = OutboxMessage.attempts == 0
    rows = session.execute(
        select(
            OutboxMessage.queue,
            func.count().label("waiting"),
            func.count().filter(~untried).label("failing"),
            func.min(_DUE_AT).label("oldest"),
            func.min(_DUE_AT).filter(untried).label("oldest_untried"),
        )
        .where(*_WAITING, or_(OutboxMessage.publishes > 0, OutboxMessage.available_at <= now))
        .group_by(OutboxMessage.queue)
        .order_by(OutboxMessage.queue)
    )
    return [Backlog(**row._mapping) for row in rows]


def buried_count(session: Session) -> int:
    """How many messages were given up and wait for somebody to look, through the partial index."""
    return (
        session.scalar(
            select(func.count()).where(
                OutboxMessage.buried_at.is_not(None), OutboxMessage.last_error.is_distinct_from(BY_HAND)
            )
        )
        or 0
    )


def message_by_key(session: Session, key: str) -> OutboxMessage:
    """The message that was asked for under this key."""
    return session.scalars(select(OutboxMessage).where(OutboxMessage.key == key)).one()


class MessageState(StrEnum):
    """How an undelivered message stands."""

    pending = "pending"
    failing = "failing"
    buried = "buried"


def undelivered(session: Session, state: MessageState, *, limit: int) -> Sequence[OutboxMessage]:
    """Messages that wait (`pending`), wait after a failure (`failing`) or were given up (`buried`), oldest first."""
    return session.scalars(
        select(OutboxMessage).where(*_IN_STATE[state]).order_by(OutboxMessage.created_at, OutboxMessage.id).limit(limit)
    ).all()


def revive(session: Session, ids: Sequence[int] | None, *, now: datetime) -> list[int]:
    """Make failing and buried messages due now with all their attempts before them; of these ids, or of all but those
    that were buried by hand.

    Returns the ids of those that were: what is done, unknown or was never tried in vain is left as it is.
    """
    in_vain = or_(OutboxMessage.attempts > 0, OutboxMessage.buried_at.is_not(None))
    due = update(OutboxMessage).where(OutboxMessage.done_at.is_(None), in_vain)
    if ids is None:
        due = due.where(OutboxMessage.last_error.is_distinct_from(BY_HAND))
    else:
        due = due.where(OutboxMessage.id.in_(ids))
    revived = session.scalars(
        due.values(buried_at=None, attempts=0, available_at=now).returning(OutboxMessage.id)
    ).all()
    return sorted(revived)


def bury(session: Session, ids: Sequence[int], *, now: datetime) -> list[int]:
    """Give messages up by hand, those too that were given up after their last attempt: nobody is asked to look at them
    any more. One that is being delivered at this moment may still arrive.

    Returns the ids of those that are: what is done, unknown or was buried by hand before is left as it is.
    """
    buried = session.scalars(
        update(OutboxMessage)
        .where(
            OutboxMessage.id.in_(ids),
            OutboxMessage.done_at.is_(None),
            or_(OutboxMessage.buried_at.is_(None), OutboxMessage.last_error.is_distinct_from(BY_HAND)),
        )
        .values(buried_at=now, last_error=BY_HAND)
        .returning(OutboxMessage.id)
    ).all()
    return sorted(buried)


_WAITING: tuple[ColumnElement[bool], ...] = (OutboxMessage.done_at.is_(None), OutboxMessage.buried_at.is_(None))
_IN_STATE: dict[MessageState, tuple[ColumnElement[bool], ...]] = {
    MessageState.pending: _WAITING,
    MessageState.failing: (*_WAITING, OutboxMessage.attempts > 0),
    MessageState.buried: (OutboxMessage.buried_at.is_not(None),),
}
