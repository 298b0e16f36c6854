"""A request to register that is sent twice makes one ticket."""

import threading
from typing import Any

import httpx
import pytest

from service.app import create_app
from tests.api.clients import API, Api, serving, token_of
from tests.api.test_life import WAGES
from tests.desk import Desk

KEY = {"Idempotency-Key": "call-2026-11-20-0001"}


def test_a_repeat_is_answered_with_the_first_ticket_and_its_query_code(api: Api, desk: Desk) -> None:
    agent = api.as_("agent1")
    first = agent.post("/tickets", json=WAGES, headers=KEY)
    agent.step(first.json()["number"], "accept")

    again = agent.post("/tickets", json=WAGES, headers=KEY)

    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert desk.rows("select count(*) as n from ticket")[0].n == 1


def test_the_same_key_for_another_matter_is_refused(api: Api, desk: Desk) -> None:
    agent = api.as_("agent1")
    agent.post("/tickets", json=WAGES, headers=KEY)

    refused = agent.post("/tickets", json=WAGES | {"title": "另一件事"}, headers=KEY)

    assert (refused.status_code, refused.json()["code"]) == (409, "idempotency_key_reused")
    assert desk.rows("select count(*) as n from ticket")[0].n == 1


def test_two_agents_may_hit_upon_the_same_key(api: Api) -> None:
    numbers = {api.as_(who).post("/tickets", json=WAGES, headers=KEY).json()["number"] for who in ("agent1", "agent2")}

    assert len(numbers) == 2


@pytest.mark.parametrize("key", ["short", "x" * 201, "with\ttab-inside", "schlüssel-1"])
def test_a_key_of_another_form_is_refused(shared_api: Api, key: str) -> None:
    refused = shared_api.as_("agent1").post("/tickets", json=WAGES, headers={"Idempotency-Key": key.encode("latin-1")})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["parameter"] == "Idempotency-Key"


def test_eight_at_once_with_one_key_make_one_ticket(desk: Desk) -> None:
    headers = {"Authorization": f"Bearer {token_of(desk.application, 'agent1')}", **KEY}
    answers: list[dict[str, Any]] = []

    with serving(create_app(desk.application)) as address:

        def send() -> None:
            answers.append(httpx.post(address + API + "/tickets", json=WAGES, headers=headers, timeout=30).json())

        threads = [threading.Thread(target=send) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(answers) == 8
    assert {answer["number"] for answer in answers} == {answers[0]["number"]}
    assert desk.rows("select count(*) as n from ticket")[0].n == 1
