"""Alive, ready, counted."""

import httpx
from anyio.from_thread import BlockingPortal

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
