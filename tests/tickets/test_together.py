"""One matter told twice: merged, followed, split; many callers of one matter: grouped."""

import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from service.core.unit import PROVINCE_CODE
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.endings import EndTicket, terminate_ticket
from service.tickets.errors import PermissionMissing, StepNotPossible, TicketNotFound
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.intake import AnswerTicket, answer_ticket
from service.tickets.together import (
    GroupNeedsTwo,
    GroupTickets,
    InDifferentGroups,
    MasterNotOpen,
    MergedIntoItself,
    MergeTicket,
    NotGrouped,
    SplitTicket,
    follow_master,
    group_of,
    group_tickets,
    leave_group,
    merge_ticket,
    split_ticket,
)
from tests.desk import GOLMUD, HAIXI, Desk


def merge(desk: Desk, number: str, master: str) -> None:
    desk.do("agent1", merge_ticket, MergeTicket(number=number, master=master, reason="同一批欠薪"))


def follow(desk: Desk) -> None:
    """Deliver what merged tickets were asked to do, as a worker does."""
    for row in desk.rows("select id, payload from outbox_message where kind = 'tickets:follow' order by id"):
        with desk.application.unit() as unit:
            follow_master(unit, row.payload)


def clock(desk: Desk, number: str, kind: str = "resolve") -> object:
    return desk.rows(
        "select c.* from sla_clock c join ticket t on t.id = c.ticket_id"
        " where t.number = :n and c.kind = :k order by c.id desc",
        n=number,
        k=kind,
    )[0]


def test_the_master_begins_as_early_as_the_earlier_of_the_two(desk: Desk) -> None:
    first = desk.accepted(people_count=4)
    desk.wait(days=3)
    master = desk.in_progress(people_count=5)
    before = desk.ticket(master).due_at
    merge(desk, first, master)
    assert desk.ticket(first).state == "merged"
    assert clock(desk, first).stopped_at is not None  # type: ignore[attr-defined]
    assert clock(desk, master).started_at == clock(desk, first).started_at  # type: ignore[attr-defined]
    assert desk.ticket(master).due_at < before
    assert desk.ticket(master).people_count == 9
    assert [row.cause for row in desk.rows("select cause from sla_due_change")] == ["merge"]
    assert desk.rows("select note from ticket_event where kind = 'ticket:merged_in'")[0].note == "同一批欠薪"


def test_a_later_matter_leaves_the_masters_deadline_alone(desk: Desk) -> None:
    master = desk.in_progress()
    desk.wait(days=1)
    later = desk.accepted()
    before = desk.ticket(master).due_at
    merge(desk, later, master)
    assert desk.ticket(master).due_at == before


def test_a_merged_matter_has_its_own_call_back_and_rating(desk: Desk) -> None:
    child = desk.accepted(phone="13897005678")
    master = desk.in_progress()
    merge(desk, child, master)
    desk.reply(master)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=master))
    follow(desk)
    assert desk.ticket(child).state == "to_callback"
    assert desk.ticket(child).holder_code == GOLMUD
    assert clock(desk, child, "callback").stopped_at is None  # type: ignore[attr-defined]
    recovered = desk.rows("select t.number, r.recovered from reply r join ticket t on t.id = r.ticket_id order by r.id")
    assert [(row.number == master, row.recovered > 0) for row in recovered] == [(True, True), (False, False)]
    desk.rate(child)
    assert (desk.ticket(child).state, desk.ticket(master).state) == ("closed", "to_callback")


def test_a_merged_worker_who_is_not_satisfied_gets_another_round_of_their_own(desk: Desk) -> None:
    child, master = desk.accepted(phone="13897005678"), desk.in_progress()
    merge(desk, child, master)
    desk.reply(master)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=master))
    follow(desk)
    desk.rate(child, resolved=False, satisfaction=1, reason="not_resolved")
    assert (desk.ticket(child).state, desk.ticket(child).cycle) == ("in_progress", 2)
    assert (desk.ticket(master).state, desk.ticket(master).cycle) == ("to_callback", 1)


def test_a_master_that_ends_without_a_reply_gives_back_what_was_merged(desk: Desk) -> None:
    child, master = desk.accepted(), desk.in_progress()
    due = desk.ticket(child).due_at
    merge(desk, child, master)
    desk.do("supervisor1", terminate_ticket, EndTicket(number=master, reason="职工联系不上"))
    follow(desk)
    ticket = desk.ticket(child)
    assert (ticket.state, ticket.holder_code, ticket.due_at, ticket.ended_at) == ("accepted", PROVINCE_CODE, due, None)
    assert clock(desk, child).stopped_at is None  # type: ignore[attr-defined]
    assert clock(desk, child, "dispatch").stopped_at is None  # type: ignore[attr-defined]


def test_a_master_answered_at_once_gives_back_what_was_merged(desk: Desk) -> None:
    master, number = desk.accepted(), desk.accepted()
    merge(desk, number, master)
    desk.do("lawyer1", answer_ticket, AnswerTicket(number=master, answer="已告知仲裁途径"))
    follow(desk)
    assert desk.ticket(number).state == "accepted"
    assert clock(desk, number).stopped_at is None  # type: ignore[attr-defined]


def test_a_split_matter_runs_on_as_if_never_merged_and_the_count_goes_with_it(desk: Desk) -> None:
    child, master = desk.accepted(people_count=3), desk.in_progress(people_count=2)
    due = desk.ticket(child).due_at
    merge(desk, child, master)
    desk.wait(hours=2)
    desk.do("agent1", split_ticket, SplitTicket(number=child, reason="另一工地"))
    assert (desk.ticket(child).state, desk.ticket(child).due_at) == ("accepted", due)
    assert desk.ticket(master).people_count == 2
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=child, org_code=HAIXI))
    desk.do(f"handler-{HAIXI}", sign_ticket, SignTicket(number=child))


def test_what_was_merged_into_a_ticket_goes_with_it_into_the_next_master(desk: Desk) -> None:
    child, middle, master = desk.accepted(), desk.accepted(), desk.in_progress()
    merge(desk, child, middle)
    merge(desk, middle, master)
    desk.reply(master)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=master))
    follow(desk)
    assert {desk.ticket(number).state for number in (child, middle)} == {"to_callback"}


def test_following_twice_changes_nothing(desk: Desk) -> None:
    child, master = desk.accepted(), desk.in_progress()
    merge(desk, child, master)
    desk.reply(master)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=master))
    follow(desk)
    events = desk.rows("select count(*) as n from ticket_event")[0].n
    follow(desk)
    assert desk.rows("select count(*) as n from ticket_event")[0].n == events


def test_what_cannot_be_merged_is_refused(desk: Desk) -> None:
    accepted, closed, signed = desk.accepted(), desk.closed(), desk.in_progress()
    with pytest.raises(MergedIntoItself):
        merge(desk, accepted, accepted)
    with pytest.raises(MasterNotOpen):
        merge(desk, accepted, closed)
    with pytest.raises(StepNotPossible):
        merge(desk, signed, accepted)
    with pytest.raises(TicketNotFound):
        merge(desk, accepted, "QH12351-20200101-000001")
    with pytest.raises(PermissionMissing):
        desk.do("supervisor1", merge_ticket, MergeTicket(number=accepted, master=signed, reason="x"))


def test_merges_that_cross_end_in_one_merge_and_one_refusal(desk: Desk) -> None:
    one, other = desk.accepted(), desk.accepted()
    start, refused = threading.Barrier(2), []

    def run(number: str, master: str) -> None:
        start.wait()
        try:
            merge(desk, number, master)
        except (StepNotPossible, MasterNotOpen) as refusal:
            refused.append(refusal)

    threads = [threading.Thread(target=run, args=pair) for pair in ((one, other), (other, one))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(refused) == 1
    assert sorted(desk.ticket(number).state for number in (one, other)) == ["accepted", "merged"]


def test_a_ticket_is_merged_once_at_a_time(desk: Desk) -> None:
    child, master = desk.accepted(), desk.in_progress()
    merge(desk, child, master)
    with pytest.raises(Exception, match="uq_ticket_merge_open"), desk.application.unit() as unit:
        unit.session.execute(
            text(
                "insert into ticket_merge (ticket_id, master_id, merged_at, reason)"
                " select ticket_id, master_id, merged_at, reason from ticket_merge"
            )
        )


# Groups ---------------------------------------------------------------------------------------------------


def test_grouped_tickets_keep_their_own_lives_and_warn_the_province_together(desk: Desk) -> None:
    numbers = [desk.accepted(people_count=4) for _ in range(3)]
    states = [desk.ticket(number).due_at for number in numbers]
    group = desk.do("agent1", group_tickets, GroupTickets(numbers=(numbers[0], numbers[1]), title="某工地欠薪"))
    assert (group.people, group.numbers) == (8, tuple(numbers[:2]))
    assert not desk.rows("select 1 from warning")
    group = desk.do("agent1", group_tickets, GroupTickets(numbers=(numbers[2], numbers[0]), title="不用"))
    assert (group.people, group.title) == (12, "某工地欠薪")
    told = desk.rows("select payload from outbox_message where key like 'notice:warning:%'")
    assert told
    assert "12 人" in told[0].payload["text_zh"]
    assert all(number in told[0].payload["text_zh"] for number in numbers)
    assert [desk.ticket(number).due_at for number in numbers] == states


def test_a_group_shows_to_a_union_only_its_own_tickets(desk: Desk) -> None:
    here, there = desk.in_progress(GOLMUD), desk.in_progress("630102")
    desk.do("agent1", group_tickets, GroupTickets(numbers=(here, there), title="某集团欠薪"))
    with desk.application.reading() as unit:
        from service.identity.people import actor_of_username

        unit.actor = actor_of_username(unit, f"handler-{GOLMUD}")
        group = group_of(unit, here)
    assert group is not None
    assert group.numbers == (here,)


def test_groups_are_refused_what_makes_no_sense_of_them(desk: Desk) -> None:
    one, two, three, four = (desk.accepted() for _ in range(4))
    with pytest.raises(GroupNeedsTwo):
        desk.do("agent1", group_tickets, GroupTickets(numbers=(one, one), title="x"))
    desk.do("agent1", group_tickets, GroupTickets(numbers=(one, two), title="x"))
    desk.do("agent1", group_tickets, GroupTickets(numbers=(three, four), title="y"))
    with pytest.raises(InDifferentGroups):
        desk.do("agent1", group_tickets, GroupTickets(numbers=(one, three), title="z"))
    desk.do("agent1", leave_group, one)
    with pytest.raises(NotGrouped):
        desk.do("agent1", leave_group, one)
    with pytest.raises(PermissionMissing):
        desk.do(f"handler-{GOLMUD}", leave_group, two)


def test_late_is_late_when_the_earlier_caller_has_waited_that_long(desk: Desk) -> None:
    first = desk.accepted()
    desk.wait(days=20)
    master = desk.in_progress()
    merge(desk, first, master)
    assert desk.ticket(master).due_at < desk.clock.now() + timedelta(days=1)
    desk.sweep()
    assert clock(desk, master).breached_at is not None  # type: ignore[attr-defined]


def test_splitting_what_came_along_leaves_a_count_of_people_that_can_be(desk: Desk) -> None:
    child, middle, master = desk.accepted(people_count=9), desk.accepted(), desk.in_progress()
    merge(desk, child, middle)
    merge(desk, middle, master)
    assert [desk.ticket(number).people_count for number in (child, middle, master)] == [9, 1, 11]
    desk.do("agent1", split_ticket, SplitTicket(number=middle, reason="另一工地"))
    assert [desk.ticket(number).people_count for number in (child, middle, master)] == [9, 1, 10]
    desk.do("agent1", split_ticket, SplitTicket(number=child, reason="另一工地"))
    assert [desk.ticket(number).people_count for number in (child, middle, master)] == [9, 1, 1]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_however_tickets_are_merged_and_split_each_counts_its_own_people_and_its_masters_all(
    desk: Desk, data: st.DataObject
) -> None:
    """The people told of never change by merging: whoever stands merged counts in its master once and nowhere else."""
    own = {desk.accepted(people_count=people): people for people in (1, 2, 4, 8)}
    masters: dict[str, str] = {}
    for _ in range(data.draw(st.integers(2, 8))):
        number = data.draw(st.sampled_from(sorted(own)))
        if number in masters:
            desk.do("agent1", split_ticket, SplitTicket(number=number, reason="另一工地"))
            del masters[number]
        else:
            master = data.draw(st.sampled_from(sorted(own)))
            if master == number or master in masters:
                continue
            merge(desk, number, master)
            masters = {child: master if its == number else its for child, its in masters.items()} | {number: master}
        for each, people in own.items():
            merged = sum(own[child] for child, master in masters.items() if master == each)
            assert desk.ticket(each).people_count == people + merged, (each, masters)
