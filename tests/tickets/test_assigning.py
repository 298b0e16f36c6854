"""A ticket in somebody's hands: given by name, told to that person, shown to all, and let go with the ticket."""

from datetime import date

import pytest
from sqlalchemy import update

from service.identity.absences import RecordAbsence, record_absence
from service.identity.models import Person
from service.identity.people import CreatePerson, actor_of_username, create_person
from service.identity.permissions import Role
from service.notifications.audience import resolve_audience
from service.tickets.assigning import AssignTicket, HandlerKeepsOut, HandlerUnfit, assign_ticket
from service.tickets.bulk import AssignTickets, Chosen, assign_tickets
from service.tickets.dispatching import AskReturn, ask_return, grant_return
from service.tickets.errors import NotTheHolder, PermissionMissing, TicketNotFound
from service.tickets.finding import FindQuery, find_tickets
from service.tickets.passing_down import DecideBelow, PassDown, pass_down, take_back
from service.tickets.queries import QueueQuery, queue_page, ticket_view, timeline
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.requests import DecideRequest
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk

FIRST, LEADER, SECOND = f"handler-{GOLMUD}", f"leader-{GOLMUD}", "second.golmud"
TODAY = date(2026, 11, 20)


@pytest.fixture(autouse=True)
def second_handler(desk: Desk) -> None:
    person = CreatePerson(
        username=SECOND,
        display_name="格尔木承办人二",
        org_code=GOLMUD,
        roles=frozenset({Role.handler}),
        password=PASSWORD,
    )
    with desk.application.unit() as unit:
        create_person(unit, person)


def give(desk: Desk, number: str, username: str = SECOND, *, by: str = LEADER) -> None:
    desk.do(by, assign_ticket, AssignTicket(number=number, username=username))


def handlers_told(desk: Desk, number: str) -> list[str]:
    with desk.application.reading() as unit:
        found = resolve_audience(unit, ("handler",), org_code=GOLMUD, ticket_id=desk.ticket(number).id)
    return [target.username for target in found]


def in_hands(desk: Desk, who: str) -> tuple[list[str], list[str]]:
    """What the queue and the search call somebody's own."""
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        queue = queue_page(unit, QueueQuery(org=GOLMUD, mine=True))
        found = find_tickets(unit, FindQuery(mine=True))
        words = find_tickets(unit, FindQuery(q="拖欠", mine=True))
    assert [hit.row for hit in found.hits] == [hit.row for hit in words.hits]
    return [row.number for row in queue.rows], [hit.row.number for hit in found.hits]


def handler_of(desk: Desk, number: str, who: str = "agent1") -> str | None:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        view = ticket_view(unit, number)
    assert view.row.handler == (view.handler.name if view.handler else None)
    return view.handler.username if view.handler else None


def test_a_ticket_is_given_to_one_person_who_alone_is_told_of_it_then(desk: Desk) -> None:
    number, other = desk.dispatched(), desk.dispatched()
    assert handlers_told(desk, number) == [FIRST, SECOND]
    give(desk, number)

    assert handler_of(desk, number) == SECOND
    assert handlers_told(desk, number) == [SECOND]
    assert handlers_told(desk, other) == [FIRST, SECOND]
    assert (in_hands(desk, SECOND), in_hands(desk, FIRST)) == (([number], [number]), ([], []))
    notices = desk.rows(
        "select p.username from outbox_message m join person p on p.id = (m.payload->>'person_id')::int"
        " where m.payload->>'text_zh' like '%指定由%'"
    )
    assert [row.username for row in notices] == [SECOND]
    give(desk, number, FIRST, by=SECOND)
    assert handlers_told(desk, number) == [FIRST]


def test_giving_it_again_to_the_same_person_changes_nothing(desk: Desk) -> None:
    number = desk.in_progress()
    give(desk, number)
    give(desk, number)

    with desk.application.reading() as unit:
        kinds = [entry.kind for entry in timeline(unit, number)]
    assert kinds.count("ticket:assigned") == 1


@pytest.mark.parametrize("username", [LEADER, f"handler-{HAIXI}", "nobody"])
def test_only_a_handler_of_the_union_that_holds_it_can_have_it(desk: Desk, username: str) -> None:
    number = desk.in_progress()
    with pytest.raises(HandlerUnfit):
        give(desk, number, username)
    assert handler_of(desk, number) is None


def test_only_the_union_that_holds_it_gives_it_away(desk: Desk) -> None:
    number = desk.in_progress()
    for who, refusal in ((f"leader-{HAIXI}", NotTheHolder), ("agent1", PermissionMissing),
                         ("handler-632802", TicketNotFound)):  # fmt: skip
        with pytest.raises(refusal):
            give(desk, number, by=who)


def test_who_is_away_may_have_it_and_everybody_sees_who_stands_in(desk: Desk) -> None:
    number = desk.in_progress()
    absence = RecordAbsence(starts_on=TODAY, ends_on=TODAY, username=SECOND, deputy=FIRST, reason="病假")
    desk.do(SECOND, record_absence, absence)
    give(desk, number)

    with desk.application.reading() as unit:
        handler = ticket_view(unit, number).handler
        given = next(entry for entry in timeline(unit, number) if entry.kind == "ticket:assigned")
    assert handler is not None
    assert (handler.absent_until, handler.deputy) == (TODAY, given.data["deputy"])
    assert given.data["absent_until"] == "2026-11-20"
    assert handlers_told(desk, number) == [SECOND, FIRST]
    assert in_hands(desk, FIRST)[0] == [number]
    desk.wait(days=1)
    assert handlers_told(desk, number) == [SECOND]
    assert in_hands(desk, FIRST)[0] == []


def test_it_ends_when_the_ticket_goes_to_another_union(desk: Desk) -> None:
    returned = desk.dispatched()
    give(desk, returned)
    desk.do(FIRST, ask_return, AskReturn(number=returned, reason="不属我市"))
    desk.do("dispatcher1", grant_return, DecideRequest(number=returned))
    taken_back = desk.in_progress(HAIXI)
    desk.do(f"handler-{HAIXI}", pass_down, PassDown(number=taken_back, org_code=GOLMUD))
    give(desk, taken_back)
    desk.do(f"handler-{HAIXI}", take_back, DecideBelow(number=taken_back))

    assert (handler_of(desk, returned), handler_of(desk, taken_back)) == (None, None)
    assert desk.rows("select * from ticket_handler") == []


def test_who_keeps_out_of_a_matter_neither_keeps_nor_gets_it(desk: Desk) -> None:
    number = desk.in_progress()
    give(desk, number)
    desk.do(SECOND, recuse, RecusePerson(number=number, reason="近亲属"))

    assert handler_of(desk, number) is None
    assert handlers_told(desk, number) == [FIRST]
    with pytest.raises(HandlerKeepsOut):
        give(desk, number)


def test_who_has_left_has_nothing_in_hand_any_more(desk: Desk) -> None:
    number = desk.in_progress()
    give(desk, number)
    with desk.application.unit() as unit:
        unit.session.execute(update(Person).where(Person.username == SECOND).values(active=False))

    assert handler_of(desk, number) is None
    assert handlers_told(desk, number) == [FIRST]


def test_many_are_given_at_once_and_each_has_its_answer(desk: Desk) -> None:
    mine, ended, elsewhere = desk.in_progress(), desk.closed(), desk.in_progress(HAIXI)
    chosen = tuple(Chosen(number=number) for number in (mine, ended, elsewhere))
    outcomes = desk.do(LEADER, assign_tickets, AssignTickets(tickets=chosen, username=SECOND))

    assert [outcome.refused is None for outcome in outcomes] == [True, False, False]
    assert in_hands(desk, SECOND)[0] == [mine]
    with pytest.raises(PermissionMissing):
        desk.do("agent1", assign_tickets, AssignTickets(tickets=chosen, username=SECOND))
