"""Alive, ready, counted."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text

from service.app import create_app
from service.bootstrap import Application, build
from service.vitals import look
from tests.api.clients import API, Api, InProcess, serving, token_of
from tests.conftest import Servers, settings_for
from tests.desk import Desk
from workers.leadership import Leadership


@pytest.fixture
def leader(application: Application) -> Iterator[Leadership]:
    """A scheduler that leads."""
    leader = Leadership(application.database)
    assert leader.is_mine()
    yield leader
    leader.let_go()


def codes(ready: httpx.Response) -> dict[str, str]:
    """What is not well, by part."""
    return {part["name"]: part["code"] for part in ready.json()["parts"] if not part["ok"]}


def test_a_process_with_all_it_stands_on_is_ready(api: Api, leader: Leadership) -> None:
    ready = api.client.get("/readyz")

    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert [part["name"] for part in ready.json()["parts"]] == [
        "database", "schema", "rules", "scheduler", "messages", "redis", "files",
    ]  # fmt: skip


def test_without_a_scheduler_it_is_degraded_until_one_leads(api: Api, app: FastAPI, leader: Leadership) -> None:
    leader.let_go()
    degraded = api.client.get("/readyz")
    assert (degraded.status_code, degraded.json()["status"]) == (200, "degraded")
    assert codes(degraded) == {"scheduler": "no_leader"}

    assert leader.is_mine()
    app.state.readings.last = None
    assert api.client.get("/readyz").json()["status"] == "ready"


def test_a_clock_that_waits_for_three_ticks_is_told_in_minutes(api: Api, desk: Desk, leader: Leadership) -> None:
    desk.accepted()
    desk.wait(hours=2)
    late = api.client.get("/readyz")

    assert late.status_code == 200
    assert codes(late)["scheduler"] == "late"
    (detail,) = (part["detail"] for part in late.json()["parts"] if part["name"] == "scheduler")
    assert re.search(r"due clocks wait \d+ min", detail["en"])


def test_messages_that_wait_fail_or_were_given_up_are_told_apart(
    api: Api, app: FastAPI, desk: Desk, leader: Leadership
) -> None:
    def told_after(sql: str) -> str:
        with desk.by_hand() as owner:
            owner.execute(text(sql))
        app.state.readings.last = None
        return codes(api.client.get("/readyz")).get("messages", "ok")

    desk.accepted()
    desk.wait(minutes=2)
    assert told_after("select") == "waiting"
    assert told_after("update outbox_message set attempts = 1") == "failing"
    assert told_after("update outbox_message set buried_at = now()") == "buried"
    assert told_after("update outbox_message set buried_at = null, done_at = now()") == "ok"


@pytest.mark.parametrize(
    ("revision", "status", "code"), [("0001", 503, "behind"), ("9999", 200, "newer"), (None, 503, "missing")]
)
def test_tables_of_another_release_are_told_and_only_older_ones_are_no_place_for_users(
    api: Api, application: Application, leader: Leadership, revision: str | None, status: int, code: str
) -> None:
    with application.database.as_owner() as owner, owner.begin():
        owner.execute(text("delete from alembic_version"))
        if revision:
            owner.execute(text("insert into alembic_version values (:r)"), {"r": revision})
    ready = api.client.get("/readyz")

    assert ready.status_code == status
    assert codes(ready) == {"schema": code}


def test_a_folder_that_cannot_be_used_degrades(database_url: str, servers: Servers, tmp_path: Path) -> None:
    not_a_folder = tmp_path / "files"
    not_a_folder.write_text("")
    crippled = build(settings_for(database_url, servers.redis_url, files_dir=not_a_folder))
    found = {part.name: part.code for part in look(crippled).parts}
    crippled.database.dispose()

    assert found["files"] == "unwritable"


def test_without_redis_it_is_degraded_and_still_takes_tickets(database_url: str, portal: BlockingPortal) -> None:
    crippled = build(settings_for(database_url, "redis://127.0.0.1:9/0"))
    with httpx.Client(transport=InProcess(create_app(crippled), portal), base_url="http://hotline") as client:
        ready = client.get("/readyz")
    crippled.database.dispose()

    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert codes(ready)["redis"] == "unreachable"
    assert "127.0.0.1" not in ready.text


def test_a_missing_year_is_a_warning_and_the_service_stays_ready(api: Api, leader: Leadership) -> None:
    ready = api.client.get("/readyz")

    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    (warning,) = ready.json()["warnings"]
    assert "2027" in warning["zh"]
    assert "hotline calendar import" in warning["en"]


def test_a_scrape_tells_how_far_the_calendar_reaches(api: Api) -> None:
    counted = api.client.get("/metrics").text

    assert "hotline_calendar_covered_days 41.0" in counted
    assert "hotline_calendar_alarm 1.0" in counted


def test_a_scrape_does_not_wait_for_a_server_that_hangs(app: FastAPI, api: Api) -> None:
    lock = app.state.readings.lock
    lock.acquire()  # somebody asks a server that does not answer
    release = threading.Timer(5, lock.release)
    release.start()
    began = time.monotonic()
    counted = api.client.get("/metrics")

    assert time.monotonic() - began < 4
    assert counted.status_code == 200
    assert "hotline_http_seconds" in counted.text
    release.cancel()
    lock.release()


def test_before_rules_are_published_that_is_what_is_told(api: Api, application: Application) -> None:
    with application.unit() as unit:
        unit.session.execute(text("update calendar_version set active = false"))

    ready = api.client.get("/readyz")

    assert ready.status_code == 200
    assert codes(ready)["rules"] == "unpublished"
    assert "hotline seed" in ready.text


def test_requests_are_counted_by_route_and_not_by_ticket(application: Application) -> None:
    headers = {"Authorization": f"Bearer {token_of(application, 'agent1')}"}
    with serving(create_app(application)) as address:
        for number in ("QH12351-20200101-000001", "QH12351-20200101-000002"):
            httpx.get(f"{address}{API}/tickets/{number}", headers=headers)
        httpx.request("NONSENSE", address + "/nowhere")
        counted = httpx.get(address + "/metrics")

    assert counted.headers["content-type"].startswith("text/plain")
    assert 'route="/api/v1/tickets/{number}",status="404"' in counted.text
    assert "QH12351-20200101" not in counted.text
    assert "NONSENSE" not in counted.text


def test_a_scrape_tells_what_waits_and_nothing_that_nobody_measured(
    api: Api, desk: Desk, leader: Leadership, app: FastAPI
) -> None:
    desk.accepted()
    desk.wait(minutes=3)
    counted = api.client.get("/metrics").text

    assert "hotline_database_up 1.0" in counted
    assert "hotline_leaders 1.0" in counted
    assert "hotline_outbox_age_seconds 180.0" in counted
    assert re.search(r'hotline_outbox_waiting\{queue="[\w-]+"\} \d', counted)
    assert "hotline_outbox_buried 0.0" in counted
    for of_a_scheduler in ("hotline_leads", "hotline_last_sweep_timestamp_seconds"):
        assert f"# TYPE {of_a_scheduler} gauge" in counted
        assert f"\n{of_a_scheduler} " not in counted


def test_what_can_no_longer_be_asked_is_not_shown_as_it_was(application: Application, desk: Desk) -> None:
    look(application)
    assert REGISTRY.get_sample_value("hotline_outbox_buried") == 0
    lost = build(settings_for("postgresql://hotline@127.0.0.1:9/none", "redis://127.0.0.1:9/0"))
    look(lost)

    assert REGISTRY.get_sample_value("hotline_database_up") == 0
    assert REGISTRY.get_sample_value("hotline_outbox_buried") is None
    assert REGISTRY.get_sample_value("hotline_sweep_lag_seconds") is None
