"""The published description: whole, in both languages, and true."""

import json
from datetime import datetime
from typing import Any, get_args

import pytest

from service.api.schemas import fields
from service.api.schemas.finding import FoundTickets
from service.api.schemas.tickets import Clocks, TicketOut, TicketPage, Timeline
from service.ratings.models import HANDLER_FAULTS, OTHER_REASONS, RESULTS
from service.tickets.handling import SUSPENSION_REASONS
from service.tickets.models import (
    CHANNELS,
    CONTACT_TIMES,
    CONTACT_WAYS,
    IDENTITY_GROUPS,
    KINDS,
    MEMBERSHIPS,
    OTHER_CHANNELS,
    OUTCOMES,
    REJECTION_REASONS,
    STATES,
    UNKNOWABLE,
)
from sla_rules import ClockKind, Tier
from tests.api.clients import Api
from tests.api.test_auth import operations
from tests.desk import Desk


@pytest.fixture(scope="module")
def document(shared_api: Api) -> dict[str, Any]:
    published: dict[str, Any] = shared_api.get("/openapi.json").json()
    return published


def test_the_addresses_others_rely_on_are_all_there(document: dict[str, Any]) -> None:
    steps = (
        *("accept", "answer", "reject", "dispatch", "sign", "return", "contact", "extend", "suspend", "resume"),
        *("retier", "reply", "approve", "send-back", "callback", "close", "redo", "reopen", "urge", "supervise"),
        *("assign", "note", "decide"),
    )
    expected = {
        "/api/v1/auth/token",
        "/api/v1/auth/logout",
        "/api/v1/me",
        "/api/v1/tickets",
        "/api/v1/tickets/{number}",
        "/api/v1/tickets/{number}/timeline",
        "/api/v1/tickets/{number}/clocks",
        "/api/v1/tickets/{number}/clocks/{kind}/explain",
        "/api/v1/queues/{org}",
        "/api/v1/reports/breaches",
        "/api/v1/reports/suggestions",
        "/api/v1/intake/assist",
        "/api/v1/drafts",
        "/api/v1/drafts/{key}",
        "/api/v1/employers",
        "/api/v1/employers/{employer_id}/merge",
        "/api/v1/inbox",
        "/api/v1/inbox/{notice_id}/read",
        "/healthz",
        "/readyz",
        "/metrics",
        *(f"/api/v1/tickets/{{number}}/{step}" for step in steps),
    }

    assert expected <= set(document["paths"])


def test_every_operation_says_what_it_is_in_both_languages(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            zh, _, en = operation["summary"].partition(" / ")
            assert zh, path
            assert not zh.isascii(), path
            assert en.isascii(), path
            assert operation["description"], path
            assert operation["tags"], path


def test_operation_ids_are_unique_and_fit_for_generated_clients(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for methods in document["paths"].values() for operation in methods.values()]

    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_every_body_has_an_example(shared_api: Api) -> None:
    for _, path, operation in operations(shared_api):
        if "requestBody" in operation:
            for content in operation["requestBody"]["content"].values():
                assert content.get("examples") or content.get("example"), path


def test_every_refusal_a_caller_may_meet_is_documented(shared_api: Api) -> None:
    for method, path, operation in operations(shared_api):
        statuses = set(operation["responses"])
        problems = {status for status in statuses if status >= "400"}
        assert "503" in problems, path
        if "security" in operation:
            assert "401" in problems, path
        if "x-permission" in operation:
            assert "403" in problems, path
        if method == "POST" and "requestBody" in operation:
            assert {"413", "422"} <= problems, path
        for status in problems:
            content = operation["responses"][status]["content"]
            assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}, path


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(references(item) for item in value.values()))
        return set().union(*(references(item) for item in value)) if isinstance(value, list) else set()

    for reference in references(document):
        found: Any = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]


def test_examples_lie_near_the_readers_present(shared_api: Api, shared_desk: Desk, document: dict[str, Any]) -> None:
    path = "/api/v1/tickets/{number}/suspend"
    example = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["examples"]["material"]
    now = shared_desk.clock.now()

    assert 6 <= (datetime.fromisoformat(example["value"]["review_at"]) - now).days <= 7
    assert "<" not in json.dumps(document["paths"]).replace("<HOTLINE_DEMO_PASSWORD>", "")


@pytest.mark.parametrize(
    ("documented", "known"),
    [
        (fields.StateName, STATES),
        (fields.ChannelName, CHANNELS),
        (fields.KindName, KINDS),
        (fields.Membership, MEMBERSHIPS),
        (fields.IdentityGroup, IDENTITY_GROUPS),
        (fields.ContactWay, CONTACT_WAYS),
        (fields.ContactTime, CONTACT_TIMES),
        (fields.OtherChannel, OTHER_CHANNELS),
        (fields.Unknowable, UNKNOWABLE),
        (fields.RejectionReason, REJECTION_REASONS),
        (fields.OutcomeName, OUTCOMES),
        (fields.SuspensionReason, SUSPENSION_REASONS),
        (fields.CallbackResult, RESULTS),
        (fields.Dissatisfaction, HANDLER_FAULTS + OTHER_REASONS),
        (fields.TierName, tuple(Tier)),
        (fields.ClockName, tuple(ClockKind)),
    ],
)
def test_the_closed_lists_are_those_of_the_house(documented: Any, known: tuple[str, ...]) -> None:
    assert sorted(get_args(documented)) == sorted(map(str, known))


def test_answers_have_the_documented_form(api: Api, desk: Desk) -> None:
    number = desk.closed()
    agent = api.as_("agent1")

    TicketOut.model_validate_json(agent.get(f"/tickets/{number}").content, extra="forbid")
    FoundTickets.model_validate_json(agent.get("/tickets").content, extra="forbid")
    TicketPage.model_validate_json(agent.get("/queues/630000").content, extra="forbid")
    Timeline.model_validate_json(agent.get(f"/tickets/{number}/timeline").content, extra="forbid")
    Clocks.model_validate_json(agent.get(f"/tickets/{number}/clocks").content, extra="forbid")
