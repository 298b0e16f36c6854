"""Two tickets that belong together: linked at any time, seen from both sides within each reader's scope, taken back."""

import pytest

from service.identity.people import actor_of_username
from service.tickets.errors import PermissionMissing, TicketNotFound
from service.tickets.links import (
    AlreadyLinked,
    LinkedToItself,
    LinkTickets,
    NotLinked,
    UnlinkTickets,
    link_tickets,
    unlink_tickets,
)
from service.tickets.queries import ticket_view, timeline
from service.tickets.together import MergeTicket, merge_ticket
from tests.desk import GOLMUD, Desk

ELSEWHERE = "630102"


def link(desk: Desk, number: str, other: str, who: str = "agent1", kind: str = "related") -> None:
    desk.do(who, link_tickets, LinkTickets(number=number, other=other, kind=kind, note="同一批职工"))


def linked(desk: Desk, number: str, who: str = "agent1") -> list[tuple[str, str]]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return [(other.number, other.kind) for other in ticket_view(unit, number).linked]


def told(desk: Desk, number: str, who: str) -> str:
    """All that the timeline tells this reader, data and notes."""
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return "".join(str(entry.data) for entry in timeline(unit, number))


def test_a_link_is_seen_from_both_sides_also_when_one_is_closed(desk: Desk) -> None:
    closed, open_ = desk.closed(), desk.in_progress()
    link(desk, open_, closed, kind="appeal")
    assert (linked(desk, open_), linked(desk, closed)) == ([(closed, "appeal")], [(open_, "appeal")])
    events = desk.rows("select note from ticket_event where kind = 'ticket:linked'")
    assert [row.note for row in events] == ["同一批职工", "同一批职工"]


def test_a_number_outside_the_readers_scope_is_shown_neither_as_a_link_nor_on_the_timeline(desk: Desk) -> None:
    here, there = desk.in_progress(), desk.in_progress(ELSEWHERE)
    link(desk, here, there)
    assert linked(desk, here, f"handler-{GOLMUD}") == []
    assert there not in told(desk, here, f"handler-{GOLMUD}")
    assert there in told(desk, here, "agent1")


def test_nor_is_the_number_of_what_was_merged_from_elsewhere(desk: Desk) -> None:
    master, other = desk.in_progress(), desk.accepted()
    desk.do("agent1", merge_ticket, MergeTicket(number=other, master=master, reason="同一批"))
    assert other not in told(desk, master, f"handler-{GOLMUD}")
    assert other in told(desk, master, "agent1")


def test_a_link_is_taken_back_with_its_reason_on_both_timelines(desk: Desk) -> None:
    one, other = desk.in_progress(), desk.in_progress()
    link(desk, one, other)
    with pytest.raises(AlreadyLinked):
        link(desk, other, one)
    desk.do("agent1", unlink_tickets, UnlinkTickets(number=other, other=one, reason="另一工地"))
    assert (linked(desk, one), linked(desk, other)) == ([], [])
    assert [row.note for row in desk.rows("select note from ticket_event where kind = 'ticket:unlinked'")] == [
        "另一工地"
    ] * 2
    with pytest.raises(NotLinked):
        desk.do("agent1", unlink_tickets, UnlinkTickets(number=other, other=one, reason="另一工地"))


def test_what_cannot_be_linked_is_refused(desk: Desk) -> None:
    number = desk.in_progress()
    with pytest.raises(LinkedToItself):
        link(desk, number, number)
    with pytest.raises(TicketNotFound):
        link(desk, number, "QH12351-20200101-000001")
    with pytest.raises(PermissionMissing):
        link(desk, number, desk.in_progress(), who=f"handler-{GOLMUD}")


def test_a_matter_taken_up_anew_is_linked_to_the_closed_one_as_it_is_registered(desk: Desk) -> None:
    closed = desk.closed()
    desk.wait(days=40)
    number = desk.registered(follows=closed)
    assert linked(desk, number) == [(closed, "appeal")]
    assert linked(desk, closed) == [(number, "appeal")]
