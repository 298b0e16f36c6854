"""The main job on real input: every message accounted for, the same report twice, and once more by another hand."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from service.bootstrap import build
from service.checks import run_checks
from service.core.clock import SimulatedClock
from service.replay.crew import crew_at_work
from service.replay.messages import MessagesUnreadable, read_messages
from service.replay.outcome import gather, write_files
from service.replay.simulation import Progress, Simulation, TicketsAlreadyThere
from tests.conftest import SHARED, Servers, settings_for
from tests.replay import recompute

MESSAGES = SHARED / "data" / "labour_messages.csv"
SEED = 7
needs_messages = pytest.mark.skipif(not MESSAGES.exists(), reason="the real messages are not on this machine")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a whole replay by the command a user types."""
    out = tmp_path_factory.mktemp("replay") / "report"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")}
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "replay", MESSAGES, "--speed", "max", "--seed", str(SEED), "--out", out],
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "373" in done.stdout
    assert "breaches.json" in done.stdout
    return out


def document(report: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((report / "breaches.json").read_text())
    return loaded


@needs_messages
@pytest.mark.timeout(900)
class TestWholeReplay:
    def test_each_of_the_373_messages_became_one_ticket(self, report: Path) -> None:
        lines = (report / "messages.csv").read_text("utf-8-sig").splitlines()[1:]
        messages, tickets, _ = zip(*(line.split(",") for line in lines), strict=True)

        assert len(set(messages)) == 373
        assert len(set(tickets)) == 373

    def test_the_report_equals_a_recomputation_by_another_hand(self, report: Path) -> None:
        ours = document(report)
        now = datetime.fromisoformat(ours["as_of"])

        theirs = recompute.breaches(recompute.read(report / "timestamps.csv"), now)

        assert len(theirs) > 100
        assert Counter(
            (row["number"], row["clock"], row["leg"], row["cycle"], row["due_at"], row["late_seconds"])
            for row in ours["rows"]
        ) == Counter(
            (b.clock.ticket, b.clock.kind, b.clock.leg, b.clock.cycle, b.due.isoformat(), b.late_seconds)
            for b in theirs
        )
        for dimension, totals in (("union", "by_union"), ("tier", "by_tier"), ("category", "by_category")):
            assert recompute.late_by(theirs, dimension) == Counter(
                {total["key"]: total["late"] for total in ours[totals] if total["late"]}
            )

    def test_every_promise_is_kept_broken_or_open(self, report: Path) -> None:
        total = document(report)["total"]
        clocks = recompute.read(report / "timestamps.csv")

        assert total["due"] == len(clocks)
        assert total["due"] == total["on_time"] + total["late"] + total["open"]

    def test_each_breached_resolve_clock_shows_its_rungs_in_order(self, report: Path) -> None:
        rows = [row for row in document(report)["rows"] if row["clock"] == "resolve"]

        assert rows
        for row in rows:
            planned = [datetime.fromisoformat(rung["planned_at"]) for rung in row["rungs"]]
            assert planned == sorted(planned)
            assert "breach" in {rung["rung"] for rung in row["rungs"]}

    def test_flushing_redis_and_killing_the_worker_changes_not_a_byte(
        self, report: Path, servers: Servers, database_url: str, tmp_path: Path
    ) -> None:
        messages = read_messages(MESSAGES)
        settings = settings_for(database_url, servers.redis_url)
        clock = SimulatedClock(messages[0].received_at)
        application = build(settings, clock=clock)
        troubles = {600: "flush", 1100: "kill", 1700: "flush", 2200: "kill"}

        with crew_at_work(settings, tmp_path / "logs") as crew:

            def meddle(progress: Progress) -> None:
                crew.keep_up()
                match troubles.pop(progress.steps, None):
                    case "flush":
                        application.redis.flushall()
                    case "kill":
                        os.kill(crew.processes["workers.worker"].pid, signal.SIGKILL)

            simulation = Simulation(application, clock, seed=SEED)
            simulation.play(messages, on_step=meddle)
            crew.wait_until_delivered(application, seconds=120)
            restarts = crew.restarts
        with application.reading() as unit:
            write_files(unit, gather(unit, messages, simulation.numbers), tmp_path / "again")
            broken = [finding for finding in run_checks(unit, tick=5) if not finding.holds]
        application.database.dispose()

        assert not troubles
        assert broken == []
        assert restarts == 2
        for file in sorted(report.iterdir()):
            assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_a_folder_with_tickets_is_not_replayed_into(desk: Any) -> None:
    desk.registered()

    with pytest.raises(TicketsAlreadyThere):
        Simulation(desk.application, desk.clock, seed=1)


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("id,user\n1,2\n", 1, "missing columns"),
        ("id,user,title,received_at,body,reply,replied_at\n1,u,t,not a time,b,,\n", 2, "isoformat"),
        ("id,user,title,received_at,body,reply,replied_at\n1,u,t,2020-01-02,b,r,2020-01-01\n", 2, "replied before"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_with_its_line(tmp_path: Path, text: str, line: int, why: str) -> None:
    file = tmp_path / "messages.csv"
    file.write_text(text)

    with pytest.raises(MessagesUnreadable) as refusal:
        read_messages(file)

    assert refusal.value.facts["line"] == line
    assert why in str(refusal.value.facts["why"])
