"""Rubbish on every address that takes a body: a clear refusal in both languages, or stored unharmed. Never a 500,
nothing half-written."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

import service.tables  # noqa: F401 - every table
from service.api.documentation import IN_A_WEEK
from service.api.routers.steps import ACTIONS
from service.api.routers.tickets import CREATE_EXAMPLES
from service.core.db import Base
from service.tickets.models import Ticket
from tests.api.clients import API, Api
from tests.api.stages import STAGES
from tests.desk import Desk

ADDRESSES = ["/tickets", *(f"/tickets/{{number}}/{action.path}" for action in ACTIONS)]
EXAMPLES: dict[str, dict[str, Any]] = {
    "/tickets": CREATE_EXAMPLES["wages"]["value"],
    **{f"/tickets/{{number}}/{action.path}": dict(next(iter(action.examples.values()))) for action in ACTIONS},
}
JSON = {"Content-Type": "application/json"}
DEEP = 50_000

# Bodies that are wrong whatever the address, and the statuses that say so.
BROKEN: dict[str, tuple[bytes, set[int]]] = {
    "not json": (b"{not json", {400}),
    "cut off": (b'{"note": "a', {400}),
    "an empty string": (b'""', {422}),
    "a number": (b"12", {422}),
    "an array": (b"[1,2,3]", {422}),
    "an array of arrays": (b"[" * DEEP + b"]" * DEEP, {400, 422}),
    "an object in an object": (b'{"a":' * DEEP + b"1" + b"}" * DEEP, {400, 422}),
    "true": (b"true", {422}),
    "not a number": (b'{"version": NaN}', {400, 422}),
    "infinity": (b'{"version": Infinity}', {400, 422}),
    "a huge number": (b'{"version": ' + b"9" * 400 + b"}", {422}),
    "a number of 5000 digits": (b'{"version": ' + b"9" * 5000 + b"}", {400, 422}),
    "a number beyond the column": (b'{"version": 9223372036854775808}', {422}),
    "a half pair as a name": (b'{"\\ud800": 1}', {422}),
    "a field nobody knows": (b'{"is_admin": true}', {422}),
    "not utf-8": (b'{"note": "\xff\xfe"}', {400, 422}),
    "a zero byte": (b'{"note": "a\x00b"}', {400, 422}),
    "a hundred thousand fields": (
        json.dumps({f"f{index}": index for index in range(50_000)}).encode(),
        {422},
    ),
    "5 MB": (b'{"note": "' + b"a" * 5_000_000 + b'"}', {413}),
}

# Values put in the place of every field in turn.
WRONG_VALUES: dict[str, Any] = {
    "null": None,
    "a number": 7,
    "a fraction": 1.5,
    "a list": ["a"],
    "an object": {"a": 1},
    "true": True,
    "blank": "   ",
    "empty": "",
    "a huge number": 10**30,
    "minus one": -1,
    "a zero character": "a\x00b",
    "an escape": "a\x1bb",
    "a half pair": "\ud800",
    "too long": "长" * 20_001,
    "everything at once": "<script>alert(1)</script> '; drop table ticket; -- {number} %s ${HOME} 😀👨‍👩‍👧‍👦 བཀྲ་ཤིས་",
}
WRONG_INSTANTS: dict[str, Any] = {
    "1900": "1900-01-01T00:00:00+08:00",
    "9999": "9999-12-31T23:59:59+08:00",
    "year one": "0001-01-01T00:00:00+14:00",
    "no offset": "2026-11-20T09:00:00",
    "no such day": "2026-02-30T09:00:00+08:00",
    "seconds since 1970": "1763600000",
}


@dataclass
class Stages:
    """For each address somebody who may use it, and a ticket that waits for that step."""

    desk: Desk
    api: Api
    ready: dict[str, tuple[Api, str]] = field(default_factory=dict)

    def at(self, address: str) -> tuple[Api, str]:
        if address not in self.ready:
            if address == "/tickets":
                self.ready[address] = (self.api.as_("agent1"), address)
            else:
                who, prepare = STAGES[address.rsplit("/", 1)[1]]
                self.ready[address] = (self.api.as_(who), address.format(number=prepare(self.desk)))
        return self.ready[address]

    def leave(self, address: str) -> None:
        """The step was taken: the next one needs another ticket."""
        self.ready.pop(address)


@pytest.fixture(scope="module")
def stages(shared_desk: Desk, shared_api: Api) -> Stages:
    return Stages(shared_desk, shared_api)


def _rows(desk: Desk) -> list[int]:
    """How many rows each table has, and the sum of the row versions."""
    tables = [table for table in Base.metadata.sorted_tables if table.name != "login_token"]
    counts = [select(func.count()).select_from(table).scalar_subquery() for table in tables]
    with desk.application.reading() as unit:
        return list(unit.session.execute(select(*counts, select(func.sum(Ticket.row_version)).scalar_subquery())).one())


def refused_clearly(response: httpx.Response) -> None:
    """A problem document in both languages that gives nothing away."""
    assert 400 <= response.status_code < 500, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert document["status"] == response.status_code
    assert document["detail_zh"]
    assert document["detail_en"]
    assert document["correlation_id"] == response.headers["x-request-id"]
    for secret in ("Traceback", 'File "', "psycopg", "sqlalchemy", "pydantic"):
        assert secret not in response.text


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_broken_body_is_refused_and_nothing_is_written(stages: Stages, shared_desk: Desk, address: str) -> None:
    api, path = stages.at(address)
    before = _rows(shared_desk)

    for name, (body, statuses) in BROKEN.items():
        response = api.post(path, content=body, headers=JSON)
        assert response.status_code in statuses, (name, response.text[:500])
        refused_clearly(response)

    assert _rows(shared_desk) == before


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_field_refuses_what_does_not_belong_there(stages: Stages, shared_desk: Desk, address: str) -> None:
    """One field wrong, the others right: a refusal that wrote nothing, or a success that stored the value as sent."""
    stages.at(address)
    before = _rows(shared_desk)
    for place, is_instant in _fields_of(stages.at(address)[0], address):
        for name, value in {**WRONG_VALUES, **(WRONG_INSTANTS if is_instant else {})}.items():
            api, path = stages.at(address)
            body = _example(address) | {place: value}
            response = api.post(path, content=json.dumps(body, ensure_ascii=True), headers=JSON)
            assert response.status_code < 500, (place, name, response.text)
            if response.status_code >= 400:
                refused_clearly(response)
            else:
                sealed = place in {"caller_name", "phone"}
                assert sealed or not isinstance(value, str) or _stored(shared_desk, value), (place, name)
                stages.leave(address)
                stages.at(address)
                before = _rows(shared_desk)
        assert _rows(shared_desk) == before, place


@pytest.mark.parametrize("address", ADDRESSES)
def test_another_content_type_is_refused(stages: Stages, address: str) -> None:
    api, path = stages.at(address)
    body = json.dumps(_example(address)) or "{}"

    for content_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", ""):
        response = api.post(path, content=body, headers={"Content-Type": content_type})
        assert response.status_code == 415, (content_type, response.text)
        refused_clearly(response)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=abc",
        "limit=999999999999999999999999999",
        "cursor=x",
        "cursor=WyIyMDI2LTExLTIwVDAwOjAwOjAwKzAwOjAwIiwgdHJ1ZV0",  # ["2026-11-20T00:00:00+00:00", true]
        "cursor=W1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb",
        "cursor=%00",
        "state=nonsense",
        "state=closed'--",
        "received_from=yesterday",
        "received_from=0001-01-01T00:00:00Z",
        "received_to=99999-01-01",
        "org=%00",
        "category=%ED%A0%80%00",
    ],
)
def test_rubbish_in_an_address_is_refused(shared_api: Api, query: str) -> None:
    refused_clearly(shared_api.as_("agent1").get(f"/tickets?{query}"))


@pytest.mark.parametrize(
    "number",
    ["x", "QH12351-20261120-0000011", "%00", "%2e%2e%2f", "QH12351-20261120-00000%0a", "'%20or%201=1--", "😀" * 9],
)
def test_a_number_of_another_form_is_nobodys(shared_api: Api, number: str) -> None:
    for response in (
        shared_api.as_("agent1").get(f"/tickets/{number}"),
        shared_api.as_("agent1").post(f"/tickets/{number}/accept", json={}),
    ):
        assert response.status_code == 404
        refused_clearly(response)


@pytest.mark.parametrize("org", ["999999", "x", "%00", "63", "😀"])
def test_a_queue_of_no_union_is_not_there(shared_api: Api, org: str) -> None:
    response = shared_api.as_("agent1").get(f"/queues/{org}")

    assert response.status_code in {404, 422}
    refused_clearly(response)


@pytest.mark.parametrize(
    "text",
    [
        "拖欠工资😀👨‍👩‍👧‍👦",
        "བཀྲ་ཤིས་བདེ་ལེགས།",
        "<script>alert(1)</script>",
        "'; drop table ticket; --",
        "{number} %s %(x)s {0.__class__}",
        "Ǹǫ̈ z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘!͖̬̰̙̗̿̋ͥͥ̂ͣ̐́́͜͞",
        "\u202e右至左\u202c",
        "a\tb\r\nc",
        "=cmd|' /C calc'!A0",
        "𠀀𪚥",
    ],
)
def test_unusual_text_is_stored_as_it_was_sent(shared_api: Api, shared_desk: Desk, text: str) -> None:
    agent = shared_api.as_("agent1")
    sent = EXAMPLES["/tickets"] | {"title": text, "body": text, "employer": text}
    # As a name it is taken too; in the texts it would then be masked.
    assert agent.post("/tickets", json=EXAMPLES["/tickets"] | {"caller_name": text}).status_code == 201

    number = agent.post("/tickets", json=sent).json()["number"]
    kept = agent.get(f"/tickets/{number}").json()

    assert (kept["title"], kept["body"], kept["employer"]) == (text, text, text)
    agent.step(number, "note", note=text)
    assert agent.get(f"/tickets/{number}/timeline").json()["items"][-1]["note"] == text


def test_a_text_of_the_longest_length_is_taken_and_one_more_is_not(shared_api: Api) -> None:
    agent = shared_api.as_("agent1")
    whole = EXAMPLES["/tickets"] | {"title": "题" * 200, "body": "文" * 20_000}

    assert agent.post("/tickets", json=whole).status_code == 201
    refused = agent.post("/tickets", json=whole | {"title": "题" * 201})
    assert refused.json()["errors"] == [
        {
            "detail": "最多 200 个字符。",
            "in": "body",
            "pointer": "#/title",
            "code": "string_too_long",
            "detail_zh": "最多 200 个字符。",
            "detail_en": "At most 200 characters.",
        }
    ]


def test_what_was_sent_is_not_repeated_in_a_refusal(shared_api: Api) -> None:
    """A phone number typed into the wrong field must not end in a log of answers."""
    sent = EXAMPLES["/tickets"] | {"kind": "13897001234", "people_count": "13897001234"}

    assert "13897001234" not in shared_api.as_("agent1").post("/tickets", json=sent).text


def _example(address: str) -> dict[str, Any]:
    dates = {"<yesterday>": "2026-11-19T10:00:00+08:00", IN_A_WEEK: "2026-11-27T10:00:00+08:00"}
    return {
        name: dates.get(value, value) if isinstance(value, str) else value for name, value in EXAMPLES[address].items()
    }


def _fields_of(api: Api, address: str) -> list[tuple[str, bool]]:
    """The fields of an address's body, and whether each is an instant."""
    document = api.get("/openapi.json").json()
    schema = document["paths"][API + address]["post"]["requestBody"]["content"]["application/json"]["schema"]
    properties = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]["properties"]
    return [(name, "date-time" in json.dumps(described)) for name, described in properties.items()]


def _stored(desk: Desk, value: str) -> bool:
    """Whether the text (or, for an instant, its year) is to be found again."""
    found = desk.rows(
        "select 1 from ticket where title = :v or body = :v or answer = :v or rejection_reason = :v or tier_reason = :v"
        " union all select 1 from ticket_event where note = :v or data::text like '%' || :v || '%'"
        " union all select 1 from employer where name = :v"
        " union all select 1 from reply where text = :v or basis = :v or contact_way = :v or contacted_at::text like :y"
        " union all select 1 from rating where comment = :v"
        " union all select 1 from step_request where reason = :v or decision_note = :v or data::text like :e",
        v=value,
        y=f"{value[:4]}%",
        e=f"%{json.dumps(value)[1:-1]}%",
    )
    return bool(found) or not value.strip() or len(value) > 100
