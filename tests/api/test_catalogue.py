"""The dispatch catalogue over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD


def test_a_catalogue_is_published_read_and_followed(api: Api) -> None:
    admin = api.as_("admin1")
    assert admin.get("/dispatch-catalogue").json()["code"] == "no_catalogue"
    example = api.get("/openapi.json").json()["paths"]["/api/v1/dispatch-catalogue"]["post"]
    (body,) = example["requestBody"]["content"]["application/json"]["examples"].values()

    published = admin.post("/dispatch-catalogue", json=body["value"])
    assert published.status_code == 201, published.text
    assert admin.get("/dispatch-catalogue").json() == published.json()
    assist = api.as_("agent1").post("/intake/assist", json={"category_code": "0104", "place_code": GOLMUD})
    assert assist.json()["union"]["value"] == "632800"
    assert "派单目录" in assist.text


def test_a_faulty_catalogue_is_refused_with_its_lines(api: Api) -> None:
    body = {"text": "category,place,org\n0101,火星,632801\n", "reason": "试"}
    refused = api.as_("admin1").post("/dispatch-catalogue", json=body)

    assert (refused.status_code, refused.json()["code"]) == (422, "catalogue_refused")
    assert "第 2 行" in refused.json()["detail_zh"]


def test_who_keeps_no_rules_neither_reads_nor_publishes_it(api: Api) -> None:
    for who in ("agent1", "dispatcher1", "auditor1"):
        assert api.as_(who).get("/dispatch-catalogue").status_code == 403
