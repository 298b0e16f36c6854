"""Every step has its address, its examples work, and who may not take it is told so."""

import pytest

from service.api.routers.steps import ACTIONS
from service.tickets.states import TABLE, Step
from tests.api.clients import Api
from tests.api.stages import DECISIONS, STAGES
from tests.desk import GOLMUD, HAIXI, Desk

EXAMPLES = [(action.path, name) for action in ACTIONS for name in action.examples if action.path != "decide"]
# Their examples name another ticket, which is the one meant in a fresh database only.
NAMES_ANOTHER = {"merge", "link", "unlink"}


def _documented(api: Api, path: str, name: str) -> dict[str, object]:
    document = api.get("/openapi.json").json()
    operation = document["paths"][f"/api/v1/tickets/{{number}}/{path}"]["post"]
    body: dict[str, object] = operation["requestBody"]["content"]["application/json"]["examples"][name]["value"]
    return body


def test_every_step_a_person_can_take_has_an_address() -> None:
    people_take = {step for step, row in TABLE.items() if row.permission is not None and step is not Step.register}
    decisions = {step for step in people_take if step.value.startswith(("grant-", "refuse-"))} | {
        Step.pass_extension_up
    }

    assert {action.path for action in ACTIONS} == {step.value for step in people_take - decisions} | {"decide"}


def _takes_the_example(api: Api, desk: Desk, path: str, name: str) -> None:
    who, stage = STAGES[path]
    number = stage(desk)

    response = api.as_(who).step(number, path, **_documented(api, path, name))

    assert response.status_code == 200, response.text
    assert response.json()["number"] == number


@pytest.mark.parametrize(("path", "name"), [example for example in EXAMPLES if example[0] not in NAMES_ANOTHER])
def test_each_documented_example_is_taken_as_it_stands(
    shared_api: Api, shared_desk: Desk, path: str, name: str
) -> None:
    _takes_the_example(shared_api, shared_desk, path, name)


@pytest.mark.parametrize(("path", "name"), [example for example in EXAMPLES if example[0] in NAMES_ANOTHER])
def test_each_documented_example_that_names_another_ticket_is_taken(api: Api, desk: Desk, path: str, name: str) -> None:
    _takes_the_example(api, desk, path, name)


@pytest.mark.parametrize("verdict", ["grant", "refuse"])
@pytest.mark.parametrize("request_", list(DECISIONS))
def test_each_kind_of_request_is_decided(shared_api: Api, shared_desk: Desk, request_: str, verdict: str) -> None:
    number = DECISIONS[request_](shared_desk)
    dispatcher = shared_api.as_("dispatcher1")
    before = dispatcher.get(f"/tickets/{number}").json()

    response = dispatcher.step(number, "decide", request=request_, verdict=verdict, note="依规定")

    assert response.status_code == 200, response.text
    assert [entry["request"] for entry in before["open_requests"]] == [request_]
    assert response.json()["open_requests"] == []
    decide = [step for step in before["possible_steps"] if step["action"] == "decide"]
    assert {(step["request"], step["verdict"]) for step in decide} == {(request_, "grant"), (request_, "refuse")}


def test_a_steps_that_needs_nothing_said_needs_no_body(api: Api, desk: Desk) -> None:
    number = desk.dispatched()

    assert api.as_(f"handler-{GOLMUD}").post(f"/tickets/{number}/sign").status_code == 200


def test_a_stale_version_is_refused_and_says_who_changed_what(api: Api, desk: Desk) -> None:
    number = desk.dispatched()
    handler = api.as_(f"handler-{GOLMUD}")
    seen = handler.get(f"/tickets/{number}").json()["row_version"]
    api.as_("agent1").step(number, "urge", note="又来电了")

    response = handler.step(number, "sign", version=seen)

    assert response.status_code == 409
    assert response.json()["code"] == "ticket_changed_meanwhile"
    assert "坐席一" in response.json()["detail_zh"]
    assert "催办" in response.json()["detail_zh"]
    assert handler.get(f"/tickets/{number}").json()["state"]["code"] == "to_sign"


def test_an_illegal_step_says_what_is_possible_and_writes_nothing(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    before = desk.rows("select count(*) as n from ticket_event")[0].n

    response = api.as_(f"handler-{GOLMUD}").step(number, "sign")

    assert response.status_code == 409
    assert response.json()["code"] == "step_not_possible"
    assert "反馈" in response.json()["detail_zh"]
    assert desk.rows("select count(*) as n from ticket_event")[0].n == before


def test_a_sibling_county_is_told_the_same_as_of_a_ticket_that_is_not_there(api: Api, desk: Desk) -> None:
    number = desk.dispatched(GOLMUD)
    sibling = api.as_("handler-632802")
    paths = ("", "/timeline", "/clocks", "/clocks/resolve/explain")

    hidden = [sibling.get(f"/tickets/{number}{path}") for path in paths] + [sibling.step(number, "sign")]
    missing = [sibling.get(f"/tickets/QH12351-20200101-000001{path}") for path in paths]

    assert {response.status_code for response in [*hidden, *missing]} == {404}
    assert {response.json()["code"] for response in [*hidden, *missing]} == {"ticket_not_found"}


def test_the_city_sees_its_counties_tickets_and_cannot_sign_for_them(api: Api, desk: Desk) -> None:
    number = desk.dispatched(GOLMUD)
    city = api.as_(f"handler-{HAIXI}")

    assert city.get(f"/tickets/{number}").status_code == 200
    refused = city.step(number, "sign")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_the_holder")


def test_the_answer_offers_only_what_the_caller_may_do_now(api: Api, desk: Desk) -> None:
    number = desk.dispatched(GOLMUD)

    def offered(who: str) -> set[str]:
        return {step["action"] for step in api.as_(who).get(f"/tickets/{number}").json()["possible_steps"]}

    beside = {"note", "raise-confidentiality"}
    assert offered(f"handler-{GOLMUD}") == {"sign", "return", "assign", "extend", "ask-consult", "set-task"} | beside
    assert offered("lawyer1") == beside
    assert "sign" not in offered("dispatcher1")
