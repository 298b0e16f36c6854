"""Absences and recusals over the API and on the screen."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
LEAVE = {"starts_on": "2026-11-20", "ends_on": "2026-11-27", "deputy": LEADER, "reason": "年休假"}


def test_an_absence_is_recorded_listed_and_cancelled(api: Api) -> None:
    handler = api.as_(HANDLER)
    recorded = handler.post("/absences", json=LEAVE)

    assert recorded.status_code == 201, recorded.text
    (listed,) = handler.get("/absences").json()["items"]
    assert (listed["id"], listed["deputy"], listed["ends_on"]) == (recorded.json()["id"], LEADER, "2026-11-27")
    assert handler.post("/absences", json=LEAVE).json()["code"] == "absences_overlap"
    assert api.as_("agent1").post(f"/absences/{listed['id']}/cancel").json()["code"] == "absence_not_found"
    assert handler.post(f"/absences/{listed['id']}/cancel").status_code == 204
    assert handler.get("/absences").json()["items"] == []


def test_the_examples_work(api: Api, desk: Desk) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    number = desk.registered()
    for path, who in (("/absences", "agent1"), (f"/tickets/{number}/recusals", "agent2")):
        template = path.replace(number, "{number}")
        examples = paths[f"/api/v1{template}"]["post"]["requestBody"]["content"]["application/json"]["examples"]
        for example in examples.values():
            assert api.as_(who).post(path, json=example["value"]).status_code < 300


def test_after_a_recusal_the_ticket_is_not_found_by_any_way(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    handler = api.as_(HANDLER)
    assert handler.post(f"/tickets/{number}/recusals", json={"reason": "近亲属"}).status_code == 204

    for path in ("", "/timeline", "/clocks", "/clocks/resolve/explain"):
        assert handler.get(f"/tickets/{number}{path}").status_code == 404
    assert handler.step(number, "contact", contacted_at="2026-11-20T01:00:00Z", way="phone").status_code in {404, 422}
    assert handler.step(number, "note", note="x").status_code == 404
    assert handler.post(f"/tickets/{number}/reveal", json={"reason": "联系"}).status_code == 404
    assert handler.get(f"/queues/{GOLMUD}").json()["items"] == []
    assert handler.get("/tickets").json()["items"] == []
    assert api.as_(LEADER).get(f"/tickets/{number}").status_code == 200


def test_an_administrator_recuses_somebody_without_seeing_the_ticket(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    admin = api.as_("admin1")
    assert admin.post(f"/tickets/{number}/recusals", json={"reason": "亲属", "username": HANDLER}).status_code == 204

    assert admin.get(f"/tickets/{number}").status_code == 403
    assert api.as_(HANDLER).get(f"/tickets/{number}").status_code == 404
