"""The union's desk: sign (签收), contact, extension (延期), suspension (挂起), reply (反馈)."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import Interval, func, select, type_coerce

from service.core.clock import LOCAL, last_day, local
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.org.tree import org_tree
from service.sla import clocks
from service.sla.models import SlaClock, SlaPause
from service.sla.rules import current_rules
from service.tickets import requests
from service.tickets.assisting import unions_with_open_tasks
from service.tickets.concealing import concealed
from service.tickets.dispatching import lead_assignment
from service.tickets.errors import (
    AlreadySuspended,
    ContactInFuture,
    DeadlinePassed,
    ExtensionsUsedUp,
    ExtensionTooLate,
    ExtensionTooLong,
    NotSuspended,
    RequestAlreadyOpen,
    ReviewDateOutOfRange,
)
from service.tickets.evidence import name_evidence
from service.tickets.materials import AWAITED, check_material_awaited, waive_all
from service.tickets.messages import tell_union, text_worker
from service.tickets.models import Assignment, Reply, Ticket
from service.tickets.requests import DecideRequest
from service.tickets.states import Step
from service.tickets.steps import Suspension, carry_out, inner_assignment, take
from sla_rules import ClockKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SignTicket:
    """The ticket a handler signs for."""

    number: str
    version: int | None = None


def sign_ticket(unit: Unit, command: SignTicket) -> Ticket:
    """Sign for a dispatch (签收): the union has it now. Raises the refusals of `take`."""
    ticket = take(unit, command.number, Step.sign, version=command.version)
    assignment = _holding(unit, ticket)
    assignment.signed_at, assignment.signed_by = unit.now, unit.actor.id
    requests.void_open_requests(unit, ticket, note="签收")
    carry_out(unit, ticket, Step.sign)
    return ticket


def sign_by_silence(unit: Unit, ticket: Ticket, *, at: datetime) -> None:
    """The signing limit passed without a word: the union owns the ticket from that moment (首办责任).

    `at` is the limit itself, however late the sweep comes by. The ticket is locked and waits to be signed.
    """
    assignment = _holding(unit, ticket)
    assignment.signed_at, assignment.signed_by_silence = at, True
    carry_out(unit, ticket, Step.sign_by_silence, at=at)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordContact:
    """When and how the worker was reached, and what was said."""

    number: str
    way: str
    note: str
    version: int | None = None


def record_contact(unit: Unit, command: RecordContact) -> Ticket:
    """Note a contact with the worker; the first one stops the first-contact clock."""
    ticket = take(unit, command.number, Step.contact, version=command.version)
    carry_out(unit, ticket, Step.contact, note=command.note, data={"way": command.way})
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class AskExtension:
    """How many working days more (at most the policy's limit for one extension), and why."""

    number: str
    days: int
    reason: str
    version: int | None = None


def ask_extension(unit: Unit, command: AskExtension) -> Ticket:
    """Ask for more time (延期). A county's request goes to its city first, then to the province.

    Raises ExtensionTooLong, ExtensionsUsedUp, ExtensionTooLate (after the deadline, or after 17:00 of its last
    day), RequestAlreadyOpen, and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.extend, version=command.version)
    limits = current_rules(unit.session).policy.limits
    clock = _resolve_clock(unit, ticket)
    if command.days > limits.extension_working_days:
        raise ExtensionTooLong(limit=limits.extension_working_days)
    if clock.extensions >= limits.extension_max_times:
        raise ExtensionsUsedUp(count=clock.extensions)
    if unit.now >= _extension_closes(clock, limits.extension_ask_before):
        raise ExtensionTooLate(due=_shown(clock.due_at))
    county = org_tree(unit.session).get(ticket.holder_code).level == "county"
    requests.ask(
        unit,
        ticket,
        "extension",
        reason=command.reason,
        data={"days": command.days},
        level="prefecture" if county else "province",
    )
    carry_out(unit, ticket, Step.extend, note=command.reason, data={"days": command.days})
    tell_union(
        unit,
        ticket,
        ("parent_leader",) if county else ("supervisor",),
        Bilingual(f"工单 {ticket.number} 申请延期,请审批", f"An extension of ticket {ticket.number} waits for you"),
        occasion="extension_asked",
    )
    return ticket


def grant_extension(unit: Unit, command: DecideRequest) -> Ticket:
    """Approve an extension. A city's approval passes a county's request up; the province's moves the deadline.

    The province may decide at once. Raises DeadlinePassed: what is late stays late. The first deadline is kept
    on the clock, and the caller is told.
    """
    step = Step.grant_extension if unit.actor.org_code == PROVINCE_CODE else Step.pass_extension_up
    ticket = take(unit, command.number, step, version=command.version)
    request = requests.take_request(unit, ticket, "extension")
    clock = _resolve_clock(unit, ticket)
    if unit.now >= clock.due_at:
        raise DeadlinePassed(due=_shown(clock.due_at))
    if step is Step.pass_extension_up:
        if request.level == "province":
            raise RequestAlreadyOpen(number=ticket.number, kind=requests.KIND_NAMES["extension"])
        request.level = "province"
        carry_out(unit, ticket, step, note=command.note)
        return ticket
    requests.decide(unit, request, "granted", note=command.note)
    for each in clocks.with_leg(unit, clock):
        clocks.extend(unit, each, days=request.data["days"], reason=request.reason)
    carry_out(unit, ticket, step, note=command.note, data={"days": request.data["days"]})
    text_worker(unit, ticket, "extended", occasion=f"extended:{ticket.cycle}:{clock.extensions}")
    return ticket


def refuse_extension(unit: Unit, command: DecideRequest) -> Ticket:
    """Refuse an extension; the deadline stands."""
    ticket = take(unit, command.number, Step.refuse_extension, version=command.version)
    requests.decide(unit, requests.take_request(unit, ticket, "extension"), "refused", note=command.note)
    carry_out(unit, ticket, Step.refuse_extension, note=command.note)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSuspension:
    """Why the promise should rest (a closed list) and until when at most (aware)."""

    number: str
    reason: str
    review_at: datetime
    note: str = ""
    version: int | None = None


SUSPENSION_REASONS = ("legal_procedure", "caller_unreachable", AWAITED)


def ask_suspension(unit: Unit, command: AskSuspension) -> Ticket:
    """Ask to suspend (挂起). Raises AlreadySuspended, ReviewDateOutOfRange, RequestAlreadyOpen, NoMaterialAwaited."""
    ticket = take(unit, command.number, Step.suspend, version=command.version)
    _check_suspension(unit, ticket, command.review_at, reason=command.reason)
    requests.ask(unit, ticket, "suspension", reason=command.reason, data={"review_at": command.review_at.isoformat()})
    carry_out(unit, ticket, Step.suspend, note=command.note, data={"reason": concealed(unit, ticket, command.reason)})
    return ticket


def grant_suspension(unit: Unit, command: DecideRequest) -> Ticket:
    """Suspend from now until the review date; the clocks run again by themselves then."""
    ticket = take(unit, command.number, Step.grant_suspension, version=command.version)
    request = requests.take_request(unit, ticket, "suspension")
    review_at = datetime.fromisoformat(request.data["review_at"])
    _check_suspension(unit, ticket, review_at, reason=request.reason)
    requests.decide(unit, request, "granted", note=command.note)
    carry_out(
        unit,
        ticket,
        Step.grant_suspension,
        note=command.note,
        data={"reason": request.reason, "review_at": request.data["review_at"]},
        suspension=Suspension(review_at=review_at, reason=request.reason, asked_by=request.asked_by),
    )
    return ticket


def refuse_suspension(unit: Unit, command: DecideRequest) -> Ticket:
    """The clocks go on."""
    ticket = take(unit, command.number, Step.refuse_suspension, version=command.version)
    requests.decide(unit, requests.take_request(unit, ticket, "suspension"), "refused", note=command.note)
    carry_out(unit, ticket, Step.refuse_suspension, note=command.note)
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeTicket:
    """What ended the suspension."""

    number: str
    note: str = ""
    version: int | None = None


def resume_ticket(unit: Unit, command: ResumeTicket) -> Ticket:
    """Let the clocks run again before the review date. Raises NotSuspended."""
    ticket = take(unit, command.number, Step.resume, version=command.version)
    if not ticket.suspended:
        raise NotSuspended(number=ticket.number)
    carry_out(unit, ticket, Step.resume, note=command.note)
    return ticket


def resume_by_review(unit: Unit, ticket: Ticket, *, at: datetime) -> None:
    """The review date came: the clocks run again from that moment. The ticket is locked."""
    carry_out(unit, ticket, Step.resume_by_review, at=at)
    tell_union(
        unit,
        ticket,
        ("handler", "leader"),
        Bilingual(f"工单 {ticket.number} 挂起到期,已恢复计时", f"The suspension of ticket {ticket.number} has ended"),
        occasion="resumed_by_review",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyToTicket:
    """The union's answer. Money in yuan; `contacted_at` aware; `helped` workers; `evidence` are ids of attachments."""

    number: str
    text: str
    basis: str
    contacted_at: datetime
    contact_way: str
    outcome: str
    recovered: Decimal = Decimal(0)
    helped: int = 0
    worker_confirmed: bool = False
    evidence: tuple[int, ...] = ()
    version: int | None = None


def reply_to_ticket(unit: Unit, command: ReplyToTicket) -> Ticket:
    """Report what was done (反馈). This moment stops the citizen's clock; a pause ends with it.

    It does not wait for assisting unions; whose part is still open stands on the timeline. Raises ContactInFuture,
    AttachmentNotFound and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.reply, version=command.version)
    if command.contacted_at > unit.now:
        raise ContactInFuture
    reply = Reply(
        ticket_id=ticket.id,
        cycle=ticket.cycle,
        org_code=ticket.holder_code,
        text=concealed(unit, ticket, command.text),
        basis=concealed(unit, ticket, command.basis),
        contacted_at=command.contacted_at,
        contact_way=command.contact_way,
        outcome=command.outcome,
        recovered=command.recovered,
        helped=command.helped,
        worker_confirmed=command.worker_confirmed,
        replied_by=unit.actor.id,
        replied_at=unit.now,
    )
    unit.session.add(reply)
    name_evidence(unit, ticket, reply, command.evidence)
    ticket.replied_at = unit.now
    requests.void_open_requests(unit, ticket, note="反馈")
    waive_all(unit, ticket)
    still_open = unions_with_open_tasks(unit, ticket)
    data = {"outcome": command.outcome} | ({"tasks_open": still_open} if still_open else {})
    carry_out(unit, ticket, Step.reply, data=data)
    tell_union(
        unit,
        ticket,
        ("leader",),
        Bilingual(f"工单 {ticket.number} 的反馈待审核", f"The reply to ticket {ticket.number} waits for your review"),
        occasion="replied",
    )
    return ticket


def _holding(unit: Unit, ticket: Ticket) -> Assignment:
    """The assignment by which the holder has the ticket: the inner one where it was passed down."""
    return inner_assignment(unit, ticket) or lead_assignment(unit, ticket)


def _resolve_clock(unit: Unit, ticket: Ticket) -> SlaClock:
    return clocks.running(unit, ticket.id)[ClockKind.resolve]


def _extension_closes(clock: SlaClock, ask_before: time) -> datetime:
    """The deadline, or the policy's hour on its last day, whichever is earlier."""
    return min(clock.due_at, datetime.combine(last_day(clock.due_at), ask_before, LOCAL))


def _check_suspension(unit: Unit, ticket: Ticket, review_at: datetime, *, reason: str) -> None:
    if ticket.suspended:
        raise AlreadySuspended(number=ticket.number)
    if reason == AWAITED:
        check_material_awaited(unit, ticket)
    limit = timedelta(days=current_rules(unit.session).policy.limits.suspension_cap_days)
    left = limit - _suspended_so_far(unit, ticket)
    if not unit.now < review_at <= unit.now + left:
        raise ReviewDateOutOfRange(limit=limit.days, left=left.days)


def _suspended_so_far(unit: Unit, ticket: Ticket) -> timedelta:
    """All pauses of the citizen's clocks of all cycles together: the cap is the ticket's, not the round's."""
    total: timedelta | None = unit.session.scalar(
        select(type_coerce(func.sum(SlaPause.ends_at - SlaPause.starts_at), Interval()))
        .join(SlaClock, SlaClock.id == SlaPause.clock_id)
        .where(SlaClock.ticket_id == ticket.id, SlaClock.kind == ClockKind.resolve.value)
    )
    return total or timedelta()


def _shown(instant: datetime) -> str:
    return f"{local(instant):%Y-%m-%d %H:%M}"
