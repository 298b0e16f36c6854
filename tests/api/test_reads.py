"""Queues, lists, clocks, explanations, the inbox and the breach report."""

import csv
import io

import openpyxl
import pytest

from service.notifications.models import Notice
from tests.api.clients import Api
from tests.desk import GOLMUD, HAIXI, Desk


def numbers(api: Api, path: str) -> list[str]:
    """All numbers of a paged list, page by page."""
    found: list[str] = []
    cursor = ""
    while True:
        page = api.get(path + cursor).json()
        found += [item["number"] for item in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_a_queue_is_paged_by_deadline_without_loss_while_tickets_arrive(api: Api, desk: Desk) -> None:
    for _ in range(5):
        desk.dispatched()
        desk.wait(days=1)
    handler = api.as_(f"handler-{GOLMUD}")
    whole = handler.get(f"/queues/{GOLMUD}?sort=due_at").json()

    first = handler.get(f"/queues/{GOLMUD}?limit=2").json()
    late = desk.dispatched()
    rest = numbers(handler, f"/queues/{GOLMUD}?limit=2&cursor={first['next_cursor']}")

    deadlines = [item["due_at"] for item in whole["items"]]
    assert deadlines == sorted(deadlines)
    assert whole["next_cursor"] is None
    assert [item["number"] for item in first["items"]] + rest == [item["number"] for item in whole["items"]] + [late]


def test_a_queue_holds_what_is_below_it_and_never_what_is_beside(api: Api, desk: Desk) -> None:
    county, sibling = desk.dispatched(GOLMUD), desk.dispatched("632802")
    city = api.as_(f"leader-{HAIXI}")

    assert set(numbers(city, f"/queues/{HAIXI}?limit=50")) == {county, sibling}
    assert numbers(city, f"/queues/{HAIXI}?own_only=true&limit=50") == []
    assert numbers(city, f"/queues/{GOLMUD}?state=to_sign&limit=50") == [county]
    assert numbers(city, f"/queues/{GOLMUD}?state=replied&limit=50") == []
    beside = api.as_(f"handler-{GOLMUD}").get("/queues/632802")
    nowhere = api.as_(f"handler-{GOLMUD}").get("/queues/632899")
    assert beside.status_code == nowhere.status_code == 404
    assert beside.json()["code"] == nowhere.json()["code"] == "queue_not_visible"


def test_a_list_is_filtered_and_stays_inside_ones_own_subtree(api: Api, desk: Desk) -> None:
    first = desk.dispatched(GOLMUD)
    desk.wait(days=3)
    second = desk.dispatched("632802", category_code="0103", urgent=True)
    city, county = api.as_(f"handler-{HAIXI}"), api.as_(f"handler-{GOLMUD}")

    assert numbers(city, "/tickets?limit=1") == [second, first]
    assert numbers(county, "/tickets?limit=10") == [first]
    assert numbers(city, "/tickets?category=0103") == [second]
    assert numbers(city, "/tickets?org=632802") == [second]
    assert numbers(city, "/tickets?received_to=2026-11-22") == [first]
    assert numbers(city, "/tickets?received_from=2026-11-23T09:00:00+08:00") == [second]
    assert numbers(city, "/tickets?state=to_sign&tier=difficult") == [second, first]
    assert numbers(city, f"/tickets?number={first}") == [first]
    assert numbers(county, f"/tickets?number={second}") == []


def test_lights_follow_the_clock(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    handler = api.as_(f"handler-{GOLMUD}")

    def light() -> str:
        return str(handler.get(f"/tickets/{number}").json()["light"])

    assert light() == "green"
    desk.go_to("2026-11-26 10:00")
    assert light() == "yellow"
    desk.go_to("2026-11-28 00:00")
    assert light() == "red"


def test_a_deadline_is_explained_day_by_day_in_both_languages(api: Api, desk: Desk) -> None:
    number = desk.accepted()
    explained = api.as_("agent1").get(f"/tickets/{number}/clocks/resolve/explain").json()

    assert explained["explanation"]["due_at"] == "2026-11-27T16:00:00+00:00"
    assert explained["explanation"]["lines"]
    assert explained["sentences_zh"]
    assert len(explained["sentences_en"]) == len(explained["sentences_zh"])
    assert api.as_("agent1").get(f"/tickets/{number}/clocks/sign/explain").json()["code"] == "clock_not_found"
    assert api.as_("agent1").get(f"/tickets/{number}/clocks/nonsense/explain").status_code == 422


def test_nobodys_number_or_name_is_in_any_answer(api: Api, desk: Desk) -> None:
    number = desk.closed(phone="13897005678", caller_name="马小明")
    supervisor = api.as_("supervisor1")
    paths = (f"/tickets/{number}", f"/tickets/{number}/timeline", f"/tickets/{number}/clocks", "/tickets?limit=50")

    for path in paths:
        answer = supervisor.get(path).text
        assert "13897005678" not in answer
        assert "马小明" not in answer


def test_the_inbox_shows_ones_own_notices_unread_first(api: Api, desk: Desk) -> None:
    with desk.application.unit() as unit:
        people = {row.username: row.id for row in desk.rows("select id, username from person")}
        for index, who in enumerate(["agent1", "agent1", "agent1", "agent2"]):
            unit.session.add(
                Notice(
                    person_id=people[who],
                    key=f"k{index}",
                    ticket_number=f"T{index}",
                    text_zh="请签收",
                    text_en="please sign",
                    created_at=unit.now,
                )
            )
    mine = api.as_("agent1")
    inbox = mine.get("/inbox").json()
    assert [item["ticket_number"] for item in inbox["items"]] == ["T2", "T1", "T0"]
    assert inbox["unread"] == 3
    assert inbox["items"][0]["text"] == {"zh": "请签收", "en": "please sign"}

    newest = inbox["items"][0]["id"]
    assert mine.post(f"/inbox/{newest}/read").status_code == 204
    read_at = mine.get("/inbox").json()["items"][-1]["read_at"]
    desk.wait(hours=1)
    assert mine.post(f"/inbox/{newest}/read").status_code == 204

    pages, cursor = [], ""
    for _ in range(3):
        page = mine.get(f"/inbox?limit=1{cursor}").json()
        pages += page["items"]
        cursor = f"&cursor={page['next_cursor']}"
    assert [item["ticket_number"] for item in pages] == ["T1", "T0", "T2"]
    assert pages[-1]["read_at"] == read_at
    assert page["next_cursor"] is None
    assert api.as_("agent2").post(f"/inbox/{newest}/read").json()["code"] == "notice_not_found"


def test_the_breach_report_comes_as_a_document_and_as_two_kinds_of_file(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-12-05 10:00")
    leader = api.as_(f"leader-{GOLMUD}")
    period = "/reports/breaches?from=2026-11-01&to=2026-12-05"

    report = leader.get(period).json()
    sheet = leader.get(f"{period}&format=csv")
    book = leader.get(f"{period}&format=xlsx&org={GOLMUD}")

    assert {row["number"] for row in report["rows"]} == {number}
    assert report["total"]["late"] == len(report["rows"])
    assert sheet.headers["content-type"] == "text/csv; charset=utf-8"
    assert "breaches-632801-2026-11-01-2026-12-05.csv" in sheet.headers["content-disposition"]
    assert sheet.content.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert lines.index([]) == len(report["rows"]) + 1
    assert dict(lines[lines.index([]) + 1 :])["条数"] == f"{len(report['rows'])}"
    sheets = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets
    assert sheets[0].max_row == len(report["rows"]) + 1
    assert ("导出人", f"leader-{GOLMUD} {GOLMUD}") in list(sheets[-1].values)
    taken = desk.rows("select actor_name, after from audit_event where action = 'person:report:export'")
    assert [(row.actor_name, row.after["rows"]) for row in taken] == [(f"leader-{GOLMUD}", len(report["rows"]))] * 2


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("?from=2026-11-01", 422),
        ("?from=2026-12-01&to=2026-11-01", 422),
        ("?from=1900-01-01&to=9998-12-31", 422),
        ("?from=1900-01-01&to=1900-02-01", 200),
        ("?from=9998-01-01&to=9998-02-01", 200),
        ("?from=0001-01-01&to=0001-02-01", 422),
        ("?from=1763596800&to=1763683200", 422),
        ("?from=2026-11-01&to=2026-12-01&org=999999", 404),
        ("?from=2026-11-01&to=2026-12-01&format=pdf", 422),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(shared_api: Api, query: str, status: int) -> None:
    response = shared_api.as_("supervisor1").get("/reports/breaches" + query)

    assert response.status_code == status, response.text
