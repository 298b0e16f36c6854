"""Finding over the API: kept searches, one step on many tickets, and files that hold what the screen shows."""

import csv
import io
from typing import Any

import openpyxl
import pytest

from service.api.schemas.finding import FoundTickets
from tests.api.clients import Api
from tests.desk import GOLMUD, HAIXI, Desk

SIBLING = "632802"
BOM = "\ufeff"


def chosen(*numbers: str) -> list[dict[str, Any]]:
    return [{"number": number} for number in numbers]


def rows_of(content: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.removeprefix(BOM).split("\r\n\r\n")[0])))


def test_a_hit_comes_with_the_place_where_it_was_found(api: Api, desk: Desk) -> None:
    number = desk.accepted(title="工资", body="在<i>盐湖</i>工区")
    answer = api.as_("agent1").get("/tickets", params={"q": "盐湖"})
    page = FoundTickets.model_validate_json(answer.content, extra="forbid")

    assert [(hit.number, hit.excerpt and hit.excerpt.field) for hit in page.items] == [(number, "body")]
    assert [part["text"] for part in answer.json()["items"][0]["excerpt"]["parts"] if part["hit"]] == ["盐湖"]
    assert (page.total, page.more) == (1, False)


@pytest.mark.parametrize(
    "query",
    ["q=" + "长" * 201, "state=lost", "phone_last4=12", "people_from=0", "late=perhaps", "no_such=1", "cursor=x"],
)
def test_what_is_asked_wrongly_is_told(shared_api: Api, query: str) -> None:
    refused = shared_api.as_("agent1").get(f"/tickets?q=工资&{query}" if query[:2] != "q=" else f"/tickets?{query}")

    assert refused.status_code == 422
    assert refused.json()["detail_zh"]


def test_a_search_is_kept_shared_changed_and_forgotten(api: Api) -> None:
    owner, colleague = api.as_(f"handler-{GOLMUD}"), api.as_(f"leader-{GOLMUD}")
    body = {"name": "欠薪", "filters": {"q": "拖欠工资", "received_from": "2026-11-01"}}
    kept = owner.post("/views", json=body)
    assert kept.status_code == 201
    view = kept.json()
    assert owner.get("/tickets", params=view["filters"]).status_code == 200
    assert colleague.get("/views").json()["items"] == []

    path = f"/views/{view['id']}"
    assert owner.post("/views", json=body).json()["code"] == "view_name_taken"
    assert owner.request("PUT", path, json={**body, "shared": True}).json()["shared"] is True
    assert [(each["name"], each["own"]) for each in colleague.get("/views").json()["items"]] == [("欠薪", False)]
    for other in (colleague, api.as_(f"handler-{SIBLING}"), api.as_("supervisor1")):
        assert other.request("PUT", path, json=body).status_code == 404
        assert other.request("DELETE", path).status_code == 404
    assert api.as_(f"handler-{SIBLING}").get("/views").json()["items"] == []
    assert owner.request("DELETE", path).status_code == 204
    assert owner.get("/views").json()["items"] == []


def test_a_phone_is_not_kept(api: Api) -> None:
    refused = api.as_("agent1").post("/views", json={"name": "某人", "filters": {"phone_last4": "1234"}})

    assert refused.json()["code"] == "phone_not_kept"


def test_each_ticket_of_many_is_judged_by_itself(api: Api, desk: Desk) -> None:
    first, second = desk.accepted(), desk.accepted()
    ended, stale = desk.closed(), desk.accepted()
    tickets = [*chosen(first, ended, "QH12351-20261120-999999", second), {"number": stale, "version": 1}]
    answer = api.as_("dispatcher1").post("/tickets/bulk/dispatch", json={"tickets": tickets, "org_code": GOLMUD})

    assert answer.status_code == 200
    assert [item["number"] for item in answer.json()["items"]] == [ticket["number"] for ticket in tickets]
    codes = [
        item["refused"] and (item["refused"]["status"], item["refused"]["code"]) for item in answer.json()["items"]
    ]
    assert codes == [
        None, (409, "step_not_possible"), (404, "ticket_not_found"), None, (409, "ticket_changed_meanwhile")
    ]  # fmt: skip
    assert (answer.json()["done"], answer.json()["refused"]) == (2, 3)
    assert {desk.ticket(number).holder_code for number in (first, second)} == {GOLMUD}
    assert len(desk.rows("select from ticket_event where kind = 'ticket:dispatched'")) == 3


def test_a_step_is_no_easier_for_many_than_for_one(api: Api, desk: Desk) -> None:
    mine, sibling = desk.in_progress(GOLMUD), desk.in_progress(SIBLING)
    urge = {"tickets": chosen(mine, sibling), "note": "请抓紧"}
    assert api.as_(f"handler-{GOLMUD}").post("/tickets/bulk/urge", json=urge).status_code == 403
    dispatch = {"tickets": chosen(mine), "org_code": HAIXI}
    assert api.as_("agent1").post("/tickets/bulk/dispatch", json=dispatch).status_code == 403

    urged = api.as_("supervisor1").post("/tickets/bulk/urge", json=urge).json()
    assert urged["done"] == 2
    assert len(desk.rows("select from ticket_event where kind = 'ticket:urged'")) == 2
    many = {"tickets": chosen(*(f"QH12351-20261120-{n:06d}" for n in range(201))), "note": "x"}
    assert api.as_("supervisor1").post("/tickets/bulk/urge", json=many).status_code == 422


def test_a_file_holds_what_the_screen_shows_without_who_called(api: Api, desk: Desk) -> None:
    """chatwoot#11057"""
    for each in range(3):
        desk.in_progress(title=f"=拖欠{each} 联系13897001234", urgent=each == 1)
    desk.in_progress(SIBLING, title="拖欠别处")
    leader = api.as_(f"leader-{GOLMUD}")
    for filters in ({"q": "拖欠"}, {"q": '"拖欠1"'}, {"urgent": True}, {"q": "没有的词"}, {}):
        shown = [item["number"] for item in leader.get("/tickets", params=filters).json()["items"]]
        body = {"format": "csv", "reason": "核对", "filters": filters}
        file = leader.post("/tickets/bulk/export", json=body)
        assert sorted(row["工单号"] for row in rows_of(file.text)) == sorted(shown), filters

    everything = leader.post(
        "/tickets/bulk/export", json={"format": "csv", "reason": "核对", "filters": {"q": "拖欠"}}
    ).text
    assert "马小明" not in everything
    assert "13897001234" not in everything
    assert "138****1234" in everything
    assert all(row["标题"].startswith("'=") for row in rows_of(everything))


def test_a_file_says_who_took_it_when_and_why_and_so_does_the_audit(api: Api, desk: Desk) -> None:
    number, other = desk.in_progress(), desk.in_progress()
    body = {"format": "xlsx", "reason": "三季度专项核对", "filters": {"q": "拖欠"}, "numbers": [number]}
    file = api.as_("supervisor1").post("/tickets/bulk/export", json=body)

    book = openpyxl.load_workbook(io.BytesIO(file.content))
    assert [row[0] for row in book["工单"].iter_rows(min_row=2, values_only=True)] == [number]
    about = dict(book["说明"].iter_rows(values_only=True))
    assert about["导出人"] == "supervisor1 630000"
    assert about["导出理由"] == "三季度专项核对"
    assert about["导出时间 (+08:00)"] == "2026-11-20 09:00"
    (row,) = desk.rows("select actor_name, subject, after from audit_event where action = 'person:ticket:export'")
    assert (row.actor_name, row.subject, row.after["reason"]) == ("supervisor1", "1", "三季度专项核对")
    assert row.after["query"] == {"q": ["拖欠"]}
    assert other not in file.text

    assert api.as_(f"handler-{GOLMUD}").post("/tickets/bulk/export", json=body).status_code == 403
    assert api.as_("supervisor1").post("/tickets/bulk/export", json={**body, "reason": " "}).status_code == 422


def test_a_sibling_union_meets_nothing_of_anothers(api: Api, desk: Desk) -> None:
    number = desk.in_progress(GOLMUD, title="格尔木独有")
    sibling = api.as_(f"leader-{SIBLING}")

    assert sibling.get("/tickets", params={"q": "格尔木独有"}).json()["total"] == 0
    body = {"format": "csv", "reason": "核对", "numbers": [number]}
    assert rows_of(sibling.post("/tickets/bulk/export", json=body).text) == []
