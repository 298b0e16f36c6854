"""What ended long ago is put away, a batch at a time, whatever befalls one of them or the process."""

import threading
from dataclasses import replace

import pytest

from service.core.metrics import TO_ARCHIVE
from service.core.unit import Unit
from service.tickets.closing import ReopenTicket, reopen_ticket
from service.tickets.endings import archive_ended
from tests.desk import Desk
from workers import chores
from workers.chores import Archive


def put_away(desk: Desk, stop: threading.Event | None = None, *, leads: bool = True, **settings: int) -> None:
    application = replace(desk.application, settings=desk.application.settings.model_copy(update=settings))
    Archive(application, stop or threading.Event(), leads=lambda: leads).tick()


def states(desk: Desk) -> list[str]:
    return [row.state for row in desk.rows("select state from ticket order by id")]


def test_what_ended_long_ago_is_archived_batch_by_batch(desk: Desk) -> None:
    for _ in range(5):
        desk.closed()
    desk.wait(days=31)
    recent = desk.closed()
    put_away(desk, sweep_batch=2)
    assert states(desk) == ["archived"] * 5 + ["closed"]
    assert desk.ticket(recent).state == "closed"
    assert TO_ARCHIVE.collect()[0].samples[0].value == 0


def test_the_days_are_a_setting_and_never_fewer_than_a_ticket_can_be_reopened(desk: Desk) -> None:
    number = desk.closed()
    desk.wait(days=29)
    put_away(desk, archive_after_days=1)
    desk.do("supervisor1", reopen_ticket, ReopenTicket(number=number, reason="新证据"))
    other = desk.closed()
    desk.wait(days=59)
    put_away(desk, archive_after_days=60)
    assert desk.ticket(other).state == "closed"
    desk.wait(days=2)
    put_away(desk, archive_after_days=60)
    assert desk.ticket(other).state == "archived"


def test_what_was_done_stays_done_when_the_process_is_cut_off(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        desk.closed()
    desk.wait(days=31)
    stop = threading.Event()

    def cut_off_after_one(unit: Unit, **words: int) -> int:
        stop.set()
        return archive_ended(unit, **words)

    monkeypatch.setattr(chores, "archive_ended", cut_off_after_one)
    put_away(desk, stop, sweep_batch=1)
    assert states(desk) == ["archived", "closed", "closed"]
    monkeypatch.undo()
    put_away(desk, sweep_batch=1)
    assert states(desk) == ["archived"] * 3


def test_only_the_leader_archives(desk: Desk) -> None:
    desk.closed()
    desk.wait(days=31)
    put_away(desk, leads=False)
    assert states(desk) == ["closed"]


def test_one_that_cannot_be_archived_keeps_no_other_back(desk: Desk) -> None:
    poison, other = desk.closed(), desk.closed()
    with desk.by_hand() as owner:
        owner.exec_driver_sql(
            "create function refuse_one() returns trigger language plpgsql as"
            f" $$ begin if new.number = '{poison}' then raise exception 'no'; end if; return new; end $$;"
            " create trigger refuse_one before update on ticket for each row execute function refuse_one()"
        )
    desk.wait(days=31)
    put_away(desk)
    assert (desk.ticket(poison).state, desk.ticket(other).state) == ("closed", "archived")
