"""Refusals as problem documents, whatever refused."""

import json
import sys
from collections.abc import Callable
from typing import Any

import httpx
import psycopg
import pytest
from anyio.from_thread import BlockingPortal
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm.exc import StaleDataError

from service.api.errors import STATUS_OF_FAMILY, language, problem_of, problem_of_database
from service.api.sentences import _FIELD, FRAMEWORK
from service.app import create_app
from service.bootstrap import Application, build
from service.core.errors import HotlineError
from tests.api.clients import Api, InProcess
from tests.api.test_life import WAGES
from tests.conftest import settings_for
from tests.desk import Desk

MISSING = "QH12351-20200101-000001"


def test_a_refusal_is_told_in_the_language_asked_for_with_both_beside_it(shared_api: Api) -> None:
    agent = shared_api.as_("agent1")

    zh, en = agent.get(f"/tickets/{MISSING}"), agent.speaking("en-GB,en;q=0.9,zh;q=0.5").get(f"/tickets/{MISSING}")

    document = zh.json()
    assert zh.status_code == en.status_code == 404
    assert zh.headers["content-type"] == "application/problem+json"
    assert (zh.headers["content-language"], en.headers["content-language"]) == ("zh", "en")
    assert document["type"] == "urn:hotline:problem:ticket_not_found"
    assert document["title"] == "未找到"
    assert document["detail"] == document["detail_zh"]
    assert en.json()["detail"] == document["detail_en"] == en.json()["detail_en"]
    assert MISSING in document["detail_zh"]
    assert document["instance"] == f"urn:hotline:request:{document['correlation_id']}"


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "zh"),
        ("en", "en"),
        ("zh-CN,en;q=0.9", "zh"),
        ("en;q=0.1,zh;q=0.2", "zh"),
        ("bo,en;q=0.5", "en"),
        ("fr", "zh"),
        ("en;q=nonsense", "zh"),
        ("*", "zh"),
    ],
)
def test_chinese_comes_first_unless_english_is_preferred(header: str, lang: str) -> None:
    assert language({"headers": [(b"accept-language", header.encode())]}) == lang


def test_a_request_keeps_the_name_it_came_with_and_gets_one_otherwise(shared_api: Api) -> None:
    named = shared_api.get("/me", headers={"X-Request-ID": "call-20261120.7:a_b"})
    unnamed = [shared_api.get("/me", headers={"X-Request-ID": name}) for name in ("", "short", "x" * 65, "a b c d e f")]

    assert named.headers["x-request-id"] == named.json()["correlation_id"] == "call-20261120.7:a_b"
    assert len({response.headers["x-request-id"] for response in unnamed}) == 4
    assert all(len(response.headers["x-request-id"]) == 32 for response in unnamed)


def test_the_name_of_a_request_is_on_the_timeline(api: Api, desk: Desk) -> None:
    number = desk.registered()
    api.as_("agent1").post(f"/tickets/{number}/accept", headers={"X-Request-ID": "accept-call-42"})

    rows = desk.rows("select correlation_id from ticket_event order by id desc limit 1")
    assert rows[0].correlation_id == "accept-call-42"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nonsense", 404, "no_such_address"),
        ("GET", "/tickets/", 404, "no_such_address"),
        ("DELETE", "/tickets", 405, "method_not_allowed"),
        ("GET", f"/tickets/{MISSING}/accept", 405, "method_not_allowed"),
        ("POST", f"/tickets/{MISSING}/explode", 404, "no_such_address"),
        ("BREW", "/tickets", 405, "method_not_allowed"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_too(
    shared_api: Api, method: str, path: str, status: int, code: str
) -> None:
    refused = shared_api.as_("agent1").request(method, path)

    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.headers["content-type"] == "application/problem+json"
    assert status != 405 or refused.headers["allow"]


def test_each_field_is_named_with_what_is_wrong_in_both_languages(shared_api: Api) -> None:
    refused = shared_api.as_("agent1").post("/tickets", json={"title": "", "kind": "x", "a/b~c": 1})

    assert refused.status_code == 422
    errors = {error["pointer"]: error for error in refused.json()["errors"]}
    assert errors["#/body"]["detail_zh"] == "必填。"
    assert errors["#/kind"]["detail_en"].startswith("Must be one of: 'consultation'")
    assert errors["#/a~1b~0c"]["code"] == "extra_forbidden"
    query = shared_api.as_("agent1").get("/tickets?limit=999").json()["errors"][0]
    assert (query["in"], query["parameter"], query["detail_zh"]) == ("query", "limit", "不能大于 200。")


def test_every_family_of_refusals_has_its_status() -> None:
    def families(family: type[HotlineError]) -> set[type[HotlineError]]:
        return {family}.union(*(families(child) for child in family.__subclasses__()))

    for error in families(HotlineError) - {HotlineError}:
        assert any(issubclass(error, family) for family in STATUS_OF_FAMILY), error


def test_every_sentence_of_the_frame_is_there_in_both_languages() -> None:
    for sentence in [sentence for _, sentence in FRAMEWORK.values()] + list(_FIELD.values()):
        assert sentence.zh
        assert sentence.en
        assert sentence.en.isascii()


def test_a_refusal_with_a_retry_says_when() -> None:
    class Broken(next(family for family, status in STATUS_OF_FAMILY.items() if status == 503)):  # type: ignore[misc]
        pass

    assert int(problem_of(Broken()).headers["Retry-After"]) > 0


def _with_state(state: str) -> Exception:
    error = psycopg.errors.lookup(state)("boom")
    assert error.sqlstate == state
    return error


@pytest.mark.parametrize(
    ("error", "status", "retry"),
    [
        (OperationalError("s", {}, _with_state("40001")), 503, True),
        (OperationalError("s", {}, _with_state("40P01")), 503, True),
        (OperationalError("s", {}, _with_state("55P03")), 503, True),
        (OperationalError("s", {}, _with_state("57014")), 503, True),
        (OperationalError("s", {}, _with_state("57P01")), 503, True),
        (OperationalError("s", {}, _with_state("53300")), 503, True),
        (OperationalError("s", {}, psycopg.OperationalError("server closed the connection")), 503, True),
        (InterfaceError("s", {}, psycopg.InterfaceError("the connection is closed")), 503, True),
        (PoolExhausted("QueuePool limit"), 503, True),
        (StaleDataError("0 rows"), 409, False),
        (IntegrityError("s", {}, _with_state("23505")), 409, False),
        (IntegrityError("s", {}, _with_state("23P01")), 409, False),
        (IntegrityError("s", {}, _with_state("23514")), 500, False),
        (DataError("s", {}, _with_state("22003")), 422, False),
        (DataError("s", {}, psycopg.DataError("PostgreSQL text fields cannot contain NUL")), 422, False),
        (ProgrammingError("s", {}, _with_state("42P01")), 500, False),
    ],
)
def test_a_failure_of_the_database_says_whether_to_try_again(
    error: DBAPIError | PoolExhausted | StaleDataError, status: int, *, retry: bool
) -> None:
    problem = problem_of_database(error)

    assert problem.status == status
    assert ("Retry-After" in problem.headers) is retry


def test_a_ticket_somebody_holds_too_long_is_answered_with_a_retry(
    database_url: str, desk: Desk, servers: Any, portal: BlockingPortal
) -> None:
    number = desk.dispatched()
    impatient = build(settings_for(database_url, servers.redis_url, lock_timeout=0.1), clock=desk.clock)
    with httpx.Client(transport=InProcess(create_app(impatient), portal), base_url="http://hotline") as client:
        handler = Api(impatient, client).as_("handler-632801")
        with desk.application.unit() as unit:
            unit.session.execute(text("select 1 from ticket where number = :n for update"), {"n": number})
            refused = handler.step(number, "sign")
    impatient.database.dispose()

    assert (refused.status_code, refused.json()["code"]) == (503, "busy")
    assert refused.headers["retry-after"] == "1"


def test_without_a_database_the_answer_is_a_503_and_not_a_riddle(portal: BlockingPortal) -> None:
    lost = build(settings_for("postgresql://hotline@127.0.0.1:9/none", "redis://127.0.0.1:9/0"))
    with httpx.Client(transport=InProcess(create_app(lost), portal), base_url="http://hotline") as client:
        api = Api(lost, client).with_token("anything")
        for refused in (api.get("/tickets"), api.post("/tickets/" + MISSING + "/sign")):
            assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
            assert refused.headers["retry-after"]
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["status"]) == (503, "down")
        assert client.get("/healthz").json() == {"status": "alive"}


class Log:
    """Remembers what was logged."""

    def __init__(self) -> None:
        self.entries: list[str] = []

    def __getattr__(self, level: str) -> Callable[..., None]:
        def remember(event: str, **facts: object) -> None:
            error = sys.exc_info()[1] if level == "exception" else None
            self.entries.append(f"{level} {event} {facts} {error!r}")

        return remember


def test_what_nobody_expected_is_a_500_with_a_number_to_ask_about(
    app: FastAPI, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr("service.api.middleware.log", log)

    @app.get("/api/v1/broken")
    def broken() -> None:
        raise RuntimeError("a secret of the house")

    refused = api.get("/broken")

    assert refused.status_code == 500
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "internal_error"
    assert refused.json()["correlation_id"] == refused.headers["x-request-id"]
    assert "secret" not in refused.text
    assert "a secret of the house" in log.entries[0]


def test_an_error_in_sql_is_logged_without_what_was_sent(
    app: FastAPI, api: Api, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr("service.api.errors.log", log)
    phone = "1389700" + "1234"  # apart, for a traceback quotes this file

    @app.get("/api/v1/broken")
    def broken() -> None:
        with application.unit() as unit:
            unit.session.execute(text("select :phone from nowhere"), {"phone": phone})

    refused = api.get("/broken")

    assert refused.status_code == 500
    assert "nowhere" not in refused.text
    assert "42P01" in log.entries[0]
    assert phone not in log.entries[0]


@pytest.mark.parametrize(("name", "pointer"), [("😀", "#/😀"), ("x" * 5000, "#/" + "x" * 80), ("\ud800", "#")])
def test_a_name_from_outside_is_shown_short_and_readable(shared_api: Api, name: str, pointer: str) -> None:
    body = json.dumps(WAGES | {name: 1})
    refused = shared_api.as_("agent1").post("/tickets", content=body, headers={"Content-Type": "application/json"})

    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]
