"""质检: what is drawn, who looks at it, and what becomes of a reply that does not stand."""

import pytest

from service.identity.people import actor_of_username
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.errors import PermissionMissing
from service.tickets.quality_checks import (
    FailQuality,
    NothingToCheck,
    PassQuality,
    fail_quality,
    pass_quality,
    quality_queue,
)
from service.tickets.queries import ticket_view
from service.tickets.states import Step
from tests.api.stages import drawn_for_quality
from tests.desk import GOLMUD, Desk

LEADER = f"leader-{GOLMUD}"


def waiting(desk: Desk) -> list[str]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, "supervisor1")
        return [check.number for check in quality_queue(unit).checks]


def fail(desk: Desk, number: str) -> None:
    desk.do("supervisor1", fail_quality, FailQuality(number=number, note="未附支付凭证"))


def signed_again(desk: Desk, number: str) -> None:
    desk.reply(number)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))


def test_every_specially_complex_reply_is_drawn_and_passes(desk: Desk) -> None:
    number = drawn_for_quality(desk)
    assert waiting(desk) == [number]
    desk.do("supervisor1", pass_quality, PassQuality(number=number, note="凭证齐全"))
    assert waiting(desk) == []
    assert desk.ticket(number).state == "to_callback"
    with pytest.raises(NothingToCheck):
        desk.do("supervisor1", pass_quality, PassQuality(number=number))


def test_what_fails_before_the_call_back_is_done_again_and_drawn_again(desk: Desk) -> None:
    number = drawn_for_quality(desk)
    fail(desk, number)
    ticket = desk.ticket(number)
    assert (ticket.state, ticket.cycle) == ("in_progress", 2)
    assert waiting(desk) == []
    signed_again(desk, number)
    assert waiting(desk) == [number]


def test_what_fails_after_the_worker_was_content_is_taken_up_again(desk: Desk) -> None:
    number = drawn_for_quality(desk)
    desk.rate(number)
    assert desk.ticket(number).state == "closed"
    assert waiting(desk) == [number]
    fail(desk, number)
    ticket = desk.ticket(number)
    assert (ticket.state, ticket.cycle) == ("in_progress", 2)


def test_where_no_round_is_left_it_is_supervised(desk: Desk) -> None:
    number = drawn_for_quality(desk)
    for _ in range(2):
        fail(desk, number)
        signed_again(desk, number)
    fail(desk, number)
    assert desk.ticket(number).state == "to_callback"
    (supervision,) = desk.rows("select instruction from supervision where closed_at is null")
    assert supervision.instruction == "质检不合格:未附支付凭证"


def test_a_round_the_worker_had_done_again_waits_no_more(desk: Desk) -> None:
    number = drawn_for_quality(desk)
    desk.rate(number, resolved=False, satisfaction=1, reason="not_resolved")
    assert waiting(desk) == []


def test_ordinary_replies_are_drawn_about_as_often_as_the_policy_says(desk: Desk) -> None:
    for _ in range(25):
        desk.to_callback()  # of the tier that its category suggests: difficult, one in five
    tiers = {row.tier for row in desk.rows("select distinct tier from ticket")}
    assert tiers == {"difficult"}
    assert 1 <= len(waiting(desk)) <= 12


def test_the_lot_is_the_supervisors_and_offered_to_nobody_else(desk: Desk) -> None:
    number = drawn_for_quality(desk)
    with pytest.raises(PermissionMissing):
        desk.do(LEADER, pass_quality, PassQuality(number=number))
    assert Step.fail_quality in desk.do("supervisor1", ticket_view, number).possible_steps
    assert not {Step.pass_quality, Step.fail_quality} & set(desk.do(LEADER, ticket_view, number).possible_steps)
