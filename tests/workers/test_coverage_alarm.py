"""Next year's calendar is missing: who is told, how often, and where else it shows."""

import json
import threading
from collections import Counter
from collections.abc import Callable
from datetime import datetime

import pytest
import time_machine
from prometheus_client import REGISTRY
from sqlalchemy import text
from structlog.testing import capture_logs
from typer.testing import CliRunner, Result

from service.bootstrap import Application, build
from service.cli import app
from service.core.clock import SimulatedClock
from service.core.settings import Settings
from service.identity.keeping import disable_person
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.sla.models import CalendarVersion
from sla_rules import NoticeYear, WorkCalendar, load_calendar
from tests.conftest import MASTER_KEY
from tests.desk import GOLMUD, Desk, at
from tests.workers.conftest import Crew
from workers.scheduler import DailyCheck

PASSWORD = "a long enough password"


@pytest.fixture
def clock() -> SimulatedClock:
    """Before the alarm: the year these tests wait for is 2027."""
    return SimulatedClock(at("2026-10-30 09:00"))


def check(desk: Desk, when: str) -> None:
    """A scheduler starts at that local time, and ends."""
    desk.go_to(when)
    DailyCheck(desk.application, threading.Event()).tick()


def deliver(desk: Desk) -> None:
    for row in desk.rows("select id from outbox_message where done_at is null order by id"):
        desk.application.courier.deliver(row.id)


def told(desk: Desk) -> Counter[str]:
    """How many notices of a missing year each person got."""
    deliver(desk)
    rows = desk.rows("select username from notice n join person p on p.id = n.person_id where n.key like 'calendar:%'")
    return Counter(row.username for row in rows)


def administrator(desk: Desk, name: str) -> None:
    with desk.application.unit() as unit:
        create_person(
            unit,
            CreatePerson(
                username=name,
                display_name=name,
                org_code=GOLMUD,
                roles=frozenset({Role.admin, Role.handler}),
                password=PASSWORD,
            ),
        )


def publish_2027(desk: Desk) -> None:
    calendar = WorkCalendar.from_years([*load_calendar(through_year=2026).years, NoticeYear(2027)])
    with desk.application.unit() as unit:
        unit.session.execute(text("update calendar_version set active = false"))
        unit.session.add(
            CalendarVersion(
                version=calendar.version,
                content=calendar.to_document(),
                covered_until=calendar.covered_until,
                settled_until=calendar.settled_until,
                reason="the notice is out",
                published_at=unit.now,
            )
        )


def gauge(name: str) -> float | None:
    return REGISTRY.get_sample_value(f"hotline_calendar_{name}")


class TestNotices:
    def test_nobody_is_told_before_november(self, desk: Desk) -> None:
        check(desk, "2026-10-31 23:59")
        assert told(desk) == {}

    def test_the_first_of_november_begins_at_local_midnight(self, desk: Desk) -> None:
        check(desk, "2026-11-01 00:00")
        assert told(desk) == {"admin1": 1}

    def test_once_a_week_in_november_and_once_a_day_from_december_on(self, desk: Desk) -> None:
        for day in range(1, 31):
            check(desk, f"2026-11-{day:02} 08:00")
        assert told(desk) == {"admin1": 5}
        for day in range(1, 32):
            check(desk, f"2026-12-{day:02} 08:00")
        assert told(desk) == {"admin1": 5 + 31}
        check(desk, "2027-01-01 08:00")
        assert told(desk) == {"admin1": 5 + 31 + 1}, "a day that is not covered is no better"

    def test_however_often_schedulers_start_each_is_told_once(self, desk: Desk) -> None:
        for hour in range(8, 18):
            check(desk, f"2026-12-02 {hour:02}:00")
            deliver(desk)
        assert told(desk) == {"admin1": 1}

    def test_a_notice_delivered_and_swept_out_of_the_outbox_is_not_told_again(self, desk: Desk) -> None:
        check(desk, "2026-12-02 08:00")
        deliver(desk)
        with desk.application.unit() as unit:
            unit.session.execute(text("delete from outbox_message"))
        check(desk, "2026-12-02 09:00")
        assert told(desk) == {"admin1": 1}

    def test_schedulers_at_the_same_moment_tell_each_once(self, desk: Desk, application: Application) -> None:
        for name in ("admin2", "admin3"):
            administrator(desk, name)
        desk.go_to("2026-12-02 08:00")
        schedulers = [build(application.settings, clock=application.clock) for _ in range(4)]
        start = threading.Barrier(len(schedulers))

        def at_once(one: Application) -> None:
            daily = DailyCheck(one, threading.Event())
            start.wait()
            daily.tick()

        threads = [threading.Thread(target=at_once, args=[one]) for one in schedulers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for one in schedulers:
            one.database.dispose()

        assert told(desk) == {"admin1": 1, "admin2": 1, "admin3": 1}

    def test_administrators_of_any_union_are_told_and_leavers_are_not(self, desk: Desk) -> None:
        administrator(desk, "admin2")
        administrator(desk, "left")
        with desk.application.unit() as unit:
            disable_person(unit, "left")
        check(desk, "2026-11-22 08:00")
        assert told(desk) == {"admin1": 1, "admin2": 1}

    def test_it_stops_when_the_year_is_loaded(self, desk: Desk) -> None:
        check(desk, "2026-12-01 08:00")
        publish_2027(desk)
        check(desk, "2026-12-02 08:00")
        check(desk, "2027-01-01 08:00")
        assert told(desk) == {"admin1": 1}
        assert (gauge("alarm"), gauge("covered_days")) == (0, 364)

    def test_it_says_which_year_how_much_waits_and_what_to_do(self, desk: Desk) -> None:
        desk.go_to("2026-12-18 09:00")
        desk.closed()  # its clocks have stopped
        desk.in_progress()  # five working days from here reach beyond 20 December
        desk.accepted()  # likewise
        with desk.application.reading() as unit:
            running = unit.session.scalar(
                text("select count(*) from sla_clock where provisional and stopped_at is null")
            )
        check(desk, "2026-12-18 10:00")
        deliver(desk)
        (notice,) = desk.rows("select * from notice where key like 'calendar:%'")

        assert notice.key == "calendar:2027:2026-12-18"
        assert notice.ticket_number == ""
        assert running >= 2
        assert notice.text_zh.startswith("尚未载入 2027 年的工作日历,已发布的只到 2026-12-31(还有 13 天)。")
        assert f"目前 2 个工单的 {running} 项期限为暂定" in notice.text_zh
        assert f"{running} running deadline(s) on 2 ticket(s) are provisional now" in notice.text_en
        for words in (notice.text_zh, notice.text_en):
            assert "hotline calendar import FILE" in words


class TestDailyCheck:
    def test_a_day_is_checked_once_and_the_next_again(self, desk: Desk) -> None:
        daily = DailyCheck(desk.application, threading.Event())
        with capture_logs() as logs:
            for when in ("2026-11-22 08:00", "2026-11-22 08:01", "2026-11-22 23:59", "2026-11-23 00:00"):
                desk.go_to(when)
                daily.tick()
        warnings = [entry for entry in logs if entry["event"] == "calendar_year_missing"]
        assert [entry["days_left"] for entry in warnings] == [39, 38]
        assert warnings[0]["log_level"] == "warning"
        assert warnings[0]["missing_year"] == 2027
        assert (gauge("alarm"), gauge("covered_days")) == (1, 38)

    def test_a_check_that_failed_is_made_up_for_at_the_next_tick(self, desk: Desk) -> None:
        desk.go_to("2026-11-22 08:00")
        daily = DailyCheck(desk.application, threading.Event())
        with desk.application.unit() as unit:
            unit.session.execute(text("update calendar_version set active = false"))
        with capture_logs() as logs:
            daily.tick()
            daily.tick()
        assert [entry["event"] for entry in logs] == ["daily_check_interrupted"], "it is told once"
        with desk.application.unit() as unit:
            unit.session.execute(text("update calendar_version set active = true"))
        daily.tick()
        assert told(desk) == {"admin1": 1}


def test_a_scheduler_checks_when_it_starts(crew: Crew, desk: Desk) -> None:
    with desk.application.unit() as unit:
        # Whatever day it is where this runs, a calendar that ended in 2020 is missed.
        calendar = load_calendar(through_year=2020)
        unit.session.execute(text("update calendar_version set active = false"))
        unit.session.add(
            CalendarVersion(
                version=calendar.version,
                content=calendar.to_document(),
                covered_until=calendar.covered_until,
                settled_until=calendar.settled_until,
                reason="an old release",
                published_at=unit.now,
            )
        )
    schedulers = [crew.start("workers.scheduler") for _ in range(2)]
    for scheduler in schedulers:
        assert crew.says(scheduler, "calendar_year_missing"), crew.log(scheduler)
    assert set(told(desk)) == {"admin1"}
    (line,) = [entry for entry in crew.log(schedulers[0]).splitlines() if "calendar_year_missing" in entry]
    assert json.loads(line)["missing_year"] == 2021


class TestStatus:
    Run = Callable[..., Result]

    @pytest.fixture
    def run(self, settings: Settings) -> Run:
        environment = {
            "HOTLINE_DATABASE_URL": settings.database_url,
            "HOTLINE_REDIS_URL": settings.redis_url,
            "HOTLINE_MASTER_KEY": MASTER_KEY,
        }

        def status(when: datetime, *words: str) -> Result:
            with time_machine.travel(when, tick=True):
                return CliRunner().invoke(app, ["calendar", "status", *words], env=environment)

        return status

    def test_it_goes_by_the_same_rule(self, run: Run) -> None:
        before, after = run(at("2026-10-31 23:00")), run(at("2026-11-01 00:30"))
        assert before.exit_code == 0, before.output
        assert after.exit_code == 1
        assert "尚未载入 2027 年的工作日历" in after.output
        assert "run hotline calendar import FILE" in after.output

    def test_it_counts_open_tickets_that_may_still_move(self, run: Run, desk: Desk) -> None:
        desk.go_to("2026-12-18 09:00")
        desk.in_progress()
        desk.closed()
        document = json.loads(run(at("2026-12-18 10:00"), "--json").stdout)
        assert document["provisional_tickets"] == 1
        assert document["missing_year"] == 2027
        assert document["days_left"] == 13
        assert "provisional deadline: 1" in run(at("2026-12-18 10:00")).stdout

    def test_without_a_database_it_speaks_of_the_shipped_calendar_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HOTLINE_DATABASE_URL", raising=False)
        with time_machine.travel(at("2026-06-01 09:00")):
            result = CliRunner().invoke(app, ["calendar", "status", "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["provisional_tickets"] is None
        assert json.loads(result.stdout)["missing_year"] is None
