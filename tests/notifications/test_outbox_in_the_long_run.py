"""The outbox in the long run: what lies too long is told, what was delivered long ago is forgotten."""

import threading
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import text

from service.core.errors import Bilingual
from service.notifications.audience import administrators, these_people
from service.notifications.channels import AddChannel, ChannelKind, add_channel
from service.notifications.gateways import MemoryGateway
from service.notifications.telling import tell
from service.outbox.delivery import Outcome
from service.outbox.trimming import FORGOTTEN, forget_delivered
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from tests.desk import Desk
from workers.chores import AgeAlarm, Trim


def ring(desk: Desk, *, leads: bool = True) -> None:
    AgeAlarm(desk.application, threading.Event(), leads=lambda: leads).tick()


def trim(desk: Desk, *, leads: bool = True, **settings: int) -> None:
    application = replace(desk.application, settings=desk.application.settings.model_copy(update=settings))
    Trim(application, threading.Event(), leads=lambda: leads).tick()


def change(desk: Desk, sql: str) -> None:
    """`:now` is the present instant."""
    with desk.application.unit() as unit:
        unit.session.execute(text(sql), {"now": unit.now})


def alarms(desk: Desk) -> list[str]:
    return [row.key for row in desk.rows("select key from notice where key like 'outbox:%' order by id")]


def delivered(desk: Desk) -> None:
    change(desk, "update outbox_message set done_at = :now where done_at is null")


def count(desk: Desk) -> int:
    return int(desk.rows("select count(*) as n from outbox_message")[0].n)


def test_a_message_that_lies_too_long_is_told_to_the_administrators_once_a_day(desk: Desk) -> None:
    desk.dispatched()
    ring(desk)
    assert alarms(desk) == []

    desk.wait(minutes=3)
    ring(desk)
    ring(desk)
    assert alarms(desk) == ["outbox:2026-11-20"]
    desk.wait(days=1)
    ring(desk)
    assert alarms(desk) == ["outbox:2026-11-20", "outbox:2026-11-21"]


def test_what_waits_by_intention_rings_nothing_and_counts_from_when_it_was_to_go(desk: Desk) -> None:
    desk.go_to("2026-11-21 02:00")
    number = desk.accepted()
    delivered(desk)

    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code="632801"))
    change(desk, "update outbox_message set done_at = now() where kind <> 'worker_sms'")
    desk.go_to("2026-11-21 07:01")
    change(desk, "update outbox_message set publishes = 1, available_at = available_at + interval '20 seconds'")
    ring(desk)
    assert alarms(desk) == []
    desk.go_to("2026-11-21 07:03")
    ring(desk)
    assert alarms(desk) == ["outbox:2026-11-21"]


def test_only_the_leader_looks_and_trims(desk: Desk) -> None:
    desk.dispatched()
    desk.wait(minutes=3)
    ring(desk, leads=False)
    assert alarms(desk) == []
    delivered(desk)
    desk.wait(days=31)
    before = count(desk)
    trim(desk, leads=False)
    assert count(desk) == before


def test_what_was_delivered_long_ago_is_forgotten_and_what_was_given_up_never(desk: Desk) -> None:
    desk.dispatched()
    change(desk, "update outbox_message set buried_at = now() where kind = 'worker_sms'")
    delivered_kinds = desk.rows("select 1 from outbox_message where buried_at is null")
    change(desk, "update outbox_message set done_at = :now where buried_at is null")
    desk.wait(days=29)
    trim(desk)
    assert count(desk) == len(delivered_kinds) + 2

    desk.wait(days=2)
    trim(desk)
    assert desk.rows("select 1 from outbox_message where buried_at is null") == []
    assert count(desk) == 2


def test_what_still_waits_and_a_kind_without_a_reason_stay(desk: Desk) -> None:
    desk.dispatched()
    change(desk, "update outbox_message set kind = 'of another release', done_at = created_at where kind = 'notice'")
    desk.wait(days=60)
    before = count(desk)
    trim(desk)
    assert count(desk) == before


def test_batches_go_on_where_the_last_one_ended(desk: Desk) -> None:
    for _ in range(3):
        desk.dispatched()
    delivered(desk)
    desk.wait(days=31)
    steps, last = [], 0
    while last is not None:
        with desk.application.unit() as unit:
            before = unit.now - timedelta(days=30)
            last = forget_delivered(unit.session, before=before, after_id=last, limit=4)
        steps.append(last)

    assert steps[:-1] == sorted(step for step in steps if step is not None)
    assert count(desk) == 0


def test_a_notice_asked_for_again_after_its_key_was_forgotten_is_not_told_twice(desk: Desk) -> None:
    def ask() -> None:
        with desk.application.unit() as unit:
            tell(unit, administrators(unit), Bilingual("缺少日历", "a year is missing"), key="calendar:2027:week")
        for row in desk.rows("select id from outbox_message where done_at is null"):
            assert desk.application.courier.deliver(row.id) == Outcome.done

    ask()
    change(desk, "delete from outbox_message")
    ask()

    assert len(desk.rows("select 1 from notice where key = 'calendar:2027:week'")) == len(
        desk.rows("select 1 from person_role where role = 'admin'")
    )


def test_a_notice_that_left_by_a_channel_does_not_leave_again_after_its_key_was_forgotten(desk: Desk) -> None:
    """A group reads of an occasion once, also if somebody of the union is told of it a month later."""
    with desk.application.unit() as unit:
        add_channel(unit, AddChannel(kind=ChannelKind.sms, address="13897001234", org_code="632801"))

    def tell_of_it(username: str) -> None:
        with desk.application.unit() as unit:
            (person_id,) = unit.session.scalars(text("select id from person where username = :u"), {"u": username})
            tell(unit, these_people(unit, [person_id]), Bilingual("请看", "look"), key="occasion")
        while waiting := desk.rows("select id from outbox_message where done_at is null"):
            assert {desk.application.courier.deliver(row.id) for row in waiting} == {Outcome.done}

    tell_of_it("handler-632801")
    change(desk, "delete from outbox_message")
    tell_of_it("leader-632801")

    gateway = desk.application.gateway
    assert isinstance(gateway, MemoryGateway)
    assert (len(gateway.letters), gateway.copies) == (1, 0)


def test_a_look_ends_where_the_young_messages_begin(desk: Desk) -> None:
    desk.dispatched()
    delivered(desk)
    desk.wait(days=31)
    desk.dispatched()
    delivered(desk)
    with desk.application.unit() as unit:
        before = unit.now - timedelta(days=30)
        last = forget_delivered(unit.session, before=before, after_id=0, limit=1000)
        assert last is not None
        assert forget_delivered(unit.session, before=before, after_id=last, limit=1000) is None
    assert {row.created_at for row in desk.rows("select created_at from outbox_message")} == {desk.clock.now()}


def test_every_kind_that_is_delivered_has_a_reason_why_it_may_be_forgotten(desk: Desk) -> None:
    assert FORGOTTEN.keys() == desk.application.handlers.keys()
    assert all(FORGOTTEN.values())
