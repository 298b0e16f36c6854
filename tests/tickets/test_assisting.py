"""An assisting union has a task of its own: it finds it, answers it, and is missed once when it is late."""

from datetime import timedelta

import pytest

from service.identity.people import actor_of_username
from service.tickets.assisting import (
    PLAIN_ASK,
    TASK_DUE,
    AnswerTask,
    CallOffTask,
    NoOpenTask,
    SetTask,
    TaskAlreadyOpen,
    TaskForWhoHandlesIt,
    answer_task,
    call_off_task,
    set_task,
    task_queue,
)
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.dispatching import AskReturn, DispatchTicket, ask_return, dispatch_ticket, grant_return
from service.tickets.errors import (
    CannotDispatchToProvince,
    NotInCharge,
    PermissionMissing,
    TicketNotFound,
)
from service.tickets.passing_down import PassDown, pass_down
from service.tickets.queries import ticket_view, timeline
from service.tickets.requests import DecideRequest
from service.tickets.states import Step
from service.tickets.supervising import DateLiesInThePast
from tests.desk import GOLMUD, HAIXI, Desk, at

DELINGHA = "632802"
HANDLER, HELPER, CITY = f"handler-{GOLMUD}", f"handler-{DELINGHA}", f"handler-{HAIXI}"
ASK = "请到用人单位总部核实工资表"


def task(number: str, org_code: str = DELINGHA, **changes: object) -> SetTask:
    return SetTask(**{"number": number, "org_code": org_code, "ask": ASK} | changes)  # type: ignore[arg-type]


def queue(desk: Desk, who: str) -> list[tuple[str, str, bool]]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return [(each.number, each.task.ask, each.task.late) for each in task_queue(unit).tasks]


def told(desk: Desk, occasion: str) -> list[str]:
    rows = desk.rows(
        "select p.username from outbox_message m join person p on p.id = (m.payload->>'person_id')::int"
        " where m.kind = 'notice' and m.payload->>'key' like :key order by 1",
        key=f"%task_{occasion}%",
    )
    return [row.username for row in rows]


def test_unions_named_at_dispatch_find_their_task_without_searching(desk: Desk) -> None:
    number = desk.accepted()
    command = DispatchTicket(number=number, org_code=GOLMUD, assisting=(DELINGHA, HAIXI), assist_ask=ASK)
    desk.do("dispatcher1", dispatch_ticket, command)

    assert queue(desk, HELPER) == [(number, ASK, False)]
    assert len(queue(desk, CITY)) == 2, "its own, and that of the county below"
    assert queue(desk, HANDLER) == []
    (own,) = desk.rows("select due_at from assist_task where org_code = :org", org=DELINGHA)
    assert own.due_at == at("2026-11-26 00:00"), "asked on a Friday: the end of the third working day"
    assert told(desk, "set") == [CITY, HELPER]
    assert [entry.kind for entry in desk.do(HANDLER, timeline, number)][-2:] == ["ticket:task_set"] * 2


def test_nothing_said_at_dispatch_is_to_help(desk: Desk) -> None:
    number = desk.accepted()
    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD, assisting=(DELINGHA,)))

    assert queue(desk, HELPER) == [(number, PLAIN_ASK, False)]


def test_a_task_set_later_lets_the_union_see_the_ticket_and_answer(desk: Desk) -> None:
    number = desk.in_progress()
    with pytest.raises(TicketNotFound):
        desk.do(HELPER, ticket_view, number)
    due_at = desk.ticket(number).due_at
    desk.do(HANDLER, set_task, task(number, due_at=desk.clock.now() + timedelta(days=2)))
    assert set(desk.do(HELPER, ticket_view, number).possible_steps) >= {Step.answer_task, Step.note}
    assert Step.answer_task not in desk.do(HANDLER, ticket_view, number).possible_steps
    desk.wait(hours=1)
    desk.do(HELPER, answer_task, AnswerTask(number=number, answer="工资表已调取"))

    (seen,) = desk.do(HANDLER, ticket_view, number).tasks
    assert (seen.org.zh, seen.state, seen.answer) == ("德令哈市", "answered", "工资表已调取")
    assert desk.ticket(number).due_at == due_at
    assert told(desk, "answered") == [HANDLER]
    assert queue(desk, HELPER) == []
    with pytest.raises(NoOpenTask, match="Delingha"):
        desk.do(HELPER, answer_task, AnswerTask(number=number, answer="再答"))


def test_a_task_is_for_another_union_and_one_at_a_time(desk: Desk) -> None:
    number = desk.in_progress()
    with pytest.raises(TaskForWhoHandlesIt):
        desk.do(HANDLER, set_task, task(number, GOLMUD))
    with pytest.raises(CannotDispatchToProvince):
        desk.do(HANDLER, set_task, task(number, "630000"))
    with pytest.raises(DateLiesInThePast):
        desk.do(HANDLER, set_task, task(number, due_at=desk.clock.now()))
    desk.do(HANDLER, set_task, task(number))
    with pytest.raises(TaskAlreadyOpen):
        desk.do("dispatcher1", set_task, task(number))


def test_who_is_in_charge_sets_tasks_and_calls_them_off(desk: Desk) -> None:
    number = desk.in_progress()
    with pytest.raises(NotInCharge):
        desk.do(CITY, set_task, task(number))
    with pytest.raises(PermissionMissing):
        desk.do("agent1", set_task, task(number))
    desk.do("dispatcher1", set_task, task(number))
    with pytest.raises(NotInCharge):
        desk.do(HELPER, call_off_task, CallOffTask(number=number, org_code=DELINGHA))
    desk.do(HANDLER, call_off_task, CallOffTask(number=number, org_code=DELINGHA, note="单位已付清"))

    assert queue(desk, HELPER) == []
    assert told(desk, "called_off") == [HELPER]
    desk.do(HANDLER, set_task, task(number))


def test_the_city_that_passed_a_matter_down_stays_in_charge(desk: Desk) -> None:
    number = desk.in_progress(HAIXI)
    desk.do(CITY, set_task, task(number, GOLMUD))
    desk.do(CITY, pass_down, PassDown(number=number, org_code=GOLMUD))
    assert queue(desk, HANDLER) == [], "it has the whole matter now"
    desk.do(CITY, set_task, task(number))
    with pytest.raises(TaskForWhoHandlesIt):
        desk.do(HANDLER, set_task, task(number, HAIXI))


def test_what_is_late_is_told_once_to_both_sides(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(HANDLER, set_task, task(number))
    (message,) = desk.rows("select id, available_at from outbox_message where kind = :kind", kind=TASK_DUE)
    assert message.available_at == at("2026-11-26 00:00")
    desk.go_to("2026-11-26 00:00")
    for _ in range(2):
        desk.application.courier.deliver(message.id)

    assert told(desk, "overdue") == [HANDLER, HELPER, f"leader-{DELINGHA}"]
    assert queue(desk, HELPER) == [(number, ASK, True)]
    desk.do(HELPER, answer_task, AnswerTask(number=number, answer="已核实"))
    assert desk.do(HANDLER, timeline, number)[-1].data["late"] is True


def test_a_reply_does_not_wait_and_says_whose_part_is_missing(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(HANDLER, set_task, task(number))
    desk.reply(number)

    assert desk.ticket(number).state == "replied"
    assert desk.do(HANDLER, timeline, number)[-1].data["tasks_open"] == [DELINGHA]
    desk.do(HELPER, answer_task, AnswerTask(number=number, answer="已核实"))
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number))


def test_with_the_end_of_the_ticket_or_its_return_the_tasks_are_over(desk: Desk) -> None:
    closed = desk.in_progress()
    desk.do(HANDLER, set_task, task(closed))
    desk.reply(closed)
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=closed))
    desk.rate(closed)
    returned = desk.dispatched()
    desk.do(HANDLER, set_task, task(returned))
    desk.do(HANDLER, ask_return, AskReturn(number=returned, reason="不属本市"))
    desk.do("dispatcher1", grant_return, DecideRequest(number=returned))

    assert queue(desk, HELPER) == []
    assert {row.number for row in desk.rows(
        "select t.number from assist_task a join ticket t on t.id = a.ticket_id where called_off_at is not null"
    )} == {closed, returned}  # fmt: skip
