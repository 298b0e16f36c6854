"""A new calendar or policy: previewed, applied with a reason, recorded on each ticket, and nothing unsent."""

from dataclasses import replace
from datetime import date, timedelta

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.core.errors import Malformed
from service.sla.publishing import (
    CalendarWouldForget,
    NothingWouldChange,
    PublishRules,
    ReasonNeeded,
    RecountUnderWay,
    RulesChangedMeanwhile,
    RulesNotYours,
    proposed,
    rules_label,
)
from service.sla.rules import current_rules
from service.tickets import recounting
from service.tickets.closing import ReviewReply, send_reply_back
from service.tickets.dispatching import DispatchTicket, RetierTicket, dispatch_ticket, retier_ticket
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.intake import AcceptTicket, accept_ticket
from service.tickets.queries import explain_clock
from service.tickets.recounting import Preview, apply_rules, preview, recount_next
from sla_rules import (
    DayOverride,
    Holiday,
    Notice,
    NoticeYear,
    Policy,
    RegionalLayer,
    Tier,
    WorkCalendar,
    load_calendar,
    load_policy,
    policy_from_document,
)
from tests.desk import GOLMUD, Desk, at

CITED = (Notice("https://example.invalid/2027", "国办发明电〔2026〕9号", date(2026, 11, 25)),)


def with_2027(*, off: tuple[int, ...] = (1, 2, 3), work: tuple[int, ...] = ()) -> WorkCalendar:
    """2027 as a notice might set it: these days of January off, these worked."""
    holiday = Holiday("元旦", tuple(date(2027, 1, day) for day in off), tuple(date(2027, 1, day) for day in work))
    return WorkCalendar.from_years([*load_calendar().years, NoticeYear(2027, CITED, (holiday,))])


def with_days(amount: int) -> Policy:
    """The shipped policy with another promise for difficult matters."""
    document = load_policy().to_document()
    del document["digest"]
    for promise in document["promise"]:
        if (promise["kind"], promise["tier"]) == ("resolve", "difficult"):
            promise["amount"] = amount
    return policy_from_document(document)


def difficult(desk: Desk) -> str:
    """A difficult matter in progress at Golmud, accepted on Monday 28 December 2026."""
    desk.go_to("2026-12-28 09:00")
    return dispatched(desk, GOLMUD)


def dispatched(desk: Desk, org_code: str) -> str:
    number = desk.registered()
    desk.do("agent1", accept_ticket, AcceptTicket(number=number, tier=Tier.difficult, tier_reason="需要调查"))
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=org_code))
    return number


def see(desk: Desk, calendar: WorkCalendar | None = None, policy: Policy | None = None) -> Preview:
    with desk.application.reading() as unit:
        return preview(unit, proposed(unit, calendar=calendar, policy=policy))


def put(desk: Desk, *, who: str = "admin1", **command: object) -> int:
    return desk.do(who, apply_rules, PublishRules(**{"reason": "国务院办公厅通知已发布", **command})).id  # type: ignore[arg-type]


def run(desk: Desk, change_id: int) -> None:
    """Run the recount to its end, batch by batch, as the workers do."""
    for _ in range(20):
        with desk.application.unit() as unit:
            if recount_next(unit, change_id).finished_at is not None:
                return
    raise AssertionError("the recount does not end")


def resolve(desk: Desk, number: str) -> object:
    return desk.rows(
        "select c.* from sla_clock c join ticket t on t.id = c.ticket_id where t.number = :n and c.kind = 'resolve'",
        n=number,
    )[0]


def test_a_preview_shows_what_would_move_and_writes_nothing(desk: Desk) -> None:
    number = difficult(desk)
    before = resolve(desk, number)
    seen = see(desk, with_2027(off=(1, 2, 3, 4)))
    move = next(move for move in seen.moves if move.kind == "resolve")
    assert (move.number, move.before, move.after) == (number, at("2027-01-06 00:00"), at("2027-01-07 00:00"))
    assert (seen.moved, seen.later, seen.earlier, seen.largest_shift) == (1, 1, 0, timedelta(days=1))
    assert move.settled
    # The signing limit of the 29th stays where it is and is certain now as well.
    assert (seen.looked_at, seen.settled) == (2, 2)
    assert resolve(desk, number) == before
    assert desk.rows("select 1 from sla_due_change") == []


def test_a_preview_reads_on_where_the_clocks_are_more_than_one_reading(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "_READ_AHEAD", 2)
    for _ in range(3):
        difficult(desk)

    assert see(desk, with_2027(off=(1, 2, 3, 4))).looked_at == 6


def test_applying_replaces_the_provisional_date_and_records_before_and_after(desk: Desk) -> None:
    number = difficult(desk)
    assert desk.ticket(number).provisional
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4))))
    ticket = desk.ticket(number)
    assert (ticket.due_at, ticket.provisional) == (at("2027-01-07 00:00"), False)
    [event] = desk.rows("select * from ticket_event where kind = 'clock:recounted' and data ->> 'clock' = 'resolve'")
    assert event.note == "国务院办公厅通知已发布"
    assert event.data["due_before"] == "2027-01-05T16:00:00+00:00"
    assert event.data["due_after"] == "2027-01-06T16:00:00+00:00"
    [change] = desk.rows("select * from sla_due_change where due_before <> due_after")
    assert (change.cause, change.due_after, change.provisional_before) == ("recount", at("2027-01-07 00:00"), True)
    assert resolve(desk, number).first_due_at == at("2027-01-06 00:00")  # type: ignore[attr-defined]
    with desk.application.reading() as unit:
        told = explain_clock(unit, number, "resolve")
    assert any("重新计算" in sentence and "通知已发布" in sentence for sentence in told.sentences())
    assert told.calendar_version == with_2027(off=(1, 2, 3, 4)).version


def test_figures_of_the_recount_are_those_of_the_preview(desk: Desk) -> None:
    for _ in range(3):
        difficult(desk)
    calendar = with_2027(off=(1, 2, 3, 4))
    seen = see(desk, calendar)
    change_id = put(desk, calendar=calendar)
    run(desk, change_id)
    [done] = desk.rows("select * from rule_change where id = :id", id=change_id)
    for name in ("looked_at", "moved", "kept", "settled", "newly_late", "no_longer_late"):
        assert getattr(done, name) == getattr(seen, name), name
    assert (seen.moved, done.failures) == (3, {})


def test_a_deadline_that_would_come_earlier_stays_as_told(desk: Desk) -> None:
    number = difficult(desk)
    calendar = with_2027(off=(1, 3), work=(2,))  # Saturday 2 January worked: the fifth day is Monday the 4th
    seen = see(desk, calendar)
    assert (seen.moved, seen.kept, seen.settled) == (0, 1, 2)
    run(desk, put(desk, calendar=calendar))
    clock = resolve(desk, number)
    assert (clock.due_at, clock.kept_at, clock.provisional) == (  # type: ignore[attr-defined]
        at("2027-01-06 00:00"),
        at("2027-01-06 00:00"),
        False,
    )
    with desk.application.reading() as unit:
        assert any("不使其提前" in sentence for sentence in explain_clock(unit, number, "resolve").sentences())


def test_a_later_change_of_tier_lets_go_what_was_kept(desk: Desk) -> None:
    number = difficult(desk)
    run(desk, put(desk, calendar=with_2027(off=(1, 3), work=(2,))))
    desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.complex, reason="需要鉴定"))
    clock = resolve(desk, number)
    assert (clock.kept_at, clock.due_at) == (None, at("2027-01-13 00:00"))  # type: ignore[attr-defined]
    assert [row.cause for row in desk.rows("select cause from sla_due_change order by id")][-1] == "retier"


def test_what_fired_stays_fired_and_a_breach_stays_on_record(desk: Desk) -> None:
    number = difficult(desk)
    desk.go_to("2027-01-06 00:30")
    desk.sweep()
    fired = desk.rows("select rung from escalation where clock_kind = 'resolve' order by id")
    breached = resolve(desk, number).breached_at  # type: ignore[attr-defined]
    assert breached == at("2027-01-06 00:00")
    seen = see(desk, with_2027(off=(1, 2, 3, 4, 5)))
    assert (seen.no_longer_late, seen.newly_late) == (1, 0)
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4, 5))))
    desk.sweep()
    clock = resolve(desk, number)
    assert clock.breached_at == breached  # type: ignore[attr-defined]
    assert clock.due_at == at("2027-01-08 00:00")  # type: ignore[attr-defined]
    assert desk.rows("select rung from escalation where clock_kind = 'resolve' order by id") == fired
    desk.go_to("2027-01-08 00:30")
    desk.sweep()
    assert desk.rows("select rung from escalation where clock_kind = 'resolve' order by id") == fired


def test_a_policy_can_be_changed_the_same_way_and_what_it_makes_late_escalates(desk: Desk) -> None:
    number = difficult(desk)
    desk.go_to("2026-12-31 10:00")
    policy = replace(with_days(2), recount_shorten="follow")
    seen = see(desk, policy=policy)
    assert (seen.newly_late, seen.earlier) == (1, 1)
    run(desk, put(desk, policy=policy, reason="承诺改为两个工作日"))
    assert desk.ticket(number).due_at == at("2026-12-31 00:00")
    desk.sweep()
    rungs = [row.rung for row in desk.rows("select rung from escalation where clock_kind = 'resolve' order by id")]
    assert rungs[-1] == "breach"
    assert sorted(set(rungs)) == sorted(rungs)


def test_new_tickets_count_by_the_new_rules_at_once(desk: Desk) -> None:
    put(desk, calendar=with_2027(off=(1, 2, 3, 4)))
    number = difficult(desk)
    assert desk.ticket(number).due_at == at("2027-01-07 00:00")
    assert not desk.ticket(number).provisional


def test_a_reply_that_is_sent_back_runs_on_under_the_rules_in_force(desk: Desk) -> None:
    number = difficult(desk)
    desk.do(f"handler-{GOLMUD}", sign_ticket, SignTicket(number=number))
    desk.reply(number)
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4))))
    assert resolve(desk, number).due_at == at("2027-01-06 00:00")  # type: ignore[attr-defined]
    desk.do(f"leader-{GOLMUD}", send_reply_back, ReviewReply(number=number, note="请写明依据"))
    assert resolve(desk, number).due_at == at("2027-01-07 00:00")  # type: ignore[attr-defined]
    assert desk.ticket(number).due_at == at("2027-01-07 00:00")


def test_a_regional_layer_moves_the_clocks_of_its_unions_only(desk: Desk) -> None:
    here = difficult(desk)
    there = dispatched(desk, "630102")
    feast = RegionalLayer("6328", "州庆", (DayOverride(date(2026, 12, 30), "off"),), stops_clock=True, source="州通知")
    calendar = WorkCalendar.from_years(load_calendar().years, layers=[feast])
    run(desk, put(desk, calendar=calendar))
    assert desk.ticket(here).due_at == at("2027-01-07 00:00")
    assert desk.ticket(there).due_at == at("2027-01-06 00:00")


def test_a_recount_goes_on_where_it_was_cut_off_and_counts_nothing_twice(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recounting, "BATCH", 2)
    numbers = [difficult(desk) for _ in range(3)]  # six clocks
    change_id = put(desk, calendar=with_2027(off=(1, 2, 3, 4)))
    with desk.application.unit() as unit:
        recount_next(unit, change_id)
    unit_of_work = desk.application.unit()
    recount_next(unit_of_work.__enter__(), change_id)
    unit_of_work.__exit__(RuntimeError, RuntimeError("the process dies before it commits"), None)
    run(desk, change_id)
    [done] = desk.rows("select * from rule_change where id = :id", id=change_id)
    assert (done.looked_at, done.moved) == (6, 3)
    assert {desk.ticket(number).due_at for number in numbers} == {at("2027-01-07 00:00")}
    assert len(desk.rows("select 1 from ticket_event where kind = 'clock:recounted'")) == 6


def test_a_ticket_somebody_works_on_is_taken_on_the_next_round(desk: Desk) -> None:
    number = difficult(desk)
    change_id = put(desk, calendar=with_2027(off=(1, 2, 3, 4)))
    with desk.application.unit() as working:
        working.session.execute(text("select 1 from ticket where number = :n for update"), {"n": number})
        with desk.application.unit() as unit:
            assert recount_next(unit, change_id).finished_at is None
        with desk.application.unit() as unit:
            assert recount_next(unit, change_id).finished_at is None
    assert desk.ticket(number).due_at == at("2027-01-06 00:00")
    run(desk, change_id)
    assert desk.ticket(number).due_at == at("2027-01-07 00:00")


def test_the_unions_hear_once_how_many_of_their_deadlines_moved(desk: Desk) -> None:
    difficult(desk)
    difficult(desk)
    change_id = put(desk, calendar=with_2027(off=(1, 2, 3, 4)))
    run(desk, change_id)
    with desk.application.unit() as unit:
        recount_next(unit, change_id)
    told = desk.rows("select payload from outbox_message where key like :k", k=f"notice:rule_change:{change_id}:%")
    assert len(told) == 2  # the handler and the leader of Golmud
    assert "2 件工单" in told[0].payload["text_zh"]


def test_only_an_administrator_of_the_province_changes_the_rules(desk: Desk) -> None:
    for who in ("dispatcher1", "supervisor1", f"leader-{GOLMUD}"):
        with pytest.raises(RulesNotYours):
            put(desk, who=who, calendar=with_2027())


def test_what_cannot_be_meant_is_refused(desk: Desk) -> None:
    with pytest.raises(NothingWouldChange):
        put(desk, calendar=load_calendar())
    with pytest.raises(ReasonNeeded) as refused:
        put(desk, calendar=with_2027(), reason="  ")
    assert isinstance(refused.value, Malformed)
    with pytest.raises(CalendarWouldForget, match="2026"):
        put(desk, calendar=load_calendar(through_year=2025))


def test_a_change_previewed_against_other_rules_is_refused(desk: Desk) -> None:
    with desk.application.reading() as unit:
        seen = rules_label(current_rules(unit.session))
    run(desk, put(desk, calendar=with_2027(), expected=seen))
    with pytest.raises(RulesChangedMeanwhile):
        put(desk, calendar=with_2027(off=(1,)), expected=seen)


def test_one_change_at_a_time(desk: Desk) -> None:
    difficult(desk)
    first = put(desk, calendar=with_2027())
    with pytest.raises(RecountUnderWay):
        put(desk, calendar=with_2027(off=(1,)))
    run(desk, first)
    put(desk, calendar=with_2027(off=(1,)))


def test_a_year_can_be_published_twice_and_an_older_version_again(desk: Desk) -> None:
    number = difficult(desk)
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4))))
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4, 5)), reason="通知修订"))
    assert desk.ticket(number).due_at == at("2027-01-08 00:00")
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4)), reason="修订撤回"))
    assert desk.ticket(number).due_at == at("2027-01-08 00:00")  # told, so kept
    assert len(desk.rows("select 1 from calendar_version")) == 3
    assert len(desk.rows("select 1 from calendar_version where active")) == 1


def test_the_late_message_of_a_change_leaves_the_next_change_alone(desk: Desk) -> None:
    number = difficult(desk)
    first = put(desk, calendar=with_2027(off=(1, 2, 3, 4)))
    run(desk, first)
    run(desk, put(desk, calendar=with_2027(off=(1, 2, 3, 4, 5)), reason="通知修订"))
    with desk.application.unit() as unit:
        recount_next(unit, first)
    assert desk.ticket(number).due_at == at("2027-01-08 00:00")


def test_the_database_refuses_a_deadline_that_moves_without_a_record(desk: Desk) -> None:
    number = difficult(desk)
    with pytest.raises(DBAPIError) as refused, desk.application.unit() as unit:
        unit.session.execute(text("update sla_clock set due_at = due_at + interval '1 day' where kind = 'resolve'"))
    assert isinstance(refused.value.orig, psycopg.errors.RestrictViolation)
    assert desk.ticket(number).due_at == at("2027-01-06 00:00")
