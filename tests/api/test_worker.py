"""The worker's own way over the API: a number and its code, or a code by SMS, and nothing else opens a matter."""

from typing import Any

import pytest

from service.api.routers.worker import SUBMIT_EXAMPLES
from service.api.schemas.worker import ProgressOut
from service.tickets.materials import AskMaterial, ask_material
from service.tickets.sealed import query_code_of
from service.tickets.worker_codes import opened_for
from tests.api.clients import Api
from tests.desk import GOLMUD, Desk

MATTER: dict[str, Any] = SUBMIT_EXAMPLES["wages"]["value"]
NOT_THERE = "QH12351-20261120-999999"
HANDLER = f"handler-{GOLMUD}"


def proof_of(desk: Desk, number: str) -> dict[str, str]:
    return {"number": number, "query_code": query_code_of(desk.application.vault, desk.ticket(number))}


def worker_of(api: Api, desk: Desk, number: str) -> Api:
    return api.with_token(api.post("/worker/access/number", json=proof_of(desk, number)).json()["access_token"])


def test_a_worker_submits_and_follows_in_plain_words(api: Api, desk: Desk) -> None:
    made = api.post("/worker/matters", json=MATTER)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    number = made.json()["number"]
    assert made.json()["numbers"] == [number]

    seen = api.with_token(made.json()["access_token"]).get(f"/worker/matters/{number}")
    progress = ProgressOut.model_validate_json(seen.content, extra="forbid")
    assert progress.state.zh == "已登记,等待受理"
    assert [line.zh for line in progress.told] == ["您反映的事项已登记"]
    assert progress.next is not None
    for told in (MATTER["body"], "马小明", "1234", "某建筑公司"):
        assert told not in seen.text.replace(number, "")
    again = api.post(
        "/worker/access/number", json={"number": number.lower(), "query_code": made.json()["query_code"].lower()}
    )
    assert again.json()["numbers"] == [number]


def test_the_same_form_twice_is_one_matter_and_nobody_else_s(api: Api, desk: Desk) -> None:
    key = {"Idempotency-Key": "a-form-of-this-phone"}
    first, second = (api.post("/worker/matters", json=MATTER, headers=key).json() for _ in range(2))

    assert (first["number"], first["query_code"]) == (second["number"], second["query_code"])
    assert desk.rows("select count(*) as n from ticket")[0].n == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"consent": False}, "agreement_missing"),
        ({"phone": "no number"}, "phone_unreadable"),
        ({"body": " "}, "input_invalid"),
    ],
)
def test_what_is_missing_is_said(shared_api: Api, changes: dict[str, Any], code: str) -> None:
    refused = shared_api.post("/worker/matters", json=MATTER | changes)

    assert refused.status_code == 422
    assert refused.json()["code"] == code


def test_a_wrong_number_and_a_wrong_code_get_the_same_answer(shared_api: Api, shared_desk: Desk) -> None:
    number = shared_desk.in_progress()
    right = proof_of(shared_desk, number)["query_code"]
    answers = [
        shared_api.post("/worker/access/number", json={"number": number_, "query_code": code}).json()
        for number_, code in ((number, "AAAAAAAA"), (NOT_THERE, right), (NOT_THERE, "AAAAAAAA"), ("'; --", "x"))
    ]
    for answer in answers:
        answer.pop("instance"), answer.pop("correlation_id")

    assert answers[0]["status"] == 404
    assert all(answer == answers[0] for answer in answers)


def test_a_token_opens_its_matter_alone_and_for_half_an_hour(api: Api, desk: Desk) -> None:
    mine, anothers = desk.in_progress(), desk.in_progress(phone="13999990000")
    worker = worker_of(api, desk, mine)

    assert worker.get(f"/worker/matters/{mine}").status_code == 200
    refused = [worker.get(f"/worker/matters/{number}").json() for number in (anothers, NOT_THERE, "nonsense")]
    assert {answer["code"] for answer in refused} == {"not_yours"}
    assert len({answer["detail"] for answer in refused}) == 1
    assert worker.get(f"/tickets/{mine}").status_code == 401, "it is no login"
    assert api.as_("agent1").get(f"/worker/matters/{mine}").status_code == 401, "and a login is no proof"
    desk.wait(minutes=30)
    assert worker.get(f"/worker/matters/{mine}").status_code == 401


def test_a_code_by_sms_opens_all_matters_of_the_phone_once(api: Api, desk: Desk) -> None:
    numbers = [desk.registered(), desk.registered()]
    sent = [api.post("/worker/codes", json={"phone": phone}) for phone in ("13897001234", "13900000000")]
    assert sent[0].status_code == 202
    assert sent[0].content == sent[1].content, "the answer does not tell whether a phone is known"

    code = _sent_code(desk)
    given = {"phone": "138 9700 1234", "code": code}
    opened = api.post("/worker/access/phone", json=given)
    assert opened.json()["numbers"] == numbers[::-1]
    assert api.post("/worker/access/phone", json=given).json()["code"] == "code_wrong"
    unknown = api.post("/worker/access/phone", json={"phone": "13900000000", "code": "000000"})
    assert unknown.json()["code"] == "code_wrong"


def _sent_code(desk: Desk) -> str:
    payload = desk.rows("select payload from outbox_message where kind = 'worker_code' order by id")[0].payload
    phone = opened_for(desk.application.vault, payload["phone"])
    return opened_for(desk.application.vault, payload["code"], phone)


def test_a_worker_adds_words_and_files_urges_once_and_withdraws(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(HANDLER, ask_material, AskMaterial(number=number, pieces=("工资条",), due_on=desk.clock.now().date()))
    worker, path = worker_of(api, desk, number), f"/worker/matters/{number}"
    assert [each["piece"] for each in worker.get(path).json()["asked"]] == ["工资条"]

    assert worker.post(f"{path}/material", json={"words": "考勤表在同事那里"}).status_code == 200
    file = {"file": ("工资条.txt", "三个月".encode(), "text/plain")}
    sent = worker.post(f"{path}/attachments", files=file, data={"pieces": ["工资条"]})
    assert sent.status_code == 201, sent.text
    assert sent.json()["asked"] == []
    notes = [item["note"] for item in api.as_(HANDLER).get(f"/tickets/{number}/timeline").json()["items"]]
    assert "考勤表在同事那里" in notes

    assert worker.post(f"{path}/urge").json()["may_urge"] is False
    assert worker.post(f"{path}/urge").json()["code"] == "urged_today"
    assert worker.post(f"{path}/withdraw", json={}).json()["over"] is True
    assert worker.post(f"{path}/material", json={"words": "还有"}).json()["code"] == "matter_is_over"


def test_a_worker_rates_once_and_the_first_word_stands(api: Api, desk: Desk) -> None:
    number = desk.to_callback()
    worker, path = worker_of(api, desk, number), f"/worker/matters/{number}/rating"
    good = {"contacted": True, "resolved": True, "satisfaction": 5}
    assert worker.get(f"/worker/matters/{number}").json()["may_rate"] is True
    assert worker.post(path, json={**good, "satisfaction": 2}).json()["code"] == "answers_incomplete"
    assert worker.post(path, json={**good, "satisfaction": 2, "reason": "unreasonable_demand"}).status_code == 422

    assert worker.post(path, json={**good, "reason": "late"}).json()["state"]["code"] == "closed"
    assert worker.post(path, json={**good, "resolved": False, "satisfaction": 1, "reason": "late"}).status_code == 200
    rated = desk.rows("select way, satisfaction, reason from rating")
    assert [tuple(row) for row in rated] == [("link", 5, None)]


def test_tries_are_counted_by_number_and_the_pages_count_along(api: Api, desk: Desk) -> None:
    tries = {"number": NOT_THERE, "query_code": "AAAAAAAA"}
    answers = [api.post("/worker/access/number", json=tries).status_code for _ in range(61)]

    assert answers == [404] * 60 + [429]
    codes = [api.post("/worker/codes", json={"phone": "13897001234"}).status_code for _ in range(6)]
    assert codes == [202] * 5 + [429]
