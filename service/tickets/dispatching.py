"""The centre's desk: rejection, dispatch (派单), return (退单) and its adjudication, re-tiering (改级)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from service.core.clock import deadline_text
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.org.tree import org_tree
from service.sla import clocks
from service.sla.rules import current_rules
from service.tickets import requests
from service.tickets.assisting import PLAIN_ASK, call_off_tasks, check_date, open_task
from service.tickets.catalogue import current_catalogue
from service.tickets.concealing import concealed
from service.tickets.errors import (
    CannotDispatchToProvince,
    DispatchGoesBackToReturner,
    DispatchIsAdjudicated,
    RetierIsAlreadyLate,
    ReturnGoesToTheUnionAbove,
    SameTier,
    UnionAlreadyReturnedIt,
)
from service.tickets.inside import check_known_inside
from service.tickets.messages import tell_union, text_worker
from service.tickets.models import Assignment, StepRequest, Ticket
from service.tickets.requests import DecideRequest
from service.tickets.states import Step
from service.tickets.steps import carry_out, inner_assignment, take
from service.tickets.suggestions import note_correction, note_decision, suggest_union
from service.tickets.taxonomy import TIER_NAMES
from service.tickets.together import ask_to_follow
from sla_rules import ClockKind, Tier


@dataclass(frozen=True, slots=True, kw_only=True)
class AskRejection:
    """A reason from the closed list, and what the caller was told."""

    number: str
    reason: str
    note: str
    version: int | None = None


def ask_rejection(unit: Unit, command: AskRejection) -> Ticket:
    """An agent proposes not to take a matter on; a dispatcher confirms. The promise keeps running meanwhile."""
    ticket = take(unit, command.number, Step.reject, version=command.version)
    requests.ask(unit, ticket, "rejection", reason=command.reason, data={"note": command.note})
    carry_out(unit, ticket, Step.reject, note=command.note, data={"reason": command.reason})
    return ticket


def grant_rejection(unit: Unit, command: DecideRequest) -> Ticket:
    """Confirm that a matter is not taken on. Raises NoOpenRequest and the refusals of `take`."""
    ticket = take(unit, command.number, Step.grant_rejection, version=command.version)
    request = requests.take_request(unit, ticket, "rejection")
    requests.decide(unit, request, "granted", note=command.note)
    ticket.rejection_reason = request.reason
    ticket.ended_at = unit.now
    carry_out(unit, ticket, Step.grant_rejection, note=command.note, data={"reason": request.reason})
    ask_to_follow(unit, ticket)
    return ticket


def refuse_rejection(unit: Unit, command: DecideRequest) -> Ticket:
    """The matter is to be taken on after all."""
    ticket = take(unit, command.number, Step.refuse_rejection, version=command.version)
    requests.decide(unit, requests.take_request(unit, ticket, "rejection"), "refused", note=command.note)
    carry_out(unit, ticket, Step.refuse_rejection, note=command.note)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchTicket:
    """The lead union, assisting unions with what they are asked to do and by when (see `SetTask`), whether the province
    has decided for good that it is theirs, and that it is known to be a union inside the employer where one is."""

    number: str
    org_code: str
    assisting: tuple[str, ...] = ()
    assist_ask: str = ""
    assist_by: datetime | None = None
    adjudicated: bool = False
    known_inside: bool = False
    note: str = ""
    version: int | None = None


def dispatch_ticket(unit: Unit, command: DispatchTicket) -> Ticket:
    """Give a matter to a union (派单). The signing limit starts; the citizen's clock goes on.

    Each assisting union gets a task. Raises CannotDispatchToProvince, UnionUnknown, UnionIsInsideTheEmployer,
    DispatchGoesBackToReturner, DateLiesInThePast, and the refusals of `take`.
    After as many returns as the policy allows the dispatch is adjudicated whatever the command says.
    """
    ticket = take(unit, command.number, Step.dispatch, version=command.version)
    tree = org_tree(unit.session)
    lead = tree.get(command.org_code)
    if lead.code == PROVINCE_CODE:
        raise CannotDispatchToProvince
    check_date(unit, command.assist_by)
    check_known_inside(unit, ticket, (lead.code, *command.assisting), known=command.known_inside)
    limits = current_rules(unit.session).policy.limits
    adjudicated = command.adjudicated or ticket.bounces >= limits.bounce_limit_per_ticket
    if not adjudicated and _returns_by(unit, ticket, lead.code):
        raise DispatchGoesBackToReturner(union=lead.name)
    ticket.holder_code = lead.code
    requests.void_open_requests(unit, ticket, note="派单")
    carry_out(
        unit,
        ticket,
        Step.dispatch,
        note=command.note,
        data={"org": lead.code, "assisting": list(command.assisting), "adjudicated": adjudicated},
    )
    roles = {lead.code: "lead"} | {tree.get(code).code: "assist" for code in command.assisting if code != lead.code}
    unit.session.add_all(
        Assignment(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            org_code=code,
            role=role,
            adjudicated=adjudicated,
            dispatched_at=unit.now,
            dispatched_by=unit.actor.id,
        )
        for code, role in roles.items()
    )
    unit.session.flush()
    suggested = suggest_union(
        tree,
        place_code=ticket.place_code,
        category_code=ticket.category_code,
        text=f"{ticket.title}\n{ticket.body}",
        tier=Tier(ticket.tier) if ticket.tier else None,
        catalogue=current_catalogue(unit.session),
    )
    note_decision(unit, ticket, "union", suggested, decided=lead.code)
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(f"新派工单 {ticket.number},请签收", f"Ticket {ticket.number} was dispatched to you; please sign"),
        occasion="dispatched",
    )
    text_worker(unit, ticket, "dispatched", occasion=f"dispatched:{ticket.row_version}")
    for code, role in roles.items():
        if role == "assist":
            open_task(unit, ticket, org_code=code, ask=command.assist_ask or PLAIN_ASK, due_at=command.assist_by)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class AskReturn:
    """Why the matter is not this union's, and on what basis."""

    number: str
    reason: str
    version: int | None = None


def ask_return(unit: Unit, command: AskReturn) -> Ticket:
    """A union asks to hand a dispatch back (退单), once for each ticket and before it signs.

    Nobody gains time: the citizen's clock goes on, and the centre's starts. Raises DispatchIsAdjudicated,
    UnionAlreadyReturnedIt, RequestAlreadyOpen, and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.return_, version=command.version)
    if inner_assignment(unit, ticket) is not None:
        raise ReturnGoesToTheUnionAbove(number=ticket.number)
    if lead_assignment(unit, ticket).adjudicated:
        raise DispatchIsAdjudicated
    if _returns_by(unit, ticket, ticket.holder_code):
        raise UnionAlreadyReturnedIt
    requests.ask(unit, ticket, "return", reason=command.reason)
    carry_out(unit, ticket, Step.return_, note=command.reason)
    tell_union(
        unit,
        ticket,
        ("dispatcher",),
        Bilingual(
            f"工单 {ticket.number} 申请退单,请裁定",
            f"A return of ticket {ticket.number} waits for your decision",
        ),
        occasion="return_asked",
    )
    return ticket


def grant_return(unit: Unit, command: DecideRequest) -> Ticket:
    """The matter comes back to the centre to be dispatched elsewhere; the union no longer sees it."""
    ticket = take(unit, command.number, Step.grant_return, version=command.version)
    request = _return_to_the_centre(unit, ticket)
    requests.decide(unit, request, "granted", note=command.note)
    for assignment in _open_assignments(unit, ticket):
        assignment.ended_at = unit.now
        assignment.end_reason = "returned" if assignment.role == "lead" else "moved"
    call_off_tasks(unit, ticket)
    ticket.bounces += 1
    ticket.holder_code = PROVINCE_CODE
    carry_out(unit, ticket, Step.grant_return, note=command.note, data={"by": request.org_code})
    return ticket


def refuse_return(unit: Unit, command: DecideRequest) -> Ticket:
    """The matter stays where it is, adjudicated: a new signing limit starts."""
    ticket = take(unit, command.number, Step.refuse_return, version=command.version)
    requests.decide(unit, _return_to_the_centre(unit, ticket), "refused", note=command.note)
    lead_assignment(unit, ticket).adjudicated = True
    carry_out(unit, ticket, Step.refuse_return, note=command.note)
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(
            f"工单 {ticket.number} 退单未获同意,请签收",
            f"The return of ticket {ticket.number} was refused; please sign",
        ),
        occasion="return_refused",
    )
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class RetierTicket:
    """The new tier and why."""

    number: str
    tier: Tier
    reason: str
    version: int | None = None


def retier_ticket(unit: Unit, command: RetierTicket) -> Ticket:
    """Change the tier (改级): the deadline is counted anew from acceptance with the pauses kept.

    Raises SameTier, and RetierIsAlreadyLate when the new deadline would have passed already: an open deadline is
    not shortened into a breach.
    """
    ticket = take(unit, command.number, Step.retier, version=command.version)
    if ticket.tier == command.tier.value:
        raise SameTier(tier=TIER_NAMES[command.tier])
    clock = clocks.running(unit, ticket.id)[ClockKind.resolve]
    for each in clocks.with_leg(unit, clock):
        clocks.retier(unit, each, tier=command.tier, reason=command.reason)
    if clock.due_at <= unit.now:
        raise RetierIsAlreadyLate(tier=TIER_NAMES[command.tier], due=deadline_text(clock.due_at))
    old = {"tier": ticket.tier, "due_at": ticket.due_at.isoformat()}
    ticket.tier, ticket.tier_reason = command.tier.value, concealed(unit, ticket, command.reason)
    carry_out(unit, ticket, Step.retier, note=command.reason, data={"before": old})
    note_correction(unit, ticket, "tier", to=command.tier.value)
    return ticket


def _return_to_the_centre(unit: Unit, ticket: Ticket) -> StepRequest:
    """The return that waits for the centre; one that a county asks of its city is the city's to decide."""
    request = requests.take_request(unit, ticket, "return")
    if request.level != "province":
        raise ReturnGoesToTheUnionAbove(number=ticket.number)
    return request


def lead_assignment(unit: Unit, ticket: Ticket) -> Assignment:
    """The open assignment of the lead union. The ticket is locked: it can't end meanwhile."""
    return next(a for a in _open_assignments(unit, ticket) if a.role == "lead")


def _open_assignments(unit: Unit, ticket: Ticket) -> list[Assignment]:
    return list(
        unit.session.scalars(
            select(Assignment)
            .where(Assignment.ticket_id == ticket.id, Assignment.ended_at.is_(None))
            .order_by(Assignment.id)
            .with_for_update()
        )
    )


def _returns_by(unit: Unit, ticket: Ticket, org_code: str) -> bool:
    """Whether this union was granted or refused a return of this ticket before."""
    return (
        unit.session.scalar(
            select(StepRequest.id)
            .where(
                StepRequest.ticket_id == ticket.id,
                StepRequest.kind == "return",
                StepRequest.org_code == org_code,
                StepRequest.verdict.in_(("granted", "refused")),
            )
            .limit(1)
        )
        is not None
    )
