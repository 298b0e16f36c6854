"""Forgetting delivered messages after a while, and why no second delivery comes of it.

A message's key keeps a second one of the same effect out of the outbox as long as the row is there. A kind is
forgotten only if its effect is safe without the row. Every kind that is delivered is named here, which a test holds to;
one of another release is left alone, and so is what was given up: somebody has still to look at that.

What a message wrote is a record of its own and is not trimmed with it: who was told of which escalation, one by one
(`notice`) or in a digest (`notice_tally`, `held_notice`), is what an inspection asks for years later, the digest in an
inbox opens that list, and there is at most one such row for each firing and person told.
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
        **dict.fromkeys(
            ("mail_notice", "sms_notice", "wecom_notice", "dingtalk_notice", "feishu_notice"),
            "what left is kept by key in gateway_delivery, and the handler asks there before it sends",
        ),
        "rules:recount": "keyed by change and step, and a change's steps only grow",
        "tickets:follow": "keyed by the row version of the ticket that is followed, which only grows",
    }
)


def forget_delivered(session: Session, *, before: datetime, after_id: int, limit: int) -> int | None:
    """Delete what was delivered before an instant among the next `limit` messages from an id on; the last of those ids,
    from which to go on, or None where only younger messages follow.

    Ids are as old as their messages but for the seconds of a transaction, and nothing is delivered before it was asked
    for. So a look at the primary key ends where the young ones begin, and needs no index over what was delivered,
    which every delivery would pay for.
    """
    looked = session.execute(
        select(OutboxMessage.id, OutboxMessage.created_at)
        .where(OutboxMessage.id > after_id)
        .order_by(OutboxMessage.id)
        .limit(limit)
    ).all()
    if all(row.created_at >= before for row in looked):
        return None
    last: int = looked[-1].id
    session.execute(
        delete(OutboxMessage).where(
            OutboxMessage.id > after_id,
            OutboxMessage.id <= last,
            OutboxMessage.done_at < before,
            OutboxMessage.kind.in_(FORGOTTEN.keys()),
        )
    )
    return last
