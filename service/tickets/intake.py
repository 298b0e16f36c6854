"""Intake (登记、受理): from a call or message to a ticket with a number, a query code and a running promise."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

from sqlalchemy import TextClause, select
from sqlalchemy.orm import Session

from service.audit.recording import record
from service.core.clock import local
from service.core.crypto import digits_only
from service.core.db import insert_text
from service.core.errors import Bilingual
from service.core.ids import new_query_code
from service.core.personal import is_identity_number
from service.core.unit import PROVINCE_CODE, ActorKind, Unit
from service.org.tree import org_tree
from service.sla import clocks
from service.sla.rules import current_rules
from service.tickets import drafts, links
from service.tickets.concealing import conceal, concealed, keep_apart
from service.tickets.confidentiality import Confidentiality
from service.tickets.employers import hold_employer
from service.tickets.errors import (
    CallerHasNoPhone,
    CategoryUnknown,
    IdempotencyKeyReused,
    IdNumberUnreadable,
    NotTheCentre,
    PermissionMissing,
    PhoneUnreadable,
    ReceivedOutOfRange,
    RequiredFieldsMissing,
    TierReasonMissing,
)
from service.tickets.intake_rules import intake_rules
from service.tickets.messages import text_worker
from service.tickets.models import NUMBER_SEQUENCE, Ticket
from service.tickets.repository import find
from service.tickets.requests import void_open_requests
from service.tickets.sealed import Told, note_caller, query_code_of, sealed_query_code
from service.tickets.states import TABLE, State, Step
from service.tickets.steps import carry_out, take, write_event
from service.tickets.suggestions import note_decision, suggest_tier
from service.tickets.taxonomy import leaves
from service.tickets.ties import TIED, tie_caller
from service.tickets.together import ask_to_follow
from service.tickets.warning import warn_of_employer, warn_of_ticket
from sla_rules import ClockKind, Tier

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# From a short number of the 12351 kind to the longest of E.164.
PHONE_DIGITS = range(5, 16)

# `QH12351-YYYYMMDD-NNNNNN`: the local day, and a sequence that makes no two intakes wait for each other. The unique
# key on (created_by, idempotency_key) is the lock between two copies of one request; without a key nothing conflicts.
_TICKET_COLUMNS = (
    "query_code_sealed", "state", "kind", "channel", "urgent", "category_code", "place_code", "title", "body",
    "caller_id", "anonymous", "confidentiality", "employer_id", "people_count", "amount_owed", "membership",
    "identity_group", "contact_way", "contact_time", "other_channels", "not_known", "received_at",
    "holder_code", "cycle", "bounces", "due_at", "half_at", "provisional", "suspended", "row_version",
    "created_by", "created_at", "idempotency_key", "idempotency_digest",
)  # fmt: skip


def _insert_ticket(repeated: str) -> TextClause:
    number = f"cast(:day as text) || lpad((nextval('{NUMBER_SEQUENCE.name}') % 1000000)::text, 6, '0')"
    then = f"on conflict {repeated} do nothing returning id, number"
    return insert_text(Ticket, _TICKET_COLUMNS, values={"number": number}, then=then)


_INSERT_TICKET = _insert_ticket("(created_by, idempotency_key)")
# What a peer system or the service itself registers was taken down by no person.
_INSERT_TICKET_OF_NOBODY = _insert_ticket("(idempotency_key) where created_by is null")


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterTicket:
    """What an agent takes down. `received_at` None means now; `phone` in any form; money in yuan.

    `id_number` and `address` are the caller's, sealed apart, and asked for only where the matter needs them.
    `people_count` None is one person of whom nobody asked. `not_known` names what the caller does not know although
    the matter demands it; `same_as` the tickets about the same matter; `follows` the closed one it takes up anew;
    `draft` the key of the draft this was.
    """

    title: str
    body: str
    kind: str
    channel: str
    category_code: str
    place_code: str
    phone: str | None = None
    caller_name: str | None = None
    id_number: str | None = None
    address: str | None = None
    employer: str | None = None
    people_count: int | None = None
    amount_owed: Decimal | None = None
    membership: str = "unknown"
    identity_group: str | None = None
    contact_way: str | None = None
    contact_time: str | None = None
    other_channels: tuple[str, ...] = ()
    not_known: tuple[str, ...] = ()
    urgent: bool = False
    anonymous: bool = False
    confidentiality: Confidentiality = Confidentiality.open
    same_as: tuple[str, ...] = ()
    follows: str | None = None
    draft: str | None = None
    received_at: datetime | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The new ticket and the code to tell the caller. `repeated` marks the answer to a repeated request."""

    ticket: Ticket
    query_code: str
    repeated: bool = False


def register_ticket(unit: Unit, command: RegisterTicket) -> Registered:
    """Register a matter. The dispatch clock starts: nobody waits without somebody being on the clock.

    The same idempotency key with the same content answers with the first ticket, with other content raises
    IdempotencyKeyReused. A name among `not_known` that was told after all is known. Raises PermissionMissing,
    NotTheCentre, CategoryUnknown, UnionUnknown, RequiredFieldsMissing, PhoneUnreadable, IdNumberUnreadable,
    CallerHasNoPhone, ReceivedOutOfRange, and for `same_as` TicketNotFound.
    """
    _check_registrar(unit)
    received_at = command.received_at or unit.now
    if not EARLIEST <= received_at <= unit.now:
        raise ReceivedOutOfRange
    _check_codes(unit.session, command)
    if missing := missing_fields(command):
        raise RequiredFieldsMissing(missing)
    rules = current_rules(unit.session)
    told = _told(command)
    caller_id = note_caller(unit, replace(told, name=None) if command.anonymous else told) if told.digits else None
    employer_id, has_union = hold_employer(unit, command.employer)
    starred = has_union or command.confidentiality is not Confidentiality.open
    title, in_title = conceal(command.title, told, starred=starred)
    body, in_body = conceal(command.body, told, starred=starred)
    people_count = command.people_count or 1
    query_code = new_query_code()
    day = f"QH12351-{local(unit.now):%Y%m%d}-"
    digest = unit.vault.lookup(repr(command)) if command.idempotency_key else None
    key = _own_key(unit, command.idempotency_key)
    values = {
        "query_code_sealed": sealed_query_code(unit.vault, query_code),
        "state": State.registered.value,
        "kind": command.kind,
        "channel": command.channel,
        "urgent": command.urgent,
        "category_code": command.category_code,
        "place_code": command.place_code,
        "title": title,
        "body": body,
        "caller_id": caller_id,
        "anonymous": command.anonymous,
        "confidentiality": command.confidentiality.value,
        "employer_id": employer_id,
        "people_count": people_count,
        "amount_owed": command.amount_owed,
        "membership": command.membership,
        "identity_group": command.identity_group,
        "contact_way": command.contact_way,
        "contact_time": command.contact_time,
        "other_channels": list(command.other_channels),
        "not_known": [name for name in command.not_known if _is_empty(command, name)],
        "received_at": received_at,
        "holder_code": PROVINCE_CODE,
        "cycle": 1,
        "bounces": 0,
        "suspended": False,
        "row_version": 1,
        "created_by": unit.actor.id,
        "created_at": unit.now,
        "idempotency_key": key,
        "idempotency_digest": digest,
    }
    start = clocks.StartClock(
        ticket_id=0,
        kind=ClockKind.dispatch,
        leg="province",
        org_code=PROVINCE_CODE,
        cycle=1,
        tier=None,
        urgent=command.urgent,
        started_at=unit.now,
    )
    clock = clocks.prepare(start, rules)
    values |= {"due_at": clock["due_at"], "half_at": clock["half_at"], "provisional": clock["provisional"]}
    insert = _INSERT_TICKET if unit.actor.id is not None else _INSERT_TICKET_OF_NOBODY
    made = unit.session.connection().execute(insert, values | {"day": day}).one_or_none()
    if made is None:
        return _first_answer(unit, command, key)
    # Told, not read back: every value is known here, and nobody changes this copy.
    ticket = Ticket(**values, id=made.id, number=made.number)
    clocks.insert_prepared(unit, clock, ticket_id=ticket.id)
    keep_apart(unit, ticket.id, in_title | in_body)
    write_event(unit, ticket, kind=TABLE[Step.register].event, from_state=None, data={"channel": command.channel})
    if caller_id is not None:
        tie_caller(unit, ticket.id, ticket.number, told.digits)
    facts = {"category": command.category_code, TIED: caller_id is not None}
    record(unit, "ticket:register", subject=ticket.number, after=facts)
    if command.same_as:
        links.link(unit, ticket, command.same_as, kind="duplicate")
    if command.follows:
        links.link(unit, ticket, [command.follows], kind="appeal")
    if command.draft:
        drafts.discard_draft(unit, command.draft)
    warn_of_ticket(unit, ticket, rules.policy)
    if employer_id is not None:
        warn_of_employer(unit, employer_id, rules.policy)
    return Registered(ticket=ticket, query_code=query_code)


def missing_fields(command: RegisterTicket) -> tuple[str, ...]:
    """The fields that a matter like this can't do without, and that were neither told nor said not to be known."""
    demanded = intake_rules().demanded(category_code=command.category_code, kind=command.kind, channel=command.channel)
    return tuple(name for name in demanded if _is_empty(command, name) and name not in command.not_known)


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptTicket:
    """The tier and why. `tier` None takes the category's usual tier; one that is neither that nor suggested by what
    was told needs a reason."""

    number: str
    tier: Tier | None = None
    tier_reason: str = ""
    version: int | None = None


def accept_ticket(unit: Unit, command: AcceptTicket) -> Ticket:
    """Accept a matter (受理): the citizen's clock starts now, and number and query code go to the caller by SMS.

    What was suggested and what was decided are kept. Raises the refusals of `take`, and TierReasonMissing for a tier
    that nothing suggests without a reason.
    """
    ticket = take(unit, command.number, Step.accept, version=command.version)
    leaf = leaves(unit.session)[ticket.category_code]
    suggested = suggest_tier(
        leaf,
        f"{ticket.title}\n{ticket.body}",
        people_count=ticket.people_count,
        collective_from=current_rules(unit.session).policy.limits.collective_threshold,
    )
    tier = command.tier or leaf.tier
    reason = command.tier_reason.strip()
    if tier.value not in {leaf.tier.value, suggested.value} and not reason:
        raise TierReasonMissing
    ticket.tier = tier.value
    usual = "按类别建议" if tier is leaf.tier else suggested.because.zh
    ticket.tier_reason = concealed(unit, ticket, command.tier_reason) or usual
    ticket.accepted_at = unit.now
    carry_out(unit, ticket, Step.accept, data={"tier_reason": ticket.tier_reason, "suggested_tier": suggested.value})
    note_decision(unit, ticket, "tier", suggested, decided=tier.value)
    text_worker(unit, ticket, "accepted", occasion="accepted")
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerTicket:
    """The answer given on the phone."""

    number: str
    answer: str
    version: int | None = None


def answer_ticket(unit: Unit, command: AnswerTicket) -> Ticket:
    """Close a consultation with an answer at once (直接答复). Raises the refusals of `take`."""
    ticket = take(unit, command.number, Step.answer, version=command.version)
    void_open_requests(unit, ticket, note="直接答复")
    ticket.answer = concealed(unit, ticket, command.answer)
    ticket.replied_at = ticket.ended_at = unit.now
    carry_out(unit, ticket, Step.answer, note=command.answer)
    ask_to_follow(unit, ticket)
    return ticket


def _check_registrar(unit: Unit) -> None:
    transition = TABLE[Step.register]
    if unit.actor.kind is ActorKind.system:
        return
    name = Bilingual(transition.name_zh, transition.name_en)
    if transition.permission is None or not unit.actor.may(transition.permission):
        raise PermissionMissing(step=name)
    if unit.actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=name)


def _check_codes(session: Session, command: RegisterTicket) -> None:
    if command.category_code not in leaves(session):
        raise CategoryUnknown(code=command.category_code)
    org_tree(session).get(command.place_code)


def _told(command: RegisterTicket) -> Told:
    """What the caller told of themselves; an anonymous one may have told nothing. Raises PhoneUnreadable,
    IdNumberUnreadable, CallerHasNoPhone."""
    digits = digits_only(command.phone or "")
    if command.phone is not None and len(digits) not in PHONE_DIGITS:
        raise PhoneUnreadable
    id_number = "".join((command.id_number or "").split()).upper()
    if id_number and not is_identity_number(id_number):
        raise IdNumberUnreadable
    address = (command.address or "").strip()
    if (id_number or address) and not digits:
        raise CallerHasNoPhone
    return Told(digits=digits, name=command.caller_name, id_number=id_number or None, address=address or None)


def _is_empty(command: RegisterTicket, name: str) -> bool:
    value = getattr(command, name)
    return value is None or (isinstance(value, str) and not value.strip())


def _own_key(unit: Unit, key: str | None) -> str | None:
    """The key under which a repeat is known: a person's own, and a peer system's with its name before it."""
    return f"{unit.actor.name} {key}" if key and unit.actor.kind is ActorKind.peer else key


def _first_answer(unit: Unit, command: RegisterTicket, key: str | None) -> Registered:
    number, first = unit.session.execute(
        select(Ticket.number, Ticket.idempotency_digest).where(
            Ticket.created_by == unit.actor.id, Ticket.idempotency_key == key
        )
    ).one()
    # A keyed one: against a plain one, whoever has the text of a matter could try all phones.
    if first not in unit.vault.lookups(repr(command)):
        raise IdempotencyKeyReused
    ticket = find(unit, number)
    return Registered(ticket=ticket, query_code=query_code_of(unit.vault, ticket), repeated=True)
