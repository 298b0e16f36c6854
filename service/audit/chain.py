"""The chain over the audit: that nothing in it was edited, taken out or put in, whoever did it.

An event carries a code that only who holds the key can make (HMAC-SHA-256 over all it says), from the moment it is
written. A moment later the scheduler that leads gives it a place in the chain: each link's hash is made over the hash
before and the event, so that one event can't be changed without all that came after, and none of it without the key,
which the database does not have. Places follow the order in which events became visible, not their ids: no two
people's steps wait for each other for the sake of the chain.

A key counts for its own time: what was written an hour after the keys were rotated to a newer one and bears the code of
an older one was not written by this service, though somebody has that key (docs/adr/0031).

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

from service.audit.keys import audit_keys, lost_audit_keys
from service.audit.models import AuditEvent, AuditLink
from service.core.db import AdvisoryLock, copy_in
from service.core.errors import Bilingual
from service.core.unit import Unit

# The action by which keys are retired.
ROTATION = "keys:rotate"
# What the chain begins with.
GENESIS = bytes(32)
# No transaction of ours lives that long: an event whose id lies before one linked so long ago has its place.
_SETTLED = timedelta(hours=1)
# After a rotation a key of before is taken for so long, for what was under way with it.
_OVERLAP = timedelta(hours=1)
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


@dataclass(frozen=True, slots=True)
class _Key:
    """A key and the instant up to which it counts; None: as long as it is in the ring."""

    secret: bytes
    until: datetime | None

    def counts_at(self, instant: datetime) -> bool:
        return self.until is None or instant <= self.until


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
    session = unit.session
    keys = [key for key in _keys(unit) if key.counts_at(unit.now)]
    session.execute(select(func.pg_advisory_xact_lock(int(AdvisoryLock.audit))))
    head = head_of(session)
    events = session.execute(_events().where(AuditLink.event_id.is_(None), which).order_by(AuditEvent.id).limit(limit))
    links = []
    for event in events.all():
        if event.code is None or _coder(keys, event):
            head = Head(head.position + 1, _next(unit.vault.audit_key, head, event, unit.now))
            links.append({"position": head.position, "event_id": event.id, "hash": head.hash, "at": unit.now})
    copy_in(session, AuditLink, links)
    return len(links)


def _keys(unit: Unit) -> list[_Key]:
    """The keys, the newest first; the order is the caller's to change. That they were rotated stands in the audit
    itself, under the newer key's code."""
    keys = audit_keys(unit)
    rotations = unit.session.execute(
        _events().where(
            AuditEvent.subject.in_([rotation_to(version) for version in keys]),
            AuditEvent.action.endswith(f":{ROTATION}"),
        )
    )
    rotated = [
        (version, event.at)
        for event in rotations
        for version, key in keys.items()
        if event.subject == rotation_to(version) and event.code == code_of(key, event._mapping)
    ]
    return [
        _Key(key, min((at + _OVERLAP for newer, at in rotated if newer > version), default=None))
        for version, key in reversed(keys.items())
    ]


def rotation_to(version: int) -> str:
    """What an event of the action ROTATION is about."""
    return f"key {version}"


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
    keys, end = _keys(unit), head_of(unit.session)
    first = max(0, end.position - newest) if newest is not None else 0
    breaks = [_break("key_lost", 0, version) for version in lost_audit_keys(unit)]
    before = _at(unit.session, first)
    latest: datetime | None = None
    expected = {anchor.position: anchor.hash for anchor in anchors}
    links = 0
    for row in _links(unit.session, after=first):
        if row.position != before.position + 1:
            breaks.append(_break("link_gone", before.position + 1, 0))
        elif row.id is None:
            breaks.append(_break("event_gone", row.position, row.event_id))
        else:
            # Nobody dates a link back: it can't be older than the one before it.
            latest = max(latest or row.linked_at, row.linked_at)
            if kind := _wrong(keys, before, row, latest):
                breaks.append(_break(kind, row.position, row.event_id))
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
        elif (coder := _coder(keys, row)) is None:
            breaks.append(_break("event_forged", 0, row.id))
        elif not coder.counts_at(unit.now):
            breaks.append(_break("key_retired", 0, row.id))
        elif row.at < unit.now - LINKED_WITHIN:
            breaks.append(_break("event_unlinked", 0, row.id))
    return Verified(end, links, unlinked, breaks)


def _wrong(keys: list[_Key], before: Head, row: Row[Any], at: datetime) -> str | None:
    """What is wrong with a link that has its event and was made at this instant, if anything is."""
    coder, linker = _coder(keys, row) if row.code is not None else None, _linker(keys, before, row)
    if row.code is not None and coder is None:
        return "event_changed"
    if linker is None:
        return "link_changed"
    return None if all(key.counts_at(at) for key in (coder, linker) if key) else "key_retired"


def _next(key: bytes, before: Head, event: Row[Any], linked_at: datetime | None) -> bytes:
    """The hash of a link made at that instant; the first version left it out, and its links stand as they are."""
    adopted = b"" if event.code is not None else b"adopted"
    instant = b"" if linked_at is None else linked_at.astimezone(UTC).isoformat(timespec="microseconds").encode()
    return hmac.new(key, before.hash + code_of(key, event._mapping) + adopted + instant, hashlib.sha256).digest()


def _coder(keys: list[_Key], event: Row[Any]) -> _Key | None:
    return _maker(keys, lambda key: event.code == code_of(key, event._mapping))


def _linker(keys: list[_Key], before: Head, event: Row[Any]) -> _Key | None:
    return _maker(
        keys, lambda key: event.hash in (_next(key, before, event, event.linked_at), _next(key, before, event, None))
    )


def _maker(keys: list[_Key], made_it: Callable[[bytes], bool]) -> _Key | None:
    """Which of the keys made it. That one is tried first for the next: what is of one time has one key."""
    for place, key in enumerate(keys):
        if made_it(key.secret):
            keys.insert(0, keys.pop(place))
            return key
    return None


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
    "key_retired": Bilingual(
        "用已停用的密钥写入:有进程仍在用旧密钥,或有人伪造",
        "made with a key that was retired: a process still works with it, or somebody forged this",
    ),
    "key_lost": Bilingual(
        "审计密钥打不开(编号为其版本),用它写的记录无法核对",
        "an audit key (by its version) does not open: what it coded can't be verified",
    ),
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
