"""剔除: a union asks that a rating or a breach be left out of its score, and two people of the province decide.

One supports it, another grants it, and neither is of the union that asks. What is excluded stays where it was and is
shown with who agreed and why: only a score leaves it out (考核剔除, the hotline's rules of assessment).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import aliased

from service.core.errors import Bilingual, Conflict, Forbidden
from service.core.pagination import Cursor
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person
from service.org.tree import org_tree
from service.ratings.models import OTHER_REASONS, Rating
from service.sla.models import SlaClock
from service.tickets.concealing import concealed
from service.tickets.exclusions import Exclusion, open_exclusion
from service.tickets.messages import tell_union
from service.tickets.models import Ticket
from service.tickets.repository import find, visible
from service.tickets.states import Step
from service.tickets.steps import carry_out, take

RATING = "rating"

_Asker, _Supporter, _Decider = aliased(Person), aliased(Person), aliased(Person)


class NothingToExclude(Conflict):
    zh = "工单 {number} 没有计入本单位的此项评价或逾期。"
    en = "Ticket {number} has no such rating or breach that counts against your union."


class RatingIsTheHandlers(Conflict):
    zh = "只有原因为“政策不允许”或“诉求不合理”的评价可以申请剔除;此评价的原因属办理责任。"
    en = "Only a rating whose reason is policy or an unreasonable demand can be excluded; this one is the handler's."


class ExclusionAlreadyAsked(Conflict):
    zh = "此项已申请过剔除,每项只能申请一次。"
    en = "This was asked for already; each rating or breach is asked for once."


class ExclusionAlreadyOpen(Conflict):
    zh = "工单 {number} 已有一项剔除申请正在审核,请待其决定。"
    en = "Ticket {number} has an exclusion that waits for a decision; wait for that one first."


class NoOpenExclusion(Conflict):
    zh = "工单 {number} 没有待决定的剔除申请。"
    en = "Ticket {number} has no exclusion that waits for a decision."


class ExclusionNotSupported(Conflict):
    zh = "剔除须由两人先后同意:请先由一人审核同意,再由另一人确认。"
    en = "Two people decide one after the other: one supports it first, then another grants it."


class ExclusionAlreadySupported(Conflict):
    zh = "已有一人同意剔除,请另一人确认。"
    en = "One person has supported it; another is to grant it."


class DeciderNotAnother(Forbidden):
    zh = "剔除须由两个不同的人决定,且都不是申请人、不属于申请单位。"
    en = "Two different people decide, neither who asked nor of the union that asked."


@dataclass(frozen=True, slots=True, kw_only=True)
class AskExclusion:
    """What is to be left out: `about` is `rating` or the kind of a clock that was late; `cycle` None is the latest."""

    number: str
    about: str
    reason: str
    cycle: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideExclusion:
    """The ticket whose exclusion is decided, and what is said of it; compulsory when it is refused."""

    number: str
    note: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True)
class ExclusionView:
    """An exclusion as it stands. `verdict` is None while it waits, and then it counts as before."""

    id: int
    number: str
    title: str
    about: str
    cycle: int
    org_code: str
    org: Bilingual
    reason: str
    asked_by: str
    asked_at: datetime
    supported_by: str | None
    supported_at: datetime | None
    support_note: str
    verdict: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision_note: str
    rating_id: int | None
    clock_id: int | None


@dataclass(frozen=True, slots=True)
class ExclusionPage:
    """A page of the list, and the cursor of the next one if there is more."""

    exclusions: tuple[ExclusionView, ...]
    next_cursor: str | None


def ask_exclusion(unit: Unit, command: AskExclusion) -> Ticket:
    """Ask that a rating or breach of one's own union be left out of its score, once for each.

    Raises ExclusionAlreadyOpen, NothingToExclude, RatingIsTheHandlers, ExclusionAlreadyAsked and the refusals of
    `take`.
    """
    ticket = take(unit, command.number, Step.ask_exclusion, version=command.version)
    if open_exclusion(unit, ticket) is not None:
        raise ExclusionAlreadyOpen(number=ticket.number)
    rating = _rating(unit, ticket, command.cycle) if command.about == RATING else None
    clock = _breach(unit, ticket, command.about, command.cycle) if command.about != RATING else None
    found = rating or clock
    # What counts against the province would be decided by those who answer for it.
    if found is None or unit.actor.org_code == PROVINCE_CODE or unit.actor.id is None:
        raise NothingToExclude(number=ticket.number)
    if rating is not None and rating.reason not in OTHER_REASONS:
        raise RatingIsTheHandlers
    same = Exclusion.rating_id == rating.id if rating is not None else Exclusion.clock_id == found.id
    if unit.session.scalar(select(Exclusion.id).where(same)) is not None:
        raise ExclusionAlreadyAsked
    unit.session.add(
        Exclusion(
            ticket_id=ticket.id,
            rating_id=rating.id if rating else None,
            clock_id=clock.id if clock else None,
            org_code=unit.actor.org_code,
            reason=concealed(unit, ticket, command.reason),
            asked_by=unit.actor.id,
            asked_at=unit.now,
        )
    )
    data = {"about": command.about, "round": found.cycle}
    carry_out(unit, ticket, Step.ask_exclusion, note=command.reason, data=data)
    _tell(unit, ticket, ("supervisor", "dispatcher"), "申请剔除,请审核", "an exclusion is asked for", occasion="asked")
    return ticket


def support_exclusion(unit: Unit, command: DecideExclusion) -> Ticket:
    """Support an exclusion: the first word of two. Raises NoOpenExclusion, DeciderNotAnother,
    ExclusionAlreadySupported and the refusals of `take`."""
    ticket = take(unit, command.number, Step.support_exclusion, version=command.version)
    exclusion = _to_decide(unit, ticket)
    if exclusion.supported_by is not None:
        raise ExclusionAlreadySupported
    exclusion.supported_by, exclusion.supported_at = unit.actor.id, unit.now
    exclusion.support_note = concealed(unit, ticket, command.note)
    carry_out(unit, ticket, Step.support_exclusion, note=command.note)
    audience = ("supervisor", "dispatcher")
    _tell(unit, ticket, audience, "剔除申请待另一人确认", "an exclusion waits for a second word", occasion="supported")
    return ticket


def exclude(unit: Unit, command: DecideExclusion) -> Ticket:
    """Grant an exclusion that another supported: from now on a score leaves it out. Raises NoOpenExclusion,
    DeciderNotAnother, ExclusionNotSupported and the refusals of `take`."""
    ticket = take(unit, command.number, Step.exclude, version=command.version)
    exclusion = _to_decide(unit, ticket)
    if exclusion.supported_by is None:
        raise ExclusionNotSupported
    _decide(unit, ticket, exclusion, Step.exclude, "granted", command.note)
    return ticket


def keep_counted(unit: Unit, command: DecideExclusion) -> Ticket:
    """Refuse an exclusion, before or after it was supported: it counts as before. Raises NoOpenExclusion,
    DeciderNotAnother and the refusals of `take`."""
    ticket = take(unit, command.number, Step.keep_counted, version=command.version)
    _decide(unit, ticket, _to_decide(unit, ticket), Step.keep_counted, "refused", command.note)
    return ticket


def exclusion_queue(unit: Unit, *, limit: int = 50, cursor: str | None = None) -> ExclusionPage:
    """The exclusions that wait for this actor's word, the oldest first. `limit` 1 to 200. Raises CursorUnreadable."""
    wanted = [
        Exclusion.verdict.is_(None),
        Exclusion.asked_by != unit.actor.id,
        Exclusion.supported_by.is_distinct_from(unit.actor.id),
        Exclusion.org_code != unit.actor.org_code,
    ]
    if cursor is not None:
        wanted.append(Cursor.decode(cursor).before(Exclusion.asked_at, Exclusion.id))
    statement = _views().where(visible(unit.actor), *wanted)
    found = _read(unit, statement.order_by(Exclusion.asked_at, Exclusion.id).limit(limit + 1))
    shown, more = found[:limit], len(found) > limit
    last = shown[-1] if more else None
    return ExclusionPage(
        exclusions=tuple(shown), next_cursor=Cursor(at=last.asked_at, id=last.id).encode() if last else None
    )


def exclusions_of(unit: Unit, number: str) -> tuple[ExclusionView, ...]:
    """Every exclusion of a ticket, the oldest first. Raises TicketNotFound."""
    ticket = find(unit, number, "exclusions")
    return tuple(_read(unit, _views().where(Exclusion.ticket_id == ticket.id).order_by(Exclusion.id)))


def excluded_among(unit: Unit, ticket_ids: Sequence[int]) -> tuple[ExclusionView, ...]:
    """What was left out of scores on these tickets, for whoever shows them."""
    if not ticket_ids:
        return ()
    among = Exclusion.ticket_id.in_(sorted(set(ticket_ids)))
    return tuple(_read(unit, _views().where(among, Exclusion.verdict == "granted").order_by(Exclusion.id)))


def _to_decide(unit: Unit, ticket: Ticket) -> Exclusion:
    exclusion = open_exclusion(unit, ticket)
    if exclusion is None:
        raise NoOpenExclusion(number=ticket.number)
    spoken = {exclusion.asked_by, exclusion.supported_by}
    if unit.actor.id is None or unit.actor.id in spoken or unit.actor.org_code == exclusion.org_code:
        raise DeciderNotAnother
    return exclusion


def _decide(unit: Unit, ticket: Ticket, exclusion: Exclusion, step: Step, verdict: str, note: str) -> None:
    exclusion.verdict, exclusion.decided_by, exclusion.decided_at = verdict, unit.actor.id, unit.now
    exclusion.decision_note = concealed(unit, ticket, note)
    carry_out(unit, ticket, step, note=note)
    zh, en = ("已剔除", "was excluded") if verdict == "granted" else ("不予剔除", "is not excluded")
    audience = ("handler", "leader")
    _tell(unit, ticket, audience, f"剔除申请{zh}", f"it {en}", occasion=verdict, org_code=exclusion.org_code)


def _rating(unit: Unit, ticket: Ticket, cycle: int | None) -> Rating | None:
    wanted = [Rating.ticket_id == ticket.id, Rating.org_code == unit.actor.org_code, Rating.satisfaction.is_not(None)]
    if cycle is not None:
        wanted.append(Rating.cycle == cycle)
    return unit.session.scalars(select(Rating).where(*wanted).order_by(Rating.cycle.desc()).limit(1)).one_or_none()


def _breach(unit: Unit, ticket: Ticket, kind: str, cycle: int | None) -> SlaClock | None:
    wanted = [
        SlaClock.ticket_id == ticket.id,
        SlaClock.kind == kind,
        SlaClock.org_code == unit.actor.org_code,
        SlaClock.breached_at.is_not(None),
    ]
    if cycle is not None:
        wanted.append(SlaClock.cycle == cycle)
    return unit.session.scalars(select(SlaClock).where(*wanted).order_by(SlaClock.id.desc()).limit(1)).one_or_none()


def _views() -> Select[Any]:
    return (
        select(
            Exclusion,
            Ticket.number,
            Ticket.title,
            SlaClock.kind,
            SlaClock.cycle,
            Rating.cycle,
            _Asker.username,
            _Supporter.username,
            _Decider.username,
        )
        .join(Ticket, Ticket.id == Exclusion.ticket_id)
        .join(_Asker, _Asker.id == Exclusion.asked_by)
        .outerjoin(SlaClock, SlaClock.id == Exclusion.clock_id)
        .outerjoin(Rating, Rating.id == Exclusion.rating_id)
        .outerjoin(_Supporter, _Supporter.id == Exclusion.supported_by)
        .outerjoin(_Decider, _Decider.id == Exclusion.decided_by)
    )


def _read(unit: Unit, statement: Select[Any]) -> list[ExclusionView]:
    tree = org_tree(unit.session)
    return [
        ExclusionView(
            id=row.id,
            number=number,
            title=title,
            about=kind or RATING,
            cycle=clock_cycle or rating_cycle,
            org_code=row.org_code,
            org=tree.get(row.org_code).name,
            reason=row.reason,
            asked_by=asker,
            asked_at=row.asked_at,
            supported_by=supporter,
            supported_at=row.supported_at,
            support_note=row.support_note,
            verdict=row.verdict,
            decided_by=decider,
            decided_at=row.decided_at,
            decision_note=row.decision_note,
            rating_id=row.rating_id,
            clock_id=row.clock_id,
        )
        for row, number, title, kind, clock_cycle, rating_cycle, asker, supporter, decider in unit.session.execute(
            statement
        )
    ]


def _tell(
    unit: Unit, ticket: Ticket, audience: tuple[str, ...], zh: str, en: str, *, occasion: str, org_code: str = ""
) -> None:
    tell_union(
        unit,
        ticket,
        audience,
        Bilingual(f"{zh}:工单 {ticket.number}", f"Ticket {ticket.number}: {en}"),
        occasion=f"exclusion_{occasion}",
        org_code=org_code,
    )
