"""One step on many tickets: each through its own use-case, in a savepoint of its own, with its own answer.

Nothing is skipped because there are many: scope, right, state, version and every rule of the step are asked for each
ticket, and what is refused for one is done for the others.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from service.audit.recording import record
from service.core.errors import Bilingual, Conflict, HotlineError
from service.core.unit import Unit
from service.tickets.assigning import AssignTicket, assign_ticket
from service.tickets.closing import AddNote, urge_ticket
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.errors import PermissionMissing, TicketNotFound
from service.tickets.models import Ticket
from service.tickets.repository import visible
from service.tickets.states import TABLE, Step

# Beyond this one press of a button would hold locks for seconds.
MOST_AT_ONCE = 200


class TicketIsBusy(Conflict):
    """Somebody else works on the ticket right now and does not let go."""

    zh = "工单 {number} 正在被他人操作,请稍后再试。"
    en = "Somebody is working on ticket {number} right now; try again in a moment."


@dataclass(frozen=True, slots=True)
class Chosen:
    """A ticket of a list, and the row version its reader saw."""

    number: str
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one ticket: done, or refused and why."""

    number: str
    refused: HotlineError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UrgeTickets:
    """Which tickets, and what their unions are told."""

    tickets: tuple[Chosen, ...]
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchTickets:
    """Which tickets go to which union; assisting unions help with each of them."""

    tickets: tuple[Chosen, ...]
    org_code: str
    assisting: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignTickets:
    """Which tickets are given to whom of one's own union."""

    tickets: tuple[Chosen, ...]
    username: str
    note: str = ""


def urge_tickets(unit: Unit, command: UrgeTickets) -> tuple[Outcome, ...]:
    """催办 for many. One outcome for each ticket in the order given. Raises PermissionMissing."""

    def urge(chosen: Chosen) -> object:
        return urge_ticket(unit, AddNote(number=chosen.number, note=command.note, version=chosen.version))

    return _each(unit, Step.urge, command.tickets, urge)


def dispatch_tickets(unit: Unit, command: DispatchTickets) -> tuple[Outcome, ...]:
    """派单 for many. One outcome for each ticket in the order given. Raises PermissionMissing."""

    def dispatch(chosen: Chosen) -> object:
        return dispatch_ticket(
            unit,
            DispatchTicket(
                number=chosen.number,
                org_code=command.org_code,
                assisting=command.assisting,
                note=command.note,
                version=chosen.version,
            ),
        )

    return _each(unit, Step.dispatch, command.tickets, dispatch)


def assign_tickets(unit: Unit, command: AssignTickets) -> tuple[Outcome, ...]:
    """指定承办人 for many. One outcome for each ticket in the order given. Raises PermissionMissing."""

    def assign(chosen: Chosen) -> None:
        assign_ticket(
            unit,
            AssignTicket(number=chosen.number, username=command.username, note=command.note, version=chosen.version),
        )

    return _each(unit, Step.assign, command.tickets, assign)


def _each(unit: Unit, step: Step, tickets: Sequence[Chosen], take: Callable[[Chosen], object]) -> tuple[Outcome, ...]:
    row = TABLE[step]
    if row.permission is None or not unit.actor.may(row.permission):
        raise PermissionMissing(step=Bilingual(row.name_zh, row.name_en))
    chosen = {each.number: each for each in tickets}
    # In the order of their ids, as everybody locks several tickets: two of these never wait for each other in a circle.
    order = unit.session.scalars(
        select(Ticket.number).where(Ticket.number.in_(chosen), visible(unit.actor)).order_by(Ticket.id)
    ).all()
    outcomes = {number: Outcome(number, TicketNotFound(number=number)) for number in chosen.keys() - set(order)}
    for number in order:
        try:
            with unit.session.begin_nested():
                take(chosen[number])
            outcomes[number] = Outcome(number)
        except HotlineError as error:
            outcomes[number] = Outcome(number, error)
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", "") not in _WAITED_IN_VAIN:
                raise
            outcomes[number] = Outcome(number, TicketIsBusy(number=number))
    done = [number for number in order if outcomes[number].refused is None]
    record(unit, f"ticket:bulk-{step.value}", subject=f"{len(chosen)}", after={"done": done})
    return tuple(outcomes[number] for number in chosen)


# lock_timeout, deadlock: of one ticket, in its own savepoint.
_WAITED_IN_VAIN = frozenset({"55P03", "40P01"})
