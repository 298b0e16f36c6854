"""Supervisions over the API: listed by date, answered, reviewed."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk


def test_supervisions_are_listed_page_by_page_until_they_end(api: Api, desk: Desk) -> None:
    supervisor, handler = api.as_("supervisor1"), api.as_(f"handler-{GOLMUD}")
    numbers = [desk.in_progress() for _ in range(3)]
    for number in numbers:
        assert supervisor.step(number, "supervise", note="请报告进展").status_code == 200
        desk.wait(days=1)
    first = handler.get("/supervisions?limit=2").json()
    rest = handler.get(f"/supervisions?limit=2&cursor={first['next_cursor']}").json()

    assert [item["number"] for item in first["items"] + rest["items"]] == numbers
    assert first["items"][0]["instruction"] == "请报告进展"
    assert handler.step(numbers[0], "answer-supervision", text="已约谈").status_code == 200
    assert supervisor.get("/supervisions").json()["items"][0]["answered_at"] is not None
    assert supervisor.step(numbers[0], "close-supervision").status_code == 200
    assert [item["number"] for item in supervisor.get("/supervisions").json()["items"]] == numbers[1:]
    assert api.as_("handler-630102").get("/supervisions").json()["items"] == []
    assert api.as_("auditor1").get("/supervisions").status_code == 403
