"""A sealed value that does not open, because its key is gone or somebody altered it, is shown as such and named to
operators; it stands in nobody's way, and nobody is answered 500."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from service.api.login_door import LoginDoor
from service.checks import run_checks
from service.core.unreadable import UNREADABLE
from service.identity.errors import SecondFactorUnreadable
from service.identity.second_factors import SecondFactorLost, remove_second_factor
from service.tickets.confidentiality import Confidentiality
from tests.api.clients import Api
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, Desk
from tests.identity.test_login_door import door
from tests.identity.test_second_factor import now_code, set_up

HANDLER, REASON = f"handler-{GOLMUD}", {"reason": "首次联系"}
TOLD = {"id_number": "630102199001011235", "address": "青海省西宁市城西区昆仑路12号3单元", "caller_name": "马小明"}


def spoil(desk: Desk, *places: str) -> None:
    """Alter one byte of every value in these places, as a disk or a hand in the database does."""
    with desk.by_hand() as owner:
        for place in places:
            table, _, column = place.partition(".")
            owner.execute(text(f"update {table} set {column} = set_byte({column}, 20, get_byte({column}, 20) # 1)"))  # noqa: S608


def counted(place: str) -> float:
    return REGISTRY.get_sample_value("hotline_sealed_unreadable_total", {"place": place}) or 0.0


def checked(desk: Desk) -> tuple[str, ...]:
    with desk.application.reading() as unit:
        return next(each for each in run_checks(unit, tick=5) if each.name == "what_is_sealed_opens").examples


def at_the_door(desk: Desk) -> LoginDoor:
    return door(desk.application)


def test_a_login_whose_secret_does_not_open_is_told_what_to_do_and_a_recovery_code_opens(api: Api, desk: Desk) -> None:
    secret, codes = set_up(desk, "agent1")
    spoil(desk, "second_factor.secret_sealed")
    before = counted("second_factor.secret_sealed")
    form = {"username": "agent1", "password": PASSWORD, "otp": now_code(desk, secret)}
    refused = api.post("/auth/token", data=form)

    assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_unreadable")
    assert "管理员重置" in refused.json()["detail_zh"]
    assert "administrator" in refused.json()["detail_en"]
    assert counted("second_factor.secret_sealed") == before + 1
    assert checked(desk) == (f"second_factor.secret_sealed {person(desk, 'agent1')}",)
    with pytest.raises(SecondFactorUnreadable):
        at_the_door(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret))
    assert at_the_door(desk).log_in("agent1", PASSWORD, code=codes[0]).actor.name == "agent1"
    with desk.application.unit() as unit:
        unit.actor = at_the_door(desk).log_in("agent1", PASSWORD, code=codes[1]).actor
        with pytest.raises(SecondFactorLost):
            remove_second_factor(unit, now_code(desk, secret), compulsory=frozenset())


def person(desk: Desk, username: str) -> int:
    (row,) = desk.rows("select id from person where username = :name", name=username)
    return int(row.id)


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("caller.phone_sealed", {"name", "id_number", "address"}),
        ("caller.name_sealed", {"phone", "id_number", "address"}),
        ("caller.id_number_sealed", {"name", "phone", "address"}),
        ("caller.address_sealed", {"name", "phone", "id_number"}),
        ("concealed_number.clear_sealed", {"name", "phone", "id_number", "address"}),
    ],
)
def test_of_a_caller_is_shown_what_opens(api: Api, desk: Desk, place: str, left: set[str]) -> None:
    number = desk.in_progress(**TOLD, body="包工头电话13909715678")
    spoil(desk, place)
    handler = api.as_(HANDLER)

    shown = handler.get(f"/tickets/{number}")
    assert shown.status_code == 200, shown.text
    assert shown.json()["caller_name"] == ("马**" if "name" in left else UNREADABLE)
    seen = handler.post(f"/tickets/{number}/reveal", json=REASON)
    assert seen.status_code == 200, seen.text
    found = seen.json()
    assert {name for name in ("name", "phone", "id_number", "address") if found[name] != UNREADABLE} == left
    assert (found["numbers"][0]["clear"] == UNREADABLE) == place.startswith("concealed")
    assert handler.step(number, "note", note="已联系13909715678").status_code == 200
    for kind in ("json", "html"):
        taken = api.as_("supervisor1").post(f"/tickets/{number}/person-file", json={"format": kind, **REASON})
        assert taken.status_code < 500, taken.text
    assert any(place in each for each in checked(desk))


def test_what_can_not_be_done_without_the_value_is_refused_in_words(api: Api, desk: Desk) -> None:
    number = desk.in_progress(**TOLD, confidentiality=Confidentiality.from_unions)
    spoil(desk, "caller.phone_sealed")

    refused = api.as_(HANDLER).step(number, "note", note="马小明在电话里说")

    assert (refused.status_code, refused.json()["code"]) == (503, "caller_unreadable")
    assert "马" not in str(desk.rows("select note from ticket_event"))


def test_a_query_code_that_does_not_open_is_no_code(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    spoil(desk, "ticket.query_code_sealed")

    for code in ("UNREADABLE", UNREADABLE, "ABCD2345"):
        found = api.post("/worker/access/number", json={"number": number, "query_code": code})
        assert found.status_code in {404, 422}, found.text
