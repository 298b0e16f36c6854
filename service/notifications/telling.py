"""Telling people: through the outbox into their inbox, once for each key."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.dialects.postgresql import insert

from service.core.errors import Bilingual
from service.core.personal import without_numbers
from service.core.unit import Unit
from service.notifications.audience import Target
from service.notifications.channels import spread
from service.notifications.models import Notice
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import Payload

NOTICE = "notice"


def tell(
    unit: Unit,
    targets: Sequence[Target],
    text: Bilingual,
    *,
    key: str,
    ticket_number: str = "",
    urgent: bool = False,
    not_before: datetime | None = None,
) -> None:
    """Ask for a notice to each target. `key` names the occasion; the same person is told of it once.
    Without a number it is about no single ticket. Before `not_before` nobody hears of it."""
    emit(
        unit,
        *(
            notice_to(target, text, key=key, ticket_number=ticket_number, urgent=urgent, not_before=not_before)
            for target in targets
        ),
    )


def notice_to(
    target: Target, text: Bilingual, *, key: str, ticket_number: str, urgent: bool, not_before: datetime | None
) -> Message:
    """The message that puts a notice into one person's inbox."""
    return Message(
        kind=NOTICE,
        key=f"{NOTICE}:{key}:{target.person_id}",
        payload={
            "person_id": target.person_id,
            "key": key,
            "ticket_number": ticket_number,
            "text_zh": without_numbers(text.zh),
            "text_en": without_numbers(text.en),
            "urgent": urgent,
        },
        queue=Queue.urgent if urgent else Queue.default,
        not_before=not_before,
    )


def put_into_inbox(unit: Unit, payload: Payload) -> None:
    """Database handler of `notice`: write the row and ask for its messages to whatever channels there are; a repeat is
    a no-op."""
    values: dict[str, Any] = {**payload, "created_at": unit.now}
    written = unit.session.scalars(
        insert(Notice).values(values).on_conflict_do_nothing(index_elements=["person_id", "key"]).returning(Notice)
    ).one_or_none()
    if written is not None:
        spread(unit, written)
