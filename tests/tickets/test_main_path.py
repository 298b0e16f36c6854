"""The main path of a ticket, and what it leaves behind."""

import pytest

from service.core.unit import WORKER, Actor
from service.tickets.errors import StepNotPossible, TicketNotFound
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.repository import find
from tests.desk import GOLMUD, Desk, at


def test_a_complaint_is_taken_in_dispatched_handled_called_back_and_closed(desk: Desk) -> None:
    number = desk.closed()

    assert desk.ticket(number).state == "closed"
    assert [row.kind for row in desk.rows("select kind from ticket_event order by id")] == [
        "ticket:registered",
        "ticket:accepted",
        "ticket:dispatched",
        "ticket:signed",
        "ticket:replied",
        "ticket:approved",
        "ticket:callback_attempted",
        "rating:recorded",
        "ticket:closed",
    ]
    clocks = desk.rows("select kind, stopped_at, breached_at from sla_clock order by id")
    assert {row.kind for row in clocks} == {"dispatch", "resolve", "sign", "first_contact", "callback"}
    assert all(row.stopped_at is not None and row.breached_at is None for row in clocks)


def test_a_difficult_matter_is_due_at_the_end_of_the_fifth_working_day(desk: Desk) -> None:
    number = desk.accepted()  # accepted on Friday 2026-11-20

    assert desk.ticket(number).due_at == at("2026-11-28 00:00")


def test_a_sibling_county_cannot_tell_that_the_ticket_exists(desk: Desk) -> None:
    number = desk.dispatched(GOLMUD)

    with pytest.raises(TicketNotFound):
        desk.do("handler-632802", sign_ticket, SignTicket(number=number))


def test_somebody_without_a_scope_sees_nothing_rather_than_everything(desk: Desk) -> None:
    number = desk.dispatched(GOLMUD)

    with pytest.raises(ValueError, match="scope"):
        Actor(id=None, name="nobody", org_code="", scope="", permissions=frozenset())
    with desk.application.reading(WORKER) as unit, pytest.raises(TicketNotFound):
        find(unit, number)


def test_an_illegal_step_writes_nothing_and_says_what_is_possible(desk: Desk) -> None:
    number = desk.in_progress()
    before = desk.rows("select count(*) as n from ticket_event")[0].n

    with pytest.raises(StepNotPossible) as refusal:
        desk.do(f"handler-{GOLMUD}", sign_ticket, SignTicket(number=number))

    assert "办理中" in refusal.value.sentence("zh")
    assert "反馈" in refusal.value.sentence("zh")
    assert desk.rows("select count(*) as n from ticket_event")[0].n == before
