"""Quality checks over the API: listed oldest first, judged, and shown to supervisors alone."""

from tests.api.clients import Api
from tests.api.stages import drawn_for_quality
from tests.desk import GOLMUD, Desk


def test_drawn_replies_are_listed_page_by_page_and_judged(api: Api, desk: Desk) -> None:
    supervisor = api.as_("supervisor1")
    numbers = [drawn_for_quality(desk) for _ in range(3)]
    first = supervisor.get("/quality-checks?limit=2").json()
    rest = supervisor.get(f"/quality-checks?limit=2&cursor={first['next_cursor']}").json()

    assert [item["number"] for item in first["items"] + rest["items"]] == numbers
    assert supervisor.step(numbers[0], "pass-quality").status_code == 200
    assert supervisor.step(numbers[1], "fail-quality", note="未附凭证").json()["cycle"] == 2
    assert [item["number"] for item in supervisor.get("/quality-checks").json()["items"]] == numbers[2:]
    assert api.as_(f"leader-{GOLMUD}").get("/quality-checks").status_code == 403
