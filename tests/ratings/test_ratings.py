"""Call-back and rating: silence is not praise, a worker's no is heard, and nobody rates themselves."""

from datetime import timedelta

import pytest

from service.core.unit import WORKER
from service.ratings.errors import (
    AnswersIncomplete,
    AnswersWithoutCall,
    RaterIsHandler,
    RatingLinkExpired,
    RatingLinkInvalid,
    RatingNotOpen,
    UnreachableTooEarly,
)
from service.ratings.recording import (
    Answers,
    CloseUnreachable,
    RateByLink,
    RecordCallback,
    close_unreachable,
    open_rating,
    rate_by_link,
    rating_path,
    record_callback,
)
from service.tickets.closing import ReopenTicket, ReviewReply, approve_reply, reopen_ticket
from service.tickets.errors import ReopeningWindowClosed, ReviewerIsReplier
from service.tickets.repository import find
from tests.desk import GOLMUD, Desk

LEADER = f"leader-{GOLMUD}"
PRAISE = Answers(contacted=True, resolved=True, satisfaction=5)


def attempt(desk: Desk, number: str, when: str, result: str = "unreachable") -> None:
    desk.go_to(when)
    desk.do("agent2", record_callback, RecordCallback(number=number, result=result))


def three_attempts(desk: Desk, number: str) -> None:
    for when in ("2026-11-20 10:00", "2026-11-20 16:00", "2026-11-23 10:00"):
        attempt(desk, number, when)


def token_of(desk: Desk, number: str) -> str:
    with desk.application.unit() as unit:
        return rating_path(unit, find(unit, number)).rpartition("/")[2]


def rate(desk: Desk, token: str, answers: Answers = PRAISE) -> None:
    with desk.application.unit(WORKER) as unit:
        rate_by_link(unit, RateByLink(token=token, answers=answers))


def ratings(desk: Desk) -> list[tuple[object, ...]]:
    return [tuple(row) for row in desk.rows("select cycle, result, satisfaction from rating order by id")]


class TestCallback:
    def test_a_no_sends_the_matter_back_in_a_new_cycle_with_its_own_clock(self, desk: Desk) -> None:
        number = desk.to_callback()
        desk.rate(number, resolved=False, satisfaction=2, reason="not_resolved")

        ticket = desk.ticket(number)
        assert (ticket.state, ticket.cycle, ticket.holder_code) == ("in_progress", 2, GOLMUD)
        cycles = desk.rows(
            "select cycle, stopped_at is null as running from sla_clock where kind = 'resolve' order by id"
        )
        assert [(row.cycle, row.running) for row in cycles] == [(1, False), (2, True)]

    def test_dissatisfaction_that_is_not_the_handlers_fault_closes(self, desk: Desk) -> None:
        number = desk.to_callback()
        desk.rate(number, satisfaction=1, reason="policy_does_not_allow")

        assert desk.ticket(number).state == "closed"

    def test_after_two_rounds_a_supervision_is_opened(self, desk: Desk) -> None:
        number = desk.to_callback()
        for _ in range(2):
            desk.rate(number, resolved=False, satisfaction=2, reason="not_resolved")
            desk.reply(number)
            desk.do(LEADER, approve_reply, ReviewReply(number=number))
        desk.rate(number, resolved=False, satisfaction=1, reason="not_resolved")

        assert desk.ticket(number).state == "closed"
        assert desk.rows("select count(*) as n from supervision")[0].n == 1
        assert [row[0] for row in ratings(desk)] == [1, 2, 3]

    def test_refusal_and_silence_carry_no_score(self, desk: Desk) -> None:
        number = desk.to_callback()
        desk.do("agent2", record_callback, RecordCallback(number=number, result="refused"))

        assert ratings(desk) == [(1, "refused", None)]
        assert desk.ticket(number).state == "closed"

    def test_unreachable_needs_three_attempts_on_two_days_in_two_bands(self, desk: Desk) -> None:
        number = desk.to_callback()
        for when in ("2026-11-20 10:00", "2026-11-20 10:30", "2026-11-20 11:00"):
            attempt(desk, number, when)
        with pytest.raises(UnreachableTooEarly):
            desk.do("agent2", close_unreachable, CloseUnreachable(number=number))
        attempt(desk, number, "2026-11-23 16:00")
        desk.do("agent2", close_unreachable, CloseUnreachable(number=number))

        assert ratings(desk) == [(1, "unreachable", None)]

    def test_the_third_attempt_sends_one_link(self, desk: Desk) -> None:
        number = desk.to_callback()
        three_attempts(desk, number)
        attempt(desk, number, "2026-11-23 16:00")

        links = desk.rows("select payload->>'link' as link from outbox_message where payload->>'template' = 'rating'")
        assert len(links) == 1
        assert links[0].link.startswith("/w/rate/")

    def test_who_handled_it_does_not_record_the_call_back(self, desk: Desk) -> None:
        number = desk.to_callback()
        with desk.application.unit() as unit:
            from sqlalchemy import text

            unit.session.execute(
                text("update reply set replied_by = (select id from person where username = 'agent2')")
            )

        with pytest.raises(RaterIsHandler):
            desk.do("agent2", record_callback, RecordCallback(number=number, result="refused"))

    def test_answers_go_with_an_answered_call_and_no_other(self, desk: Desk) -> None:
        number = desk.to_callback()

        with pytest.raises(AnswersIncomplete):
            desk.do("agent2", record_callback, RecordCallback(number=number, result="answered"))
        with pytest.raises(AnswersWithoutCall):
            desk.do("agent2", record_callback, RecordCallback(number=number, result="refused", answers=PRAISE))
        with pytest.raises(AnswersIncomplete):
            desk.rate(number, satisfaction=1)
        assert ratings(desk) == []


class TestLink:
    def test_looking_records_nothing_and_answering_closes(self, desk: Desk) -> None:
        number = desk.to_callback()
        token = token_of(desk, number)
        with desk.application.reading(WORKER) as unit:
            assert open_rating(unit, token).number == number
        assert ratings(desk) == []
        rate(desk, token)

        assert ratings(desk) == [(1, "answered", 5)]
        assert desk.ticket(number).state == "closed"

    def test_a_repeat_is_a_no_op_and_the_first_word_stands(self, desk: Desk) -> None:
        number = desk.to_callback()
        token = token_of(desk, number)
        rate(desk, token)
        rate(desk, token, Answers(contacted=False, resolved=False, satisfaction=1, reason="late"))

        assert ratings(desk) == [(1, "answered", 5)]

    def test_it_expires_at_the_time_of_answering(self, desk: Desk) -> None:
        token = token_of(desk, desk.to_callback())
        desk.wait(days=7)

        with pytest.raises(RatingLinkExpired):
            rate(desk, token)

    def test_a_link_that_was_altered_is_no_link(self, desk: Desk) -> None:
        token = token_of(desk, desk.to_callback())

        for other in (token[:-1] + ("A" if token[-1] != "A" else "B"), "", "x" * 500, "工单"):
            with pytest.raises(RatingLinkInvalid):
                rate(desk, other)

    def test_the_link_of_an_earlier_round_is_over(self, desk: Desk) -> None:
        number = desk.to_callback()
        token = token_of(desk, number)
        desk.rate(number, resolved=False, satisfaction=2, reason="not_resolved")

        with pytest.raises(RatingNotOpen):
            rate(desk, token)


def test_nobody_signs_their_own_reply(desk: Desk) -> None:
    number = desk.in_progress()
    desk.reply(number)
    with desk.application.unit() as unit:
        from sqlalchemy import text

        unit.session.execute(
            text("update reply set replied_by = (select id from person where username = :who)"), {"who": LEADER}
        )

    with pytest.raises(ReviewerIsReplier):
        desk.do(LEADER, approve_reply, ReviewReply(number=number))


class TestReopening:
    def test_within_thirty_days_it_is_a_new_cycle_and_the_old_breach_stays(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.go_to("2026-12-01 10:00")
        desk.reply(number)
        desk.do(LEADER, approve_reply, ReviewReply(number=number))
        desk.rate(number)
        desk.do("supervisor1", reopen_ticket, ReopenTicket(number=number, reason="单位再次拖欠"))

        clocks = desk.rows(
            "select cycle, breached_at is not null as late from sla_clock where kind='resolve' order by id"
        )
        assert [(row.cycle, row.late) for row in clocks] == [(1, True), (2, False)]
        assert desk.ticket(number).state == "in_progress"

    def test_later_it_needs_a_new_ticket(self, desk: Desk) -> None:
        number = desk.closed()
        desk.clock.move_to(desk.clock.now() + timedelta(days=30, seconds=1))

        with pytest.raises(ReopeningWindowClosed):
            desk.do("supervisor1", reopen_ticket, ReopenTicket(number=number, reason="x"))
