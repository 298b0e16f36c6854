"""The chain over the audit: that nothing in it was edited, taken out or put in, whoever did it.

An event carries a code that only who holds the key can make (HMAC-SHA-256 over all it says), from the moment it is
written. A moment later the scheduler that leads gives it a place in the chain: each link's hash is made over the hash
before and the event, so that one event can't be changed without all that came after, and none of it without the key,
which the database does not have. Places follow the order in which events became visible, not their ids: no two
people's steps wait for each other for the sake of the chain.

What the chain alone can't show is that its end was cut off. For that its head is anchored outside each day.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from service.audit.keys import audit_keys
from service.audit.models import AuditEvent, AuditLink
from service.core.db import AdvisoryLock, copy_in
from service.core.errors import Bilingual
from service.core.unit import Unit

# What the chain begins with.
GENESIS = bytes(32)
# No transaction of ours lives that long: an event whose id lies before one linked so long ago has its place.
_SETTLED = timedelta(hours=1)
# The scheduler links every few seconds.
LINKED_WITHIN = timedelta(minutes=5)
_SAID = ("at", "actor_id", "actor_name", "actor_org", "action", "subject", "before", "after", "correlation_id")


@dataclass(frozen=True, slots=True)
class Break:
    """Where the audit is not what was written: the place in the chain (0: not in it), the event, and what is wrong."""

    position: int
    event_id: int
    kind: str
    words: Bilingual


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain at a moment: so many links, the last of which has this hash."""

    position: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and where it breaks."""

    head: Head
    links: int
    unlinked: int
    breaks: list[Break]

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.breaks


def code_of(key: bytes, event: Mapping[Any, Any]) -> bytes:
    """The code of an event over all that it says."""
    at, *said = (event[name] for name in _SAID)
    # Once there and back: as PostgreSQL gives it, keys are texts.
    said = json.loads(json.dumps([at.astimezone(UTC).isoformat(timespec="microseconds"), *said]))
    document = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, document.encode(), hashlib.sha256).digest()


def link_events(unit: Unit, *, limit: int) -> int:
    """Give up to `limit` events their places at the end of the chain. Returns how many; another process that links
    at the same time is waited for. An event without a true code gets none: it was not written by this service."""
    settled = select(func.max(AuditLink.event_id)).where(AuditLink.at < unit.now - _SETTLED).scalar_subquery()
    # The settled part of the chain is not looked through again, however long it is.
    return _link(unit, AuditEvent.code.is_not(None) & (AuditEvent.id > func.coalesce(settled, 0)), limit=limit)


def adopt_events(unit: Unit) -> int:
    """Give the events that an older version wrote without a code their places, as such. Returns how many. Somebody
    answers for it: what was put in by hand looks the same, so the caller records who did this and how many there were.
    """
    return _link(unit, AuditEvent.code.is_(None), limit=None)


def _link(unit: Unit, which: ColumnElement[bool], *, limit: int | None) -> int:
    session, keys = unit.session, audit_keys(unit)
    session.execute(select(func.pg_advisory_xact_lock(int(AdvisoryLock.audit))))
    head = head_of(session)
    events = session.execute(_events().where(AuditLink.event_id.is_(None), which).order_by(AuditEvent.id).limit(limit))
    links = []
    for event in events.all():
        if event.code is None or _coded(keys, event):
            head = Head(head.position + 1, _next(unit.vault.audit_key, head, event, unit.now))
            links.append({"position": head.position, "event_id": event.id, "hash": head.hash, "at": unit.now})
    copy_in(session, AuditLink, links)
    return len(links)


def _events() -> Select[Any]:
    said = (getattr(AuditEvent, name) for name in _SAID)
    return select(AuditEvent.id, AuditEvent.code, *said).outerjoin(AuditLink, AuditLink.event_id == AuditEvent.id)


def head_of(session: Session) -> Head:
    """The end of the chain now."""
    row = session.execute(
        select(AuditLink.position, AuditLink.hash).order_by(AuditLink.position.desc()).limit(1)
    ).one_or_none()
    return Head(row.position, row.hash) if row else Head(0, GENESIS)


def verify_chain(
    unit: Unit,
    *,
    newest: int | None = None,
    anchors: Sequence[Head] = (),
    advance_to: Callable[[int], None] = lambda _: None,
) -> Verified:
    """Look at the chain link by link, all of it or the `newest` so many, and at what has no place in it yet.

    `anchors` are heads of former days: each must still be there. `advance_to` hears how many links are through.
    """
    keys, end = audit_keys(unit), head_of(unit.session)
    first = max(0, end.position - newest) if newest is not None else 0
    breaks: list[Break] = []
    before = _at(unit.session, first)
    expected = {anchor.position: anchor.hash for anchor in anchors}
    links = 0
    for row in _links(unit.session, after=first):
        if row.position != before.position + 1:
            breaks.append(_break("link_gone", before.position + 1, 0))
        elif row.id is None:
            breaks.append(_break("event_gone", row.position, row.event_id))
        elif row.code is not None and not _coded(keys, row):
            breaks.append(_break("event_changed", row.position, row.event_id))
        elif not _linked(keys, before, row):
            breaks.append(_break("link_changed", row.position, row.event_id))
        if expected.pop(row.position, row.hash) != row.hash:
            breaks.append(_break("anchor_differs", row.position, row.event_id))
        before = Head(row.position, row.hash)
        links += 1
        advance_to(links)
    breaks += [_break("end_gone", position, 0) for position in expected if position > end.position]
    unlinked = 0
    for row in _unlinked(unit.session):
        unlinked += 1
        if row.code is None:
            breaks.append(_break("event_uncoded", 0, row.id))
        elif not _coded(keys, row):
            breaks.append(_break("event_forged", 0, row.id))
        elif row.at < unit.now - LINKED_WITHIN:
            breaks.append(_break("event_unlinked", 0, row.id))
    return Verified(end, links, unlinked, breaks)


def _next(key: bytes, before: Head, event: Row[Any], linked_at: datetime | None) -> bytes:
    """The hash of a link made at that instant; the first version left it out, and its links stand as they are."""
    adopted = b"" if event.code is not None else b"adopted"
    instant = b"" if linked_at is None else linked_at.astimezone(UTC).isoformat(timespec="microseconds").encode()
    return hmac.new(key, before.hash + code_of(key, event._mapping) + adopted + instant, hashlib.sha256).digest()


def _coded(keys: list[bytes], event: Row[Any]) -> bool:
    return _fits(keys, lambda key: event.code == code_of(key, event._mapping))


def _linked(keys: list[bytes], before: Head, event: Row[Any]) -> bool:
    return _fits(
        keys, lambda key: event.hash in (_next(key, before, event, event.linked_at), _next(key, before, event, None))
    )


def _fits(keys: list[bytes], made_it: Callable[[bytes], bool]) -> bool:
    """Whether one of the keys made it. That one is tried first for the next: what is of one time has one key."""
    for place, key in enumerate(keys):
        if made_it(key):
            keys.insert(0, keys.pop(place))
            return True
    return False


def _at(session: Session, position: int) -> Head:
    found = session.scalar(select(AuditLink.hash).where(AuditLink.position == position)) if position else GENESIS
    return Head(position, found or GENESIS)


def _links(session: Session, *, after: int) -> Iterator[Row[Any]]:
    yield from session.execute(
        select(
            AuditLink.position,
            AuditLink.event_id,
            AuditLink.hash,
            AuditLink.at.label("linked_at"),
            AuditEvent.id,
            AuditEvent.code,
            *(getattr(AuditEvent, name) for name in _SAID),
        )
        .outerjoin(AuditEvent, AuditEvent.id == AuditLink.event_id)
        .where(AuditLink.position > after)
        .order_by(AuditLink.position)
        .execution_options(yield_per=1000)
    )


def _unlinked(session: Session) -> Iterator[Row[Any]]:
    yield from session.execute(
        _events().where(AuditLink.event_id.is_(None)).order_by(AuditEvent.id).execution_options(yield_per=1000)
    )


_WORDS: dict[str, Bilingual] = {
    "link_gone": Bilingual("链中缺少一环", "a link is missing"),
    "event_gone": Bilingual("记录被删除", "the event was deleted"),
    "event_changed": Bilingual("记录被改动", "the event was edited"),
    "link_changed": Bilingual("链环与记录不符", "the link does not fit its event"),
    "anchor_differs": Bilingual("与存档的链头不符", "it differs from the anchored head"),
    "end_gone": Bilingual("链尾被截去", "the end of the chain was cut off"),
    "event_uncoded": Bilingual(
        "记录没有校验码:由旧版本写入,或被人塞入",
        "the event has no code: an older version wrote it, or somebody put it in",
    ),
    "event_forged": Bilingual("记录不是本系统写入的,或被改动", "the event was not written by this service, or edited"),
    "event_unlinked": Bilingual(
        "记录久未入链,请检查定时进程", "the event has no place in the chain yet: does a scheduler run?"
    ),
}


def _break(kind: str, position: int, event_id: int) -> Break:
    return Break(position, event_id, kind, _WORDS[kind])


def known_since(head: Head, at: datetime) -> str:
    """A head as a line of the anchors' file."""
    return json.dumps({"at": at.astimezone(UTC).isoformat(), "position": head.position, "hash": head.hash.hex()})


def anchors_in(lines: Sequence[str]) -> list[Head]:
    """The heads in an anchors' file. Raises ValueError for a line that is none."""
    documents = [json.loads(line) for line in lines if line.strip()]
    try:
        return [Head(int(each["position"]), bytes.fromhex(each["hash"])) for each in documents]
    except (KeyError, TypeError) as error:
        raise ValueError("no anchor") from error
