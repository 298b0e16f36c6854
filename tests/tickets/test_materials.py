"""Material is asked of the worker piece by piece, answered or called off, and missed once when it is late."""

from datetime import date, timedelta

import pytest

from service.core.errors import HotlineError
from service.core.unit import WORKER
from service.tickets.errors import NotTheHolder
from service.tickets.handling import AskSuspension, ask_suspension, grant_suspension
from service.tickets.materials import (
    MATERIAL_DUE,
    AskMaterial,
    DayOutOfRange,
    MaterialAskedAlready,
    MaterialNotAsked,
    NoMaterialAwaited,
    SettleMaterial,
    ask_material,
    receive_material,
    waive_material,
)
from service.tickets.queries import ticket_view, timeline
from service.tickets.requests import DecideRequest
from service.tickets.states import Step
from service.tickets.worker_way import add_material, progress_of
from tests.desk import GOLMUD, HAIXI, Desk, at

HANDLER = f"handler-{GOLMUD}"
CONTRACT, HOURS = "劳动合同", "八至十月考勤记录"
# The desk's present is a Friday.
TUESDAY = date(2026, 11, 24)


def ask(desk: Desk, number: str, *pieces: str, due_on: date = TUESDAY) -> None:
    desk.do(HANDLER, ask_material, AskMaterial(number=number, pieces=pieces or (CONTRACT, HOURS), due_on=due_on))


def states(desk: Desk, number: str) -> dict[str, str]:
    return {each.piece: each.state for each in desk.do(HANDLER, ticket_view, number).materials}


def reminders(desk: Desk) -> list[str]:
    rows = desk.rows(
        "select p.username from outbox_message m join person p on p.id = (m.payload->>'person_id')::int"
        " where m.kind = 'notice' and m.payload->>'key' like '%material_overdue%' order by 1"
    )
    return [row.username for row in rows]


def send(desk: Desk, number: str, *pieces: str, words: str = "") -> None:
    with desk.application.unit(WORKER) as unit:
        add_material(unit, desk.ticket(number).id, words=words, file=None, pieces=pieces)


def deliver_due(desk: Desk) -> None:
    for row in desk.rows("select id from outbox_message where kind = :kind and done_at is null", kind=MATERIAL_DUE):
        desk.application.courier.deliver(row.id)


def test_asking_moves_no_deadline_and_stands_on_the_timeline(desk: Desk) -> None:
    number = desk.in_progress()
    due_at = desk.ticket(number).due_at
    ask(desk, number)

    assert states(desk, number) == {CONTRACT: "asked", HOURS: "asked"}
    assert (desk.ticket(number).due_at, desk.ticket(number).state) == (due_at, "in_progress")
    last = desk.do(HANDLER, timeline, number)[-1]
    assert (last.kind, last.note, last.data["due_on"]) == (
        "ticket:material_asked",
        f"{CONTRACT}、{HOURS}",
        "2026-11-24",
    )


def test_the_message_to_the_worker_says_nothing_of_what_is_asked(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    (row,) = desk.rows("select id from outbox_message where payload->>'template' = 'material'")
    desk.application.courier.deliver(row.id)

    (letter,) = desk.application.gateway.letters.values()  # type: ignore[attr-defined]
    assert number in letter.text
    assert "补充材料" in letter.text
    assert CONTRACT not in letter.text


def test_the_worker_sees_what_is_asked_and_answers_a_part_of_it(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    send(desk, number, CONTRACT, "从未请求的材料", words="合同照片")

    assert states(desk, number) == {CONTRACT: "received", HOURS: "asked"}
    with desk.application.reading(WORKER) as unit:
        progress = progress_of(unit, desk.ticket(number).id)
    assert [each.piece for each in progress.asked] == [HOURS]
    assert [line.what.zh for line in progress.told][-2:] == ["工会请您补充材料", "您补充了情况"]
    (event,) = desk.rows("select note, data from ticket_event where kind = 'ticket:material_added'")
    assert (event.note, event.data) == ("合同照片", {"pieces": [CONTRACT]})


def test_the_handler_is_told_when_all_has_come(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    send(desk, number, CONTRACT)
    desk.wait(hours=1)
    send(desk, number, HOURS)

    rows = desk.rows("select payload->>'text_zh' as zh from outbox_message where kind = 'notice' order by id")
    texts = [row.zh for row in rows]
    assert [text for text in texts if "补充了材料" in text] == [
        f"职工补充了材料:工单 {number}",
        f"职工补充了材料,所请求的已齐:工单 {number}",
    ]


def test_a_handler_settles_pieces_by_their_names(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number, f"  {CONTRACT} ", HOURS, CONTRACT)
    desk.do(HANDLER, receive_material, SettleMaterial(number=number, pieces=(CONTRACT,), note="当面提交"))
    desk.do(HANDLER, waive_material, SettleMaterial(number=number, pieces=(HOURS,), note="单位已提供"))
    assert states(desk, number) == {CONTRACT: "received", HOURS: "not_needed"}
    with pytest.raises(MaterialNotAsked, match=CONTRACT):
        desk.do(HANDLER, receive_material, SettleMaterial(number=number, pieces=(CONTRACT,)))

    ask(desk, number, CONTRACT)
    assert [each.state for each in desk.do(HANDLER, ticket_view, number).materials] == [
        "received",
        "not_needed",
        "asked",
    ]


def test_a_piece_is_asked_once_at_a_time_and_not_until_yesterday(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number, CONTRACT)
    with pytest.raises(MaterialAskedAlready, match=CONTRACT):
        ask(desk, number, HOURS, CONTRACT)
    for day in (date(2026, 11, 19), date(2027, 1, 20), date(9998, 1, 1)):
        with pytest.raises(DayOutOfRange):
            ask(desk, number, HOURS, due_on=day)
    ask(desk, number, HOURS, due_on=date(2026, 11, 20))


def test_only_who_has_the_ticket_asks(desk: Desk) -> None:
    number = desk.in_progress()
    asking = AskMaterial(number=number, pieces=(CONTRACT,), due_on=TUESDAY)
    with pytest.raises(NotTheHolder):
        desk.do(f"handler-{HAIXI}", ask_material, asking)
    with pytest.raises(HotlineError):
        desk.do("dispatcher1", ask_material, asking)


def test_the_steps_are_offered_while_something_is_awaited(desk: Desk) -> None:
    number = desk.in_progress()
    settling = {Step.receive_material, Step.waive_material}

    def offered() -> set[Step]:
        return settling & set(desk.do(HANDLER, ticket_view, number).possible_steps)

    assert offered() == set()
    ask(desk, number, CONTRACT)
    assert offered() == settling
    send(desk, number, CONTRACT)
    assert offered() == set()


def test_what_is_late_is_told_once_after_its_day(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    (message,) = desk.rows("select available_at from outbox_message where kind = :kind", kind=MATERIAL_DUE)
    assert message.available_at == at("2026-11-25 00:00")
    assert not any(each.late for each in desk.do(HANDLER, ticket_view, number).materials)

    desk.go_to("2026-11-25 09:00")
    deliver_due(desk)
    deliver_due(desk)
    assert reminders(desk) == [HANDLER]
    assert all(each.late for each in desk.do(HANDLER, ticket_view, number).materials)


def test_what_came_in_time_is_not_missed(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    send(desk, number, CONTRACT, HOURS)
    desk.go_to("2026-11-25 09:00")
    deliver_due(desk)

    assert reminders(desk) == []


def test_a_suspension_for_material_needs_some_to_be_awaited(desk: Desk) -> None:
    number = desk.in_progress()
    wait = AskSuspension(
        number=number, reason="material_awaited", review_at=desk.clock.now() + timedelta(days=5), note="等合同"
    )
    with pytest.raises(NoMaterialAwaited):
        desk.do(HANDLER, ask_suspension, wait)
    ask(desk, number, CONTRACT)
    desk.do(HANDLER, ask_suspension, wait)
    send(desk, number, CONTRACT)
    with pytest.raises(NoMaterialAwaited):
        desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    ask(desk, number, CONTRACT)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))

    assert desk.ticket(number).suspended


def test_with_the_reply_nothing_is_awaited_any_more(desk: Desk) -> None:
    number = desk.in_progress()
    ask(desk, number)
    desk.reply(number)

    assert set(states(desk, number).values()) == {"not_needed"}
    with desk.application.reading(WORKER) as unit:
        assert progress_of(unit, desk.ticket(number).id).asked == ()
