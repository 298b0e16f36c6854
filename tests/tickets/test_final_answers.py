"""When no round is left: a supervision over the closed matter, and an answer for good signed by the union's head."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.identity.people import actor_of_username
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.errors import PermissionMissing, StepNotPossible
from service.tickets.final_answers import GiveFinalAnswer, RoundsLeft, give_final_answer
from service.tickets.queries import ticket_view, timeline
from service.tickets.states import Step
from service.tickets.supervising import (
    AnswerSupervision,
    NoOpenSupervision,
    ReviewSupervision,
    SuperviseTicket,
    SupervisionAlreadyAnswered,
    answer_supervision,
    close_supervision,
    open_supervisions,
    return_supervision,
    supervise_ticket,
)
from service.tickets.worker_way import progress_of
from tests.api.stages import to_be_answered_for_good
from tests.desk import GOLMUD, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
WORDS = "已过仲裁时效,工会已协助申请法律援助"
BASIS = "劳动争议调解仲裁法第二十七条"


def answer(desk: Desk, number: str, who: str = LEADER) -> None:
    desk.do(who, give_final_answer, GiveFinalAnswer(number=number, text=WORDS, basis=BASIS))


def possible(desk: Desk, number: str, who: str) -> set[Step]:
    return set(desk.do(who, ticket_view, number).possible_steps)


def test_the_head_answers_for_good_and_the_supervisor_accepts(desk: Desk) -> None:
    number = to_be_answered_for_good(desk)
    assert desk.ticket(number).state == "closed"
    assert Step.final_answer in possible(desk, number, LEADER)
    assert Step.final_answer not in possible(desk, number, HANDLER)

    answer(desk, number)

    assert {Step.close_supervision, Step.return_supervision} <= possible(desk, number, "supervisor1")
    desk.do("supervisor1", close_supervision, ReviewSupervision(number=number, note="同意"))
    assert desk.ticket(number).state == "closed"
    assert not desk.rows("select 1 from supervision where closed_at is null")
    told = desk.do("supervisor1", timeline, number)
    (entry,) = (entry for entry in told if entry.kind == "ticket:final_answered")
    assert (entry.note, entry.data["basis"]) == (WORDS, BASIS)


def test_the_worker_is_told_that_it_was_given_and_nothing_of_the_case(desk: Desk) -> None:
    number = to_be_answered_for_good(desk)
    answer(desk, number)
    (row,) = desk.rows("select payload from outbox_message where key like :k", k=f"worker_sms:{number}:final_answer:%")
    assert row.payload["template"] == "final_answer"
    with desk.application.reading() as unit:
        told = [line.what.zh for line in progress_of(unit, desk.ticket(number).id).told]
    assert "工会已出具最终答复" in told


def test_an_answer_sent_back_is_followed_by_another(desk: Desk) -> None:
    number = to_be_answered_for_good(desk)
    answer(desk, number)
    with pytest.raises(SupervisionAlreadyAnswered):
        answer(desk, number)
    desk.do("supervisor1", return_supervision, ReviewSupervision(number=number, note="未写明救济途径"))
    answer(desk, number)
    assert len(desk.rows("select 1 from final_answer")) == 2
    with pytest.raises(DBAPIError, match="append-only"), desk.by_hand() as owner:
        owner.execute(text("update final_answer set basis = '改写'"))


def test_while_rounds_are_left_there_is_no_answer_for_good(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="请报告进展"))
    with pytest.raises(StepNotPossible):
        answer(desk, number)
    desk.reply(number)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    desk.rate(number)
    assert Step.final_answer not in possible(desk, number, LEADER)
    with pytest.raises(RoundsLeft):
        answer(desk, number)


def test_it_is_the_heads_to_sign_and_needs_a_supervision(desk: Desk) -> None:
    number = to_be_answered_for_good(desk)
    with pytest.raises(PermissionMissing):
        answer(desk, number, who=HANDLER)
    answer(desk, number)
    desk.do("supervisor1", close_supervision, ReviewSupervision(number=number))
    with pytest.raises(NoOpenSupervision):
        answer(desk, number)


def test_a_supervision_that_outlives_the_matter_is_answered_and_ended_there(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="请报告进展"))
    desk.reply(number)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    desk.rate(number)
    assert desk.ticket(number).state == "closed"

    desk.do(HANDLER, answer_supervision, AnswerSupervision(number=number, text="已付清"))
    desk.do("supervisor1", close_supervision, ReviewSupervision(number=number))

    assert listed(desk, "supervisor1") == []


def listed(desk: Desk, who: str) -> list[str]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return [each.number for each in open_supervisions(unit).supervisions]


def test_the_list_is_by_date_and_shows_to_a_union_only_its_own(desk: Desk) -> None:
    closed = to_be_answered_for_good(desk)
    later, elsewhere = desk.in_progress(), desk.in_progress("630102")
    for number, days in ((later, 9), (elsewhere, 1)):
        due = desk.clock.now() + timedelta(days=days)
        desk.do("supervisor1", supervise_ticket, SuperviseTicket(number=number, note="请报告进展", due_at=due))
    assert listed(desk, "supervisor1") == [elsewhere, closed, later]
    assert listed(desk, LEADER) == [closed, later]
