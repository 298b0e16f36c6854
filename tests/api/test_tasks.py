"""The queue of assisting unions over the API."""

from tests.api.clients import Api
from tests.desk import GOLMUD, Desk

DELINGHA = "632802"


def test_tasks_are_listed_page_by_page_to_the_union_that_has_them(api: Api, desk: Desk) -> None:
    numbers = [desk.in_progress() for _ in range(3)]
    for number in numbers:
        lead = api.as_(f"handler-{GOLMUD}")
        assert lead.step(number, "set-task", org_code=DELINGHA, ask="请核实工资表").status_code == 200
        desk.wait(minutes=1)
    helper = api.as_(f"handler-{DELINGHA}")
    first = helper.get("/tasks?limit=2").json()
    rest = helper.get(f"/tasks?limit=2&cursor={first['next_cursor']}").json()
    listed = first["items"] + rest["items"]

    assert [item["number"] for item in listed] == numbers
    assert (listed[0]["lead"]["zh"], listed[0]["task"]["org"]["zh"]) == ("格尔木市", "德令哈市")
    answered = helper.step(numbers[0], "answer-task", answer="已核实").json()
    assert answered["tasks"][0]["state"] == "answered"
    assert len(helper.get("/tasks").json()["items"]) == 2
    assert api.as_(f"handler-{GOLMUD}").get("/tasks").json()["items"] == []
    assert len(api.as_("dispatcher1").get("/tasks").json()["items"]) == 2
