"""Beside the intake form while it is filled in: the caller's earlier tickets, possible duplicates, and suggestions.

The centre takes every call of the province, so it looks across the province. Nothing here writes anything down: a
phone number that is only being typed leaves no caller, an employer's name no employer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, func, select, union_all

from service.audit.looking import CALLER_LOOKUP, looked
from service.core.crypto import digits_only
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.sla.rules import current_rules
from service.tickets.catalogue import current_catalogue
from service.tickets.concealing import led_to_by_caller
from service.tickets.confidentiality import Confidentiality
from service.tickets.employers import employer_of_name
from service.tickets.errors import CategoryUnknown, NotTheCentre, PermissionMissing
from service.tickets.intake import PHONE_DIGITS
from service.tickets.intake_rules import intake_rules
from service.tickets.models import Caller, Ticket
from service.tickets.repository import find, visible
from service.tickets.sealed import has_phone
from service.tickets.search_record import said
from service.tickets.states import STATE_NAMES, State
from service.tickets.suggestions import Suggested, suggest_tier, suggest_union
from service.tickets.taxonomy import leaves
from service.tickets.together import MASTERS
from service.tickets.told import COMPARED_CHARACTERS, bigrams, likeness, people_told
from sla_rules import Tier

_NAME = Bilingual("登记工单", "register a ticket")
# A matter told again after a quarter is another matter, or 重复诉求 for the figures; not a slip at intake.
WINDOW = timedelta(days=90)
MOST_EARLIER = 10
MOST_DUPLICATES = 8
# How many tickets each way of looking brings in, the newest first: what bounds the time of comparing texts.
_CANDIDATES = {"caller": 30, "employer": 60, "text": 200}

# A duplicate's score is the sum of these, 100 at most. Shown from 30: the caller alone, or employer and category
# together, or a text half of which is the same in category and place.
POINTS = {"same_caller": 35, "same_employer": 20, "same_category": 10, "same_place": 5, "similar_text": 30}
SHOWN_FROM = 30
# Below this two texts have in common what all appeals have in common.
_ALIKE_FROM = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class AskAssist:
    """What stands in the form so far; anything may be missing. `text` is title and body."""

    phone: str = ""
    employer: str = ""
    category_code: str = ""
    place_code: str = ""
    text: str = ""
    kind: str = ""
    channel: str = "phone"
    people_count: int | None = None
    filled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EarlierTicket:
    """Enough of a ticket to ask the caller "is it this one?"; nobody's name."""

    number: str
    title: str
    state: State
    category: Bilingual
    holder: Bilingual
    received_at: datetime

    @property
    def state_name(self) -> Bilingual:
        """The state in words."""
        return Bilingual(*STATE_NAMES[self.state])


@dataclass(frozen=True, slots=True)
class Likeness:
    """One reason why two tickets may be one matter, and the points it gives."""

    code: str
    points: int


@dataclass(frozen=True, slots=True)
class PossibleDuplicate:
    """A ticket that may be the same matter. `score` is the sum of its reasons' points, at most 100."""

    ticket: EarlierTicket
    score: int
    reasons: tuple[Likeness, ...]


@dataclass(frozen=True, slots=True)
class Assistance:
    """What the agent is shown. `demanded` are the fields this category needs, `missing` those still to be asked."""

    earlier: tuple[EarlierTicket, ...]
    earlier_count: int
    duplicates: tuple[PossibleDuplicate, ...]
    tier: Suggested | None
    union: Suggested | None
    people_told: int | None
    demanded: tuple[str, ...]
    missing: tuple[str, ...]


def assist(unit: Unit, query: AskAssist) -> Assistance:
    """Everything the form's neighbour shows. Six statements at most, and at most 290 texts compared.

    Raises PermissionMissing, NotTheCentre, CategoryUnknown, UnionUnknown.
    """
    if not unit.actor.may(Permission.ticket_create):
        raise PermissionMissing(step=_NAME)
    if unit.actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=_NAME)
    if query.category_code and query.category_code not in leaves(unit.session):
        raise CategoryUnknown(code=query.category_code)
    caller_id = _caller_id(unit, query.phone)
    employer_id = employer_of_name(unit, query.employer) if query.employer.strip() else None
    earlier, count = _earlier(unit, caller_id)
    if len(digits_only(query.phone)) in PHONE_DIGITS:
        seen = [each.number for each in earlier]
        looked(unit, CALLER_LOOKUP, subject=str(count), phone=said(unit, digits_only(query.phone)), tickets=seen)
    tier = _tier(unit, query)
    demanded = intake_rules().demanded(category_code=query.category_code, kind=query.kind, channel=query.channel)
    return Assistance(
        earlier=earlier,
        earlier_count=count,
        duplicates=_duplicates(unit, query, caller_id, employer_id)[:MOST_DUPLICATES],
        tier=tier,
        union=_union(unit, query, tier),
        people_told=people_told(query.text),
        demanded=demanded if query.category_code else (),
        missing=tuple(name for name in demanded if name not in query.filled) if query.category_code else (),
    )


@dataclass(frozen=True, slots=True)
class Companions:
    """Tickets that may belong to one: the same matter told again, and what else is open about the employer."""

    duplicates: tuple[PossibleDuplicate, ...]
    of_employer: tuple[EarlierTicket, ...]


def companions(unit: Unit, number: str) -> Companions:
    """What a ticket may be merged into or grouped with, among those open in one's scope, likeliest first.

    Outside the centre the caller is not compared: whose ticket it is could be told by that. Raises TicketNotFound.
    """
    ticket = find(unit, number, "group")
    query = AskAssist(
        category_code=ticket.category_code, place_code=ticket.place_code, text=f"{ticket.title}\n{ticket.body}"
    )
    at_the_centre = unit.actor.org_code == PROVINCE_CODE
    confided = ticket.confidentiality == Confidentiality.intake_only
    compared = at_the_centre and (not confided or unit.actor.may(Permission.caller_reveal_confided))
    caller_id = ticket.caller_id if compared else None
    alike = _duplicates(unit, query, caller_id, ticket.employer_id)
    duplicates = tuple(each for each in alike if each.ticket.number != number and each.ticket.state in MASTERS)
    known = {each.ticket.number for each in duplicates} | {number}
    rows = unit.session.execute(
        select(*_SHOWN)
        .where(Ticket.employer_id == ticket.employer_id, Ticket.state.in_(MASTERS), visible(unit.actor))
        .order_by(Ticket.received_at.desc())
        .limit(MOST_DUPLICATES + MOST_EARLIER)
    )
    others = tuple(_shown(unit, row) for row in rows if row.number not in known)
    return Companions(duplicates=duplicates[:MOST_DUPLICATES], of_employer=others[:MOST_EARLIER])


def _caller_id(unit: Unit, phone: str) -> int | None:
    digits = digits_only(phone)
    if len(digits) not in PHONE_DIGITS:
        return None
    return unit.session.scalar(select(func.min(Caller.id)).where(has_phone(unit.vault, digits)))


def _earlier(unit: Unit, caller_id: int | None) -> tuple[tuple[EarlierTicket, ...], int]:
    if caller_id is None:
        return (), 0
    rows = unit.session.execute(
        select(*_SHOWN, func.count().over().label("total"))
        .where(Ticket.caller_id == caller_id, visible(unit.actor), led_to_by_caller(unit))
        .order_by(Ticket.received_at.desc(), Ticket.id.desc())
        .limit(MOST_EARLIER)
    ).all()
    return tuple(_shown(unit, row) for row in rows), rows[0].total if rows else 0


def _tier(unit: Unit, query: AskAssist) -> Suggested | None:
    if not query.category_code and not query.text.strip():
        return None
    return suggest_tier(
        leaves(unit.session).get(query.category_code),
        query.text,
        people_count=query.people_count,
        collective_from=current_rules(unit.session).policy.limits.collective_threshold,
    )


def _union(unit: Unit, query: AskAssist, tier: Suggested | None) -> Suggested | None:
    if not query.place_code:
        return None
    return suggest_union(
        org_tree(unit.session),
        place_code=query.place_code,
        category_code=query.category_code,
        text=query.text,
        tier=Tier(tier.value) if tier and tier.value else None,
        catalogue=current_catalogue(unit.session),
    )


_SHOWN = (Ticket.number, Ticket.title, Ticket.state, Ticket.category_code, Ticket.holder_code, Ticket.received_at)
_COMPARED = (
    *_SHOWN,
    Ticket.id,
    Ticket.employer_id,
    Ticket.place_code,
    func.left(Ticket.body, COMPARED_CHARACTERS).label("body"),
)


def _duplicates(
    unit: Unit, query: AskAssist, caller_id: int | None, employer_id: int | None
) -> tuple[PossibleDuplicate, ...]:
    text = bigrams(query.text)
    ways: list[Select[Any]] = []
    if caller_id is not None:
        ways.append(_candidates(unit, "caller", Ticket.caller_id == caller_id, led_to_by_caller(unit)))
    if employer_id is not None and query.category_code:
        ways.append(
            _candidates(
                unit, "employer", Ticket.employer_id == employer_id, Ticket.category_code == query.category_code
            )
        )
    if text:
        same = [Ticket.category_code == query.category_code] if query.category_code else []
        ways.append(_candidates(unit, "text", *same))
    if not ways:
        return ()
    rows = {row.id: row for row in unit.session.execute(union_all(*(select(way.subquery()) for way in ways)))}
    found = [
        PossibleDuplicate(ticket=_shown(unit, row), score=sum(reason.points for reason in reasons), reasons=reasons)
        for row in rows.values()
        if (reasons := _reasons(row, query, caller_id, employer_id, text))
    ]
    likely = [entry for entry in found if entry.score >= SHOWN_FROM]
    likely.sort(key=lambda entry: (-entry.score, -entry.ticket.received_at.timestamp()))
    return tuple(likely)


def _candidates(unit: Unit, way: str, *conditions: ColumnElement[bool]) -> Select[Any]:
    return (
        select(*_COMPARED, case((led_to_by_caller(unit), Ticket.caller_id)).label("caller_id"))
        .where(*conditions, Ticket.received_at > unit.now - WINDOW, visible(unit.actor))
        .order_by(Ticket.received_at.desc())
        .limit(_CANDIDATES[way])
    )


def _reasons(
    row: Row[Any], query: AskAssist, caller_id: int | None, employer_id: int | None, text: frozenset[str]
) -> tuple[Likeness, ...]:
    alike = likeness(text, bigrams(f"{row.title}{row.body}"))
    holds = {
        "same_caller": caller_id is not None and row.caller_id == caller_id,
        "same_employer": employer_id is not None and row.employer_id == employer_id,
        "same_category": row.category_code == query.category_code,
        "same_place": row.place_code == query.place_code,
        "similar_text": alike >= _ALIKE_FROM,
    }
    return tuple(
        Likeness(code, round(POINTS[code] * alike) if code == "similar_text" else POINTS[code])
        for code, held in holds.items()
        if held
    )


def _shown(unit: Unit, row: Row[Any]) -> EarlierTicket:
    return EarlierTicket(
        number=row.number,
        title=row.title,
        state=State(row.state),
        category=leaves(unit.session)[row.category_code].whole,
        holder=org_tree(unit.session).get(row.holder_code).name,
        received_at=row.received_at,
    )
