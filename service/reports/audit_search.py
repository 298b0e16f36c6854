"""审计查询: who did what, for auditors over everything, for supervisors the looks at tickets of their scope."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, false, func, literal, or_, select, text, tuple_

from service.audit.anchoring import ANCHORED
from service.audit.chain import Verified, head_of, verify_chain
from service.audit.looking import AUDIT_SEARCH, looked
from service.audit.models import AuditEvent, AuditLink
from service.audit.recording import record
from service.core.clock import local
from service.core.errors import Bilingual, Conflict, Forbidden
from service.core.ids import TICKET_NUMBER
from service.core.pagination import Cursor
from service.core.spreadsheet import as_csv
from service.core.unit import PROVINCE_CODE, ActorKind, Unit
from service.identity.models import Person
from service.identity.permissions import Permission
from service.org.tree import OrgTree, org_tree
from service.reports.audit_words import GROUP_OF, actions_of, facts_of, name_of
from service.tickets.looks import OF_ONE, OF_SEVERAL, is_one_of, listed
from service.tickets.models import Ticket
from service.tickets.repository import in_subtree, visible
from service.tickets.search_record import said, said_under_any_key

MOST_EXPORTED = 100_000
# Looked at from the console and the API: a second or two. `hotline audit verify` looks at all of it.
VERIFIED_AT_ONCE = 20_000
VERIFIED = "audit:verify"
_SUBJECT = "audit"
# An anchor is made each day: one older than this is no news.
_ANCHOR_DAYS = 40


class NotForTheAudit(Forbidden):
    """The audit is read by auditors; who watches over tickets sees the looks at theirs."""

    zh = "审计记录只对审计员开放;督办员只能看到本单位范围内工单的查看记录。"
    en = "The audit is for auditors; who watches over tickets sees the looks at those in scope."


class TooManyEvents(Conflict):
    """More events than a file takes."""

    zh = "符合条件的记录超过 {most} 条,请缩小时间范围后再导出。"
    en = "More than {most} events fit; narrow the time and export again."


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which events; everything given has to hold.

    who: a user name. org: a union's code, for its subtree. action: as `ticket:read`; group: of audit_words.GROUPS.
    subject: a ticket's number also finds lists that it stands in. word: what somebody typed into a search, asked by
    its code. start is included, end is not; aware. limit 1 to 200.
    """

    who: str | None = None
    org: str | None = None
    action: str | None = None
    group: str | None = None
    subject: str | None = None
    word: str | None = None
    correlation_id: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """An event in words. `kind` is person, worker or system; `position` its place in the chain, None while it waits."""

    id: int
    at: datetime
    kind: str
    username: str
    name: str
    org_code: str
    org: Bilingual
    action: str
    group: str | None
    title: Bilingual
    subject: str
    facts: tuple[Bilingual, ...]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    correlation_id: str
    position: int | None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """A page of events, the newest first."""

    entries: tuple[AuditEntry, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class ChainState:
    """How the chain stands: its head, what waits for a place, the last anchor and the last verification."""

    position: int
    hash: str
    waiting: int
    anchored_at: datetime | None
    anchored_position: int | None
    verified_at: datetime | None
    verified_by: str | None
    verified_links: int | None
    verified_breaks: int | None


def search_audit(unit: Unit, query: AuditQuery) -> AuditPage:
    """The events that fit, the newest first; that they were looked for is on record too.

    Raises NotForTheAudit, UnionUnknown, CursorUnreadable.
    """
    statement = _found(unit, query)
    if query.cursor is not None:
        after = Cursor.decode(query.cursor)
        statement = statement.where(tuple_(literal(after.at), literal(after.id)) > _PLACE)
    rows = unit.session.execute(statement.limit(query.limit + 1)).all()
    shown, tree = rows[: query.limit], org_tree(unit.session)
    last = shown[-1] if len(rows) > query.limit else None
    looked(unit, AUDIT_SEARCH, subject=str(len(shown)), query=_asked(unit, query))
    return AuditPage(
        entries=tuple(_entry(row, tree) for row in shown),
        next_cursor=Cursor(at=last.at, id=last.id).encode() if last else None,
    )


def export_audit(unit: Unit, query: AuditQuery, *, reason: str) -> bytes:
    """The events that fit as CSV, at most MOST_EXPORTED; who took them, when, why and how many is on record.

    Raises NotForTheAudit, UnionUnknown, TooManyEvents.
    """
    rows = unit.session.execute(_found(unit, query).limit(MOST_EXPORTED + 1)).all()
    if len(rows) > MOST_EXPORTED:
        raise TooManyEvents(most=f"{MOST_EXPORTED:,}")
    tree = org_tree(unit.session)
    told = (
        (),
        ("导出人", f"{unit.actor.name} {unit.actor.org_code}"),
        ("导出时间 (+08:00)", _shown(unit.now)),
        ("导出理由", reason),
    )
    content = as_csv(_HEADER, chain((_line(_entry(row, tree)) for row in rows), told))
    record(unit, "audit:export", subject=str(len(rows)), after={"reason": reason, "query": _asked(unit, query)})
    return content


def chain_state(unit: Unit) -> ChainState:
    """How the chain stands. Raises NotForTheAudit."""
    _check_auditor(unit)
    head = head_of(unit.session)
    waiting = unit.session.scalar(
        select(func.count())
        .select_from(AuditEvent)
        .outerjoin(AuditLink, AuditLink.event_id == AuditEvent.id)
        # The newest alone can wait; the rest of the table is not looked through.
        .where(AuditLink.event_id.is_(None), AuditEvent.at > unit.now - timedelta(days=1))
    )
    days = [f"{local(unit.now) - timedelta(days=back):%Y-%m-%d}" for back in range(_ANCHOR_DAYS)]
    anchor = _newest(unit, ANCHORED, days)
    verified = _newest(unit, VERIFIED, [_SUBJECT])
    return ChainState(
        position=head.position,
        hash=head.hash.hex(),
        waiting=waiting or 0,
        anchored_at=anchor.at if anchor else None,
        anchored_position=anchor.after["position"] if anchor else None,
        verified_at=verified.at if verified else None,
        verified_by=verified.actor_name if verified else None,
        verified_links=verified.after["links"] if verified else None,
        verified_breaks=verified.after["breaks"] if verified else None,
    )


def verify_newest(unit: Unit) -> Verified:
    """Look at the newest part of the chain, and put on record that and what was found. Raises NotForTheAudit."""
    _check_auditor(unit)
    found = verify_chain(unit, newest=VERIFIED_AT_ONCE)
    record_verification(unit, found)
    return found


def record_verification(unit: Unit, found: Verified) -> None:
    """That somebody looked at the chain, and what they found."""
    record(unit, VERIFIED, subject=_SUBJECT, after={"links": found.links, "breaks": len(found.breaks)})


def _newest(unit: Unit, action: str, subjects: list[str]) -> Row[Any] | None:
    return unit.session.execute(
        select(AuditEvent.at, AuditEvent.actor_name, AuditEvent.after)
        .where(AuditEvent.subject.in_(subjects), is_one_of([action]))
        .order_by(AuditEvent.id.desc())
        .limit(1)
    ).one_or_none()


_PLACE = tuple_(AuditEvent.at, AuditEvent.id)


def _found(unit: Unit, query: AuditQuery) -> Select[Any]:
    statement = (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.actor_name,
            func.coalesce(Person.display_name, AuditEvent.actor_name).label("name"),
            AuditEvent.actor_org,
            AuditEvent.action,
            AuditEvent.subject,
            AuditEvent.before,
            AuditEvent.after,
            AuditEvent.correlation_id,
            AuditLink.position,
        )
        .outerjoin(Person, Person.id == AuditEvent.actor_id)
        .outerjoin(AuditLink, AuditLink.event_id == AuditEvent.id)
        .where(_within_reach(unit), *_conditions(unit, query))
    )
    return statement.order_by(AuditEvent.at.desc(), AuditEvent.id.desc())


def _within_reach(unit: Unit) -> ColumnElement[bool]:
    """Auditors read what people of their subtree did, at the centre everything; who watches over tickets the looks at
    those in scope."""
    actor = unit.actor
    if actor.kind is ActorKind.system or (actor.may(Permission.audit_read) and actor.org_code == PROVINCE_CODE):
        return literal(value=True)
    if actor.may(Permission.audit_read):
        return in_subtree(AuditEvent.actor_org, actor.scope)
    if actor.may(Permission.look_read):
        in_scope = select(Ticket.number).where(Ticket.number == AuditEvent.subject, visible(actor)).exists()
        return and_(is_one_of(OF_ONE), in_scope)
    raise NotForTheAudit


def _check_auditor(unit: Unit) -> None:
    if not unit.actor.may(Permission.audit_read):
        raise NotForTheAudit


def _conditions(unit: Unit, query: AuditQuery) -> Iterator[ColumnElement[bool]]:
    if query.who is not None:
        yield AuditEvent.actor_name == query.who.strip().lower()
    if query.org is not None:
        yield in_subtree(AuditEvent.actor_org, org_tree(unit.session).get(query.org).scope)
    if query.action is not None:
        yield is_one_of([query.action])
    if query.group is not None:
        yield is_one_of(actions_of(query.group))
    if query.subject is not None:
        subject = query.subject.strip()
        named = AuditEvent.subject == subject
        yield or_(named, and_(listed(subject), is_one_of(OF_SEVERAL))) if TICKET_NUMBER.match(subject) else named
    if query.word is not None:
        yield or_(*(_typed(words) for words in said_under_any_key(unit, query.word)))
    if query.correlation_id is not None:
        yield AuditEvent.correlation_id == query.correlation_id.strip()
    if query.start is not None:
        yield AuditEvent.at >= query.start
    if query.end is not None:
        yield AuditEvent.at < query.end


def _typed(words: list[str]) -> ColumnElement[bool]:
    """Whether somebody typed all of these into a search, a phone also at intake."""
    if not words:
        return false()
    places = [{"query": {name: words}} for name in ("q", "number", "employer")]
    return and_(
        text("after ? 'tickets'"),
        or_(*(AuditEvent.after.contains(place) for place in (*places, {"phone": words}))),
    )


def _asked(unit: Unit, query: AuditQuery) -> dict[str, Any]:
    given = {name: getattr(query, name) for name in AuditQuery.__slots__ if name not in {"limit", "cursor"}}
    kept = {name: value for name, value in given.items() if value is not None}
    # As in the searches it asks for: what was typed may name somebody.
    return {name: said(unit, value) if name == "word" else str(value) for name, value in kept.items()}


def _entry(row: Row[Any], tree: OrgTree) -> AuditEntry:
    kind, _, action = row.action.partition(":")
    org = tree.get(row.actor_org).name if row.actor_org in tree else Bilingual("", "")
    return AuditEntry(
        id=row.id,
        at=row.at,
        kind=kind,
        username=row.actor_name,
        name=row.name,
        org_code=row.actor_org,
        org=org,
        action=action,
        group=GROUP_OF.get(action),
        title=name_of(action),
        subject=row.subject,
        facts=tuple(facts_of(row.before, row.after, tree)),
        before=row.before,
        after=row.after,
        correlation_id=row.correlation_id,
        position=row.position,
    )


_HEADER = (
    "时间 (+08:00)", "账号", "姓名", "单位代码", "单位", "事项", "代码", "对象", "内容", "流水", "链上位置",
)  # fmt: skip


def _line(entry: AuditEntry) -> list[Any]:
    return [
        _shown(entry.at),
        entry.username,
        entry.name,
        entry.org_code,
        entry.org.zh,
        entry.title.zh,
        entry.action,
        entry.subject,
        ";".join(fact.zh for fact in entry.facts),
        entry.correlation_id,
        "" if entry.position is None else entry.position,
    ]


def _shown(instant: datetime) -> str:
    return f"{local(instant):%Y-%m-%d %H:%M:%S}"
