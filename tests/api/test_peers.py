"""Peer systems: keys with scopes, and requests signed with them."""

import hashlib
import hmac
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.core.clock import SystemClock
from service.identity.peers import PEER_SCOPES, AddPeer, PeerKey, add_peer, peers, revoke_peer, rotate_peer
from service.identity.permissions import Permission, Role
from tests.api.clients import Api, serving
from tests.api.test_auth import example_body, example_query, operations
from tests.desk import GOLMUD, HAIXI, Desk

DOC = Path(__file__).resolve().parents[2] / "docs" / "peers.md"
MATTER: dict[str, Any] = {
    "title": "12345 转办",
    "body": "工地三个月没有发工资",
    "kind": "complaint",
    "channel": "transfer_12345",
    "category_code": "0101",
    "place_code": GOLMUD,
    "phone": "13897001234",
}
_nonces = (f"nonce-of-a-test-{number:06}" for number in itertools.count())


@dataclass
class PeerSystem:
    """Somebody else's program with a key of ours."""

    api: Api
    desk: Desk
    key: PeerKey
    changes: dict[str, str] = field(default_factory=dict)

    def headers(self, method: str, target: str, body: bytes = b"", **changes: str) -> dict[str, str]:
        """Signed as docs/peers.md says; `changes` are what is signed otherwise than it is."""
        time = changes.get("time", self.desk.clock.now().isoformat())
        nonce = changes.get("nonce", next(_nonces))
        lines = "\n".join((method, target, hashlib.sha256(body).hexdigest(), time, nonce))
        secret = changes.get("secret", self.key.secret)
        return {
            "X-Hotline-Key": changes.get("name", self.key.name),
            "X-Hotline-Time": time,
            "X-Hotline-Nonce": nonce,
            "X-Hotline-Signature": hmac.new(secret.encode(), lines.encode(), hashlib.sha256).hexdigest(),
        }

    def get(self, path: str, **changes: str) -> httpx.Response:
        return self.api.get(path, headers=self.headers("GET", f"/api/v1{path}", **changes))

    def post(self, path: str, document: Any, *, more: dict[str, str] | None = None, **changes: str) -> httpx.Response:
        body = json.dumps(document).encode()
        headers = self.headers("POST", f"/api/v1{path}", body, **changes) | {"Content-Type": "application/json"}
        return self.api.post(path, content=body, headers=headers | (more or {}))


def made(api: Api, desk: Desk, **changes: Any) -> PeerSystem:
    fields: dict[str, Any] = {
        "name": "xining-12345",
        "org_code": "630000",
        "scopes": ("ticket:create", "ticket:read"),
        "networks": ("127.0.0.0/8",),
        "expires_at": desk.clock.now() + timedelta(days=90),
    }
    with desk.application.unit() as unit:
        return PeerSystem(api, desk, add_peer(unit, AddPeer(**fields | changes)))


@pytest.fixture
def peer(api: Api, desk: Desk) -> PeerSystem:
    return made(api, desk)


def test_a_signed_request_does_what_the_keys_scopes_say_and_nothing_else(peer: PeerSystem, desk: Desk) -> None:
    registered = peer.post("/tickets", MATTER)
    number = registered.json()["number"]

    assert registered.status_code == 201
    assert peer.get(f"/tickets/{number}").json()["title"] == MATTER["title"]
    refused = peer.post(f"/tickets/{number}/note", {"note": "补充"})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_missing")
    assert peer.get("/notice-channels").json()["code"] == "not_permitted"


def test_what_a_key_sees_ends_at_its_union(api: Api, desk: Desk) -> None:
    county = made(api, desk, name="golmud", org_code=GOLMUD)
    own, sibling = desk.in_progress(GOLMUD), desk.in_progress("630200")

    assert county.get(f"/tickets/{own}").status_code == 200
    assert county.get(f"/tickets/{sibling}").status_code == 404
    assert [row["number"] for row in county.get("/tickets").json()["items"]] == [own]
    assert county.post("/tickets", MATTER).status_code == 403, "matters are registered at the centre"


@pytest.mark.parametrize(
    "changes",
    [
        {"secret": "x" * 43},
        {"name": "nobody"},
        {"name": "a\x00b"},
        {"name": "XINING-12345"},
        {"nonce": "short"},
        {"nonce": "with a blank in it!"},
        {"nonce": "n" * 65},
    ],
)
def test_every_wrong_signature_gets_the_same_answer(peer: PeerSystem, changes: dict[str, str]) -> None:
    refused = peer.get("/tickets", **changes)

    assert (refused.status_code, refused.json()["code"]) == (401, "peer_unknown")


@pytest.mark.parametrize("part", ["method", "path", "query", "body", "time", "nonce", "signature"])
def test_each_part_of_a_request_is_under_the_signature(peer: PeerSystem, desk: Desk, part: str) -> None:
    body = json.dumps(MATTER).encode()
    headers = peer.headers("POST", "/api/v1/tickets?a=1", body) | {"Content-Type": "application/json"}
    method, path = "POST", "/tickets?a=1"
    if part == "method":
        method = "PUT"
    if part == "path":
        path = "/views?a=1"
    if part == "query":
        path = "/tickets?a=2"
    if part == "body":
        body = body.replace(b"12345", b"54321")
    if part == "time":
        headers["X-Hotline-Time"] = (desk.clock.now() + timedelta(seconds=1)).isoformat()
    if part == "nonce":
        headers["X-Hotline-Nonce"] = next(_nonces)
    if part == "signature":
        headers["X-Hotline-Signature"] = headers["X-Hotline-Signature"].upper()
    before = desk.rows("select count(*) from ticket")

    refused = peer.api.request(method, path, content=body, headers=headers)

    assert refused.status_code in {401, 405}
    assert desk.rows("select count(*) from ticket") == before


def test_a_request_is_taken_once(peer: PeerSystem, desk: Desk) -> None:
    body = json.dumps(MATTER).encode()
    headers = peer.headers("POST", "/api/v1/tickets", body) | {"Content-Type": "application/json"}

    first, copy = (peer.api.post("/tickets", content=body, headers=headers) for _ in range(2))
    desk.wait(minutes=4)
    later = peer.api.post("/tickets", content=body, headers=headers)

    assert [answer.status_code for answer in (first, copy, later)] == [201, 401, 401]
    assert copy.json()["code"] == later.json()["code"] == "peer_request_repeated"
    assert desk.rows("select count(*) from ticket")[0].count == 1


def test_redis_is_not_asked_whether_a_request_came_before(peer: PeerSystem) -> None:
    headers = peer.headers("GET", "/api/v1/tickets")
    assert peer.api.get("/tickets", headers=headers).status_code == 200

    peer.desk.application.redis.flushall()

    assert peer.api.get("/tickets", headers=headers).json()["code"] == "peer_request_repeated"


@pytest.mark.parametrize("minutes", [-6, 6, 60 * 24 * 365])
def test_a_time_far_from_ours_is_refused_and_uses_no_nonce_up(peer: PeerSystem, desk: Desk, minutes: int) -> None:
    time = (desk.clock.now() + timedelta(minutes=minutes)).isoformat()

    assert peer.get("/tickets", time=time).json()["code"] == "peer_time_not_fresh"
    assert desk.rows("select count(*) from peer_call")[0].count == 0
    assert peer.get("/tickets", time="yesterday").json()["code"] == "peer_time_not_fresh"
    assert peer.get("/tickets", time="2026-11-20T09:00:00").json()["code"] == "peer_time_not_fresh"


def test_nonces_that_could_not_come_again_are_forgotten(peer: PeerSystem, desk: Desk) -> None:
    for _ in range(3):
        peer.get("/tickets")
    desk.wait(minutes=16)
    peer.get("/tickets")

    assert desk.rows("select count(*) from peer_call")[0].count == 1


def test_a_key_is_used_from_its_networks_alone(api: Api, desk: Desk) -> None:
    elsewhere = made(api, desk, networks=("10.8.0.0/24", "2001:db8::/32"))

    refused = elsewhere.get("/tickets")

    assert (refused.status_code, refused.json()["code"]) == (401, "peer_elsewhere")


def test_a_key_ends_with_its_time_and_when_it_is_revoked(api: Api, desk: Desk) -> None:
    first = made(api, desk, name="first", expires_at=desk.clock.now() + timedelta(days=1))
    second = made(api, desk, name="second")
    with desk.application.unit() as unit:
        revoke_peer(unit, second.key.id)
        revoke_peer(unit, second.key.id)

    assert second.get("/tickets").json()["code"] == "peer_unknown"
    assert first.get("/tickets").status_code == 200
    desk.wait(days=1)
    assert first.get("/tickets").json()["code"] == "peer_unknown"
    assert len(desk.rows("select 1 from audit_event where action like '%peer:revoke'")) == 1


def test_two_secrets_are_good_while_they_overlap_and_never_three(peer: PeerSystem, desk: Desk) -> None:
    keys = [peer.key]
    for _ in range(2):
        with desk.application.unit() as unit:
            keys.append(rotate_peer(unit, peer.key.id, overlap=timedelta(hours=2)))
    codes = [peer.get("/tickets", secret=key.secret).status_code for key in keys]

    assert codes == [401, 200, 200]
    desk.wait(hours=2)
    assert [peer.get("/tickets", secret=key.secret).status_code for key in keys] == [401, 401, 200]


def test_a_secret_is_shown_once_and_lies_sealed(peer: PeerSystem, desk: Desk) -> None:
    with desk.application.reading() as unit:
        (view,) = peers(unit)
    (row,) = desk.rows("select secret_sealed from peer_secret")

    assert peer.key.secret not in repr(view)
    assert peer.key.secret.encode() not in bytes(row.secret_sealed)
    assert len(peer.key.secret) >= 43


def test_each_use_is_in_the_audit_under_the_keys_name(peer: PeerSystem, desk: Desk) -> None:
    number = peer.post("/tickets", MATTER).json()["number"]
    peer.get(f"/tickets/{number}?cycle=13897001234")
    rows = desk.rows("select actor_name, actor_id, action, subject, after from audit_event order by id")
    uses = [row for row in rows if row.action == "peer:peer:use"]

    assert [row.after for row in uses] == [
        {"method": "POST", "route": "/api/v1/tickets"},
        {"method": "GET", "route": "/api/v1/tickets/{number}"},
    ]
    assert {row.actor_name for row in uses} == {"peer:xining-12345"}
    registered = next(row for row in rows if row.subject == number)
    assert (registered.actor_name, registered.action) == ("peer:xining-12345", "peer:ticket:register")
    (seen,) = desk.rows("select last_used_at from peer")
    assert seen.last_used_at == desk.clock.now()


def test_a_repeat_under_a_peers_own_number_is_the_first_ticket(api: Api, desk: Desk) -> None:
    first, other = made(api, desk), made(api, desk, name="lhasa-12345")
    own_number = {"Idempotency-Key": "12345-20261120-000042"}

    numbers = [
        system.post("/tickets", MATTER, more=own_number).json()["number"] for system in (first, first, other, other)
    ]

    assert numbers[0] == numbers[1] != numbers[2] == numbers[3]
    assert api.as_("agent1").post("/tickets", json=MATTER, headers=own_number).json()["number"] not in numbers
    assert first.post("/tickets", MATTER | {"title": "另一件"}, more=own_number).status_code == 409


def test_the_agreed_pace_is_kept_and_strangers_are_slowed(api: Api, desk: Desk) -> None:
    slow = made(api, desk, name="slow", per_minute=3)

    assert [slow.get("/tickets").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
    guesses = [slow.get("/tickets", secret="guess").status_code for _ in range(70)]
    assert set(guesses) == {401, 429}
    assert guesses[-1] == 429


def test_a_signature_counts_and_a_token_beside_it_does_not(peer: PeerSystem) -> None:
    headers = peer.headers("GET", "/api/v1/tickets", secret="guess")

    assert peer.api.as_("agent1").get("/tickets", headers=headers).status_code == 401


def test_a_file_is_under_the_signature_too(api: Api, desk: Desk) -> None:
    system = made(api, desk, name="files", scopes=("ticket:note", "ticket:read"))
    number = desk.in_progress()
    target = f"/tickets/{number}/attachments"
    form = httpx.Request("POST", "http://hotline", files={"file": ("工资条.txt", "三个月工资".encode() * 60_000)})
    body = form.read()
    kind = {"Content-Type": form.headers["Content-Type"]}

    other = system.headers("POST", f"/api/v1{target}", body + b" ")
    refused = api.post(target, content=body, headers=other | kind)
    taken = api.post(target, content=body, headers=system.headers("POST", f"/api/v1{target}", body) | kind)

    assert (refused.status_code, taken.status_code) == (401, 201), taken.text


def test_no_address_fails_for_a_system_with_every_scope(api: Api, desk: Desk) -> None:
    """Whoever has no account must not stumble over code that thinks of people."""
    system = made(api, desk, scopes=sorted(PEER_SCOPES), per_minute=6000)
    number = desk.in_progress()
    for method, address, operation in operations(api, number=number):
        if operation["operationId"] == "login" or operation["operationId"].startswith(("worker_", "sms_")):
            continue
        path = address + example_query(operation).removesuffix("?")
        sent = example_body(operation)
        request = httpx.Request(method, f"http://hotline/api/v1{path}", **sent)
        body = request.read()
        target = request.url.raw_path.decode()
        kind = {name: value for name, value in request.headers.items() if name == "content-type"}
        headers = system.headers(method, target, body) | kind
        status = api.request(method, path, content=body, headers=headers).status_code
        assert status < 500, (method, path, status)
        rights = set(operation.get("x-permission", ()))
        if rights and rights.isdisjoint(PEER_SCOPES):
            assert status in {403, 422}, (method, path, status)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "大写"}, "peer_name_unfit"),
        ({"name": "a b"}, "peer_name_unfit"),
        ({"networks": ["10.0.0.1/8"]}, "peer_networks_unfit"),
        ({"networks": ["0.0.0.0/0"]}, "peer_networks_unfit"),
        ({"networks": ["::/0"]}, "peer_networks_unfit"),
        ({"networks": ["example.cn"]}, "peer_networks_unfit"),
        ({"scopes": ["person:manage"]}, "input_invalid"),
        ({"scopes": []}, "input_invalid"),
        ({"expires_at": "2026-11-19T00:00:00+08:00"}, "peer_life_unfit"),
        ({"expires_at": "2027-12-01T00:00:00+08:00"}, "peer_life_unfit"),
        ({"org_code": "999999"}, "union_unknown"),
        ({"secret": "mine"}, "input_invalid"),
    ],
)
def test_a_key_that_should_not_be_is_refused(api: Api, changes: dict[str, Any], code: str) -> None:
    sent = {
        "name": "cti",
        "org_code": "630000",
        "scopes": ["ticket:read"],
        "networks": ["10.8.0.0/24"],
        "expires_at": "2027-06-30T00:00:00+08:00",
    }

    refused = api.as_("admin1").post("/peers", json=sent | changes)

    assert refused.json()["code"] == code, refused.text


def test_keys_are_kept_by_the_provinces_administrators(api: Api, desk: Desk) -> None:
    from service.identity.people import CreatePerson, create_person

    with desk.application.unit() as unit:
        roles = frozenset({Role.admin})
        create_person(
            unit,
            CreatePerson(
                username="admin-haixi", display_name="管理员", org_code=HAIXI, roles=roles, password="long enough pass"
            ),
            password_hash="none",
        )
    sent = {
        "name": "cti",
        "org_code": HAIXI,
        "scopes": ["ticket:read"],
        "networks": ["10.8.0.0/24"],
        "expires_at": "2027-06-30T00:00:00+08:00",
    }

    assert api.as_("admin-haixi").post("/peers", json=sent).status_code == 403
    assert api.as_("supervisor1").get("/peers").status_code == 403
    added = api.as_("admin1").post("/peers", json=sent)
    assert added.status_code == 201
    listed = api.as_("admin1").get("/peers").json()["items"]
    assert [(each["name"], "secret" in each) for each in listed] == [("cti", False)]
    assert api.as_("admin1").post("/peers", json=sent).json()["code"] == "peer_exists"
    rotated = api.as_("admin1").post(f"/peers/{added.json()['id']}/rotate", json={"overlap_hours": 0})
    assert rotated.json()["secret"] != added.json()["secret"]
    assert api.as_("admin1").post(f"/peers/{added.json()['id']}/revoke").status_code == 204
    assert api.as_("admin1").post(f"/peers/{added.json()['id']}/rotate", json={}).json()["code"] == "peer_is_revoked"
    assert api.as_("admin1").post("/peers/99/revoke").status_code == 404


def test_no_scope_is_a_persons_to_answer_for() -> None:
    of_people = {right for right in Permission if right.endswith((":manage", ":decide", ":approve", ":reveal"))}

    assert not PEER_SCOPES & of_people
    assert not PEER_SCOPES & {Permission.ticket_approve, Permission.audit_read, Permission.ticket_callback}


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("openssl"), reason="curl and openssl are not here")
def test_the_examples_of_the_document_work_as_they_stand(api: Api, desk: Desk) -> None:
    shell, python = re.findall(r"```(?:bash|python)\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)
    # A program outside signs with the time that it is.
    desk.clock.move_to(max(desk.clock.now(), SystemClock().now()))
    system = made(api, desk, networks=("127.0.0.1/32",))
    with serving(create_app(desk.application)) as base:
        environment = {**os.environ, "HOTLINE": base, "KEY": system.key.name, "SECRET": system.key.secret}
        texts = []
        for command in (["bash", "-euc", shell], [sys.executable, "-c", python]):
            ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
            assert ran.returncode == 0, ran.stderr
            texts.append(ran.stdout)

    assert json.loads(texts[0])["number"], texts[0]
    assert "12345 转办" in texts[1]
