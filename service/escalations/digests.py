"""The digest of escalations that the storm brake held back: its words in the inbox, and the list that it opens."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from service.core.errors import Bilingual, NotFound
from service.core.pagination import Cursor
from service.core.unit import Unit
from service.escalations.firing import CLOCK_NAMES, rung_name
from service.escalations.models import Escalation
from service.notifications.brake import DIGEST, HeldNotice, NoticeTally, digest_begun
from service.notifications.models import Notice
from service.notifications.telling import put_into_inbox
from service.org.tree import org_tree
from service.outbox.handlers import Payload
from service.tickets.models import Ticket
from service.tickets.repository import visible

# A digest names so many tickets, the oldest, and so many kinds, the most frequent; the list has all of them.
_NAMED = 3
_KINDS = 4


class DigestNotFound(NotFound):
    """No such digest, or somebody else's: the answer is the same."""

    zh = "找不到这份汇总。"
    en = "There is no such digest."


@dataclass(frozen=True, slots=True)
class DigestRow:
    """An escalation of a digest."""

    ticket_number: str
    title: str
    urgent: bool
    org_code: str
    org: Bilingual
    clock: str
    clock_name: Bilingual
    rung: str
    rung_name: Bilingual
    planned_at: datetime
    fired_at: datetime


@dataclass(frozen=True, slots=True)
class DigestPage:
    """A page of a digest, the oldest first: how many escalations it stands for, and how many of them are on tickets
    that the reader does not see any more."""

    id: int
    urgent: bool
    total: int
    out_of_sight: int
    rows: tuple[DigestRow, ...]
    next_cursor: str | None


def digest_page(unit: Unit, digest_id: int, *, limit: int = 50, cursor: str | None = None) -> DigestPage:
    """The escalations behind one of the actor's digests, as far as the actor sees their tickets. `limit` 1 to 200.

    Raises DigestNotFound, CursorUnreadable.
    """
    tally = unit.session.get(NoticeTally, digest_id)
    total = _total(unit, digest_id)
    if tally is None or tally.person_id != unit.actor.id or not total:
        raise DigestNotFound
    seen = (HeldNotice.tally_id == digest_id, visible(unit.actor))
    statement = (
        select(Escalation, Ticket.number, Ticket.title, Ticket.urgent)
        .join(HeldNotice, HeldNotice.escalation_id == Escalation.id)
        .join(Ticket, Ticket.id == Escalation.ticket_id)
        .where(*seen)
    )
    if cursor is not None:
        statement = statement.where(Cursor.decode(cursor).before(Escalation.planned_at, Escalation.id))
    found = unit.session.execute(statement.order_by(Escalation.planned_at, Escalation.id).limit(limit + 1)).all()
    in_sight = unit.session.scalar(
        select(func.count())
        .select_from(HeldNotice)
        .join(Escalation, Escalation.id == HeldNotice.escalation_id)
        .join(Ticket, Ticket.id == Escalation.ticket_id)
        .where(*seen)
    )
    shown, tree = found[:limit], org_tree(unit.session)
    return DigestPage(
        id=digest_id,
        urgent=tally.urgent,
        total=total,
        out_of_sight=total - (in_sight or 0),
        rows=tuple(
            DigestRow(
                ticket_number=number,
                title=title,
                urgent=urgent,
                org_code=escalation.org_code,
                org=tree.get(escalation.org_code).name,
                clock=escalation.clock_kind,
                clock_name=CLOCK_NAMES[escalation.clock_kind],
                rung=escalation.rung,
                rung_name=rung_name(escalation.rung),
                planned_at=escalation.planned_at,
                fired_at=escalation.fired_at,
            )
            for escalation, number, title, urgent in shown
        ),
        next_cursor=(Cursor(at=shown[-1][0].planned_at, id=shown[-1][0].id).encode() if len(found) > limit else None),
    )


def put_digest(unit: Unit, payload: Payload) -> None:
    """Database handler of `digest`: write the notice, or let it grow, and be unread again for it.

    Whichever of several deliveries comes last has counted last, for each counts under the lock of the tally.
    """
    tally = digest_begun(unit, int(str(payload["tally_id"])))
    key, words = f"{DIGEST}:{tally.id}", _in_words(unit, tally.id)
    put_into_inbox(
        unit,
        {
            "person_id": tally.person_id,
            "key": key,
            "ticket_number": "",
            "text_zh": words.zh,
            "text_en": words.en,
            "urgent": tally.urgent,
            "tally_id": tally.id,
        },
    )
    unit.session.execute(
        update(Notice)
        .where(Notice.person_id == tally.person_id, Notice.key == key, Notice.text_zh != words.zh)
        .values(text_zh=words.zh, text_en=words.en, read_at=None)
    )


def _in_words(unit: Unit, tally_id: int) -> Bilingual:
    """How many, of which kinds, and the numbers of the oldest. Three statements."""
    held = select(HeldNotice.escalation_id).where(HeldNotice.tally_id == tally_id)
    kinds = unit.session.execute(
        select(Escalation.clock_kind, Escalation.rung, func.count())
        .where(Escalation.id.in_(held))
        .group_by(Escalation.clock_kind, Escalation.rung)
        .order_by(func.count().desc(), Escalation.clock_kind, Escalation.rung)
    ).all()
    oldest = unit.session.scalars(
        select(Ticket.number)
        .join(Escalation, Escalation.ticket_id == Ticket.id)
        .where(Escalation.id.in_(held))
        .order_by(Escalation.planned_at, Escalation.id)
        .limit(_NAMED)
    ).all()
    total = sum(count for _, _, count in kinds)
    zh = [f"{CLOCK_NAMES[clock].zh}{rung_name(rung).zh} {count} 条" for clock, rung, count in kinds[:_KINDS]]
    en = [f"{CLOCK_NAMES[clock].en}, {rung_name(rung).en}: {count}" for clock, rung, count in kinds[:_KINDS]]
    rest = sum(count for _, _, count in kinds[_KINDS:])
    if rest:
        zh, en = [*zh, f"其他 {rest} 条"], [*en, f"others: {rest}"]
    numbers = list(dict.fromkeys(oldest))
    return Bilingual(
        f"另有 {total} 条提醒合并告知:{'、'.join(zh)}。最早的是 {'、'.join(numbers)}。",
        f"{total} more notices in one. {'; '.join(en)}. The oldest: {', '.join(numbers)}.",
    )


def _total(unit: Unit, tally_id: int) -> int:
    return unit.session.scalar(select(func.count()).where(HeldNotice.tally_id == tally_id)) or 0
