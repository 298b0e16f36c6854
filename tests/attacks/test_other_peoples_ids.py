"""Ids of what is somebody else's, on every address and page that takes one: not there, and nothing learned."""

import re
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from service.app import create_app
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from tests.api.clients import Api
from tests.api.test_auth import example_body, example_query
from tests.console.browser import Reader
from tests.desk import GOLMUD, Desk

SIBLING = "632802"
SECRET = "没有人该看到的事"
# A worker's own way is opened by a token for the matter; tests/api/test_worker.py tries others' there.
OTHERWISE = ("/api/v1/worker/",)


@dataclass(frozen=True)
class Neighbour:
    """Somebody with every role at a county's union, and a ticket of the county beside it."""

    api: Api
    number: str


@pytest.fixture(scope="module")
def neighbour(shared_api: Api, shared_desk: Desk) -> Neighbour:
    desk = shared_desk
    number = desk.in_progress(GOLMUD, title=SECRET, body=SECRET, employer=SECRET)
    desk.reply(number, GOLMUD, text=SECRET)
    with desk.application.unit() as unit:
        command = CreatePerson(
            username="neighbour",
            display_name="邻县",
            org_code=SIBLING,
            roles=frozenset(Role),
            password="long enough for a test",
        )
        create_person(unit, command, password_hash="none")
    return Neighbour(shared_api.as_("neighbour"), number)


def test_every_address_of_a_ticket_says_to_the_county_beside_it_what_it_says_of_none(neighbour: Neighbour) -> None:
    document: dict[str, Any] = neighbour.api.get("/openapi.json").json()
    tried = 0
    for path, methods in document["paths"].items():
        if "{number}" not in path or path.startswith(OTHERWISE):
            continue
        for method, operation in methods.items():
            answers = [_asked(neighbour.api, method, path, operation, number) for number in (neighbour.number, ABSENT)]
            assert [status for status, _ in answers] == [404, 404], (method, path, answers)
            assert answers[0][1] == answers[1][1], (method, path)
            tried += 1
    assert tried > 60


def test_a_ticket_named_in_a_body_is_not_there_either(neighbour: Neighbour, shared_desk: Desk) -> None:
    own = shared_desk.in_progress(SIBLING)
    before = shared_desk.rows(
        "select row_version, holder_code, state from ticket where number = :n", n=neighbour.number
    )

    for path, body in (
        ("/groups", {"numbers": [own, neighbour.number], "title": "同一事项"}),
        (f"/tickets/{own}/merge", {"master": neighbour.number, "reason": "同一事项"}),
        (f"/tickets/{own}/link", {"other": neighbour.number, "kind": "related"}),
        ("/tickets/bulk/urge", {"numbers": [neighbour.number], "reason": "催办"}),
        ("/tickets/bulk/assign", {"numbers": [neighbour.number], "username": f"handler-{SIBLING}"}),
        ("/tickets/bulk/dispatch", {"numbers": [neighbour.number], "org_code": SIBLING}),
    ):
        answer = neighbour.api.post(path, json=body)
        assert answer.status_code != 500
        assert SECRET not in answer.text
        assert answer.status_code >= 400 or answer.json()["done"] == 0 if "done" in answer.text else True

    after = shared_desk.rows("select row_version, holder_code, state from ticket where number = :n", n=neighbour.number)
    assert after == before


def test_every_row_that_has_an_id_is_kept_from_who_has_nothing_to_do_with_it(
    neighbour: Neighbour, shared_api: Api, shared_desk: Desk
) -> None:
    """Views, notices, drafts, channels, turns of duty, absences and logins of other unions' people."""
    handler = shared_api.as_(f"handler-{GOLMUD}")
    view = handler.post("/views", json={"name": "我的", "filters": {"q": SECRET}}).json()["id"]
    inside = {"starts_at": "2026-11-27T10:00:00+08:00", "ends_at": "2026-11-28T08:00:00+08:00"}
    duty = shared_api.as_(f"leader-{GOLMUD}").post("/duties", json={"username": f"handler-{GOLMUD}"} | inside)
    draft, kept = "f" * 32, {"fields": {"title": [SECRET]}}
    assert shared_api.as_("agent1").request("PUT", f"/drafts/{draft}", json=kept).status_code == 204
    assert duty.status_code == 201, duty.text
    tried: list[tuple[str, str, dict[str, Any]]] = [
        ("PUT", f"/views/{view}", {"name": "他的", "filters": {}}),
        ("DELETE", f"/views/{view}", {}),
        ("GET", f"/drafts/{draft}", {}),
        ("POST", f"/duties/{duty.json()['id']}/cancel", {}),
    ]
    for notice in shared_desk.rows("select id from notice limit 5"):
        tried.append(("POST", f"/inbox/{notice.id}/read", {}))

    for method, path, body in tried:
        answer = neighbour.api.request(method, path, **({"json": body} if body else {}))
        assert answer.status_code == 404, (method, path, answer.text)
        assert SECRET not in answer.text
    assert shared_desk.rows("select count(*) as n from notice where read_at is not null")[0].n == 0


def test_every_page_of_a_ticket_is_not_there_for_the_county_beside_it(
    neighbour: Neighbour, visitor: Reader, shared_desk: Desk
) -> None:
    reader = visitor.as_("neighbour")
    form = next(form for form in reader.forms("/console/inbox") if "form_mark" in form.names or form.fields)
    mark = {"form_mark": form.fields["form_mark"]}
    pages = [route for route in _pages(create_app(shared_desk.application)) if "{number}" in route.path]
    assert len(pages) >= 8
    for route in pages:
        path = "/console" + re.sub(r"\{id[^}]*\}", "1", route.path.replace("{number}", neighbour.number))
        method = "POST" if "POST" in (route.methods or set()) else "GET"
        kind = {"files": {"file": ("a.txt", b"a")}} if path.endswith("/attachments") else {}
        sent = {"data": mark, **kind} if method == "POST" else {}
        answer = reader.client.request(method, path, **sent)
        assert answer.status_code == 404, (method, path, answer.status_code)
        assert SECRET not in answer.text


@pytest.mark.parametrize("q", [SECRET, "QH12351", "没有人", "13897001234"])
def test_a_search_finds_nothing_beside_it(neighbour: Neighbour, q: str) -> None:
    found = neighbour.api.get("/tickets", params={"q": q})

    assert SECRET not in found.text
    assert neighbour.number not in found.text


ABSENT = "QH12351-20200101-999999"


def _asked(api: Api, method: str, path: str, operation: dict[str, Any], number: str) -> tuple[int, str]:
    places = {"number": number, "kind": "dispatch", "attachment_id": "1", "username": "neighbour"}
    address = path.removeprefix("/api/v1").format(**places) + example_query(operation).removesuffix("?")
    if "reason" in {entry["name"] for entry in operation.get("parameters", ())}:
        address += "?reason=x"
    body = example_body(operation)
    answer = api.request(method.upper(), address, **body)
    told = re.sub(r'"(instance|correlation_id)": ?"[^"]*"', "", answer.text).replace(number, "NUMBER")
    return answer.status_code, told


def _pages(app: FastAPI) -> list[Route]:
    mounts = [route for route in app.routes if isinstance(route, Mount) and route.path == "/console"]
    return [route for mount in mounts for route in mount.routes if isinstance(route, Route)]
