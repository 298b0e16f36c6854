"""Who called, through the API: with a reason, to those who have to ring back, and to nobody else."""

import pytest

from tests.api.clients import Api
from tests.api.test_life import WAGES
from tests.desk import GOLMUD, HAIXI, Desk

REASON = {"reason": "首次联系"}


def test_the_handler_gets_the_number_and_the_timeline_shows_that_he_looked(api: Api, desk: Desk) -> None:
    number = desk.in_progress()

    seen = api.as_(f"handler-{GOLMUD}").post(f"/tickets/{number}/reveal", json=REASON)

    assert seen.status_code == 200
    assert seen.json() == {
        "number": number,
        "name": "马小明",
        "phone": "13897001234",
        "id_number": None,
        "address": None,
        "numbers": [],
    }
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


def test_what_the_matter_needs_stands_apart_and_opens_with_the_caller(api: Api, desk: Desk) -> None:
    told = {"id_number": "630102 19900101 1235", "address": "青海省西宁市城西区昆仑路12号3单元"}
    body = "马小明(630102199001011235,住昆仑路12号3单元)说:包工头电话139 0971 5678,证人13700001111"
    number = desk.in_progress(**told, body=body)
    handler = api.as_(f"handler-{GOLMUD}")

    shown = handler.get(f"/tickets/{number}").json()["body"]
    assert shown == "马**(6301************35,住***)说:包工头电话139****5678,证人137****1111"
    seen = handler.post(f"/tickets/{number}/reveal", json=REASON).json()
    assert (seen["id_number"], seen["address"]) == ("630102199001011235", told["address"])
    assert {each["masked"]: each["clear"] for each in seen["numbers"]} == {
        "139****5678": "13909715678",
        "137****1111": "13700001111",
    }


def test_a_number_in_the_texts_of_an_anonymous_matter_can_be_seen_for_a_reason(api: Api, desk: Desk) -> None:
    number = desk.in_progress(phone=None, caller_name=None, anonymous=True, body="请联系工地安全员13700001111")

    seen = api.as_(f"handler-{GOLMUD}").post(f"/tickets/{number}/reveal", json=REASON).json()

    assert (seen["name"], seen["phone"], seen["numbers"]) == (
        None,
        None,
        [{"masked": "137****1111", "clear": "13700001111"}],
    )


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"id_number": "630102199001011230"}, "id_number_unreadable"),
        ({"id_number": "123"}, "id_number_unreadable"),
        ({"phone": None, "address": "昆仑路12号"}, "caller_has_no_phone"),
    ],
)
def test_what_can_not_be_kept_of_a_caller_is_refused_in_a_sentence(
    api: Api, told: dict[str, str | None], code: str
) -> None:
    refused = api.as_("agent1").post("/tickets", json={**WAGES, **told})

    assert (refused.status_code, refused.json()["code"]) == (422, code)
