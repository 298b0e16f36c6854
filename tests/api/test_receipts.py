"""Delivery receipts of the SMS gateway: only its own, fresh and once; shown to staff and told where it matters."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.api.routers.gateways import LONGEST_BODY, MOST_CALLS, RECEIPT_EXAMPLES
from service.api.schemas.receipts import MOST_RECEIPTS
from service.app import create_app
from service.bootstrap import build
from service.core.settings import Settings
from service.notifications.http_sms import SIGNATURE_HEADER, TIME_HEADER, signature
from service.notifications.standin_sms import Provider, provider_at
from service.tickets.materials import AskMaterial, ask_material
from service.tickets.messages import TEMPLATES
from service.tickets.receipts import MATTERS, NAMES
from service.tickets.worker_codes import CODE_TEMPLATE
from tests.api.clients import Api, InProcess, serving
from tests.api.test_bad_input import BROKEN, refused_clearly
from tests.desk import GOLMUD, HAIXI, Desk

SECRET = "a secret between two"
PATH = "/gateways/sms/receipts"


@pytest.fixture
def api(desk: Desk, portal: BlockingPortal) -> Any:
    """The API of a hotline that has a gateway."""
    named = {"sms_url": "http://gateway/messages", "sms_secret": SECRET}
    settings = Settings.model_validate({**desk.application.settings.model_dump(), **named})
    application = replace(desk.application, settings=settings)
    with httpx.Client(transport=InProcess(create_app(application), portal), base_url="http://hotline") as client:
        yield Api(application, client)


def receipt(key: str, state: str = "delivered", **more: str) -> dict[str, str]:
    return {"key": key, "state": state, "at": "2026-11-20T09:00:30+08:00", **more}


def call(api: Api, body: Any, *, secret: str = SECRET, ago: float = 0, **headers: str | bytes) -> httpx.Response:
    """One call as the gateway makes it."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    time = (api.application.clock.now() - timedelta(seconds=ago)).isoformat()
    signed = {TIME_HEADER: time, SIGNATURE_HEADER: signature(secret, time, content)}
    return api.post(PATH, content=content, headers={"Content-Type": "application/json", **signed, **headers})


def awaiting_material(desk: Desk) -> tuple[str, str]:
    """A ticket whose worker was asked for material, and the key of that message, which has left."""
    number = desk.in_progress()
    command = AskMaterial(number=number, pieces=("劳动合同",), due_on=date(2026, 11, 27))
    desk.do(f"handler-{GOLMUD}", ask_material, command)
    deliver(desk)
    (row,) = desk.rows("select key from gateway_delivery where template = 'material'")
    return number, row.key


def report(api: Api, *receipts: dict[str, str]) -> httpx.Response:
    # Each call at another instant, as a gateway's clock goes.
    api.application.clock.move_to(api.application.clock.now() + timedelta(seconds=1))  # type: ignore[attr-defined]
    return call(api, {"receipts": list(receipts)})


def deliver(desk: Desk) -> None:
    """Let everything that waits leave."""
    while waiting := desk.rows("select id from outbox_message where done_at is null"):
        for row in waiting:
            desk.application.courier.deliver(row.id)


def notices(desk: Desk) -> list[tuple[str, str]]:
    deliver(desk)
    rows = desk.rows(
        "select p.username, n.text_zh from notice n join person p on p.id = n.person_id"
        " where n.key like 'sms:%' order by n.id"
    )
    return [(row.username, row.text_zh) for row in rows]


def rows(desk: Desk) -> list[tuple[str, str, str | None]]:
    found = desk.rows("select message_key, state, reason from sms_receipt order by 1, 2")
    return [(row.message_key, row.state, row.reason) for row in found]


def test_several_receipts_in_one_call_are_kept_once_each_and_shown_beside_their_messages(api: Api, desk: Desk) -> None:
    number, material = awaiting_material(desk)
    accepted = f"worker_sms:{number}:accepted"

    for _ in range(2):
        answer = report(api, receipt(accepted), receipt(material, "failed", reason="unknown_number"))
        assert answer.status_code == 204, answer.text

    assert rows(desk) == [(accepted, "delivered", None), (material, "failed", "unknown_number")]
    shown = api.as_(f"handler-{GOLMUD}").get(f"/tickets/{number}/messages")
    items = {item["template"]: (item["state"], item["reason"], item["outcome"]) for item in shown.json()["items"]}
    assert items["accepted"] == ("delivered", None, {"zh": "已送达", "en": "delivered"})
    assert items["dispatched"] == ("sent", None, {"zh": "已交短信网关", "en": "taken by the gateway"})
    assert items["material"] == (
        "failed",
        "unknown_number",
        {"zh": "短信未送达:空号", "en": "the SMS did not reach the phone: number unknown"},
    )
    assert "1389700" not in shown.text


def test_who_does_not_see_the_ticket_sees_no_receipt(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    assert api.as_("handler-630102").get(f"/tickets/{number}/messages").status_code == 404
    assert api.as_("admin1").get(f"/tickets/{number}/messages").status_code == 403
    assert api.get(f"/tickets/{number}/messages").status_code == 401
    assert api.as_(f"handler-{HAIXI}").get(f"/tickets/{number}/messages").status_code == 200


def test_a_message_that_matters_and_did_not_arrive_is_told_once_to_the_union_that_handles_it(
    api: Api, desk: Desk
) -> None:
    _, material = awaiting_material(desk)
    report(api, receipt(material, "failed", reason="switched_off"))
    report(api, receipt(material, "expired"))

    told = "发给职工的补充材料通知短信未送达:关机或停机。请改用其他方式告知职工。"
    assert notices(desk) == [(f"handler-{GOLMUD}", told)]


def test_while_no_union_has_the_matter_the_agents_are_told(api: Api, desk: Desk) -> None:
    number = desk.accepted()
    deliver(desk)
    report(api, receipt(f"worker_sms:{number}:accepted", "expired"))

    assert {who for who, _ in notices(desk)} == {"agent1", "agent2"}


def test_nobody_is_told_of_what_only_informs_or_did_arrive(api: Api, desk: Desk) -> None:
    number = desk.dispatched()
    deliver(desk)
    (dispatched,) = [row.key for row in desk.rows("select key from gateway_delivery where template = 'dispatched'")]
    accepted = f"worker_sms:{number}:accepted"
    report(api, receipt(dispatched, "failed", reason="other"))
    report(api, receipt(accepted))
    report(api, receipt(accepted, "failed", reason="other"))

    assert notices(desk) == []
    items = api.as_("agent1").get(f"/tickets/{number}/messages").json()["items"]
    assert {item["template"]: item["state"] for item in items} == {"accepted": "delivered", "dispatched": "failed"}


def test_a_receipt_may_come_before_we_have_noted_that_the_message_left(api: Api, desk: Desk) -> None:
    number = desk.accepted()
    key = f"worker_sms:{number}:accepted"
    assert report(api, receipt(key)).status_code == 204
    assert rows(desk) == [(key, "delivered", None)]


def test_a_key_of_no_message_of_ours_gets_the_same_answer_and_leaves_nothing(api: Api, desk: Desk) -> None:
    number = desk.accepted()
    known = report(api, receipt(f"worker_sms:{number}:accepted"))
    unknown = report(api, receipt("worker_sms:QH12351-20261120-999999:accepted"), receipt("worker_code:1"))

    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (204, b"")
    assert len(rows(desk)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        lambda api, body: call(api, body, secret="another"),
        lambda api, body: call(api, body, secret=""),
        lambda api, body: call(api, body, **{SIGNATURE_HEADER: "ÿ".encode("latin-1") * 64}),
        lambda api, body: call(api, body, **{SIGNATURE_HEADER: ""}),
        lambda api, body: call(api, body, **{TIME_HEADER: "2026-11-20T01:00:00+00:00"}),
        lambda api, body: api.post(PATH, json=body),
    ],
    ids=["another secret", "no secret", "not hex", "no signature", "another time", "no headers"],
)
def test_a_forged_call_is_refused(api: Api, desk: Desk, wrong: Callable[[Api, Any], httpx.Response]) -> None:
    desk.wait(minutes=1)
    number = desk.accepted()
    refused = wrong(api, {"receipts": [receipt(f"worker_sms:{number}:accepted")]})

    assert (refused.status_code, refused.json()["code"]) == (401, "gateway_unknown")
    refused_clearly(refused)
    assert rows(desk) == []


def test_an_old_call_and_one_from_the_future_are_refused(api: Api, desk: Desk) -> None:
    body = {"receipts": [receipt(f"worker_sms:{desk.accepted()}:accepted")]}
    for ago in (301, -301):
        refused = call(api, body, ago=ago)
        assert (refused.status_code, refused.json()["code"]) == (401, "call_not_fresh")
        refused_clearly(refused)
    assert call(api, body, ago=299).status_code == 204


@pytest.mark.parametrize("time", ["2026-11-20T01:00:00", "1763600400", "", "x", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_is_none_is_not_fresh(api: Api, time: str) -> None:
    content = b'{"receipts": []}'
    refused = call(api, content, **{TIME_HEADER: time, SIGNATURE_HEADER: signature(SECRET, time, content)})
    assert refused.json()["code"] == "call_not_fresh"


def test_a_call_is_taken_once_and_its_content_may_come_again_newly_signed(api: Api, desk: Desk) -> None:
    body = {"receipts": [receipt(f"worker_sms:{desk.accepted()}:accepted")]}
    assert call(api, body).status_code == 204
    replayed = call(api, body)

    assert (replayed.status_code, replayed.json()["code"]) == (409, "call_repeated")
    refused_clearly(replayed)
    desk.wait(seconds=1)
    assert call(api, body).status_code == 204
    desk.wait(minutes=16)
    assert call(api, body).status_code == 204
    assert len(desk.rows("select 1 from gateway_call")) == 1


def test_rubbish_that_is_well_signed_is_refused_and_nothing_of_the_call_is_kept(api: Api, desk: Desk) -> None:
    key = f"worker_sms:{desk.accepted()}:accepted"
    fits = receipt(key)
    for wrong in (
        {**fits, "state": "read"},
        {**fits, "state": "failed"},
        {**fits, "reason": "other"},
        {**fits, "state": "failed", "reason": "the phone 13897001234 is off"},
        {**fits, "at": "yesterday"},
        {**fits, "key": ""},
        {**fits, "key": "k" * 201},
        {**fits, "key": "a\x00b"},
        {**fits, "phone": "13897001234"},
    ):
        refused = report(api, fits, wrong)
        assert refused.status_code == 422, wrong
        refused_clearly(refused)
        assert "13897001234" not in refused.text
    for content, statuses in BROKEN.values():
        refused = call(api, content)
        # What is not even JSON is told before it is asked who sends it.
        assert refused.status_code in statuses | {401, 413}, content[:40]
        refused_clearly(refused)
    assert report(api).status_code == 422
    assert rows(desk) == []
    assert desk.rows("select 1 from gateway_call") == []


def test_a_call_beyond_the_limits_is_refused(api: Api, desk: Desk) -> None:
    most = [receipt(f"worker_sms:QH12351-20261120-{place:06d}:accepted") for place in range(MOST_RECEIPTS + 1)]
    assert report(api, *most[1:]).status_code == 204
    assert report(api, *most).status_code == 422
    padded = b'{"receipts": []}' + b" " * LONGEST_BODY
    refused = call(api, padded)
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    refused_clearly(refused)


def test_calls_beyond_the_rate_are_put_off(api: Api) -> None:
    statuses = {api.post(PATH, json={"receipts": []}).status_code for _ in range(MOST_CALLS + 1)}
    assert statuses == {401, 429}


def test_without_a_gateway_nobody_is_one(desk: Desk, portal: BlockingPortal) -> None:
    with httpx.Client(transport=InProcess(create_app(desk.application), portal), base_url="http://hotline") as client:
        bare = Api(desk.application, client)
        assert call(bare, {"receipts": [receipt("one")]}, secret="").json()["code"] == "gateway_unknown"


def test_two_calls_at_once_that_report_the_same_in_opposite_order_are_told_of_once(api: Api, desk: Desk) -> None:
    keys = [f"worker_sms:{desk.accepted()}:accepted" for _ in range(20)]
    lost = [receipt(key, "expired") for key in keys]
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda told: call(api, {"receipts": told}).status_code, (lost, lost[::-1])))

    assert answers == [204, 204]
    assert [key for key, _, _ in rows(desk)] == sorted(keys)
    assert len(notices(desk)) == 2 * len(keys)


def test_a_receipt_is_not_rewritten(api: Api, desk: Desk) -> None:
    report(api, receipt(f"worker_sms:{desk.accepted()}:accepted"))
    for statement in ("update sms_receipt set state = 'expired'", "delete from sms_receipt"):
        with pytest.raises(DBAPIError, match="append-only"), desk.by_hand() as owner:
            owner.execute(text(statement))


def test_every_message_to_a_worker_has_a_name() -> None:
    assert NAMES.keys() == TEMPLATES.keys()
    assert set(MATTERS) <= NAMES.keys()


def test_the_example_is_taken(api: Api) -> None:
    document = api.get("/openapi.json").json()["paths"][f"/api/v1{PATH}"]["post"]
    example = document["requestBody"]["content"]["application/json"]["examples"]["receipts"]["value"]
    assert call(api, example).status_code == 204
    assert example.keys() == RECEIPT_EXAMPLES["receipts"]["value"].keys()


def test_the_stand_in_reports_what_became_of_its_messages(desk: Desk) -> None:
    """The contract both ways, over sockets: our adapter sends, the provider reports, and staff read it."""
    templates = {name: name for name in (*TEMPLATES, CODE_TEMPLATE)}
    provider = Provider("hotline", SECRET, now=desk.clock.now)
    with provider_at(provider) as gateway:
        settings = Settings.model_validate(
            {
                **desk.application.settings.model_dump(),
                "sms_url": gateway,
                "sms_secret": SECRET,
                "sms_templates": templates,
            }
        )
        application = build(settings, clock=desk.clock)
        try:
            arriving, lost = desk.accepted(), desk.accepted(phone="13897000000")
            deliver(Desk(application, desk.clock))
            with serving(create_app(application)) as hotline, httpx.Client(base_url=hotline) as client:
                assert (provider.report(hotline), provider.report(hotline)) == (204, None)
                api = Api(application, client).as_("agent1")
                shown = {number: api.get(f"/tickets/{number}/messages").json()["items"] for number in (arriving, lost)}
        finally:
            application.database.dispose()
    assert [item["state"] for item in shown[arriving]] == ["delivered"]
    assert [(item["state"], item["reason"]) for item in shown[lost]] == [("failed", "unknown_number")]
    assert {who for who, _ in notices(desk)} == {"agent1", "agent2"}
