"""Duty rosters over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD, HAIXI

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"


def test_over_the_api(api: Api) -> None:
    turn = {"username": HANDLER, "starts_at": "2026-11-27T18:00:00+08:00", "ends_at": "2026-11-28T08:00:00+08:00"}
    leader = api.as_(LEADER)
    recorded = leader.post("/duties", json=turn)

    assert recorded.status_code == 201, recorded.text
    (listed,) = api.as_(HANDLER).get("/duties").json()["items"]
    assert (listed["username"], listed["may_cancel"]) == (HANDLER, False)
    assert leader.post("/duties", json=turn).json()["code"] == "duties_overlap"
    assert api.as_(HANDLER).post("/duties", json=turn).status_code == 403
    assert api.as_(f"handler-{HAIXI}").get("/duties").json()["items"] == [listed]
    assert api.as_("handler-630102").get("/duties").json()["items"] == []
    assert leader.post(f"/duties/{listed['id']}/cancel").status_code == 204
    assert leader.get("/duties").json()["items"] == []


def test_the_example_works(api: Api) -> None:
    operation = api.get("/openapi.json").json()["paths"]["/api/v1/duties"]["post"]
    (example,) = operation["requestBody"]["content"]["application/json"]["examples"].values()
    assert api.as_("admin1").post("/duties", json=example["value"]).status_code == 201
