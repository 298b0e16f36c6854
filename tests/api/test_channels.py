"""Ways out for notices over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk

MAIL = {"kind": "mail", "address": "li.ming@example.cn", "username": f"handler-{GOLMUD}"}


def test_a_channel_is_added_listed_tried_paused_and_removed_and_its_address_never_shown(api: Api) -> None:
    admin = api.as_("admin1")
    added = admin.post("/notice-channels", json=MAIL)
    assert added.status_code == 201, added.text
    number = added.json()["id"]

    listed = admin.get("/notice-channels")
    assert "li.ming" not in listed.text
    (seen,) = listed.json()["items"]
    assert (seen["owner"], seen["hint"], seen["enabled"]) == (MAIL["username"], "l***@example.cn", True)
    assert admin.post("/notice-channels", json=MAIL).json()["code"] == "channel_exists"

    assert seen["last"] is None
    assert admin.get(f"/notice-channels/{number}/test").json()["code"] == "channel_never_tested"
    assert admin.post(f"/notice-channels/{number}/test").status_code == 202
    assert admin.get(f"/notice-channels/{number}/test").json()["fate"] == "waiting"
    assert admin.post(f"/notice-channels/{number}/pause").status_code == 204
    assert admin.get("/notice-channels").json()["items"][0]["enabled"] is False
    assert admin.post(f"/notice-channels/{number}/resume").status_code == 204
    assert admin.post(f"/notice-channels/{number}/remove").status_code == 204
    assert admin.post(f"/notice-channels/{number}/remove").json()["code"] == "channel_not_found"


def test_a_test_without_a_gateway_is_logged_and_not_delivered(api: Api, desk: Desk) -> None:
    admin = api.as_("admin1")
    number = admin.post("/notice-channels", json=MAIL).json()["id"]
    admin.post(f"/notice-channels/{number}/test")
    (message,) = desk.rows("select id from outbox_message where kind = 'mail_notice'")
    desk.application.courier.deliver(message.id)

    told = admin.get(f"/notice-channels/{number}/test").json()
    assert (told["fate"], "没有发给任何人" in told["zh"], "reached nobody" in told["en"]) == ("logged", True, True)
    assert admin.get("/notice-channels").json()["items"][0]["last"] == told


def test_the_examples_work(api: Api) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    body = paths["/api/v1/notice-channels"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        assert api.as_("admin1").post("/notice-channels", json=example["value"]).status_code == 201


def test_an_address_that_leads_elsewhere_is_told_to_be_so(api: Api) -> None:
    wrong = {"kind": "wecom", "address": "http://169.254.169.254/latest/meta-data", "org_code": GOLMUD}
    refused = api.as_("admin1").post("/notice-channels", json=wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "channel_address_unreadable")
    assert "169.254" not in refused.text
