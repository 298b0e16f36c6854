"""What contradicts itself is found within a quarter of an hour and told to those who can have it mended."""

import threading

from prometheus_client import REGISTRY
from sqlalchemy import text

from tests.desk import Desk
from workers.chores import Watch

BROKEN = "ticket_repeats_its_clock"


def watch(desk: Desk, *, leads: bool = True) -> None:
    Watch(desk.application, threading.Event(), leads=lambda: leads).tick()


def change(desk: Desk, sql: str) -> None:
    with desk.application.unit() as unit:
        unit.session.execute(text(sql))


def told(desk: Desk) -> list[str]:
    rows = desk.rows("select key from outbox_message where key like 'notice:invariant:%' order by id")
    return [row.key.removeprefix("notice:invariant:") for row in rows]


def gauge() -> float | None:
    return REGISTRY.get_sample_value("hotline_invariant_broken", {"invariant": BROKEN})


def test_a_contradiction_is_told_once_a_day_and_shown_until_it_is_gone(desk: Desk) -> None:
    desk.accepted()
    watch(desk)
    assert (told(desk), gauge()) == ([], 0)

    change(desk, "update ticket set half_at = half_at - interval '1 hour'")
    for _ in range(3):
        watch(desk)
    (key,) = told(desk)
    assert key.startswith(f"{BROKEN}:2026-")
    assert gauge() == 1
    desk.wait(days=1)
    watch(desk)
    assert len([each for each in told(desk) if each.startswith(BROKEN)]) == 2

    change(desk, "update ticket set half_at = half_at + interval '1 hour'")
    watch(desk)
    assert gauge() == 0


def test_only_the_leader_looks(desk: Desk) -> None:
    desk.accepted()
    change(desk, "update ticket set half_at = half_at - interval '1 hour'")
    watch(desk, leads=False)
    assert told(desk) == []
