"""Exclusions over the API: the list of what waits for one's word, and what became of a ticket's."""

from tests.api.clients import Api
from tests.api.stages import exclusion_asked
from tests.desk import GOLMUD, HAIXI, Desk


def test_what_waits_is_listed_page_by_page_until_it_is_decided(api: Api, desk: Desk) -> None:
    numbers = [exclusion_asked(desk) for _ in range(3)]
    supervisor, dispatcher = api.as_("supervisor1"), api.as_("dispatcher1")
    first = supervisor.get("/exclusions?limit=2").json()
    rest = supervisor.get(f"/exclusions?limit=2&cursor={first['next_cursor']}").json()
    assert [item["number"] for item in first["items"] + rest["items"]] == numbers
    assert supervisor.step(numbers[0], "support-exclusion").status_code == 200
    assert [item["number"] for item in supervisor.get("/exclusions").json()["items"]] == numbers[1:]
    refused = supervisor.step(numbers[0], "exclude")
    assert (refused.status_code, refused.json()["code"]) == (403, "decider_not_another")
    assert dispatcher.step(numbers[0], "exclude", note="同意").status_code == 200
    (item,) = dispatcher.get(f"/tickets/{numbers[0]}/exclusions").json()["items"]
    assert (item["about"], item["verdict"], item["asked_by"]) == ("rating", "granted", f"leader-{GOLMUD}")
    assert api.as_(f"leader-{HAIXI}").get("/exclusions").status_code == 403
    assert api.as_("handler-630102").get(f"/tickets/{numbers[0]}/exclusions").status_code == 404
