"""What a worker and a scheduler show of themselves, and what `hotline status` shows of all."""

import json
import socket
import urllib.request
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from service.cli import app
from service.core.settings import Settings
from tests.conftest import MASTER_KEY
from tests.desk import Desk
from tests.embedded.processes import within
from tests.workers.conftest import Crew, Outbox


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def metrics_at(port: int) -> str:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())
    return ""


def test_a_worker_and_a_scheduler_each_show_their_own(crew: Crew, outbox: Outbox, desk: Desk) -> None:
    of_worker, of_scheduler = free_port(), free_port()
    crew.start("tests.workers.counting_worker", metrics_port=of_worker)
    crew.start("workers.scheduler", metrics_port=of_scheduler)
    outbox.ask()
    assert outbox.delivered()
    desk.accepted()  # a month ago: its rungs are long due

    assert within(10, lambda: "hotline_escalations_total{" in metrics_at(of_scheduler)), metrics_at(of_scheduler)
    scheduler, worker = metrics_at(of_scheduler), metrics_at(of_worker)
    assert "\nhotline_leads 1.0" in scheduler
    assert "\nhotline_last_sweep_timestamp_seconds " in scheduler
    assert "\nhotline_sweep_lag_seconds " in scheduler
    assert "\nhotline_pool_size 8.0" in scheduler
    assert 'hotline_messages_total{kind="count",outcome="done"} 1.0' in worker
    assert 'hotline_delivery_seconds_count{kind="count"} 1.0' in worker
    assert "\nhotline_sweep_lag_seconds " not in worker, "a worker does not measure it"
    assert "\nhotline_leads " not in worker


def test_an_address_that_is_taken_is_told_and_the_work_is_done(crew: Crew, outbox: Outbox) -> None:
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        worker = crew.start("tests.workers.counting_worker", metrics_port=port)
        crew.start("workers.relay")
        outbox.ask()
        assert outbox.delivered()
        assert crew.says(worker, "metrics_not_shown")


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    return {
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url,
        "HOTLINE_MASTER_KEY": MASTER_KEY,
    }


def test_status_says_on_one_screen_what_is_wrong(outbox: Outbox, environment: dict[str, str]) -> None:
    outbox.ask(3)
    shown = CliRunner().invoke(app, ["status"], env=environment)
    assert shown.exit_code == 1
    assert "no_leader" in shown.stdout
    assert len(shown.stdout.splitlines()) < 30

    read = json.loads(CliRunner().invoke(app, ["status", "--json"], env=environment).stdout)
    assert read["status"] == "degraded"
    assert read["figures"]["outbox"] == [{"queue": "default", "waiting": 3, "failing": 0}]


def test_status_ends_well_while_all_is_well(crew: Crew, desk: Desk, environment: dict[str, str]) -> None:
    scheduler = crew.start("workers.scheduler")
    assert crew.says(scheduler, "leadership_taken")

    def status() -> int:
        return CliRunner().invoke(app, ["status"], env=environment).exit_code

    assert within(10, lambda: status() == 0), CliRunner().invoke(app, ["status"], env=environment).stdout


def test_status_without_a_database_is_an_answer_too(environment: dict[str, str]) -> None:
    lost = {**environment, "HOTLINE_DATABASE_URL": "postgresql://hotline@127.0.0.1:9/none"}
    shown = CliRunner().invoke(app, ["status"], env=lost)
    assert shown.exit_code == 1
    assert "unreachable" in shown.stdout
    assert "127.0.0.1" not in shown.stdout
