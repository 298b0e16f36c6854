"""Reply templates over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk


def test_a_template_is_written_revised_used_and_withdrawn(api: Api, desk: Desk) -> None:
    leader = api.as_(f"leader-{GOLMUD}")
    made = leader.post("/reply-templates", json={"title": "已支付", "body": "工单 {number} 已支付"})
    assert made.status_code == 201, made.text
    template = made.json()["id"]
    body = {"title": "已支付", "body": "工单 {number} 已足额支付", "category_code": "0101"}
    assert leader.post(f"/reply-templates/{template}/versions", json=body).status_code == 201
    number = desk.in_progress()
    (fitting,) = api.as_(f"handler-{GOLMUD}").get(f"/tickets/{number}/reply-templates").json()["items"]
    assert (fitting["filled"], fitting["version"], fitting["own"]) == (f"工单 {number} 已足额支付", 2, True)

    assert api.as_(f"handler-{GOLMUD}").post("/reply-templates", json=body).status_code == 403
    assert api.as_("supervisor1").post(f"/reply-templates/{template}/withdraw").status_code == 404
    assert api.as_(f"leader-{GOLMUD}").post(f"/reply-templates/{template}/withdraw").status_code == 204
    assert api.as_(f"handler-{GOLMUD}").get("/reply-templates").json()["items"] == []
