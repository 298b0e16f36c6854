"""The queue of a union by deadline, and the list of all tickets."""

from dataclasses import dataclass

from starlette.responses import Response

from service.console import words
from service.console.forms import of_unions
from service.console.visit import Visit
from service.console.when import remaining
from service.core.errors import Bilingual
from service.core.ids import TICKET_NUMBER
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree
from service.sla.rules import current_rules
from service.tickets.assisting import NO_TASKS, task_queue
from service.tickets.finding import FindQuery, find_tickets
from service.tickets.queries import QueueQuery, queue_page
from service.tickets.states import OPEN, State
from service.tickets.views import TicketRow

PAGE_LENGTH = 30
# As many as are seen at a glance; the rest has a page of its own.
MOST_TASKS = 5


@dataclass(frozen=True, slots=True)
class QueueLine:
    """A ticket in a queue, with what is left of its deadline in words."""

    row: TicketRow
    remaining: Bilingual
    collective: bool


def show_home(visit: Visit) -> Response:
    """The queue; who handles no tickets sees the rules they keep instead, the audit, or their notices."""
    with visit.reading() as unit:
        reads_tickets = unit.actor.may(Permission.ticket_read)
    if not reads_tickets:
        head = visit.masthead
        kept = "/rules" if head and head.manages_rules else "/audit" if head and head.reads_audit else "/inbox"
        return visit.goto(kept)
    return show_queue(visit)


def show_queue(visit: Visit) -> Response:
    """Open tickets of a union and those below it, the nearest deadline first."""
    state = visit.query("state")
    own_only = visit.query("own") == "1"
    mine = visit.query("mine") == "1"
    with visit.reading() as unit:
        tree = org_tree(unit.session)
        org = visit.query("org") or unit.actor.org_code
        query = QueueQuery(
            org=org,
            state=state if state in _OPEN_STATES else None,
            own_only=own_only,
            mine=mine,
            limit=PAGE_LENGTH,
            cursor=visit.query("cursor") or None,
        )
        page = queue_page(unit, query)
        lines = lines_of(unit, page.rows)
        # A union's part in another's ticket stands above its own: nowhere else would it be looked for.
        scope = org if own_only else tree.get(org).scope
        tasks = task_queue(unit, scope=scope, limit=MOST_TASKS) if query.cursor is None else NO_TASKS
        unions = of_unions(tree, scope=unit.actor.scope)
        name = tree.get(org)
        handles = unit.actor.may(Permission.ticket_reply)
        now = unit.now
    return visit.page(
        "queue.html",
        lines=lines,
        tasks=tasks,
        next_cursor=page.next_cursor,
        state=query.state or "",
        states=_OPEN_STATES,
        own_only=own_only,
        mine=mine,
        handles=handles,
        org=org,
        union=Bilingual(name.name_zh, name.name_en),
        unions=unions if sum(len(group.options) for group in unions) > 1 else (),
        now=now,
        first_page=query.cursor is None,
    )


def show_tickets(visit: Visit) -> Response:
    """All tickets in scope, ended ones too, newest first; or straight to one by its number."""
    wanted = visit.query("number").upper()
    if wanted:
        number = wanted if wanted.startswith("QH12351-") else f"QH12351-{wanted}"
        if TICKET_NUMBER.match(number):
            return visit.goto(f"/tickets/{number}")
    state = visit.query("state")
    tier = visit.query("tier")
    with visit.reading() as unit:
        query = FindQuery(
            state=state if state in words.STATES else None,
            tier=tier if tier in words.TIERS and tier else None,
            org=visit.query("org") or None,
            limit=PAGE_LENGTH,
            cursor=visit.query("cursor") or None,
        )
        page = find_tickets(unit, query)
        lines = lines_of(unit, tuple(hit.row for hit in page.hits))
        unions = of_unions(org_tree(unit.session), scope=unit.actor.scope)
        now = unit.now
    return visit.page(
        "tickets.html",
        lines=lines,
        next_cursor=page.next_cursor,
        state=query.state or "",
        tier=query.tier or "",
        org=query.org or "",
        states=tuple(words.STATES),
        tiers=tuple(code for code in words.TIERS if code),
        unions=unions if sum(len(group.options) for group in unions) > 1 else (),
        unknown_number=wanted,
        now=now,
        first_page=query.cursor is None,
    )


_OPEN_STATES = tuple(state.value for state in State if state in OPEN)


def lines_of(unit: Unit, rows: tuple[TicketRow, ...]) -> tuple[QueueLine, ...]:
    """Tickets with what their deadlines mean now."""
    rules = current_rules(unit.session)
    return tuple(
        QueueLine(
            row=row,
            remaining=remaining(row, rules, unit.now),
            collective=row.people_count >= rules.policy.limits.collective_threshold,
        )
        for row in rows
    )
