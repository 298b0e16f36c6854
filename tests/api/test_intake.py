"""Beside the form over the API: missing fields named, help, drafts, the register, the figures."""

from typing import Any

import pytest

from service.api.routers.employers import AMEND_EXAMPLES
from service.api.routers.intake import ASSIST_EXAMPLES, DRAFT_EXAMPLES
from service.api.schemas.intake import AssistOut, DraftList, EmployerList, SuggestionReport
from tests.api.clients import Api
from tests.api.test_cost import counted
from tests.api.test_life import WAGES
from tests.desk import GOLMUD, Desk

KEY = "3f2a9c5e8b7d4a61b0c2d4e6f8091a2b"
ASKED: dict[str, Any] = ASSIST_EXAMPLES["typing"]["value"]
DRAFT: dict[str, Any] = DRAFT_EXAMPLES["half"]["value"]


def test_a_refusal_names_each_missing_field_in_both_languages(api: Api) -> None:
    bare = {name: value for name, value in WAGES.items() if name not in ("employer", "amount_owed")}
    refused = api.as_("agent1").post("/tickets", json=bare)

    assert refused.status_code == 422
    problem = refused.json()
    assert problem["code"] == "required_fields_missing"
    assert "用人单位、涉及金额" in problem["detail_zh"]
    assert [(error["pointer"], error["detail_zh"], error["detail_en"]) for error in problem["errors"]] == [
        ("#/employer", "用人单位:必填。", "employer: Required."),
        ("#/amount_owed", "涉及金额:必填。", "amount owed: Required."),
    ]
    known = bare | {"not_known": ["employer", "amount_owed"]}
    assert api.as_("agent1").post("/tickets", json=known).status_code == 201


def test_what_was_asked_is_given_back(api: Api) -> None:
    agent = api.as_("agent1")
    number = agent.post("/tickets", json=WAGES | {"not_known": ["amount_owed"]}).json()["number"]
    other = agent.post("/tickets", json=WAGES | {"same_as": [number]}).json()["number"]
    ticket = agent.get(f"/tickets/{other}").json()

    for name in ("membership", "identity_group", "contact_way", "contact_time", "other_channels"):
        assert ticket[name] == WAGES[name]
    assert agent.get(f"/tickets/{number}").json()["not_known"] == [], "the amount was told after all"
    assert [(entry["number"], entry["kind"]) for entry in ticket["linked"]] == [(number, "duplicate")]


def test_help_is_given_by_post_and_has_the_documented_form(api: Api, desk: Desk) -> None:
    number = desk.in_progress(employer="某建筑有限公司")
    answer = api.as_("agent1").post("/intake/assist", json=ASKED)

    found = AssistOut.model_validate_json(answer.content, extra="forbid")
    assert [entry.number for entry in found.earlier] == [number]
    assert found.duplicates[0].ticket.number == number
    assert found.people_told == 25
    assert found.tier is not None
    assert found.tier.value == "complex"
    assert found.missing == ["employer", "people_count", "amount_owed"]
    assert api.as_("agent1").post("/intake/assist", json={}).json()["earlier"] == []
    assert api.as_("agent1").get("/intake/assist").status_code == 405


@pytest.mark.parametrize("wrong", [{"category_code": "zz"}, {"place_code": "1"}, {"people_count": 0}, {"name": "x"}])
def test_help_for_what_cannot_be_is_refused(shared_api: Api, wrong: dict[str, Any]) -> None:
    assert shared_api.as_("agent1").post("/intake/assist", json=wrong).status_code == 422


def test_help_costs_seven_statements_with_the_login(api: Api, desk: Desk) -> None:
    desk.in_progress(employer="某建筑有限公司")
    agent = api.as_("agent1")
    agent.post("/intake/assist", json=ASKED)
    with counted(desk.application) as statements:
        assert agent.post("/intake/assist", json=ASKED).status_code == 200

    assert len(statements) <= 7, "\n".join(" ".join(statement.split())[:120] for statement in statements)


def test_accepting_costs_one_statement_for_the_suggestion(api: Api, desk: Desk) -> None:
    number = desk.registered()
    with counted(desk.application) as statements:
        assert api.as_("agent1").step(number, "accept").status_code == 200

    assert len([statement for statement in statements if "suggestion" in statement.lower()]) == 1


def test_a_draft_is_kept_listed_and_registered(api: Api, desk: Desk) -> None:
    agent = api.as_("agent1")
    assert agent.request("PUT", f"/drafts/{KEY}", json=DRAFT).status_code == 204
    listed = DraftList.model_validate_json(agent.get("/drafts").content, extra="forbid")
    assert [(draft.key, draft.fields) for draft in listed.items] == [(KEY, DRAFT["fields"])]
    assert agent.get(f"/drafts/{KEY}").json()["fields"] == DRAFT["fields"]
    assert api.as_("agent2").get(f"/drafts/{KEY}").status_code == 404

    assert agent.post("/tickets", json=WAGES | {"draft": KEY}).status_code == 201
    assert agent.get("/drafts").json()["items"] == []
    agent.request("PUT", f"/drafts/{KEY}", json=DRAFT)
    assert agent.request("DELETE", f"/drafts/{KEY}").status_code == 204
    assert agent.get(f"/drafts/{KEY}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"fields": []}, {"fields": {"A b": ["x"]}}, {"fields": {"body": "x"}}, {"fields": {"body": ["长" * 20_001]}}],
)
def test_a_draft_of_another_form_is_refused(shared_api: Api, body: dict[str, Any]) -> None:
    assert shared_api.as_("agent1").request("PUT", f"/drafts/{KEY}", json=body).status_code == 422


def test_half_a_character_in_a_draft_is_no_error(api: Api) -> None:
    agent = api.as_("agent1")
    sent = agent.request(
        "PUT",
        f"/drafts/{KEY}",
        content=b'{"fields": {"body": ["a\\ud800"]}}',
        headers={"Content-Type": "application/json"},
    )
    assert sent.status_code in {204, 422}
    assert agent.get("/drafts").status_code == 200


def test_the_register_is_searched_by_agents_and_kept_by_dispatchers(api: Api, desk: Desk) -> None:
    agent, keeper = api.as_("agent1"), api.as_("dispatcher1")
    for name in ("某建筑有限公司", "某建"):
        desk.registered(employer=name)
    found = EmployerList.model_validate_json(agent.get("/employers?q=某建").content, extra="forbid")
    short, whole = (entry.id for entry in found.items)

    assert agent.post(f"/employers/{short}/merge", json={"into": whole}).status_code == 403
    merged = keeper.post(f"/employers/{short}/merge", json={"into": whole}).json()
    assert (merged["name"], merged["other_names"]) == ("某建筑有限公司", ["某建"])
    assert agent.get(f"/employers/{short}").json()["id"] == whole
    code = AMEND_EXAMPLES["code"]["value"]
    assert keeper.request("PATCH", f"/employers/{whole}", json=code).json()["credit_code"] == code["credit_code"]
    wrong = keeper.request("PATCH", f"/employers/{whole}", json={"credit_code": "914403001922038217"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "credit_code_mistyped")
    added = keeper.post(f"/employers/{whole}/names", json={"name": "某建集团"}).json()
    assert added["other_names"] == ["某建", "某建集团"]
    assert keeper.post("/employers/999999/names", json={"name": "x"}).status_code == 404
    assert api.as_(f"handler-{GOLMUD}").get("/employers").status_code == 403


def test_the_figures_of_suggestions(api: Api, desk: Desk) -> None:
    desk.dispatched()
    answer = api.as_("supervisor1").get("/reports/suggestions?from=2026-11-01&to=2026-12-01")

    report = SuggestionReport.model_validate_json(answer.content, extra="forbid")
    assert [(entry.kind, entry.suggested, entry.accepted_share) for entry in report.items] == [
        ("tier", 1, 1.0),
        ("union", 1, 1.0),
    ]
    assert api.as_("supervisor1").get("/reports/suggestions?from=2026-12-01&to=2026-11-01").status_code == 422
