"""Sweeps by many hands, late, interrupted and in order; and who leads."""

import os
import signal
import subprocess
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from service.bootstrap import Application, build
from service.core.clock import SimulatedClock
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from tests.conftest import START, drop, settings_for
from tests.desk import GOLMUD, Desk, at
from tests.embedded.processes import within
from tests.workers.conftest import Crew
from workers.leadership import Leadership
from workers.scheduler import Ticker, database_time, run_scheduler

MANY = 1000


def copies(desk: Desk, number: str, count: int) -> None:
    """More tickets like this one, each with a running resolve clock like its own."""
    with desk.application.unit() as unit:
        columns = {
            table: ", ".join(
                unit.session.scalars(
                    text(
                        "select column_name from information_schema.columns"
                        " where table_name = :table and column_name <> all(:own) and is_generated = 'NEVER'"
                    ),
                    {"table": table, "own": ["id", "number", "ticket_id"]},
                )
            )
            for table in ("ticket", "sla_clock")
        }
        unit.session.execute(
            text(
                f"""
                with twin as (
                    insert into ticket (number, {columns["ticket"]})
                    select 'QH12351-20260101-' || lpad(i::text, 6, '0'), {columns["ticket"]}
                    from ticket, generate_series(1, :count) i where number = :number
                    returning id
                )
                insert into sla_clock (ticket_id, {columns["sla_clock"]})
                select twin.id, {columns["sla_clock"]} from twin, sla_clock c
                where c.ticket_id = (select id from ticket where number = :number)
                  and c.kind = 'resolve' and c.stopped_at is null
                """  # noqa: S608 - names of columns
            ),
            {"count": count, "number": number},
        )


def ticker(application: Application) -> Ticker:
    return Ticker(application, threading.Event())


def ledger(desk: Desk) -> Counter[str]:
    return Counter(row.rung for row in desk.rows("select rung from escalation"))


@pytest.fixture
def clock() -> SimulatedClock:
    """These sweeps are called by hand, at fixed times."""
    return SimulatedClock(START)


class TestSweeps:
    def test_two_at_once_over_a_thousand_due_clocks_fire_each_once(self, desk: Desk, application: Application) -> None:
        number = desk.in_progress()
        copies(desk, number, MANY - 1)
        desk.go_to(desk.rows("select max(next_check_at) as at from sla_clock where kind = 'resolve'")[0].at)
        other = build(application.settings, clock=application.clock, gateway=application.gateway)
        tickers = [ticker(application), ticker(other)]
        start = threading.Barrier(2)
        fired: list[int] = []

        def sweep(one: Ticker) -> None:
            start.wait()
            fired.append(one.sweep_all().by_rung["resolve.half"])

        threads = [threading.Thread(target=sweep, args=[one]) for one in tickers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        rows = desk.rows("select clock_id from escalation where clock_kind = 'resolve' and rung = 'half'")
        assert len(rows) == MANY
        assert len({row.clock_id for row in rows}) == MANY
        assert sum(fired) == MANY
        assert (
            desk.rows("select count(*) as n from sla_clock where next_check_at <= :now", now=desk.clock.now())[0].n == 0
        )
        told = desk.rows(
            "select count(*) as n, count(distinct key) as keys from outbox_message where key like '%escalation%'"
        )
        assert told[0].n == told[0].keys > 0
        other.database.dispose()

    def test_a_poisoned_clock_stops_nobody_and_is_set_aside(self, desk: Desk, application: Application) -> None:
        copies(desk, desk.in_progress(), 20)
        with application.unit() as unit:
            poisoned = unit.session.scalar(text("select min(id) from sla_clock where kind = 'resolve'"))
            unit.session.execute(
                text('update sla_clock set promise = \'{"unit": "moons"}\' where id = :id'), {"id": poisoned}
            )
        desk.go_to("2026-11-26 12:00")

        swept = ticker(application).sweep_all()

        assert swept.failed == 1
        assert swept.by_rung["resolve.half"] == 20
        (row,) = desk.rows("select check_failures, next_check_at from sla_clock where id = :id", id=poisoned)
        assert row.check_failures == 1
        assert row.next_check_at == desk.clock.now() + timedelta(minutes=10)

    def test_a_limit_passed_between_two_ticks_is_a_breach_although_the_step_was_taken_before_the_tick(
        self, desk: Desk, application: Application
    ) -> None:
        desk.go_to("2026-11-23 09:30")
        number = desk.accepted()  # to be dispatched within 30 minutes of working time: before 10:00
        desk.go_to("2026-11-23 10:03")
        desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD))
        desk.go_to("2026-11-23 10:05")
        ticker(application).sweep_all()

        (clock,) = desk.rows("select * from sla_clock where kind = 'dispatch'")
        assert clock.due_at == at("2026-11-23 10:00")
        assert clock.stopped_at == at("2026-11-23 10:03")
        assert clock.breached_at == clock.due_at
        fired = desk.rows("select rung, planned_at, fired_at from escalation where clock_kind = 'dispatch' order by id")
        assert (at("2026-11-23 10:00"), at("2026-11-23 10:05")) in [(row.planned_at, row.fired_at) for row in fired]

    def test_after_an_outage_of_weeks_every_rung_is_caught_up_once_and_in_order(
        self, desk: Desk, application: Application
    ) -> None:
        copies(desk, desk.in_progress(), 5)
        desk.go_to("2026-12-18 12:00")
        ticker(application).sweep_all()
        ticker(application).sweep_all()

        rows = desk.rows("select clock_id, rung, planned_at from escalation where clock_kind = 'resolve' order by id")
        by_clock: dict[int, list[str]] = {}
        for row in rows:
            by_clock.setdefault(row.clock_id, []).append(row.rung)
        assert list(by_clock.values()) == [["half", "most", "breach", "late_1", "late_3"]] * 6
        assert all(row.planned_at < desk.clock.now() for row in rows)

    def test_a_ticket_somebody_works_on_is_passed_over_and_caught_at_the_next_tick(
        self, desk: Desk, application: Application
    ) -> None:
        number = desk.in_progress()
        copies(desk, number, 3)
        desk.go_to("2026-11-26 12:00")
        with application.unit() as unit:
            unit.session.execute(text("select 1 from ticket where number = :n for update"), {"n": number})
            assert ticker(application).sweep_all().by_rung["resolve.half"] == 3
        assert ticker(application).sweep_all().by_rung["resolve.half"] == 1

    def test_a_stop_ends_the_sweep_after_the_batch_in_hand(self, desk: Desk, application: Application) -> None:
        copies(desk, desk.in_progress(), 9)
        desk.go_to("2026-11-26 12:00")
        small = build(
            settings_for(application.settings.database_url, application.settings.redis_url, sweep_batch=2),
            clock=application.clock,
        )
        stop = threading.Event()
        one = Ticker(small, stop)
        unit = small.unit

        def last_unit() -> object:
            stop.set()
            return unit()

        object.__setattr__(small, "unit", last_unit)
        assert one.sweep_all().clocks == 2
        small.database.dispose()


class TestLeadership:
    def test_one_leads_and_the_other_takes_over_when_its_connection_is_gone(
        self, application: Application, desk: Desk
    ) -> None:
        first, second = Leadership(application.database), Leadership(application.database)
        assert [first.is_mine(), first.is_mine(), second.is_mine()] == [True, True, False]
        first.let_go()
        assert within(5, second.is_mine)
        assert not first.is_mine()
        second.let_go()
        first.let_go()

    def test_a_lead_lost_with_the_connection_is_noticed(self, application: Application, desk: Desk) -> None:
        import psycopg

        leader = Leadership(application.database)
        assert leader.is_mine()
        desk.owners_rows(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'hotline scheduler'"
        )
        with pytest.raises(psycopg.OperationalError):
            leader.is_mine()
        assert leader.is_mine(), "and it may be had again"
        leader.let_go()


class TestProcesses:
    @pytest.fixture
    def clock(self) -> SimulatedClock:
        """A month before the real time that the processes see."""
        return SimulatedClock(datetime.now(UTC) - timedelta(days=30))

    @pytest.fixture
    def two(self, crew: Crew) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
        """Two schedulers, the leader first."""
        first = crew.start("workers.scheduler")
        assert crew.says(first, "leadership_taken")
        second = crew.start("workers.scheduler")
        return first, second

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
    def test_when_the_leader_is_killed_or_frozen_the_other_sweeps_within_seconds(
        self,
        crew: Crew,
        desk: Desk,
        two: tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]],
        number: signal.Signals,
    ) -> None:
        leader, other = two
        desk.accepted()
        assert within(10, lambda: ledger(desk)["late_3"]), "the leader sweeps"
        os.kill(leader.pid, number)
        desk.accepted()
        assert within(10, lambda: ledger(desk)["late_3"] == 2), crew.log(other)
        assert ledger(desk)["breach"] >= 2
        assert len(desk.rows("select distinct clock_id, rung from escalation")) == sum(ledger(desk).values())

    def test_a_host_whose_clock_is_days_ahead_fires_nothing_before_its_time(
        self, application: Application, desk: Desk, clock: SimulatedClock
    ) -> None:
        clock.move_to(datetime.now(UTC))
        desk.accepted()
        desk.wait(days=5)
        assert Ticker(application, threading.Event(), now=database_time).sweep_all().fired == 0
        assert ledger(desk) == {}
        assert ticker(application).sweep_all().fired, "by the host's own clock it would have"

    def test_a_scheduler_started_before_the_tables_are_there_waits_for_them(
        self, crew: Crew, servers, desk: Desk
    ) -> None:
        empty = f"empty_{os.getpid()}"
        with servers.admin() as admin:
            admin.execute(f"create database {empty}")
        crew.environment["HOTLINE_DATABASE_URL"] = servers.url_of(empty)
        scheduler = crew.start("workers.scheduler")
        assert crew.says(scheduler, "sweep_interrupted")
        assert crew.says(scheduler, "relay_interrupted")
        application = build(settings_for(servers.url_of(empty), crew.environment["HOTLINE_REDIS_URL"]))
        from service.bootstrap import migrate

        migrate(application.database)
        assert crew.says(scheduler, "sweep_resumed")
        assert crew.says(scheduler, "relay_resumed")
        scheduler.terminate()
        assert scheduler.wait(5) == 0
        application.database.dispose()
        drop(servers, empty)

    def test_a_wall_clock_set_back_does_not_stop_the_ticks(
        self, application: Application, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ticks: list[float] = []
        monkeypatch.setattr(Ticker, "tick", lambda self: ticks.append(1.0))
        stop = threading.Event()
        thread = threading.Thread(target=run_scheduler, args=[application, stop])
        import time_machine

        thread.start()
        try:
            assert within(10, lambda: len(ticks) >= 2)
            with time_machine.travel(START - timedelta(days=365)):
                so_far = len(ticks)
                assert within(10, lambda: len(ticks) >= so_far + 2)
        finally:
            stop.set()
            thread.join()
