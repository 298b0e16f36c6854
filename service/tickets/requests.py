"""Requests with a decision: rejection, return, extension, suspension. One asks, another decides."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from service.core.errors import Bilingual
from service.core.unit import Unit
from service.tickets.concealing import concealed
from service.tickets.errors import NoOpenRequest, RequestAlreadyOpen
from service.tickets.models import StepRequest, Ticket

KIND_NAMES: dict[str, Bilingual] = {
    "rejection": Bilingual("不予受理", "rejection"),
    "return": Bilingual("退单", "return"),
    "extension": Bilingual("延期", "extension"),
    "suspension": Bilingual("挂起", "suspension"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideRequest:
    """Which request of a ticket is decided, how, and why."""

    number: str
    note: str = ""
    version: int | None = None


def ask(
    unit: Unit,
    ticket: Ticket,
    kind: str,
    *,
    reason: str,
    data: dict[str, Any] | None = None,
    level: str = "province",
) -> StepRequest:
    """Put a request on record. Raises RequestAlreadyOpen when one of this kind waits already."""
    if open_request(unit, ticket, kind) is not None:
        raise RequestAlreadyOpen(number=ticket.number, kind=KIND_NAMES[kind])
    request = StepRequest(
        ticket_id=ticket.id,
        kind=kind,
        cycle=ticket.cycle,
        org_code=ticket.holder_code,
        level=level,
        reason=concealed(unit, ticket, reason),
        data=data or {},
        asked_by=unit.actor.id,
        asked_at=unit.now,
    )
    unit.session.add(request)
    unit.session.flush()
    return request


def open_request(unit: Unit, ticket: Ticket, kind: str) -> StepRequest | None:
    """The undecided request of a kind, if there is one."""
    return unit.session.scalars(
        select(StepRequest)
        .where(StepRequest.ticket_id == ticket.id, StepRequest.kind == kind, StepRequest.verdict.is_(None))
        .with_for_update()
    ).one_or_none()


def take_request(unit: Unit, ticket: Ticket, kind: str) -> StepRequest:
    """The undecided request of a kind. Raises NoOpenRequest."""
    request = open_request(unit, ticket, kind)
    if request is None:
        raise NoOpenRequest(number=ticket.number, kind=KIND_NAMES[kind])
    return request


def decide(unit: Unit, request: StepRequest, verdict: str, *, note: str) -> None:
    """Write the verdict: granted, refused, or void (overtaken by events)."""
    request.verdict = verdict
    request.decided_by = unit.actor.id
    request.decided_at = unit.now
    request.decision_note = concealed(unit, unit.session.get_one(Ticket, request.ticket_id), note)


def void_open_requests(unit: Unit, ticket: Ticket, *, note: str) -> None:
    """What was asked before a step that settles the matter needs no decision any more."""
    rows = unit.session.scalars(
        select(StepRequest).where(StepRequest.ticket_id == ticket.id, StepRequest.verdict.is_(None))
    )
    for request in rows:
        decide(unit, request, "void", note=note)
