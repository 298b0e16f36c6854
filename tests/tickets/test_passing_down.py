"""下派: a city passes a matter down and stays answerable; the county's part ends earlier and is late on its own."""

from dataclasses import dataclass

import pytest

from service.tickets.closing import ReviewReply, approve_reply, send_reply_back
from service.tickets.dispatching import (
    AskReturn,
    DispatchTicket,
    RetierTicket,
    ask_return,
    dispatch_ticket,
    grant_return,
    retier_ticket,
)
from service.tickets.errors import (
    DispatchIsAdjudicated,
    NotTheHolder,
    NotTheLead,
    ReturnGoesToTheUnionAbove,
    ReviewerIsReplier,
    TicketNotFound,
)
from service.tickets.handling import (
    AskExtension,
    AskSuspension,
    SignTicket,
    ask_extension,
    ask_suspension,
    grant_extension,
    grant_suspension,
    sign_ticket,
)
from service.tickets.passing_down import (
    DecideBelow,
    NotBelow,
    PassDown,
    PassedDownAlready,
    ReturnUp,
    SuspendedTicketStays,
    keep_down,
    pass_down,
    return_up,
    take_back,
)
from service.tickets.queries import explain_clock, ticket_view
from service.tickets.requests import DecideRequest
from service.tickets.states import Step
from sla_rules import Tier
from tests.desk import GOLMUD, HAIXI, Desk, at

CITY, CITY_LEADER = f"handler-{HAIXI}", f"leader-{HAIXI}"
COUNTY, COUNTY_LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
DELINGHA = "632802"


@dataclass(frozen=True)
class Due:
    whole: object
    leg: object


def passed_down(desk: Desk, *, signed: bool = False) -> str:
    """Accepted on Friday 20 November, 5 working days (to the 27th), with the city, passed down to Golmud."""
    number = desk.in_progress(HAIXI)
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD, note="请就地核实"))
    if signed:
        desk.do(COUNTY, sign_ticket, SignTicket(number=number))
    return number


def clocks(desk: Desk, number: str) -> dict[str, object]:
    rows = desk.rows(
        "select c.* from sla_clock c join ticket t on t.id = c.ticket_id where t.number = :n order by c.id", n=number
    )
    return {row.kind: row for row in rows}


def steps(desk: Desk, number: str, who: str) -> set[Step]:
    from service.identity.people import actor_of_username

    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return set(ticket_view(unit, number).possible_steps)


def test_the_countys_part_ends_a_working_day_before_the_citys_promise(desk: Desk) -> None:
    number = passed_down(desk)
    running = clocks(desk, number)
    assert running["resolve"].due_at == at("2026-11-28 00:00")  # type: ignore[attr-defined]
    assert running["leg"].due_at == at("2026-11-27 00:00")  # type: ignore[attr-defined]
    assert (running["resolve"].org_code, running["leg"].org_code) == (HAIXI, GOLMUD)  # type: ignore[attr-defined]
    ticket = desk.ticket(number)
    assert (ticket.state, ticket.holder_code, ticket.due_at) == ("to_sign", GOLMUD, at("2026-11-28 00:00"))
    with desk.application.reading() as unit:
        told = explain_clock(unit, number, "leg")
    assert told.due_at == at("2026-11-27 00:00")
    assert any("提前 1 个工作日" in sentence for sentence in told.sentences())
    assert told.lines[-1].date == told.last_day


def test_a_part_that_would_be_late_before_it_begins_ends_with_the_whole(desk: Desk) -> None:
    number = desk.in_progress(HAIXI)
    desk.go_to("2026-11-27 09:00")
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    running = clocks(desk, number)
    assert running["leg"].due_at == running["resolve"].due_at  # type: ignore[attr-defined]


def test_a_county_late_within_the_citys_promise_is_late_alone(desk: Desk) -> None:
    number = passed_down(desk, signed=True)
    desk.go_to("2026-11-27 08:00")
    desk.sweep()
    running = clocks(desk, number)
    assert running["leg"].breached_at == at("2026-11-27 00:00")  # type: ignore[attr-defined]
    assert running["resolve"].breached_at is None  # type: ignore[attr-defined]
    told = desk.rows("select targets from escalation where clock_kind = 'leg' and rung = 'limit'")[0].targets
    assert {target["username"] for target in told} == {COUNTY_LEADER, CITY_LEADER}


def test_what_moves_the_promise_moves_its_part(desk: Desk) -> None:
    number = passed_down(desk, signed=True)
    desk.do(COUNTY, ask_extension, AskExtension(number=number, days=3, reason="用人单位负责人在外地"))
    desk.do(CITY_LEADER, grant_extension, DecideRequest(number=number))
    desk.do("dispatcher1", grant_extension, DecideRequest(number=number))
    running = clocks(desk, number)
    assert (running["resolve"].due_at, running["leg"].due_at) == (  # type: ignore[attr-defined]
        at("2026-12-03 00:00"),
        at("2026-12-02 00:00"),
    )
    desk.do("dispatcher1", retier_ticket, RetierTicket(number=number, tier=Tier.complex, reason="需要鉴定"))
    running = clocks(desk, number)
    assert running["leg"].due_at < running["resolve"].due_at  # type: ignore[attr-defined]


def test_a_suspension_holds_both(desk: Desk) -> None:
    number = passed_down(desk, signed=True)
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=at("2026-11-25 09:00"), note="等仲裁裁决")
    desk.do(COUNTY, ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    running = clocks(desk, number)
    assert (running["resolve"].due_at, running["leg"].due_at) == (  # type: ignore[attr-defined]
        at("2026-12-02 00:00"),
        at("2026-12-01 00:00"),
    )
    assert len(desk.rows("select 1 from sla_pause where ends_at is null")) == 3


def test_a_promise_suspended_before_it_was_passed_down_gives_the_part_the_same_pauses(desk: Desk) -> None:
    number = desk.in_progress(HAIXI)
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=at("2026-11-25 09:00"), note="等仲裁裁决")
    desk.do(CITY, ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    with pytest.raises(SuspendedTicketStays):
        desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    desk.go_to("2026-11-25 09:00")
    desk.sweep()
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    running = clocks(desk, number)
    assert running["leg"].due_at == at("2026-12-01 00:00")  # type: ignore[attr-defined]


def test_silence_signs_for_the_county_and_the_city_sees_it(desk: Desk) -> None:
    number = passed_down(desk)
    desk.go_to("2026-11-24 08:00")
    desk.sweep()
    assert desk.ticket(number).state == "in_progress"
    [inner] = desk.rows("select * from assignment where role = 'inner'")
    assert inner.signed_by_silence
    [lead] = desk.rows("select * from assignment where role = 'lead'")
    assert not lead.signed_by_silence


def test_the_worker_is_owed_one_first_contact(desk: Desk) -> None:
    passed_down(desk, signed=True)
    rows = desk.rows("select 1 from sla_clock where kind = 'first_contact'")
    assert len(rows) == 1


def test_the_countys_reply_is_signed_by_its_leader_and_then_by_the_citys(desk: Desk) -> None:
    number = passed_down(desk, signed=True)
    desk.reply(number, GOLMUD)
    stopped = clocks(desk, number)
    assert stopped["leg"].stopped_at == stopped["resolve"].stopped_at  # type: ignore[attr-defined]
    with pytest.raises(NotTheHolder):
        desk.do(CITY_LEADER, approve_reply, ReviewReply(number=number))
    desk.do(COUNTY_LEADER, approve_reply, ReviewReply(number=number, note="属实"))
    ticket = desk.ticket(number)
    assert (ticket.state, ticket.holder_code) == ("replied", HAIXI)
    desk.do(CITY_LEADER, approve_reply, ReviewReply(number=number))
    assert desk.ticket(number).state == "to_callback"
    assert desk.rows("select end_reason from assignment where role = 'inner'")[0].end_reason == "finished"


def test_a_reply_the_city_sends_back_goes_to_the_county_with_both_clocks_running_on(desk: Desk) -> None:
    number = passed_down(desk, signed=True)
    desk.reply(number, GOLMUD)
    desk.do(COUNTY_LEADER, approve_reply, ReviewReply(number=number))
    desk.do(CITY_LEADER, send_reply_back, ReviewReply(number=number, note="未写明依据"))
    ticket, running = desk.ticket(number), clocks(desk, number)
    assert (ticket.state, ticket.holder_code) == ("in_progress", GOLMUD)
    assert running["leg"].stopped_at is None  # type: ignore[attr-defined]
    assert running["resolve"].org_code == HAIXI  # type: ignore[attr-defined]
    desk.reply(number, GOLMUD)


def test_a_leader_does_not_sign_their_own_reply_for_the_county_either(desk: Desk) -> None:
    number = passed_down(desk, signed=True)
    desk.reply(number, GOLMUD)
    with desk.application.unit() as unit:
        from sqlalchemy import text

        unit.session.execute(
            text("update reply set replied_by = (select id from person where username = :u)"), {"u": COUNTY_LEADER}
        )
    with pytest.raises(ReviewerIsReplier):
        desk.do(COUNTY_LEADER, approve_reply, ReviewReply(number=number))


def test_handing_back_up_is_the_citys_to_decide_and_gives_nobody_time(desk: Desk) -> None:
    number = passed_down(desk)
    due = desk.ticket(number).due_at
    with pytest.raises(ReturnGoesToTheUnionAbove):
        desk.do(COUNTY, ask_return, AskReturn(number=number, reason="不属我市"))
    desk.do(COUNTY, return_up, ReturnUp(number=number, reason="用人单位在德令哈"))
    with pytest.raises(ReturnGoesToTheUnionAbove):
        desk.do("dispatcher1", grant_return, DecideRequest(number=number))
    with pytest.raises(NotTheLead):
        desk.do(COUNTY, take_back, DecideBelow(number=number))
    desk.do(CITY, take_back, DecideBelow(number=number, note="同意"))
    ticket = desk.ticket(number)
    assert (ticket.state, ticket.holder_code, ticket.due_at, ticket.bounces) == ("in_progress", HAIXI, due, 0)
    assert clocks(desk, number)["leg"].stopped_at is not None  # type: ignore[attr-defined]
    with pytest.raises(TicketNotFound):
        desk.do(COUNTY, sign_ticket, SignTicket(number=number))
    desk.do(CITY, pass_down, PassDown(number=number, org_code=DELINGHA))
    assert desk.ticket(number).holder_code == DELINGHA


def test_a_county_that_was_refused_signs_and_may_not_ask_again(desk: Desk) -> None:
    number = passed_down(desk)
    desk.do(COUNTY, return_up, ReturnUp(number=number, reason="不属我市"))
    desk.do(CITY, keep_down, DecideBelow(number=number, note="属地在你市"))
    with pytest.raises(DispatchIsAdjudicated):
        desk.do(COUNTY, return_up, ReturnUp(number=number, reason="再次申请"))
    desk.do(COUNTY, sign_ticket, SignTicket(number=number))
    assert desk.ticket(number).state == "in_progress"


def test_a_matter_is_passed_down_once_and_to_a_county_of_ones_own(desk: Desk) -> None:
    number = desk.in_progress(HAIXI)
    for elsewhere in ("630102", HAIXI, "630000"):
        with pytest.raises(NotBelow):
            desk.do(CITY, pass_down, PassDown(number=number, org_code=elsewhere))
    county_own = desk.in_progress(GOLMUD)
    with pytest.raises(NotBelow):
        desk.do(COUNTY, pass_down, PassDown(number=county_own, org_code=DELINGHA))
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    desk.do(COUNTY, sign_ticket, SignTicket(number=number))
    with pytest.raises((PassedDownAlready, NotBelow)):
        desk.do(COUNTY, pass_down, PassDown(number=number, org_code=DELINGHA))


def test_a_union_that_helps_may_be_given_the_whole_and_helps_no_more(desk: Desk) -> None:
    number = desk.accepted()
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=HAIXI, assisting=(GOLMUD,)))
    desk.do(CITY, sign_ticket, SignTicket(number=number))
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    roles = desk.rows("select role, end_reason from assignment where org_code = :o order by id", o=GOLMUD)
    assert [(row.role, row.end_reason) for row in roles] == [("assist", "moved"), ("inner", None)]


def test_of_two_parts_that_ended_at_one_instant_the_last_runs_on(desk: Desk) -> None:
    """Taken back, passed down, signed and replied to within one tick of the clock."""
    number = passed_down(desk, signed=True)
    desk.do(CITY, take_back, DecideBelow(number=number))
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    desk.do(COUNTY, sign_ticket, SignTicket(number=number))
    desk.reply(number)

    desk.do(COUNTY_LEADER, send_reply_back, ReviewReply(number=number, note="请补充依据"))

    legs = desk.rows("select stopped_at from sla_clock where kind = 'leg' order by id")
    assert [leg.stopped_at is None for leg in legs] == [False, True]


def test_each_desk_is_offered_its_own_steps(desk: Desk) -> None:
    with_city = desk.in_progress(HAIXI)
    assert Step.pass_down in steps(desk, with_city, CITY)
    assert Step.pass_down not in steps(desk, desk.in_progress(GOLMUD), COUNTY)
    number = passed_down(desk)
    assert {Step.sign, Step.return_up} <= steps(desk, number, COUNTY)
    assert Step.return_ not in steps(desk, number, COUNTY)
    assert Step.take_back in steps(desk, number, CITY)
    assert Step.keep_down not in steps(desk, number, CITY)
    desk.do(COUNTY, return_up, ReturnUp(number=number, reason="不属我市"))
    assert {Step.keep_down, Step.take_back} <= steps(desk, number, CITY)
    assert Step.grant_return not in steps(desk, number, "dispatcher1")


def test_the_city_is_still_answerable_for_a_matter_with_its_county(desk: Desk) -> None:
    passed_down(desk, signed=True)
    desk.go_to("2026-11-30 08:00")
    desk.sweep()
    told = desk.rows("select org_code from escalation where clock_kind = 'resolve' and rung = 'breach'")
    assert [row.org_code for row in told] == [HAIXI]
