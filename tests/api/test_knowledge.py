"""The knowledge base over the API."""

from typing import Any

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"


def example(api: Api, path: str) -> Any:
    operation = api.get("/openapi.json").json()["paths"][f"/api/v1{path}"]["post"]
    (one,) = operation["requestBody"]["content"]["application/json"]["examples"].values()
    return one["value"]


def test_an_article_lives(api: Api, desk: Desk) -> None:
    lawyer, handler = api.as_("lawyer1"), api.as_(HANDLER)
    published = lawyer.post("/articles", json=example(api, "/articles"))
    assert published.status_code == 201, published.text
    article = published.json()["id"]
    number = desk.in_progress(category_code="0103")

    assert [item["id"] for item in handler.get("/articles?q=加班费").json()["items"]] == [article]
    assert [item["id"] for item in handler.get(f"/tickets/{number}/articles").json()["suggested"]] == [article]
    used = handler.post(f"/tickets/{number}/articles", json={"article_ids": [article]})
    assert used.status_code == 204, used.text
    (use,) = handler.get(f"/tickets/{number}/articles").json()["used"]
    assert (use["id"], use["version"]) == (article, 1)
    revised = {**example(api, "/articles/{article_id}/versions"), "title": "加班费"}
    assert lawyer.post(f"/articles/{article}/versions", json=revised).status_code == 201
    now = handler.get(f"/articles/{article}").json()
    assert (now["title"], now["uses"], len(now["versions"])) == ("加班费", 1, 2)
    assert lawyer.post(f"/articles/{article}/withdraw").status_code == 204
    assert handler.get("/articles").json()["items"] == []


def test_who_handles_tickets_reads_and_only_writers_write(api: Api) -> None:
    body = example(api, "/articles")
    for who, reads, writes in (
        ("agent1", 200, 403),
        (HANDLER, 200, 403),
        ("supervisor1", 200, 201),
        ("admin1", 200, 201),
        ("auditor1", 403, 403),
    ):
        assert api.as_(who).get("/articles").status_code == reads, who
        assert api.as_(who).post("/articles", json=body).status_code == writes, who


def test_an_article_that_is_not_there_is_not_found(api: Api) -> None:
    assert api.as_("agent1").get("/articles/4711").json()["code"] == "article_not_found"
    assert api.as_("lawyer1").post("/articles/4711/withdraw").status_code == 404
