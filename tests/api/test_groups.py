"""Tickets of one matter under one name, over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk


def test_tickets_are_grouped_seen_in_scope_and_taken_out(api: Api, desk: Desk) -> None:
    here, there = desk.in_progress(), desk.in_progress("630102")
    made = api.as_("agent1").post("/groups", json={"numbers": [here, there], "title": "某集团欠薪"})
    assert made.status_code == 200, made.text
    assert (made.json()["numbers"], made.json()["people"]) == ([here, there], 2)
    seen = api.as_(f"handler-{GOLMUD}").get(f"/tickets/{here}/group").json()
    assert seen["numbers"] == [here]
    assert api.as_(f"handler-{GOLMUD}").get(f"/tickets/{there}/group").status_code == 404
    assert api.as_(f"handler-{GOLMUD}").post(f"/tickets/{here}/leave-group").status_code == 403
    assert api.as_("agent1").post(f"/tickets/{here}/leave-group").status_code == 204
    assert api.as_("agent1").get(f"/tickets/{here}/group").json()["code"] == "not_grouped"


def test_one_ticket_is_no_group(api: Api, desk: Desk) -> None:
    number = desk.accepted()
    refused = api.as_("agent1").post("/groups", json={"numbers": [number, number], "title": "某工地"})
    assert (refused.status_code, refused.json()["code"]) == (422, "group_needs_two")
