"""Drafts of the intake form: what an agent has typed so far, kept when the browser or the service dies.

A draft belongs to who typed it and to nobody else. It holds a name and a phone before anything is registered, so it
is sealed whole, and goes when the ticket is registered, when it is thrown away, or after two weeks.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Bilingual, Conflict, Malformed, NotFound
from service.core.unit import Unit
from service.core.unreadable import UNREADABLE, readable
from service.identity.permissions import Permission
from service.tickets.errors import PermissionMissing
from service.tickets.models import Ticket

# Least collection (PIPL, art. 6): a matter nobody registered in two weeks is not going to be.
KEPT = timedelta(days=14)
MOST_DRAFTS = 50
# Twice the longest text of the form in UTF-8, and far below what a request may hold.
LONGEST = 200_000
_KEY = re.compile(r"[0-9a-f]{32}")
_NAME = Bilingual("保存草稿", "keep a draft")
CONTENT = "intake_draft.content_sealed"

Fields = Mapping[str, tuple[str, ...]]


class IntakeDraft(Base):
    """A form half filled in. `key` is the form's own, which becomes the ticket's idempotency key."""

    __tablename__ = "intake_draft"
    __table_args__ = (
        CheckConstraint("key ~ '^[0-9a-f]{32}$'", name="key"),
        CheckConstraint("octet_length(content_sealed) <= 262144", name="size"),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    content_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime] = mapped_column(index=True)


class DraftNotFound(NotFound):
    """No such draft of this person: another's looks the same."""

    zh = "没有这份草稿;可能已经登记或删除。"
    en = "There is no such draft; it may have been registered or thrown away."


class DraftKeyUnreadable(Malformed):
    """A key that no form of ours has."""

    zh = "草稿编号须为 32 位十六进制数字。"
    en = "The key of a draft is 32 hexadecimal digits."


class DraftTooLong(Malformed):
    """More text than the form takes."""

    zh = "草稿内容过长。"
    en = "The draft is too long."


class TooManyDrafts(Conflict):
    """Somebody keeps drafts instead of registering."""

    zh = "您已有 {most} 份草稿,请先登记或删除一些。"
    en = "You have {most} drafts; register or throw away some of them first."


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveDraft:
    """What stands in the form: each field with its texts, as they were typed."""

    key: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft in clear, for its owner."""

    key: str
    fields: Fields
    created_at: datetime
    saved_at: datetime

    def first(self, name: str) -> str:
        """What was typed into a field; '' for nothing."""
        return next(iter(self.fields.get(name, ())), "").strip()


def place_of(person_id: int, key: str) -> str:
    """The row to which a draft's content is sealed."""
    return f"{person_id} {key}"


def save_draft(unit: Unit, command: SaveDraft) -> None:
    """Keep what was typed, over what was kept before. A form in which nothing stands leaves no draft.

    Raises PermissionMissing, DraftKeyUnreadable, DraftTooLong, TooManyDrafts.
    """
    person_id = _owner(unit)
    if not _KEY.fullmatch(command.key):
        raise DraftKeyUnreadable
    fields = {name: texts for name, texts in command.fields.items() if any(text.strip() for text in texts)}
    if not fields:
        discard_draft(unit, command.key)
        return
    # Half a surrogate pair is no character and can't be stored; the rest of what was typed can.
    content = json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")
    if len(content) > LONGEST:
        raise DraftTooLong
    unit.session.execute(delete(IntakeDraft).where(IntakeDraft.saved_at < unit.now - KEPT))
    statement = insert(IntakeDraft).values(
        person_id=person_id,
        key=command.key,
        content_sealed=unit.vault.seal(content.decode(), CONTENT, place_of(person_id, command.key)),
        created_at=unit.now,
        saved_at=unit.now,
    )
    unit.session.execute(
        statement.on_conflict_do_update(
            index_elements=["person_id", "key"],
            set_={"content_sealed": statement.excluded.content_sealed, "saved_at": unit.now},
        )
    )
    mine = select(func.count()).select_from(IntakeDraft).where(IntakeDraft.person_id == person_id)
    if (unit.session.scalar(mine) or 0) > MOST_DRAFTS:
        raise TooManyDrafts(most=MOST_DRAFTS)


def drafts_of_mine(unit: Unit) -> list[Draft]:
    """The actor's drafts, the one typed last first. Raises PermissionMissing.

    What was registered is no draft any more, though a browser may have sent a last copy of it afterwards.
    """
    registered = exists().where(Ticket.created_by == IntakeDraft.person_id, Ticket.idempotency_key == IntakeDraft.key)
    rows = unit.session.scalars(
        select(IntakeDraft)
        .where(IntakeDraft.person_id == _owner(unit), ~registered)
        .order_by(IntakeDraft.saved_at.desc())
    )
    return [draft for row in rows if (draft := _opened(unit, row))]


def draft_of_mine(unit: Unit, key: str) -> Draft:
    """One of the actor's drafts. Raises PermissionMissing, DraftNotFound."""
    row = unit.session.get(IntakeDraft, (_owner(unit), key[:64]))
    draft = _opened(unit, row) if row is not None else None
    if draft is None:
        raise DraftNotFound
    return draft


def discard_draft(unit: Unit, key: str) -> None:
    """Throw a draft of the actor's away; one that is gone already is no error. One statement.

    Raises PermissionMissing.
    """
    unit.session.execute(delete(IntakeDraft).where(IntakeDraft.person_id == _owner(unit), IntakeDraft.key == key))


def _owner(unit: Unit) -> int:
    if unit.actor.id is None or not unit.actor.may(Permission.ticket_create):
        raise PermissionMissing(step=_NAME)
    return unit.actor.id


def _opened(unit: Unit, row: IntakeDraft) -> Draft | None:
    """The draft in clear; None for one that does not open: the form goes on without it."""
    content = readable(unit.vault, row.content_sealed, CONTENT, place_of(row.person_id, row.key))
    if content == UNREADABLE:
        return None
    fields = json.loads(content)
    return Draft(
        key=row.key,
        fields={name: tuple(texts) for name, texts in fields.items()},
        created_at=row.created_at,
        saved_at=row.saved_at,
    )
