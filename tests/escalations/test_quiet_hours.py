"""Quiet hours delay the message of a rung, never the rung: the ledger and its effects are on time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from service.outbox.relay import claim, oldest_pending
from tests.desk import Desk, at

BREACH_AT = "2026-11-28 00:00"  # five working days after a Friday, a Saturday at midnight
MORNING = "2026-11-28 07:00"


def notices(desk: Desk, rung: str) -> set[tuple[datetime, str, bool]]:
    """When the messages of a rung of the resolve clock may go, in which queue, and whether they say they are urgent."""
    rows = desk.rows(
        "select m.available_at, m.queue, (m.payload ->> 'urgent')::boolean as urgent"
        " from outbox_message m join escalation e on m.key like 'notice:escalation:' || e.id || ':%'"
        " where e.rung = :rung and e.clock_kind = 'resolve'",
        rung=rung,
    )
    return {(row.available_at.astimezone(UTC), row.queue, row.urgent) for row in rows}


def published(desk: Desk, when: str, rung: str) -> bool:
    """Whether a relay that looks then takes the messages of that rung."""
    with desk.application.unit() as unit:
        claim(unit.session, now=at(when), lease=timedelta(minutes=1), room={"urgent": 1000, "default": 1000})
    taken = desk.rows(
        "select m.publishes from outbox_message m"
        " join escalation e on m.key like 'notice:escalation:' || e.id || ':%' where e.rung = :rung",
        rung=rung,
    )
    return all(row.publishes > 0 for row in taken)


def breached_at_night(desk: Desk, **changes: Any) -> str:
    number = desk.in_progress(**changes)
    desk.go_to("2026-11-27 20:00")
    desk.sweep()
    desk.go_to(BREACH_AT)
    desk.sweep()
    return number


def test_a_breach_at_midnight_is_in_the_ledger_at_once_and_told_in_the_morning(desk: Desk) -> None:
    breached_at_night(desk)

    (ledger,) = desk.rows("select fired_at from escalation where rung = 'breach' and clock_kind = 'resolve'")
    assert ledger.fired_at == at(BREACH_AT)
    assert notices(desk, "breach") == {(at(MORNING).astimezone(UTC), "default", False)}


def test_the_relay_leaves_it_until_then(desk: Desk) -> None:
    breached_at_night(desk)

    assert not published(desk, "2026-11-28 06:59", "breach")
    assert published(desk, MORNING, "breach")


def test_by_day_nothing_waits(desk: Desk) -> None:
    desk.in_progress()
    desk.go_to("2026-11-27 20:00")
    desk.sweep()

    assert notices(desk, "most") == {(at("2026-11-27 20:00").astimezone(UTC), "default", False)}


def test_an_urgent_ticket_does_not_wait(desk: Desk) -> None:
    breached_at_night(desk, urgent=True)

    assert notices(desk, "breach") == {(at(BREACH_AT).astimezone(UTC), "urgent", True)}


def test_a_promise_that_passes_quiet_hours_does_not_wait(desk: Desk) -> None:
    desk.in_progress()
    with desk.application.unit() as unit:
        unit.session.execute(text("""update sla_clock set promise = promise || '{"quiet": "pass"}'"""))
    desk.go_to(BREACH_AT)
    desk.sweep()

    assert notices(desk, "breach") == {(at(BREACH_AT).astimezone(UTC), "urgent", True)}


def test_what_waits_for_the_morning_is_no_delay_of_the_relay(desk: Desk) -> None:
    breached_at_night(desk)
    with desk.application.unit() as unit:
        unit.session.execute(
            text("update outbox_message set done_at = now() where available_at <= :at"), {"at": at(BREACH_AT)}
        )

    with desk.application.reading() as unit:
        assert oldest_pending(unit.session, at("2026-11-28 06:59")) is None
        assert oldest_pending(unit.session, at(MORNING)) == at(MORNING)
