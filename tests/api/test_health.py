"""Alive, ready, counted."""

import threading
import time

import httpx
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from sqlalchemy import text

from service.app import create_app
from service.bootstrap import Application, build
from tests.api.clients import API, Api, InProcess, serving, token_of
from tests.conftest import settings_for


def test_a_process_with_both_servers_is_ready(api: Api) -> None:
    ready = api.client.get("/readyz")

    assert ready.status_code == 200
    assert ready.json()["status"] == "ready"
    assert {part["name"] for part in ready.json()["parts"]} == {"database", "redis"}


def test_without_redis_it_is_degraded_and_still_takes_tickets(database_url: str, portal: BlockingPortal) -> None:
    crippled = build(settings_for(database_url, "redis://127.0.0.1:9/0"))
    with httpx.Client(transport=InProcess(create_app(crippled), portal), base_url="http://hotline") as client:
        ready = client.get("/readyz")
    crippled.database.dispose()

    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    assert [part["ok"] for part in ready.json()["parts"]] == [True, False]


def test_a_missing_year_is_a_warning_and_the_service_stays_ready(api: Api) -> None:
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


def test_before_rules_are_published_that_is_the_warning(api: Api, application: Application) -> None:
    with application.unit() as unit:
        unit.session.execute(text("update calendar_version set active = false"))

    ready = api.client.get("/readyz")

    assert ready.status_code == 200
    assert "hotline seed" in ready.json()["warnings"][0]["en"]


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
