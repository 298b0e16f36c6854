"""A ticket's life through the API."""

from typing import Any

import pytest

from service.api.routers.tickets import CREATE_EXAMPLES
from tests.api.clients import Api
from tests.desk import GOLMUD

WAGES: dict[str, Any] = CREATE_EXAMPLES["wages"]["value"]


def registered(api: Api, **changes: Any) -> str:
    response = api.as_("agent1").post("/tickets", json=WAGES | changes)
    assert response.status_code == 201, response.text
    return str(response.json()["number"])


def test_a_ticket_goes_from_the_call_to_the_rating(api: Api) -> None:
    agent, dispatcher = api.as_("agent1"), api.as_("dispatcher1")
    handler, leader = api.as_(f"handler-{GOLMUD}"), api.as_(f"leader-{GOLMUD}")

    created = agent.post("/tickets", json=WAGES)
    assert created.status_code == 201
    assert created.json()["state"] == {"code": "registered", "zh": "已登记", "en": "registered"}
    assert len(created.json()["query_code"]) == 8
    number = created.json()["number"]
    assert created.headers["location"] == f"/api/v1/tickets/{number}"

    steps = [
        (agent, "accept", {}),
        (dispatcher, "dispatch", {"org_code": GOLMUD}),
        (handler, "sign", {}),
        (handler, "contact", {"way": "phone", "note": "已联系"}),
        (
            handler,
            "reply",
            {
                "text": "已发放",
                "basis": "条例",
                "contacted_at": "2026-11-20T09:00:00+08:00",
                "contact_way": "phone",
                "outcome": "settlement",
                "recovered": "30000.00",
                "helped": 1,
            },
        ),
        (leader, "approve", {"note": "同意"}),
        (
            api.as_("agent2"),
            "callback",
            {"result": "answered", "answers": {"contacted": True, "resolved": True, "satisfaction": 5}},
        ),
    ]
    version = 1
    for who, action, body in steps:
        response = who.step(number, action, version=version, **body)
        assert response.status_code == 200, (action, response.text)
        version = response.json()["row_version"]

    assert response.json()["state"]["code"] == "closed"
    assert response.json()["caller_name"] == "马**"
    assert response.json()["caller_phone"] == "*******1234"
    assert response.json()["replies"][0]["recovered"] == "30000.00"
    story = agent.get(f"/tickets/{number}/timeline").json()["items"]
    assert story[0]["kind"] == "ticket:registered"
    assert story[-1]["name"] == {"zh": "办结", "en": "close"}
    assert {clock["kind"] for clock in agent.get(f"/tickets/{number}/clocks").json()["items"]} == {
        "dispatch",
        "resolve",
        "sign",
        "first_contact",
        "callback",
    }


@pytest.mark.parametrize("example", CREATE_EXAMPLES)
def test_every_documented_example_registers_a_ticket(api: Api, example: str) -> None:
    assert api.as_("agent1").post("/tickets", json=CREATE_EXAMPLES[example]["value"]).status_code == 201
