"""The ladder in the house: each rung once, in order, whoever sweeps and however late."""

import pytest
from sqlalchemy import text

from service.tickets.closing import ReviewReply, approve_reply, send_reply_back
from tests.desk import GOLMUD, HAIXI, Desk

LEADER = f"leader-{GOLMUD}"


def rungs(desk: Desk, clock: str) -> list[str]:
    return [
        row.rung for row in desk.rows("select rung from escalation where clock_kind = :clock order by id", clock=clock)
    ]


def told(desk: Desk, rung: str) -> list[str]:
    rows = desk.rows("select targets from escalation where rung = :rung and clock_kind = 'resolve'", rung=rung)
    return [target["username"] for target in rows[0].targets]


def test_every_rung_fires_once_in_order_after_an_outage(desk: Desk) -> None:
    desk.in_progress()
    desk.go_to("2026-12-04 10:00")
    desk.sweep()
    desk.sweep()

    assert rungs(desk, "resolve") == ["half", "most", "breach", "late_1", "late_3"]


def test_the_ledger_tells_who_was_told_at_that_moment(desk: Desk) -> None:
    desk.in_progress()
    desk.go_to("2026-12-04 10:00")
    desk.sweep()

    assert told(desk, "half") == [f"handler-{GOLMUD}", LEADER]
    assert told(desk, "breach") == [LEADER, f"leader-{HAIXI}"]
    supervised = [f"handler-{GOLMUD}", LEADER, f"leader-{HAIXI}"]
    assert told(desk, "late_1") == ["supervisor1", *supervised], "who has to answer the supervision hears of it here"
    assert told(desk, "late_3") == ["leader-630000"]


def test_the_first_working_day_late_opens_a_supervision(desk: Desk) -> None:
    desk.in_progress()
    desk.go_to("2026-12-01 00:00")
    desk.sweep()

    assert desk.rows("select count(*) as n from supervision where closed_at is null")[0].n == 1


def test_silence_signs_at_the_limit_whenever_the_sweep_comes(desk: Desk) -> None:
    number = desk.dispatched()
    desk.go_to("2026-11-25 10:00")
    desk.sweep()

    assert desk.ticket(number).state == "in_progress"
    row = desk.rows(
        "select a.signed_at, a.signed_by_silence, c.due_at, c.breached_at"
        " from assignment a, sla_clock c where c.kind = 'sign'"
    )[0]
    assert row.signed_by_silence
    assert row.signed_at == row.due_at == row.breached_at


def test_a_breach_is_found_when_it_was_closed_between_deadline_and_tick(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-11-27 23:59")
    desk.sweep()
    desk.go_to("2026-11-28 00:03")
    desk.reply(number)
    desk.go_to("2026-11-28 00:05")
    desk.sweep()

    assert rungs(desk, "resolve") == ["half", "most", "breach"]


def test_a_reply_in_time_is_no_breach_even_if_approved_late(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-11-27 23:59")
    desk.reply(number)
    desk.go_to("2026-12-02 10:00")
    desk.sweep()
    desk.do(LEADER, approve_reply, ReviewReply(number=number))

    assert "breach" not in rungs(desk, "resolve")


def test_after_sending_back_the_clock_has_never_stopped(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-11-27 16:00")
    desk.reply(number)
    desk.go_to("2026-11-30 10:00")
    desk.do(LEADER, send_reply_back, ReviewReply(number=number, note="补充"))
    desk.sweep()

    assert "breach" in rungs(desk, "resolve")
    assert desk.ticket(number).state == "in_progress"


def test_one_bad_clock_does_not_stop_the_others(desk: Desk) -> None:
    bad, good = desk.in_progress(), desk.in_progress()
    with desk.application.unit() as unit:
        unit.session.execute(
            text(
                "update sla_clock set promise = '{}' where kind = 'resolve' and ticket_id ="
                " (select id from ticket where number = :number)"
            ),
            {"number": bad},
        )
    desk.go_to("2026-11-28 00:00")
    swept = desk.sweep()

    assert swept.failed >= 1
    fired = desk.rows("select t.number from escalation e join ticket t on t.id = e.ticket_id where e.rung = 'breach'")
    assert [row.number for row in fired] == [good]


@pytest.mark.parametrize("people", [1, 12])
def test_messages_reach_the_inbox_once(desk: Desk, people: int) -> None:
    desk.in_progress(people_count=people)
    desk.go_to("2026-11-28 00:00")
    desk.sweep()
    ids = [row.id for row in desk.rows("select id from outbox_message order by id")]
    for _ in range(2):
        for message in ids:
            desk.application.courier.deliver(message)

    notices = desk.rows("select count(*) as n from notice")[0].n
    assert notices == desk.rows("select count(*) as n from outbox_message where kind = 'notice'")[0].n
    assert desk.rows("select count(*) as n from outbox_message where done_at is null")[0].n == 0
