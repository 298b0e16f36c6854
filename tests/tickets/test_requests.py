"""Return, extension, suspension, rejection: one asks, another decides."""

from datetime import timedelta

import pytest

from service.core.errors import HotlineError
from service.tickets import errors
from service.tickets.dispatching import (
    AskRejection,
    AskReturn,
    DispatchTicket,
    RetierTicket,
    ask_rejection,
    ask_return,
    dispatch_ticket,
    grant_rejection,
    grant_return,
    refuse_return,
    retier_ticket,
)
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    ResumeTicket,
    SignTicket,
    ask_extension,
    ask_suspension,
    grant_extension,
    grant_suspension,
    resume_ticket,
    sign_ticket,
)
from service.tickets.intake import AnswerTicket, answer_ticket
from service.tickets.requests import DecideRequest
from sla_rules import Tier
from tests.desk import GOLMUD, HAIXI, Desk, at

HANDLER, LEADER, CITY_LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}", f"leader-{HAIXI}"
XINING = "630102"


def returned(desk: Desk, number: str, org: str) -> None:
    desk.do(f"handler-{org}", ask_return, AskReturn(number=number, reason="不在本辖区"))
    desk.do("dispatcher1", grant_return, DecideRequest(number=number))


class TestReturn:
    def test_a_return_gives_nobody_time_back(self, desk: Desk) -> None:
        number = desk.dispatched()
        due = desk.ticket(number).due_at
        desk.wait(hours=3)
        returned(desk, number, GOLMUD)
        desk.wait(hours=1)
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=XINING))

        assert desk.ticket(number).due_at == due

    def test_the_union_that_returned_it_no_longer_sees_it(self, desk: Desk) -> None:
        number = desk.dispatched()
        returned(desk, number, GOLMUD)

        with pytest.raises(errors.TicketNotFound):
            desk.do(HANDLER, sign_ticket, SignTicket(number=number))

    def test_asking_stops_the_signing_limit_and_puts_the_centre_on_the_clock(self, desk: Desk) -> None:
        number = desk.dispatched()
        desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不在本辖区"))

        running = desk.rows("select kind from sla_clock where stopped_at is null order by kind")
        assert [row.kind for row in running] == ["dispatch", "resolve"]

    def test_silence_does_not_sign_while_a_return_waits(self, desk: Desk) -> None:
        number = desk.dispatched()
        desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不在本辖区"))
        desk.wait(days=5)
        desk.sweep()

        assert desk.ticket(number).state == "to_sign"

    def test_signing_after_all_takes_the_question_back(self, desk: Desk) -> None:
        number = desk.dispatched()
        desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不在本辖区"))
        desk.do(HANDLER, sign_ticket, SignTicket(number=number))

        assert {row.kind for row in desk.rows("select kind from sla_clock where stopped_at is null")} == {
            "first_contact",
            "resolve",
        }
        assert desk.rows("select verdict from step_request")[0].verdict == "void"

    def test_a_refused_return_is_adjudicated_and_cannot_be_asked_for_again(self, desk: Desk) -> None:
        number = desk.dispatched()
        desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不在本辖区"))
        desk.do("dispatcher1", refuse_return, DecideRequest(number=number))

        with pytest.raises(errors.DispatchIsAdjudicated):
            desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不在本辖区"))
        assert {row.kind for row in desk.rows("select kind from sla_clock where stopped_at is null")} == {
            "sign",
            "resolve",
        }

    def test_going_back_to_the_returner_must_be_adjudicated(self, desk: Desk) -> None:
        number = desk.dispatched()
        returned(desk, number, GOLMUD)

        with pytest.raises(errors.DispatchGoesBackToReturner):
            desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD))
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD, adjudicated=True))
        with pytest.raises(errors.DispatchIsAdjudicated):
            desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不在本辖区"))

    def test_after_two_bounces_the_province_decides(self, desk: Desk) -> None:
        number = desk.dispatched()
        returned(desk, number, GOLMUD)
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=XINING))
        returned(desk, number, XINING)
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code="630103"))

        with pytest.raises(errors.DispatchIsAdjudicated):
            desk.do("handler-630103", ask_return, AskReturn(number=number, reason="不在本辖区"))


class TestExtension:
    def test_a_county_asks_the_city_supports_the_province_grants(self, desk: Desk) -> None:
        number = desk.in_progress()
        first = desk.ticket(number).due_at
        desk.do(HANDLER, ask_extension, AskExtension(number=number, days=3, reason="需核查"))
        desk.do(CITY_LEADER, grant_extension, DecideRequest(number=number))
        assert desk.ticket(number).due_at == first
        desk.do("supervisor1", grant_extension, DecideRequest(number=number))

        assert desk.ticket(number).due_at == at("2026-12-03 00:00")  # Friday 11-27 and three working days
        kept = desk.rows("select first_due_at from sla_clock where kind = 'resolve'")
        assert kept[0].first_due_at == first

    def test_the_county_leader_cannot_decide_for_himself(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.do(HANDLER, ask_extension, AskExtension(number=number, days=3, reason="需核查"))

        with pytest.raises(errors.NotAboveTheHolder):
            desk.do(LEADER, grant_extension, DecideRequest(number=number))

    def test_it_must_be_asked_for_before_five_on_the_last_day(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.go_to("2026-11-27 17:00")

        with pytest.raises(errors.ExtensionTooLate):
            desk.do(HANDLER, ask_extension, AskExtension(number=number, days=1, reason="需核查"))

    def test_what_is_late_stays_late(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.do(HANDLER, ask_extension, AskExtension(number=number, days=3, reason="需核查"))
        desk.go_to("2026-11-28 00:00")

        with pytest.raises(errors.DeadlinePassed):
            desk.do("supervisor1", grant_extension, DecideRequest(number=number))

    def test_twice_at_most_and_five_days_each(self, desk: Desk) -> None:
        number = desk.in_progress()
        with pytest.raises(errors.ExtensionTooLong):
            desk.do(HANDLER, ask_extension, AskExtension(number=number, days=6, reason="需核查"))
        for _ in range(2):
            desk.do(HANDLER, ask_extension, AskExtension(number=number, days=5, reason="需核查"))
            desk.do("supervisor1", grant_extension, DecideRequest(number=number))
        with pytest.raises(errors.ExtensionsUsedUp):
            desk.do(HANDLER, ask_extension, AskExtension(number=number, days=1, reason="需核查"))

    def test_one_request_at_a_time(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.do(HANDLER, ask_extension, AskExtension(number=number, days=1, reason="需核查"))

        with pytest.raises(errors.RequestAlreadyOpen):
            desk.do(HANDLER, ask_extension, AskExtension(number=number, days=1, reason="需核查"))


class TestSuspension:
    def suspended(self, desk: Desk, days: int = 10) -> str:
        number = desk.in_progress()
        review_at = desk.clock.now() + timedelta(days=days)
        desk.do(HANDLER, ask_suspension, AskSuspension(number=number, reason="legal_procedure", review_at=review_at))
        desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
        return number

    def test_the_deadline_moves_by_the_working_days_suspended(self, desk: Desk) -> None:
        number = self.suspended(desk)  # from Friday 11-20
        desk.go_to("2026-11-25 09:00")  # Wednesday: Friday, Monday and Tuesday ended suspended
        desk.do(HANDLER, resume_ticket, ResumeTicket(number=number))

        assert desk.ticket(number).due_at == at("2026-12-02 00:00")
        assert not desk.ticket(number).suspended

    def test_while_suspended_it_shows_the_deadline_it_will_have_at_the_review_date(self, desk: Desk) -> None:
        number = self.suspended(desk)  # Friday 11-20 to Monday 11-30: the five working days are those of that week

        assert desk.ticket(number).due_at == at("2026-12-05 00:00")
        desk.go_to("2026-11-20 15:00")
        desk.do(HANDLER, resume_ticket, ResumeTicket(number=number))
        assert desk.ticket(number).due_at == at("2026-11-28 00:00")

    def test_it_ends_by_itself_at_the_review_date_however_late_the_sweep(self, desk: Desk) -> None:
        number = self.suspended(desk, days=3)  # Friday 09:00 to Monday 09:00
        desk.go_to("2026-11-25 09:00")
        desk.sweep()

        pause = desk.rows("select ends_at from sla_pause")[0]
        assert pause.ends_at == at("2026-11-23 09:00")
        assert not desk.ticket(number).suspended

    def test_no_rung_fires_while_suspended(self, desk: Desk) -> None:
        number = self.suspended(desk, days=40)
        desk.do("supervisor1", resume_noop, number)
        desk.go_to("2026-12-15 09:00")

        assert desk.sweep().fired == 0

    def test_sixty_days_in_all_and_no_more(self, desk: Desk) -> None:
        number = desk.in_progress()
        for days in (0, 61):
            ask = AskSuspension(
                number=number, reason="legal_procedure", review_at=desk.clock.now() + timedelta(days=days)
            )
            with pytest.raises(errors.ReviewDateOutOfRange):
                desk.do(HANDLER, ask_suspension, ask)

    def test_a_reply_ends_the_pause(self, desk: Desk) -> None:
        number = self.suspended(desk)
        desk.wait(hours=2)
        desk.reply(number)

        assert desk.rows("select count(*) as n from sla_pause where ends_at is null")[0].n == 0
        assert not desk.ticket(number).suspended


def resume_noop(unit: object, number: str) -> str:
    """Nothing: the supervisor only looks."""
    return number


class TestRejectionAndRetier:
    def test_a_dispatcher_confirms_what_an_agent_proposes(self, desk: Desk) -> None:
        number = desk.accepted()
        desk.do("agent1", ask_rejection, AskRejection(number=number, reason="legal_channel", note="已告知走仲裁"))
        assert desk.ticket(number).state == "accepted"
        desk.do("dispatcher1", grant_rejection, DecideRequest(number=number))

        assert desk.ticket(number).state == "rejected"
        assert desk.rows("select count(*) as n from sla_clock where stopped_at is null")[0].n == 0

    def test_an_answer_after_all_overtakes_the_proposal(self, desk: Desk) -> None:
        number = desk.accepted()
        desk.do("agent1", ask_rejection, AskRejection(number=number, reason="out_of_scope", note="已告知"))
        desk.do("agent1", answer_ticket, AnswerTicket(number=number, answer="已答复"))

        assert [row.verdict for row in desk.rows("select verdict from step_request")] == ["void"]

    def test_nothing_is_decided_that_nobody_asked_for(self, desk: Desk) -> None:
        number = desk.accepted()

        with pytest.raises(errors.NoOpenRequest):
            desk.do("dispatcher1", grant_rejection, DecideRequest(number=number))

    def test_a_new_tier_is_counted_from_acceptance_with_the_pauses_kept(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.go_to("2026-11-24 10:00")
        desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.complex, reason="涉及工伤认定"))

        assert desk.ticket(number).due_at == at("2026-12-08 00:00")  # 15 days from 11-20 end Saturday 12-05

    def test_a_tier_whose_deadline_has_passed_is_refused_and_changes_nothing(self, desk: Desk) -> None:
        number = desk.in_progress()
        desk.go_to("2026-11-24 10:00")

        with pytest.raises(errors.RetierIsAlreadyLate):
            desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.ordinary, reason="简单"))
        assert desk.ticket(number).tier == "difficult"
        assert desk.ticket(number).due_at == at("2026-11-28 00:00")


def test_every_refusal_speaks_both_languages() -> None:
    def families(cls: type[HotlineError]) -> list[type[HotlineError]]:
        return [cls, *(sub for child in cls.__subclasses__() for sub in families(child))]

    for cls in families(HotlineError):
        assert cls.zh, cls
        assert cls.en, cls
        assert cls.zh != cls.en
