"""Ends without a reply: withdrawn, transferred out, terminated, archived. Nothing waits on after them."""

from datetime import timedelta

import pytest

from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.endings import (
    EndTicket,
    PeerNumberTaken,
    TransferOut,
    archive_ended,
    terminate_ticket,
    transfer_out,
    withdraw_ticket,
)
from service.tickets.errors import StepNotPossible
from service.tickets.handling import AskExtension, SignTicket, ask_extension, sign_ticket
from service.tickets.supervising import (
    AnswerSupervision,
    ReviewSupervision,
    SuperviseTicket,
    answer_supervision,
    close_supervision,
    supervise_ticket,
)
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER = f"handler-{GOLMUD}"


def what_is_left(desk: Desk, number: str) -> dict[str, int]:
    """How many clocks run, questions wait, unions have it and supervisions stand."""
    (row,) = desk.rows(
        "select"
        " (select count(*) from sla_clock where ticket_id = t.id and stopped_at is null) as clocks,"
        " (select count(*) from step_request where ticket_id = t.id and verdict is null) as requests,"
        " (select count(*) from assignment where ticket_id = t.id and ended_at is null) as unions,"
        " (select count(*) from supervision where ticket_id = t.id and closed_at is null) as supervisions"
        " from ticket t where t.number = :n",
        n=number,
    )
    return dict(row._mapping)


@pytest.mark.parametrize("end", [withdraw_ticket, terminate_ticket])
def test_an_end_leaves_nothing_that_waits(desk: Desk, end: object) -> None:
    number = desk.dispatched(GOLMUD)
    desk.do(HANDLER, sign_ticket, SignTicket(number=number))
    desk.do(HANDLER, ask_extension, AskExtension(number=number, days=2, reason="须调解"))
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="请报告进展"))
    assert min(what_is_left(desk, number).values()) > 0

    desk.do("supervisor1" if end is terminate_ticket else "agent1", end, EndTicket(number=number, reason="已付清"))  # type: ignore[arg-type]

    assert what_is_left(desk, number) == {"clocks": 0, "requests": 0, "unions": 0, "supervisions": 0}
    with pytest.raises(StepNotPossible):
        desk.do("agent1", withdraw_ticket, EndTicket(number=number, reason="再撤一次"))


def test_a_matter_goes_to_another_line_under_its_number_there(desk: Desk) -> None:
    number = desk.accepted()
    desk.do("dispatcher1", transfer_out, TransferOut(number=number, peer="12345", peer_number="A-1", note="属城管"))
    assert desk.ticket(number).state == "transferred_out"
    (alias,) = desk.rows(
        "select a.* from ticket_alias a join ticket t on t.id = a.ticket_id where t.number = :n and a.kind = '12345'",
        n=number,
    )
    assert alias.number == "A-1"


def test_a_peers_number_names_one_ticket_and_the_second_stays_as_it_was(desk: Desk) -> None:
    first, second = desk.accepted(), desk.accepted()
    desk.do("dispatcher1", transfer_out, TransferOut(number=first, peer="12345", peer_number="A-1"))
    with pytest.raises(PeerNumberTaken):
        desk.do("dispatcher1", transfer_out, TransferOut(number=second, peer="12345", peer_number="A-1"))
    assert desk.ticket(second).state == "accepted"
    desk.do("dispatcher1", transfer_out, TransferOut(number=second, peer="全总", peer_number="A-1"))


def test_a_union_that_has_a_matter_does_not_see_it_sent_elsewhere(desk: Desk) -> None:
    number = desk.dispatched(HAIXI)
    with pytest.raises(StepNotPossible):
        desk.do("dispatcher1", transfer_out, TransferOut(number=number, peer="12345"))


def test_what_ended_is_archived_when_it_can_no_longer_be_reopened_whatever_its_end(desk: Desk) -> None:
    withdrawn_at_once = desk.registered()
    desk.do("agent1", withdraw_ticket, EndTicket(number=withdrawn_at_once, reason="已付清"))
    closed, running = desk.closed(), desk.accepted()
    ended = desk.clock.now()

    desk.go_to(ended + timedelta(days=30))
    assert archived(desk) == 0
    desk.wait(seconds=1)
    assert archived(desk, limit=1) == 1
    assert archived(desk) == 1
    assert archived(desk) == 0
    assert [desk.ticket(number).state for number in (withdrawn_at_once, closed, running)] == [
        "archived",
        "archived",
        "accepted",
    ]


def test_a_closed_matter_under_supervision_is_not_archived_until_that_has_ended(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="请报告进展"))
    desk.reply(number)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number))
    desk.rate(number)
    desk.wait(days=31)
    assert archived(desk) == 0
    desk.do(HANDLER, answer_supervision, AnswerSupervision(number=number, text="已付清"))
    desk.do("supervisor1", close_supervision, ReviewSupervision(number=number))
    assert archived(desk) == 1


def archived(desk: Desk, limit: int = 100) -> int:
    with desk.application.unit() as unit:
        return archive_ended(unit, limit=limit)


def test_the_worker_of_a_terminated_matter_is_told(desk: Desk) -> None:
    number = desk.accepted()
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD))
    desk.do("supervisor1", terminate_ticket, EndTicket(number=number, reason="诉求已由法院受理"))
    (text,) = desk.rows("select payload from outbox_message where key = :k", k=f"worker_sms:{number}:terminated")
    assert text.payload["template"] == "ended"
