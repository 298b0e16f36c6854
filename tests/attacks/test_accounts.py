"""Other people's accounts: guessed, stolen, left behind, given more than they have."""

import json
from typing import Any

import pytest

from service.api.pace import ASKS_FOR, HEAVY
from service.identity import passwords
from service.identity.keeping import disable_person
from tests.api.clients import API, Api
from tests.api.test_auth import example_body, example_query, log_in, operations
from tests.console.browser import Reader
from tests.desk import GOLMUD, Desk

EXTRA = {
    "is_admin": True,
    "roles": ["admin"],
    "scope": "63",
    "org": "630000",
    "created_by": 1,
    "holder_code": "632801",
    "state": "closed",
    "row_version": 99,
    "__class__": "x",
    "id": 1,
}


def test_no_body_takes_a_field_that_is_not_its_own(shared_api: Api, shared_desk: Desk) -> None:
    """Every JSON body of every address, with each of these fields beside its own."""
    number = shared_desk.in_progress()
    tried = 0
    for method, path, operation in operations(shared_api, number=number):
        if "application/json" not in operation.get("requestBody", {}).get("content", {}):
            continue
        body = example_body(operation)["json"]
        who = shared_api.as_("agent1") if "x-permission" in operation else shared_api
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        known = _properties(shared_api, schema)
        for name, value in EXTRA.items():
            if name in known:
                continue
            answer = who.request(method, path + example_query(operation), json={**body, name: value})
            assert answer.status_code in {401, 403, 404, 422}, (method, path, name, answer.text[:200])
            tried += 1
    assert tried > 300


def test_a_query_that_an_address_does_not_know_changes_nothing(shared_api: Api, shared_desk: Desk) -> None:
    beside = shared_desk.in_progress("630200")
    handler = shared_api.as_(f"handler-{GOLMUD}")
    for query in ("scope=63", "org_code=630000", "actor=admin1", "as=agent1", "permissions=ticket:read", "debug=1"):
        assert beside not in handler.get(f"/tickets?{query}").text
        assert handler.get(f"/me?{query}").json()["scope"] == GOLMUD


def test_every_token_of_a_leaver_ends_everywhere_at_once(api: Api, desk: Desk, reader: Reader) -> None:
    number = desk.in_progress()
    name = f"handler-{GOLMUD}"
    tokens = [api.as_(name), api.as_(name)]
    page = reader.as_(name)
    assert page.get("/console/").status_code == 200
    with desk.application.unit() as unit:
        disable_person(unit, name)

    for left in tokens:
        assert left.get("/me").status_code == 401
        assert left.step(number, "note", note="仍在").status_code == 401
        assert left.get("/events").status_code == 401
    assert page.get("/console/").status_code == 303
    assert page.get("/console/events").status_code == 204


def test_a_name_that_is_nobodys_costs_as_many_hashes_as_one_that_is_somebodys(
    api: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: a hash is all of the time that a login takes."""
    counted: list[str] = []
    hasher = passwords._hasher

    class Counting:
        def verify(self, stored: str, password: str) -> bool:
            counted.append(stored[:20])
            return bool(hasher.verify(stored, password))

        def __getattr__(self, name: str) -> Any:
            return getattr(hasher, name)

    monkeypatch.setattr(passwords, "_hasher", Counting())
    with desk.application.unit() as unit:
        disable_person(unit, "lawyer1")
    told = []
    for name in ("agent1", "nobody-at-all", "lawyer1"):
        counted.clear()
        answer = log_in(api, name, "a wrong password")
        told.append((len(counted), answer.status_code, answer.json()["code"]))

    assert len(set(told)) == 1, told
    assert told[0][0] >= 1


@pytest.mark.parametrize("asked", sorted(HEAVY))
def test_what_gives_much_at_once_gives_it_so_many_times_a_minute(api: Api, desk: Desk, asked: str) -> None:
    number = desk.in_progress()
    file = {"file": ("工资条.txt", "三个月工资".encode())}
    attached = api.as_(f"handler-{GOLMUD}").post(f"/tickets/{number}/attachments", files=file).json()["id"]
    times = {
        "file": lambda who: who.get(f"/tickets/{number}/attachments/{attached}"),
        "export": lambda who: who.post("/tickets/bulk/export", json={"numbers": [number], "reason": "核对"}),
        "callers": lambda who: who.post("/tickets/bulk/export-clear", json={"numbers": [number], "reason": "回访"}),
        "reveal": lambda who: who.post(f"/tickets/{number}/reveal", json={"reason": "联系"}),
        "report": lambda who: who.get("/reports/breaches?from=2026-01-01&to=2026-12-01&org=630000"),
    }[asked]
    of_agents = {"file", "reveal", "callers"}
    who = api.as_("agent1" if asked in of_agents else "dispatcher1")

    codes = [times(who).status_code for _ in range(2 * HEAVY[asked] + 1)]

    # Where Redis is too busy to answer, a process allows half of it by its own count.
    assert HEAVY[asked] // 2 <= codes.index(429) <= 1.5 * HEAVY[asked]
    assert set(codes[: codes.index(429)]) == {200}
    assert codes[-1] == 429
    assert times(api.as_("agent2" if asked in of_agents else "supervisor1")).status_code == 200
    desk.wait(minutes=1)
    assert times(who).status_code == 200


def test_everything_else_has_a_pace_too_and_keeps_it_without_redis(
    api: Api, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = desk.application.settings
    monkeypatch.setattr(settings, "requests_per_minute", 20)
    agent = api.as_("agent1")
    assert [agent.get("/me").status_code for _ in range(22)][-2:] == [429, 429]

    desk.wait(minutes=1)
    monkeypatch.setattr(desk.application.limiter, "_counted", lambda *_, **__: None)
    codes = [agent.get("/me").status_code for _ in range(22)]
    assert codes.count(200) == 10, "half of it, counted by each process for itself"


def test_each_heavy_address_is_one_that_there_is(shared_api: Api) -> None:
    document = shared_api.get("/openapi.json").json()
    names = {each["operationId"] for methods in document["paths"].values() for each in methods.values()}
    pages = json.dumps(sorted(ASKS_FOR))

    assert {name for name in ASKS_FOR if not name.startswith("/")} <= names
    assert set(ASKS_FOR.values()) == set(HEAVY)
    assert "/console/" in pages


def _properties(api: Api, schema: dict[str, Any]) -> set[str]:
    document = api.client.get(f"{API}/openapi.json").json()
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return set(schema.get("properties", {}))
