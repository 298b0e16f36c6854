"""Logging in and out, and that every address asks who one is and what one may."""

from typing import Any

import pytest

from service.identity.keeping import disable_person
from service.identity.permissions import ROLE_PERMISSIONS, Role
from tests.api.clients import Api
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, Desk

PUBLIC = {"login", "healthz", "readyz", "metrics", "worker_submit", "worker_code"}
PUBLIC |= {"worker_access_number", "worker_access_phone", "sms_receipts"}
# Anybody who is logged in may use these; they touch nothing but one's own.
OWN = {"logout", "me", "inbox", "notice_read", "events"}
OWN |= {"own_logins", "own_login_end", "own_logins_end_others", "own_password", "own_recovery_codes"}
OWN |= {f"own_second_factor{step}" for step in ("", "_begin", "_confirm", "_remove")}
OWN |= {"own_identity", "own_identity_unlink"}
# A worker shows by a token of their own what is theirs.
OWN |= {f"worker_{name}" for name in ("matter", "add_words", "add_file", "urge", "withdraw", "rate")}


def log_in(api: Api, username: str = "agent1", password: str = PASSWORD, **more: str) -> Any:
    return api.post("/auth/token", data={"username": username, "password": password, **more})


def test_a_login_gives_a_token_that_opens_the_api(api: Api) -> None:
    answer = log_in(api, grant_type="password")

    assert answer.status_code == 200
    assert answer.json()["token_type"] == "bearer"
    assert answer.json()["expires_in"] == 12 * 3600
    assert answer.headers["cache-control"] == "no-store"
    me = api.with_token(answer.json()["access_token"]).get("/me")
    assert me.json() == {
        "username": "agent1",
        "display_name": "坐席一",
        "org_code": "630000",
        "org_zh": "青海省",
        "org_en": "Qinghai Province",
        "scope": "63",
        "roles": ["agent"],
        "permissions": sorted(ROLE_PERMISSIONS[Role.agent]),
    }


@pytest.mark.parametrize(
    ("username", "password"), [("agent1", "wrong"), ("nobody", PASSWORD), ("agent1' or 1=1 --", PASSWORD)]
)
def test_a_wrong_name_and_a_wrong_password_look_the_same(api: Api, username: str, password: str) -> None:
    refused = log_in(api, username, password)

    assert refused.status_code == 401
    assert refused.json()["code"] == "login_failed"
    assert refused.json()["error"] == "invalid_grant"
    assert refused.headers["www-authenticate"] == "Bearer"


def test_wrong_passwords_are_answered_by_a_pause_for_the_place_they_come_from(api: Api, desk: Desk) -> None:
    for attempt in range(5):
        assert log_in(api, password="wrong").status_code == 401, attempt

    locked = log_in(api)

    assert locked.status_code == 429
    assert locked.json()["code"] == "login_locked"
    assert 0 < int(locked.headers["retry-after"]) <= 60
    desk.wait(minutes=1)
    assert log_in(api).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"username": "agent1"},
        {"username": "agent1", "password": "x", "grant_type": "client_credentials"},
        {"username": "a\x00b", "password": "x"},
        {"username": "a" * 101, "password": "x"},
        {"username": "agent1", "password": "x" * 1025},
    ],
)
def test_a_malformed_login_is_refused_field_by_field(api: Api, form: dict[str, str]) -> None:
    refused = api.post("/auth/token", data=form)

    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"]


def test_a_login_sent_as_rubbish_is_refused(api: Api) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for content in (b"\xff\xfe\x00", b"username=%ff%fe&password=%00", b"=" * 5000, b"&".join([b"a=b"] * 5000)):
        assert 400 <= api.post("/auth/token", content=content, headers=form).status_code < 500
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert 400 <= api.post("/auth/token", content=b"--x\r\nnonsense", headers=broken).status_code < 500
    assert 400 <= api.post("/auth/token", json={"username": "agent1", "password": PASSWORD}).status_code < 500


def test_logging_out_ends_the_token_at_once(api: Api) -> None:
    me = api.with_token(log_in(api).json()["access_token"])

    assert me.post("/auth/logout").status_code == 204
    assert me.get("/me").status_code == 401
    assert me.post("/auth/logout").status_code == 401


def test_a_token_ends_with_its_time_and_with_its_holders_employment(api: Api, desk: Desk) -> None:
    first, second = (api.with_token(log_in(api, name).json()["access_token"]) for name in ("agent1", "agent2"))
    with desk.application.unit() as unit:
        disable_person(unit, "agent2")

    assert second.get("/me").status_code == 401
    assert log_in(api, "agent2").status_code == 401
    desk.wait(hours=12)
    assert first.get("/me").status_code == 401


@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer ", "Bearer x", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer ÿ"]
)
def test_every_address_but_the_public_ones_wants_a_token(shared_api: Api, header: str | None) -> None:
    headers = {"Authorization": header.encode("latin-1")} if header else {}
    for method, path, operation in operations(shared_api):
        if operation["operationId"] not in PUBLIC:
            refused = shared_api.request(method, path, headers=headers)
            assert refused.status_code in {401, 422}, (path, refused.text)
            if "requestBody" not in operation and not required_query(operation):
                assert refused.status_code == 401, (path, refused.text)
                assert refused.headers["www-authenticate"].startswith("Bearer")


def test_every_address_declares_the_right_it_needs(shared_api: Api) -> None:
    for _, path, operation in operations(shared_api):
        name = operation["operationId"]
        assert ("x-permission" in operation) != (name in PUBLIC | OWN), path
        assert ("security" in operation) != (name in PUBLIC), path


@pytest.mark.parametrize("who", ["admin1", "auditor1"])
def test_who_keeps_people_or_reads_logs_sees_no_ticket(shared_api: Api, shared_desk: Desk, who: str) -> None:
    """Every operation that declares a right refuses somebody who holds none of them."""
    number = shared_desk.in_progress(GOLMUD)
    nobody = shared_api.as_(who)
    held = set(nobody.get("/me").json()["permissions"])
    for method, path, operation in operations(shared_api, number=number):
        if "x-permission" in operation and held.isdisjoint(operation["x-permission"]):
            refused = nobody.request(method, path + example_query(operation), **example_body(operation))
            assert refused.status_code == 403, (path, refused.text)
            assert number not in refused.text


def operations(api: Api, number: str = "QH12351-20261120-000001") -> list[tuple[str, str, dict[str, Any]]]:
    """Method, address and description of every operation below /api/v1."""
    ids = ("notice", "change", "employer", "view", "attachment", "absence", "article", "template", "digest")
    ids += ("channel", "duty", "login", "peer", "run", "hold")
    places = {
        "number": number,
        "org": "630000",
        "kind": "dispatch",
        "key": "0" * 32,
        "matter": number,
        "username": "agent2",
    }
    places |= {f"{name}_id": "1" for name in ids}
    return [
        (method.upper(), path.removeprefix("/api/v1").format(**places), operation)
        for path, methods in api.get("/openapi.json").json()["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/v1")
    ]


def required_query(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in operation.get("parameters", []) if entry["in"] == "query" and entry["required"]]


def example_query(operation: dict[str, Any]) -> str:
    return "?" + "&".join(f"{entry['name']}={entry['schema']['examples'][0]}" for entry in required_query(operation))


def example_body(operation: dict[str, Any]) -> dict[str, Any]:
    """What to send, as httpx takes it."""
    content = operation.get("requestBody", {}).get("content", {})
    if "multipart/form-data" in content:
        return {"files": {"file": ("工资条.txt", "三个月工资".encode())}}
    if not content:
        return {}
    return {"json": next(iter(content["application/json"]["examples"].values()))["value"]}
