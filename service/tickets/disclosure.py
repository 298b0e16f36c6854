"""Who called: shown to those who have to ring back, each time with a reason that is put on record."""

from collections.abc import Sequence
from dataclasses import dataclass

from service.audit.recording import record
from service.core.errors import Bilingual, Forbidden, NotFound
from service.core.unit import PROVINCE_CODE, Unit
from service.identity.permissions import Permission
from service.tickets import repository
from service.tickets.concealing import Sight, concealed, numbers_apart, sight_of_caller
from service.tickets.confidentiality import Confidentiality
from service.tickets.errors import NotTheHolder, PermissionMissing
from service.tickets.inside import is_inside
from service.tickets.models import Ticket
from service.tickets.reveals import count_reveal
from service.tickets.sealed import Told, name_of, told_by
from service.tickets.steps import holder_name, write_event
from service.tickets.ties import CallerMisplaced, caller_of

_REVEAL = Bilingual("查看来电人信息", "see who called")


class IdentityIsHidden(Forbidden):
    """保密: the worker asked that the handling union does not learn who called."""

    zh = "职工要求保密,来电人信息只对省级热线中心开放,请通过热线中心联系职工。"
    en = "The worker asked for confidentiality: only the provincial centre sees who called; reach them through it."


class CallerHiddenFromMost(Forbidden):
    """The worker confided in those who took the call, and in nobody else."""

    zh = "职工要求仅受理人员可见,来电人信息只对省级热线中心的坐席开放;职工本人的查阅、更正、删除请求由中心督办员办理。"
    en = (
        "The worker wants the intake alone to know: only the centre's agents see who called; what the worker asks of"
        " their own data is done by the centre's supervisors."
    )


class CallerHiddenInside(Forbidden):
    """The employer never learns who complained, and a union inside it is a part of it."""

    zh = "您单位是被反映单位内部的工会,不能查看来电人信息,请通过省级热线中心联系职工。"
    en = "Yours is a union inside the employer complained of, which never sees who called; reach them by the centre."


class NoCallerOnRecord(NotFound):
    """An anonymous matter without a number."""

    zh = "工单 {number} 没有登记来电人。"
    en = "Ticket {number} has no caller on record."


@dataclass(frozen=True, slots=True, kw_only=True)
class RevealCaller:
    """Whose caller and why."""

    number: str
    reason: str


@dataclass(frozen=True, slots=True)
class CallerDetails:
    """All that the caller told of themselves, and the numbers that stood in the ticket's texts as they are shown there
    and in clear. Never logged, never put into a message."""

    name: str | None
    phone: str | None
    id_number: str | None
    address: str | None
    numbers: tuple[tuple[str, str], ...]


def reveal_caller(unit: Unit, command: RevealCaller) -> CallerDetails:
    """Open the sealed name and number, and write down who looked and why (PIPL art. 51, the hotline's rule).

    The centre sees every caller but those who confided in the intake alone; a union those of tickets it holds, unless
    the worker asked for confidentiality or the union belongs to the employer. Raises TicketNotFound and what
    `check_sees_clear` raises, NoCallerOnRecord, CallerMisplaced.
    """
    ticket = repository.lock(unit, command.number)
    check_sees_clear(unit, ticket, _REVEAL)
    caller = caller_of(unit, ticket)
    numbers = numbers_apart(unit, ticket.id)
    if caller is None and not numbers:
        raise NoCallerOnRecord(number=ticket.number)
    reason = concealed(unit, ticket, command.reason)
    count_reveal(unit)
    write_event(unit, ticket, kind="caller:revealed", from_state=ticket.state, note=reason)
    record(unit, "caller:reveal", subject=ticket.number, after={"reason": reason})
    told = told_by(unit.vault, caller) if caller else Told()
    return CallerDetails(
        name=told.name,
        phone=told.digits or None,
        id_number=told.id_number,
        address=told.address,
        numbers=tuple(numbers),
    )


@dataclass(frozen=True, slots=True)
class CallerInList:
    """A caller as a list shows them; `withheld` says why not in clear. Never logged, never put into a message."""

    name: str
    phone: str
    withheld: Bilingual | None


_NOBODY = Bilingual("未登记来电人", "no caller on record")
_INSIDE = Bilingual("不显示:被反映单位内部工会", "not shown: a union inside the employer")
_CONFIDENTIAL = Bilingual("不显示:职工要求保密", "not shown: confidential")
_CONFIDED = Bilingual("脱敏:仅受理人员可见", "masked: known to the intake alone")
_MISPLACED = Bilingual("与登记时不符,未予显示", "not the one who was taken down; not shown")
_NOT_THEIRS = Bilingual("脱敏:非本单位承办或无权查看", "masked: not this union's, or no right to see")


def reveal_callers(unit: Unit, numbers: Sequence[str], *, reason: str) -> dict[str, CallerInList]:
    """The callers of these tickets for a list, by number: in clear of those whose caller the actor may see, each of
    them counted and on the ticket's timeline with the reason. Raises TicketNotFound."""
    tickets = repository.lock_all(unit, set(numbers))
    listed = {number: _in_list(unit, ticket) for number, ticket in tickets.items()}
    seen = [number for number, caller in listed.items() if caller.withheld is None]
    for number in seen:
        write_event(unit, tickets[number], kind="caller:revealed", from_state=tickets[number].state, note=reason)
    if seen:
        count_reveal(unit, times=len(seen))
        record(unit, "caller:exported", subject=f"{len(seen)}", after={"reason": reason, "tickets": seen})
    return listed


def _in_list(unit: Unit, ticket: Ticket) -> CallerInList:
    try:
        caller = caller_of(unit, ticket)
    except CallerMisplaced:
        return CallerInList("", "", _MISPLACED)
    if caller is None:
        return CallerInList("", "", _NOBODY)
    sight = sight_of_caller(unit, ticket)
    if sight is Sight.nothing:
        return CallerInList("", "", _INSIDE if is_inside(unit, ticket.employer_id) else _CONFIDENTIAL)
    if sight is Sight.clear:
        told = told_by(unit.vault, caller)
        return CallerInList(told.name or "", told.digits, None)
    confided = ticket.confidentiality == Confidentiality.intake_only
    return CallerInList(
        name_of(unit.vault, caller) or "",
        f"*******{caller.phone_last4}",
        _CONFIDED if confided else _NOT_THEIRS,
    )


def check_sees_clear(unit: Unit, ticket: Ticket, step: Bilingual) -> None:
    """Raises PermissionMissing, CallerHiddenInside, NotTheHolder, IdentityIsHidden or CallerHiddenFromMost for whoever
    may not see the ticket's caller in clear."""
    actor = unit.actor
    if not actor.may(Permission.caller_reveal):
        raise PermissionMissing(step=step)
    sight = sight_of_caller(unit, ticket)
    if sight is Sight.clear:
        return
    if is_inside(unit, ticket.employer_id):
        raise CallerHiddenInside
    if actor.org_code not in {PROVINCE_CODE, ticket.holder_code}:
        raise NotTheHolder(holder=holder_name(unit, ticket), step=step)
    if sight is Sight.nothing:
        raise IdentityIsHidden
    raise CallerHiddenFromMost
