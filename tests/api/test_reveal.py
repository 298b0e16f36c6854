"""Who called, through the API: with a reason, to those who have to ring back, and to nobody else."""

import pytest

from tests.api.clients import Api
from tests.desk import GOLMUD, HAIXI, Desk

REASON = {"reason": "首次联系"}


def test_the_handler_gets_the_number_and_the_timeline_shows_that_he_looked(api: Api, desk: Desk) -> None:
    number = desk.in_progress()

    seen = api.as_(f"handler-{GOLMUD}").post(f"/tickets/{number}/reveal", json=REASON)

    assert seen.status_code == 200
    assert seen.json() == {"number": number, "name": "马小明", "phone": "13897001234"}
    timeline = api.as_("supervisor1").get(f"/tickets/{number}/timeline").json()["items"]
    assert (timeline[-1]["kind"], timeline[-1]["note"]) == ("caller:revealed", "首次联系")


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("agent1", 200),
        ("handler-632802", 404),
        (f"handler-{HAIXI}", 403),
        (f"leader-{GOLMUD}", 403),
        ("supervisor1", 403),
        ("admin1", 403),
    ],
)
def test_who_may_see_a_caller(api: Api, desk: Desk, who: str, status: int) -> None:
    number = desk.in_progress()

    seen = api.as_(who).post(f"/tickets/{number}/reveal", json=REASON)

    assert seen.status_code == status, seen.text
    assert ("13897001234" in seen.text) == (status == 200)


def test_without_a_reason_nothing_is_shown(api: Api, desk: Desk) -> None:
    number = desk.in_progress()

    for body in ({}, {"reason": ""}, {"reason": "   "}):
        assert api.as_(f"handler-{GOLMUD}").post(f"/tickets/{number}/reveal", json=body).status_code == 422
