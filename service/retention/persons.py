"""The rights of a worker (个人信息保护法, arts. 44-47): to be handed what is held, have it put right, be forgotten."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from sqlalchemy import exists, func, select

from service.audit.models import AuditEvent
from service.audit.recording import record
from service.core.clock import local
from service.core.errors import Bilingual, Malformed, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.ratings.models import Rating
from service.retention.holds import held
from service.retention.policies import PERIODS, policy_in_force
from service.retention.runs import CallerErasure, ask_to_forget, end_of
from service.tickets import repository
from service.tickets.attachments import Attachment
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import CallerHiddenFromMost
from service.tickets.errors import NotTheCentre, PermissionMissing
from service.tickets.looks import OF_ONE, is_one_of
from service.tickets.models import Assignment, Caller, Employer, Reply, Ticket, TicketEvent
from service.tickets.receipts import messages_of
from service.tickets.repository import visible
from service.tickets.reveals import count_reveal
from service.tickets.sealed import Told, note_caller, phone_of, told_by
from service.tickets.states import STATE_NAMES, State
from service.tickets.steps import write_event
from service.tickets.taxonomy import leaves
from service.tickets.ties import caller_of

_TAKE = Bilingual("导出个人信息", "take away what is held of a worker")
_TEMPLATES = Path(__file__).parent / "templates"
FileKind = Literal["json", "html"]
MEDIA_TYPES: dict[FileKind, str] = {"json": "application/json", "html": "text/html; charset=utf-8"}


class NobodyOnRecord(NotFound):
    """An anonymous matter, or one whose caller was erased."""

    zh = "工单 {number} 没有登记来电人,没有可以导出的个人信息。"
    en = "Ticket {number} has no caller on record; there is nothing about a person to take away."


class NothingToCorrect(Malformed):
    zh = "请至少填写一项要更正的信息。"
    en = "Say at least one thing that is to be put right."


@dataclass(frozen=True, slots=True, kw_only=True)
class TakePersonFile:
    """Of which ticket's caller, as a program reads it or as a person does, and why (such as the worker's request)."""

    number: str
    kind: FileKind
    reason: str


@dataclass(frozen=True, slots=True)
class PersonFile:
    """The file and what it is called."""

    name: str
    content: bytes
    media_type: str


def take_person_file(unit: Unit, command: TakePersonFile) -> PersonFile:
    """All that is held about the caller of a ticket, over all their tickets, on record on each of them; but for one
    that the actor keeps out of.

    Raises TicketNotFound, PermissionMissing, NotTheCentre, NobodyOnRecord, CallerHiddenFromMost,
    CallerMisplaced.
    """
    ticket, caller = _caller_of(unit, command.number)
    matters = unit.session.scalars(
        select(Ticket).where(Ticket.caller_id == caller.id, visible(unit.actor)).order_by(Ticket.received_at, Ticket.id)
    ).all()
    count_reveal(unit)
    told = told_by(unit.vault, caller)
    document = {
        "made_at": local(unit.now).isoformat(),
        "made_for": command.reason,
        "person": {
            "name": told.name,
            "phone": told.digits,
            "id_number": told.id_number,
            "address": told.address,
            "known_since": _shown(caller.created_at),
        },
        "matters": [_matter(unit, matter) for matter in matters],
        "held_for_months": {PERIODS[name].zh: months for name, months in policy_in_force(unit).months.items()},
    }
    for matter in matters:
        write_event(unit, matter, kind="caller:revealed", from_state=matter.state, note=command.reason)
        facts = {"reason": command.reason, "kind": command.kind}
        record(unit, "worker:export", subject=matter.number, after=facts)
    # Two spaces: somebody may want to read it all the same.
    if command.kind == "json":
        content = json.dumps(document, ensure_ascii=False, indent=2).encode()
    else:
        content = _template().render(found=document).encode()
    name = f"person-{ticket.number}-{local(unit.now):%Y%m%d-%H%M}.{command.kind}"
    return PersonFile(name=name, content=content, media_type=MEDIA_TYPES[command.kind])


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectCaller:
    """What a worker says is right of themselves; None leaves what is known. And why, such as what was shown."""

    number: str
    reason: str
    name: str | None = None
    id_number: str | None = None
    address: str | None = None


def correct_caller(unit: Unit, command: CorrectCaller) -> None:
    """Put right what is held of a caller (个人信息保护法, art. 46). On record is which of it, not what it says.

    Another number is another caller, and is taken down with the next call. Raises NothingToCorrect, and as
    take_person_file does.
    """
    ticket, caller = _caller_of(unit, command.number)
    changed = [name for name in ("name", "id_number", "address") if getattr(command, name) is not None]
    if not changed:
        raise NothingToCorrect
    told = Told(
        digits=phone_of(unit.vault, caller), name=command.name, id_number=command.id_number, address=command.address
    )
    note_caller(unit, told)
    record(unit, "worker:correct", subject=ticket.number, after={"reason": command.reason, "fields": changed})


def forget_caller(unit: Unit, number: str, *, reason: str) -> CallerErasure:
    """Ask, for a worker, that who they are goes; another person approves it as any erasure.

    Raises as take_person_file does, NothingToForget, RunUnderWay.
    """
    ticket, caller = _caller_of(unit, number)
    erasure = ask_to_forget(unit, caller.id, reason=reason)
    facts = {"reason": reason, "run": erasure.run.id, "tickets": list(erasure.going)}
    record(unit, "worker:forget", subject=ticket.number, after=facts)
    return erasure


def _caller_of(unit: Unit, number: str) -> tuple[Ticket, Caller]:
    if not unit.actor.may(Permission.worker_export):
        raise PermissionMissing(step=_TAKE)
    ticket = repository.lock(unit, number)
    if unit.actor.org_code != PROVINCE_CODE:
        raise NotTheCentre(step=_TAKE)
    caller = caller_of(unit, ticket)
    if caller is None:
        raise NobodyOnRecord(number=ticket.number)
    if not unit.actor.may(Permission.caller_reveal_confided) and _confided(unit, caller):
        raise CallerHiddenFromMost
    return ticket, caller


def _confided(unit: Unit, caller: Caller) -> bool:
    """Whether the intake alone is to know the caller of any of their matters: a file of a person is whole or not at
    all."""
    level = Confidentiality.intake_only.value
    return bool(
        unit.session.scalar(select(exists().where(Ticket.caller_id == caller.id, Ticket.confidentiality == level)))
    )


def _matter(unit: Unit, ticket: Ticket) -> dict[str, Any]:
    session, tree = unit.session, org_tree(unit.session)
    employer = session.get(Employer, ticket.employer_id) if ticket.employer_id else None
    is_held = session.scalar(select(Ticket.id).where(Ticket.id == ticket.id, held(unit))) is not None
    return {
        "number": ticket.number,
        "received_at": _shown(ticket.received_at),
        "ended_at": _shown(ticket.ended_at),
        "state": STATE_NAMES[State(ticket.state)][0],
        "category": leaves(session)[ticket.category_code].whole.zh,
        "place": tree.get(ticket.place_code).name_zh,
        "title": ticket.title,
        "body": ticket.body,
        "employer": employer.name if employer else None,
        "people": ticket.people_count,
        "amount": str(ticket.amount_owed) if ticket.amount_owed is not None else None,
        "membership": ticket.membership,
        "identity_group": ticket.identity_group,
        "contact": [ticket.contact_way, ticket.contact_time],
        "anonymous": ticket.anonymous,
        "confidentiality": Confidentiality(ticket.confidentiality).words.zh,
        "answer": ticket.answer,
        "handled_by": [tree.get(code).name_zh for code in _unions(unit, ticket)],
        "replies": list(_replies(unit, ticket)),
        "ratings": list(_ratings(unit, ticket)),
        "added_by_the_worker": list(_added(unit, ticket)),
        "files": list(_files(unit, ticket)),
        "messages": [
            {"at": _shown(sent.asked_at), "about": sent.name.zh, "outcome": sent.outcome.zh}
            for sent in messages_of(unit, ticket.number)
        ],
        "looked_at": _looks(unit, ticket),
        "held": is_held,
        "erased_after": {PERIODS[name].zh: day for name, day in end_of(unit, ticket).items()},
    }


def _unions(unit: Unit, ticket: Ticket) -> list[str]:
    given = select(Assignment.org_code).where(Assignment.ticket_id == ticket.id).order_by(Assignment.id)
    return list(dict.fromkeys((*unit.session.scalars(given), ticket.holder_code)))


def _replies(unit: Unit, ticket: Ticket) -> Iterator[dict[str, Any]]:
    for reply in unit.session.scalars(select(Reply).where(Reply.ticket_id == ticket.id).order_by(Reply.id)):
        yield {
            "at": _shown(reply.replied_at),
            "text": reply.text,
            "basis": reply.basis,
            "contacted_at": _shown(reply.contacted_at),
            "recovered": str(reply.recovered),
        }


def _ratings(unit: Unit, ticket: Ticket) -> Iterator[dict[str, Any]]:
    for rating in unit.session.scalars(select(Rating).where(Rating.ticket_id == ticket.id).order_by(Rating.id)):
        yield {
            "at": _shown(rating.rated_at),
            "result": rating.result,
            "contacted": rating.contacted,
            "resolved": rating.resolved,
            "satisfaction": rating.satisfaction,
            "comment": rating.comment,
        }


def _added(unit: Unit, ticket: Ticket) -> Iterator[dict[str, Any]]:
    by_worker = select(TicketEvent).where(
        TicketEvent.ticket_id == ticket.id, TicketEvent.kind == "ticket:material_added", TicketEvent.note != ""
    )
    for event in unit.session.scalars(by_worker.order_by(TicketEvent.id)):
        yield {"at": _shown(event.at), "text": event.note}


def _files(unit: Unit, ticket: Ticket) -> Iterator[dict[str, Any]]:
    kept = select(Attachment).where(Attachment.ticket_id == ticket.id, Attachment.withdrawn_at.is_(None))
    for file in unit.session.scalars(kept.order_by(Attachment.id)):
        yield {
            "at": _shown(file.at),
            "name": file.name,
            "bytes": file.size,
            "sent_by_the_worker": file.by_worker,
            "erased": file.erased_at is not None,
        }


def _looks(unit: Unit, ticket: Ticket) -> list[dict[str, Any]]:
    """Which unions looked at it, how often and when last: recipients are named (art. 17), their people are not."""
    tree = org_tree(unit.session)
    rows = unit.session.execute(
        select(AuditEvent.actor_org, func.count().label("times"), func.max(AuditEvent.at).label("last"))
        .where(AuditEvent.subject == ticket.number, is_one_of(OF_ONE))
        .group_by(AuditEvent.actor_org)
        .order_by(AuditEvent.actor_org)
    )
    return [
        {"union": tree.get(row.actor_org).name_zh, "times": row.times, "last": _shown(row.last)}
        for row in rows
        if row.actor_org in tree
    ]


def _shown(instant: datetime | None) -> str | None:
    return f"{local(instant):%Y-%m-%d %H:%M}" if instant else None


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("person.html")
