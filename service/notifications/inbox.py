"""One's own inbox: what one was told, and what of it one has read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, and_, column, exists, func, literal, select, table, tuple_, update

from service.core.errors import Bilingual, NotFound
from service.core.pagination import Cursor
from service.core.unit import Unit
from service.identity.recusals import Recusal
from service.notifications.models import Notice

# Stands for "not read yet" in the order of the inbox: unread notices come before every read one.
_UNREAD = datetime(9999, 1, 1, tzinfo=UTC)


# A notice knows its ticket by number; what else a ticket is, is known above this room.
_TICKET = table("ticket", column("id"), column("number"))


class NoticeNotFound(NotFound):
    """No such notice, or somebody else's: the answer is the same."""

    zh = "找不到这条消息。"
    en = "There is no such notice."


@dataclass(frozen=True, slots=True)
class NoticeView:
    """Something one person was told; `digest_id` is there where it is a digest of many escalations."""

    id: int
    ticket_number: str
    digest_id: int | None
    urgent: bool
    text: Bilingual
    created_at: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class InboxPage:
    """A page of notices, how many are unread in all, and the cursor of the next page if there is more."""

    notices: tuple[NoticeView, ...]
    unread: int
    next_cursor: str | None


def inbox_page(unit: Unit, *, limit: int = 50, cursor: str | None = None) -> InboxPage:
    """The actor's notices: unread ones first, newest first, then those read last. `limit` 1 to 200.

    Two statements. Raises CursorUnreadable.
    """
    place = func.coalesce(Notice.read_at, literal(_UNREAD))
    statement = select(Notice).where(_ones_own(unit))
    if cursor is not None:
        after = Cursor.decode(cursor)
        statement = statement.where(tuple_(place, Notice.id) < tuple_(literal(after.at), literal(after.id)))
    found = unit.session.scalars(statement.order_by(place.desc(), Notice.id.desc()).limit(limit + 1)).all()
    shown = found[:limit]
    more = len(found) > limit
    return InboxPage(
        notices=tuple(_view(notice) for notice in shown),
        unread=unread_count(unit),
        next_cursor=Cursor(at=shown[-1].read_at or _UNREAD, id=shown[-1].id).encode() if more else None,
    )


# A page that was away for long is sent the newest of what it missed, and finds the rest in the inbox.
_MOST_NEWS = 50


@dataclass(frozen=True, slots=True)
class InboxNews:
    """What came since somebody looked, oldest first; how many are unread in all; the number of the newest."""

    notices: tuple[NoticeView, ...]
    unread: int
    newest: int


def news(unit: Unit, *, after: int | None) -> InboxNews:
    """The actor's notices with a number beyond `after`; with None only how things stand. At most three statements."""
    newest = unit.session.scalar(select(func.max(Notice.id)).where(_ones_own(unit))) or 0
    found: Sequence[Notice] = ()
    if after is not None and newest > after:
        found = unit.session.scalars(
            select(Notice).where(_ones_own(unit), Notice.id > after).order_by(Notice.id.desc()).limit(_MOST_NEWS)
        ).all()
    return InboxNews(
        notices=tuple(_view(notice) for notice in reversed(found)), unread=unread_count(unit), newest=newest
    )


def unread_count(unit: Unit) -> int:
    """How many of the actor's notices are unread."""
    statement = select(func.count()).where(_ones_own(unit), Notice.read_at.is_(None))
    return unit.session.scalar(statement) or 0


def mark_read(unit: Unit, notice_id: int) -> None:
    """Note that the actor has read a notice; the first time counts. Raises NoticeNotFound."""
    found = unit.session.execute(
        update(Notice)
        .where(Notice.id == notice_id, _ones_own(unit))
        .values(read_at=func.coalesce(Notice.read_at, unit.now))
        .returning(Notice.id)
    ).one_or_none()
    if found is None:
        raise NoticeNotFound


def _view(notice: Notice) -> NoticeView:
    return NoticeView(
        id=notice.id,
        ticket_number=notice.ticket_number,
        digest_id=notice.tally_id,
        urgent=notice.urgent,
        text=Bilingual(notice.text_zh, notice.text_en),
        created_at=notice.created_at,
        read_at=notice.read_at,
    )


def _ones_own(unit: Unit) -> ColumnElement[bool]:
    """The actor's notices, without those of tickets they keep out of for an interest (回避), whenever they came."""
    kept_out = exists().where(
        Recusal.person_id == Notice.person_id,
        Recusal.ticket_id == _TICKET.c.id,
        _TICKET.c.number == Notice.ticket_number,
    )
    return and_(Notice.person_id == unit.actor.id, ~kept_out)
