"""One matter that many callers told: its tickets, what they come to together, and what is done for all of them."""

from dataclasses import dataclass
from decimal import Decimal

from starlette.responses import Response

from service.api.schemas.groups import GroupIn
from service.console.errors import problem_for
from service.console.forms import Wrong, checked, of_unions
from service.console.queue import QueueLine, lines_of
from service.console.ticketpage import number_of
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.tickets.assist import Companions, companions
from service.tickets.queries import NameBook, ticket_row
from service.tickets.repository import find
from service.tickets.together import Group, GroupTickets, group_of, group_tickets, leave_group

MOST_ADDED = 20


@dataclass(frozen=True, slots=True)
class Together:
    """The tickets of a group that the reader sees, and their sums. Money in yuan."""

    group: Group
    lines: tuple[QueueLine, ...]
    amount: Decimal


def show_group(visit: Visit) -> Response:
    """The group of a ticket, or what it may be grouped with."""
    return _page(visit)


def take_group(visit: Visit) -> Response:
    """Bring tickets into the group of this one, or take one out."""
    number = number_of(visit)
    try:
        if leaving := visit.value("leave"):
            with visit.writing() as unit:
                leave_group(unit, leaving)
        else:
            with visit.reading() as unit:
                standing = group_of(unit, number)
            typed = visit.value("numbers").replace(",", " ").replace("、", " ").split()
            numbers = list(dict.fromkeys((number, *visit.typed.get("number", ()), *typed)))[: MOST_ADDED + 1]
            title = visit.value("title").strip() or (standing.title if standing else "")
            body = checked(GroupIn, {"numbers": numbers, "title": title})
            with visit.writing() as unit:
                group_tickets(unit, GroupTickets(numbers=tuple(body["numbers"]), title=body["title"]))
    except Wrong as wrong:
        return _page(visit, refusal=next(iter(wrong.errors.values())), status=422)
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _page(visit, refusal=problem.words, status=problem.status)
    return visit.goto(f"/tickets/{number}/group", done="1")


def together_of(unit: Unit, number: str) -> Together | None:
    """The group of a ticket as its reader sees it. Raises TicketNotFound."""
    group = group_of(unit, number)
    if group is None:
        return None
    tickets = [find(unit, each, "group") for each in group.numbers]
    names = NameBook.of(unit.session)
    rows = tuple(ticket_row(ticket, names=names, now=unit.now, handler=None) for ticket in tickets)
    amount = sum((ticket.amount_owed or Decimal(0) for ticket in tickets), Decimal(0))
    return Together(group=group, lines=lines_of(unit, rows), amount=amount)


def _page(visit: Visit, *, refusal: Bilingual | None = None, status: int = 200) -> Response:
    number = number_of(visit)
    with visit.reading() as unit:
        ticket = find(unit, number, "group")
        together = together_of(unit, number)
        may_group = unit.actor.may(Permission.ticket_group)
        found = companions(unit, number) if may_group else Companions((), ())
        may = {
            "group": may_group,
            "urge": unit.actor.may(Permission.ticket_urge),
            "dispatch": unit.actor.may(Permission.ticket_dispatch),
        }
        shown = {"title": ticket.title, "unions": of_unions(org_tree(unit.session), without_province=True)}
        now = unit.now
    inside = set(together.group.numbers) if together else {number}
    return visit.page(
        "group.html",
        status=status,
        number=number,
        together=together,
        alike=[each for each in found.duplicates if each.ticket.number not in inside],
        of_employer=[each for each in found.of_employer if each.number not in inside],
        may=may,
        refusal=refusal,
        done=bool(visit.query("done")),
        now=now,
        **shown,
    )
