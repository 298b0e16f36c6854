"""下派: a city gives a matter it signed for to one of its counties, and stays answerable for it.

The citizen's clock goes on as the city's; the county's part is a clock of its own that ends earlier, so that whoever
is late is known by name. Handing back up gives nobody time. The county's reply is signed by its leader and then by the
city's.
"""

from dataclasses import dataclass

from sqlalchemy import select

from service.core.errors import Bilingual, Conflict
from service.core.unit import Unit
from service.org.tree import org_tree, within
from service.sla import clocks
from service.sla.rules import current_rules
from service.tickets import requests
from service.tickets.assisting import call_off_tasks
from service.tickets.errors import DispatchIsAdjudicated, UnionAlreadyReturnedIt
from service.tickets.inside import check_known_inside
from service.tickets.messages import tell_union
from service.tickets.models import Assignment, StepRequest, Ticket
from service.tickets.states import Step
from service.tickets.steps import carry_out, inner_assignment, lead_code, take
from sla_rules import ClockKind

# Handing back up is a return that the union above decides, not the centre.
RETURN_LEVEL = "prefecture"


class NotBelow(Conflict):
    zh = "{union}不是您的下级工会,不能下派。"
    en = "{union} is not a union below yours; a matter is passed down to one of your own."


class PassedDownAlready(Conflict):
    zh = "工单 {number} 已下派给{union}。"
    en = "Ticket {number} has been passed down to {union} already."


class SuspendedTicketStays(Conflict):
    zh = "工单 {number} 已挂起,恢复后才能下派。"
    en = "Ticket {number} is suspended; resume it before passing it down."


class NotPassedDown(Conflict):
    zh = "工单 {number} 未下派。"
    en = "Ticket {number} has not been passed down."


@dataclass(frozen=True, slots=True, kw_only=True)
class PassDown:
    """Which county is to handle it, what it is to do, and that it is known to be a union inside the employer where one
    is."""

    number: str
    org_code: str
    known_inside: bool = False
    note: str = ""
    version: int | None = None


def pass_down(unit: Unit, command: PassDown) -> Ticket:
    """Give a matter to a county below (下派). Its signing limit starts, and its part of the promise, which ends the
    policy's number of working days before the whole (or with the whole where that has passed).

    Raises NotBelow, PassedDownAlready, SuspendedTicketStays, UnionUnknown, UnionIsInsideTheEmployer, and the
    refusals of `take`.
    """
    ticket = take(unit, command.number, Step.pass_down, version=command.version)
    union = org_tree(unit.session).get(command.org_code)
    standing = inner_assignment(unit, ticket)
    if standing is not None:
        raise PassedDownAlready(number=ticket.number, union=org_tree(unit.session).get(standing.org_code).name)
    if union.code == ticket.holder_code or not within(union.code, unit.actor.scope):
        raise NotBelow(union=union.name)
    if ticket.suspended:
        raise SuspendedTicketStays(number=ticket.number)
    check_known_inside(unit, ticket, (union.code,), known=command.known_inside)
    for assisting in unit.session.scalars(
        select(Assignment).where(
            Assignment.ticket_id == ticket.id, Assignment.org_code == union.code, Assignment.ended_at.is_(None)
        )
    ):
        assisting.ended_at, assisting.end_reason = unit.now, "moved"  # it has the whole matter now
    call_off_tasks(unit, ticket, org_code=union.code)
    whole = clocks.running(unit, ticket.id)[ClockKind.resolve]
    days = current_rules(unit.session).policy.limits.inner_leg_earlier_working_days
    clocks.start_leg(unit, whole, org_code=union.code, leg=union.level, inner_days=days)
    unit.session.add(
        Assignment(
            ticket_id=ticket.id,
            cycle=ticket.cycle,
            org_code=union.code,
            role="inner",
            dispatched_at=unit.now,
            dispatched_by=unit.actor.id,
        )
    )
    unit.session.flush()
    ticket.holder_code = union.code
    carry_out(unit, ticket, Step.pass_down, note=command.note, data={"org": union.code})
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(
            f"上级下派工单 {ticket.number},请签收", f"Ticket {ticket.number} was passed down to you; please sign"
        ),
        occasion="passed_down",
    )
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnUp:
    """Why the matter is not this county's."""

    number: str
    reason: str
    version: int | None = None


def return_up(unit: Unit, command: ReturnUp) -> Ticket:
    """A county asks to hand a matter back to the union above it, once and before it signs. Nobody gains time.

    Raises NotPassedDown, DispatchIsAdjudicated, UnionAlreadyReturnedIt, RequestAlreadyOpen, and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.return_up, version=command.version)
    inner = _inner(unit, ticket)
    if inner.adjudicated:
        raise DispatchIsAdjudicated
    if _returned_before(unit, ticket):
        raise UnionAlreadyReturnedIt
    requests.ask(unit, ticket, "return", reason=command.reason, level=RETURN_LEVEL)
    carry_out(unit, ticket, Step.return_up, note=command.reason)
    tell_union(
        unit,
        ticket,
        ("handler", "leader"),
        Bilingual(f"下级申请退回工单 {ticket.number}", f"The county asks to hand ticket {ticket.number} back"),
        occasion="return_up_asked",
        org_code=lead_code(unit, ticket),
    )
    return ticket


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideBelow:
    """What the union above decides about a matter it passed down."""

    number: str
    note: str = ""
    version: int | None = None


def take_back(unit: Unit, command: DecideBelow) -> Ticket:
    """The union above has the matter itself again, whether it was asked to or not. The county's part ends here.

    Raises NotPassedDown and the refusals of `take`.
    """
    ticket = take(unit, command.number, Step.take_back, version=command.version)
    inner, asked = _inner(unit, ticket), requests.open_request(unit, ticket, "return")
    if asked is not None:
        requests.decide(unit, asked, "granted", note=command.note)
    leg = clocks.running_leg(unit, ticket.id)
    if leg is not None:
        clocks.stop(unit, leg, at=unit.now, reason=Step.take_back.value)
    below = inner.org_code
    inner.ended_at, inner.end_reason = unit.now, "returned" if asked is not None else "moved"
    ticket.holder_code = lead_code(unit, ticket)
    carry_out(unit, ticket, Step.take_back, note=command.note, data={"from": below})
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(f"工单 {ticket.number} 已由上级收回", f"Ticket {ticket.number} was taken back by the union above"),
        occasion="taken_back",
        org_code=below,
    )
    return ticket


def keep_down(unit: Unit, command: DecideBelow) -> Ticket:
    """The matter stays with the county, adjudicated: a new signing limit starts. Raises NotPassedDown, NoOpenRequest
    and the refusals of `take`."""
    ticket = take(unit, command.number, Step.keep_down, version=command.version)
    inner = _inner(unit, ticket)
    requests.decide(unit, requests.take_request(unit, ticket, "return"), "refused", note=command.note)
    inner.adjudicated = True
    carry_out(unit, ticket, Step.keep_down, note=command.note)
    tell_union(
        unit,
        ticket,
        ("handler",),
        Bilingual(
            f"工单 {ticket.number} 退回未获同意,请签收", f"Handing back ticket {ticket.number} was refused; please sign"
        ),
        occasion="kept_down",
    )
    return ticket


def endorse(unit: Unit, ticket: Ticket, inner: Assignment, *, note: str) -> None:
    """The county's leader signed its reply: it goes to the union above for the signature that counts."""
    ticket.holder_code = lead_code(unit, ticket)
    carry_out(unit, ticket, Step.endorse, note=note, data={"by": inner.org_code})
    tell_union(
        unit,
        ticket,
        ("leader",),
        Bilingual(
            f"下级工单 {ticket.number} 的反馈待审核", f"The reply to ticket {ticket.number} waits for your review"
        ),
        occasion="endorsed",
    )


def _inner(unit: Unit, ticket: Ticket) -> Assignment:
    inner = inner_assignment(unit, ticket)
    if inner is None:
        raise NotPassedDown(number=ticket.number)
    return inner


def _returned_before(unit: Unit, ticket: Ticket) -> bool:
    return (
        unit.session.scalar(
            select(StepRequest.id)
            .where(
                StepRequest.ticket_id == ticket.id,
                StepRequest.kind == "return",
                StepRequest.org_code == ticket.holder_code,
                StepRequest.verdict.in_(("granted", "refused")),
            )
            .limit(1)
        )
        is not None
    )
