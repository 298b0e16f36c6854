"""The lawyers' queue over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk


def test_questions_are_listed_page_by_page_and_answered(api: Api, desk: Desk) -> None:
    numbers = [desk.in_progress() for _ in range(3)]
    for number in numbers:
        assert api.as_(f"handler-{GOLMUD}").step(number, "ask-consult", question="能否仲裁?").status_code == 200
        desk.wait(minutes=1)
    lawyer = api.as_("lawyer1")
    first = lawyer.get("/consults?limit=2").json()
    rest = lawyer.get(f"/consults?limit=2&cursor={first['next_cursor']}").json()

    assert [item["number"] for item in first["items"] + rest["items"]] == numbers
    assert first["items"][0]["org"]["zh"] == "格尔木市"
    assert lawyer.step(numbers[0], "answer-consult", answer="可以").status_code == 200
    assert [item["number"] for item in lawyer.get("/consults").json()["items"]] == numbers[1:]
    assert api.as_("agent1").get("/consults").status_code == 403
