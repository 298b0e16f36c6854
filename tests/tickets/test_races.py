# ruff: noqa: B023 - the acts of a round have ended before the next one begins
"""Two people at the same ticket at the same moment, with real threads on real connections.

Where only one step can be taken, one is, and the other is refused with a sentence that says what happened. Nobody
waits in a circle: after the rounds the database has counted no deadlock. In CI 20 rounds of each race;
`HOTLINE_RACE_ROUNDS=100 pytest tests/tickets/test_races.py` runs 1,000 and more in all.
"""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from service.core.errors import Conflict, Forbidden, HotlineError
from service.ratings.recording import Answers, RecordCallback, record_callback
from service.tickets import recounting
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.dispatching import AskReturn, DispatchTicket, ask_return, dispatch_ticket
from service.tickets.endings import EndTicket, withdraw_ticket
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    ReplyToTicket,
    SignTicket,
    ask_extension,
    ask_suspension,
    grant_extension,
    grant_suspension,
    reply_to_ticket,
    sign_ticket,
)
from service.tickets.passing_down import PassDown, pass_down
from service.tickets.requests import DecideRequest
from service.tickets.together import MergeTicket, merge_ticket
from sla_rules import Policy, load_policy, policy_from_document
from tests.desk import GOLMUD, HAIXI, Desk

ROUNDS = int(os.environ.get("HOTLINE_RACE_ROUNDS", "20"))
pytestmark = pytest.mark.timeout(300 if ROUNDS <= 20 else 3600)
HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
CITY, CITY_LEADER = f"handler-{HAIXI}", f"leader-{HAIXI}"

Act = Callable[[], object]


@pytest.fixture
def rounds(desk: Desk) -> Iterator[range]:
    """The rounds of a race, after which the database must have seen no deadlock."""
    yield range(ROUNDS)
    found = desk.rows("select deadlocks from pg_stat_database where datname = current_database()")
    assert found[0].deadlocks == 0


def race(*acts: Act) -> list[HotlineError | None]:
    """All at once, each in a thread; what each was refused with. Any other exception is a fault."""
    start = threading.Barrier(len(acts))
    refusals: list[HotlineError | None] = [None] * len(acts)
    faults: list[BaseException] = []

    def run(place: int, act: Act) -> None:
        start.wait(timeout=30)
        try:
            act()
        except HotlineError as refusal:
            refusals[place] = refusal
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
        assert not thread.is_alive(), "somebody waits for ever"
    for fault in faults:
        raise fault
    return refusals


def says_what_happened(refusal: HotlineError | None, number: str) -> None:
    """A refusal of the 409 family that names the ticket and how it stands."""
    assert isinstance(refusal, Conflict), refusal
    for lang in ("zh", "en"):
        assert number in refusal.sentence(lang)


def one_won(refusals: list[HotlineError | None], number: str) -> None:
    lost = [refusal for refusal in refusals if refusal is not None]
    assert len(lost) == len(refusals) - 1, refusals
    for refusal in lost:
        says_what_happened(refusal, number)


def events(desk: Desk, number: str) -> Counter[str]:
    rows = desk.rows(
        "select e.kind from ticket_event e join ticket t on t.id = e.ticket_id where t.number = :n", n=number
    )
    return Counter(row.kind.removeprefix("ticket:") for row in rows)


def test_of_two_who_sign_one_has_signed(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        number = desk.dispatched()
        sign = partial(desk.do, HANDLER, sign_ticket, SignTicket(number=number))
        one_won(race(sign, sign), number)
        assert events(desk, number)["signed"] == 1


def test_signing_and_asking_for_a_return_do_not_both_stand(desk: Desk, rounds: range) -> None:
    """Whoever signs takes a question for a return back, so a return that came first is void and no refusal."""
    for _ in rounds:
        number = desk.dispatched()
        refusals = race(
            lambda: desk.do(HANDLER, sign_ticket, SignTicket(number=number)),
            lambda: desk.do(HANDLER, ask_return, AskReturn(number=number, reason="不属本地")),
        )
        assert refusals[0] is None
        if refusals[1] is not None:
            says_what_happened(refusals[1], number)
        assert desk.ticket(number).state == "in_progress"
        waiting = (
            "select 1 from step_request r join ticket t on t.id = r.ticket_id where number = :n and verdict is null"
        )
        assert not desk.rows(waiting, n=number)


def test_a_reply_and_the_grant_of_a_suspension_do_not_both_stand(desk: Desk, rounds: range) -> None:
    """Granted first, the reply ends the suspension; replied first, there is nothing to suspend."""
    for _ in rounds:
        number = desk.in_progress()
        until = desk.clock.now() + timedelta(days=5)
        desk.do(HANDLER, ask_suspension, AskSuspension(number=number, reason="legal_procedure", review_at=until))
        refusals = race(
            lambda: desk.reply(number),
            lambda: desk.do("dispatcher1", grant_suspension, DecideRequest(number=number)),
        )
        assert refusals[0] is None
        if refusals[1] is not None:
            says_what_happened(refusals[1], number)
        ticket = desk.ticket(number)
        assert (ticket.state, ticket.suspended) == ("replied", False)
        assert not desk.rows(
            "select 1 from sla_pause p join sla_clock c on c.id = p.clock_id join ticket t on t.id = c.ticket_id"
            " where t.number = :n and p.ends_at is null",
            n=number,
        )


def test_of_two_replies_one_is_kept(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        number = desk.in_progress()
        command = ReplyToTicket(
            number=number, text="已发放", basis="第三条", contacted_at=desk.clock.now(), contact_way="phone",
            outcome="settlement",
        )  # fmt: skip
        reply = partial(desk.do, HANDLER, reply_to_ticket, command)
        one_won(race(reply, reply), number)
        assert (
            len(desk.rows("select 1 from reply r join ticket t on t.id = r.ticket_id where t.number = :n", n=number))
            == 1
        )


def test_a_call_back_that_closes_and_the_sweep_leave_one_closed_ticket_and_each_rung_once(
    desk: Desk, rounds: range
) -> None:
    answers = Answers(contacted=True, resolved=True, satisfaction=5)
    for _ in rounds:
        number = desk.to_callback()
        command = RecordCallback(number=number, result="answered", answers=answers)
        desk.go_to(desk.ticket(number).due_at)
        closing, *swept = race(
            lambda: desk.do("agent2", record_callback, command),
            desk.sweep,
            desk.sweep,
        )
        assert closing is None
        assert swept == [None, None]
        desk.sweep()
        assert desk.ticket(number).state == "closed"
        clock = desk.rows(
            "select c.* from sla_clock c join ticket t on t.id = c.ticket_id"
            " where t.number = :n and c.kind = 'callback'",
            n=number,
        )[0]
        assert clock.breached_at == clock.due_at, "stopped at its deadline it is late, whoever was first"
        assert len(clock.fired) == len(set(clock.fired))
        assert clock.check_failures == 0


def test_of_two_answers_to_a_call_back_one_is_the_rating(desk: Desk, rounds: range) -> None:
    answers = Answers(contacted=True, resolved=True, satisfaction=5)
    for _ in rounds:
        number = desk.to_callback()
        command = RecordCallback(number=number, result="answered", answers=answers)
        refusals = race(*(partial(desk.do, who, record_callback, command) for who in ("agent1", "agent2")))
        one_won(refusals, number)


def test_merges_that_cross_end_in_one_merge(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        one, other = desk.accepted(), desk.accepted()
        merges = [MergeTicket(number=a, master=b, reason="同一批") for a, b in ((one, other), (other, one))]
        refusals = race(*(partial(desk.do, "agent1", merge_ticket, merge) for merge in merges))
        lost = [refusal for refusal in refusals if refusal is not None]
        assert len(lost) == 1
        assert isinstance(lost[0], Conflict)
        assert any(number in lost[0].sentence("zh") for number in (one, other))
        assert sorted(desk.ticket(number).state for number in (one, other)) == ["accepted", "merged"]


def test_an_extension_granted_while_the_matter_is_passed_down_counts_for_both_or_waits_for_its_decision(
    desk: Desk, rounds: range
) -> None:
    """Both can stand in either order; then the county's part must end with the extended promise, not the old one."""
    for _ in rounds:
        number = desk.in_progress(HAIXI)
        desk.do(CITY, ask_extension, AskExtension(number=number, days=3, reason="须调解"))
        refusals = race(
            lambda: desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD)),
            lambda: desk.do("dispatcher1", grant_extension, DecideRequest(number=number)),
        )
        assert refusals == [None, None]
        days = desk.rows(
            "select c.kind, c.extension_days from sla_clock c join ticket t on t.id = c.ticket_id"
            " where t.number = :n and c.kind in ('resolve', 'leg') order by c.kind",
            n=number,
        )
        assert [tuple(row) for row in days] == [("leg", 3), ("resolve", 3)]


def test_of_two_who_pass_down_one_has(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        number = desk.in_progress(HAIXI)
        refusals = race(
            lambda: desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD)),
            lambda: desk.do(CITY_LEADER, pass_down, PassDown(number=number, org_code="632802")),
        )
        lost = [refusal for refusal in refusals if refusal is not None]
        # The matter is no longer theirs: who has it now is what the refusal says.
        assert len(lost) == 1
        assert isinstance(lost[0], Conflict | Forbidden)
        assert events(desk, number)["passed_down"] == 1


def test_of_approval_and_withdrawal_the_withdrawal_stands_and_nobody_is_called_back(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        number = desk.in_progress()
        desk.reply(number)
        approved, withdrawn = race(
            lambda: desk.do(LEADER, approve_reply, ReviewReply(number=number)),
            lambda: desk.do("agent1", withdraw_ticket, EndTicket(number=number, reason="已付清")),
        )
        assert withdrawn is None
        if approved is not None:
            says_what_happened(approved, number)
        assert desk.ticket(number).state == "withdrawn"
        running = (
            "select 1 from sla_clock c join ticket t on t.id = c.ticket_id where t.number = :n and stopped_at is null"
        )
        assert not desk.rows(running, n=number)


def test_of_two_dispatches_one_union_has_the_matter(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        number = desk.accepted()
        dispatches = [DispatchTicket(number=number, org_code=org) for org in (GOLMUD, HAIXI)]
        refusals = race(*(partial(desk.do, "dispatcher1", dispatch_ticket, one) for one in dispatches))
        one_won(refusals, number)
        leads = desk.rows(
            "select a.org_code from assignment a join ticket t on t.id = a.ticket_id"
            " where t.number = :n and role = 'lead'",
            n=number,
        )
        assert [row.org_code for row in leads] == [desk.ticket(number).holder_code]


def test_silence_and_the_hand_that_signs_at_the_limit_sign_once(desk: Desk, rounds: range) -> None:
    for _ in rounds:
        number = desk.dispatched()
        [limit] = desk.rows(
            "select c.due_at from sla_clock c join ticket t on t.id = c.ticket_id"
            " where t.number = :n and c.kind = 'sign'",
            n=number,
        )
        desk.go_to(limit.due_at)
        signed, swept = race(
            lambda: desk.do(HANDLER, sign_ticket, SignTicket(number=number)),
            desk.sweep,
        )
        assert swept is None
        if signed is not None:
            says_what_happened(signed, number)
        desk.sweep()
        counted = events(desk, number)
        assert counted["signed"] + counted["signed_by_silence"] == 1


def test_rules_that_change_while_people_work_leave_no_clock_behind(desk: Desk, rounds: range) -> None:
    """Steps, a publication and its recount at once: every step is taken, and every open clock ends under the rules."""
    for place in rounds:
        number, other = desk.dispatched(), desk.dispatched()
        command = recounting.PublishRules(policy=_policy(20 + place % 2), reason=f"第 {place} 次")

        def publish() -> None:
            with desk.application.unit() as unit:
                change = recounting.apply_rules(unit, command)
            recount(desk, change.id)

        refusals = race(
            publish,
            lambda: desk.do(HANDLER, sign_ticket, SignTicket(number=number)),
            lambda: desk.do(HANDLER, ask_return, AskReturn(number=other, reason="不属本地")),
            desk.accepted,
        )
        assert refusals == [None, None, None, None]
        [change] = desk.rows("select id from rule_change order by id desc limit 1")
        desk.wait(minutes=10)
        recount(desk, change.id)
        left = desk.rows(
            "select 1 from sla_clock c, rule_change r where r.id = :change and c.stopped_at is null"
            " and c.policy_version_id <> r.policy_version_id",
            change=change.id,
        )
        assert not left
        for row in desk.rows("select number from ticket where state <> 'withdrawn'"):
            desk.do("agent1", withdraw_ticket, EndTicket(number=row.number, reason="已付清"))
        assert desk.rows("select failures from rule_change where id = :change", change=change.id)[0].failures == {}


def recount(desk: Desk, change_id: int) -> None:
    """As the messages do: batch after batch until a round finds nothing more."""
    for _ in range(50):
        with desk.application.unit() as unit:
            change = recounting.recount_next(unit, change_id)
            left = recounting.clocks_left(unit, change)
        if change.finished_at is not None and not left:
            return
    raise AssertionError("the recount does not end")


def _policy(days: int) -> Policy:
    document: dict[str, Any] = load_policy().to_document()
    del document["digest"]
    for promise in document["promise"]:
        if (promise["kind"], promise["tier"]) == ("resolve", "difficult"):
            promise["amount"] = days
    return policy_from_document(document)
