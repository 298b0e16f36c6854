"""Who called: shown to those who have to ring back, each time with a reason that is put on record."""

from dataclasses import dataclass

from service.audit.recording import record
from service.core.errors import Bilingual, Forbidden, NotFound
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.tickets import repository
from service.tickets.concealing import Sight, concealed, numbers_apart, sight_of_caller
from service.tickets.errors import NotTheHolder, PermissionMissing
from service.tickets.models import Caller
from service.tickets.reveals import count_reveal
from service.tickets.sealed import Told, told_by
from service.tickets.steps import holder_name, write_event

_REVEAL = Bilingual("查看来电人信息", "see who called")


class IdentityIsHidden(Forbidden):
    """保密: the worker asked that the handling union does not learn who called."""

    zh = "职工要求保密,来电人信息只对省级热线中心开放,请通过热线中心联系职工。"
    en = "The worker asked for confidentiality: only the provincial centre sees who called; reach them through it."


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

    The centre sees every caller; a union those of tickets it holds, unless the worker asked for confidentiality.
    Raises TicketNotFound, PermissionMissing, NotTheHolder, IdentityIsHidden, NoCallerOnRecord.
    """
    ticket = repository.lock(unit, command.number)
    if not unit.actor.may(Permission.caller_reveal):
        raise PermissionMissing(step=_REVEAL)
    sight = sight_of_caller(unit.actor, ticket)
    if sight is not Sight.clear and unit.actor.org_code != ticket.holder_code:
        raise NotTheHolder(holder=holder_name(unit, ticket), step=_REVEAL)
    if sight is Sight.nothing:
        raise IdentityIsHidden
    caller = unit.session.get(Caller, ticket.caller_id) if ticket.caller_id else None
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
