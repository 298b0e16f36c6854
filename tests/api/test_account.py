"""One's own logins and password over the API."""

from typing import Any

import pyotp
import pytest

from tests.api.clients import Api
from tests.conftest import PASSWORD
from tests.desk import Desk

ANOTHER = "vulture sandal moss"


def come_in(api: Api, username: str = "agent1", password: str = PASSWORD) -> Api:
    answer = api.post(
        "/auth/token", data={"username": username, "password": password}, headers={"User-Agent": "script/1"}
    )
    assert answer.status_code == 200, answer.text
    return api.with_token(answer.json()["access_token"])


def logins(who: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = who.get("/me/logins").json()["items"]
    return items


def test_ones_logins_say_from_where_and_are_ended_one_by_one_or_together(api: Api) -> None:
    here, there, elsewhere = come_in(api), come_in(api), come_in(api)
    listed = logins(here)

    assert {(view["address"], view["agent"]) for view in listed} == {("127.0.0.1", "script/1")}
    assert sum(view["present"] for view in listed) == 1
    (other,) = [view for view in logins(there) if view["present"]]
    assert here.post(f"/me/logins/{other['id']}/end").status_code == 204
    assert there.get("/me").status_code == 401
    assert here.post(f"/me/logins/{other['id']}/end").status_code == 404
    assert here.post("/me/logins/end-others").json() == {"ended": 1}
    assert elsewhere.get("/me").status_code == 401
    assert len(logins(here)) == 1


def test_a_login_of_another_can_not_be_ended_by_its_number(api: Api) -> None:
    theirs = come_in(api, "agent2")
    (login,) = logins(theirs)

    assert come_in(api).post(f"/me/logins/{login['id']}/end").status_code == 404
    assert theirs.get("/me").status_code == 200


def test_the_password_is_changed_by_who_knows_it(api: Api) -> None:
    me = come_in(api)
    refused = me.post("/me/password", json={"present": PASSWORD, "new": "password12345"})
    assert (refused.status_code, refused.json()["code"]) == (422, "password_known")
    wrong = me.post("/me/password", json={"present": ANOTHER, "new": ANOTHER})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_not_right")
    assert me.post("/me/password", json={"present": PASSWORD, "new": ANOTHER}).status_code == 204

    assert come_in(api, password=ANOTHER).get("/me").status_code == 200
    assert me.get("/me").status_code == 200


def test_a_login_left_open_is_no_way_to_guess_the_password(api: Api) -> None:
    me = come_in(api)
    answers = [me.post("/me/password", json={"present": f"{n}", "new": ANOTHER}).status_code for n in range(12)]

    assert answers == [422] * 10 + [429] * 2


def test_a_given_password_opens_its_own_change_alone(api: Api, desk: Desk) -> None:
    from sqlalchemy import text

    with desk.application.unit() as unit:
        unit.session.execute(
            text("update person set password_given_at = :now where username = 'agent1'"), {"now": unit.now}
        )
    me = come_in(api)
    for path in ("/me", "/me/logins", "/tickets", "/inbox"):
        refused = me.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "password_to_be_changed"), path
    assert me.post("/me/password", json={"present": PASSWORD, "new": ANOTHER}).status_code == 204
    assert me.get("/me").status_code == 200


def test_the_last_use_is_noted_after_the_answer_and_not_each_time(api: Api, desk: Desk) -> None:
    me = come_in(api)
    assert me.get("/me").status_code == 200
    assert desk.rows("select used_at from login_token")[0].used_at is None
    desk.wait(minutes=4)
    assert me.get("/me").status_code == 200
    assert desk.rows("select used_at from login_token")[0].used_at == desk.clock.now()


def test_a_login_that_is_not_used_for_two_hours_ends(api: Api, desk: Desk) -> None:
    me = come_in(api)
    desk.wait(minutes=110)
    assert me.get("/me").status_code == 200
    desk.wait(minutes=110)
    assert me.get("/me").status_code == 200
    desk.wait(minutes=121)
    assert me.get("/me").status_code == 401


def test_a_second_factor_is_set_up_and_then_asked_for_after_the_right_password(api: Api, desk: Desk) -> None:
    me = come_in(api)
    setup = me.post("/me/second-factor/begin").json()
    totp = pyotp.TOTP(setup["secret"])
    assert setup["uri"].startswith("otpauth://totp/12351:agent1?secret=")
    wrong = me.post("/me/second-factor/confirm", json={"otp": "000000"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_not_right")
    codes = me.post("/me/second-factor/confirm", json={"otp": totp.at(desk.clock.now())}).json()["codes"]
    assert me.get("/me/second-factor").json() == {
        "confirmed_at": desk.clock.now().isoformat().replace("+00:00", "Z"),
        "codes_left": 10,
        "compulsory": False,
    }
    desk.wait(seconds=30)

    form = {"username": "agent1", "password": PASSWORD}
    needed = api.post("/auth/token", data=form)
    assert (needed.status_code, needed.json()["code"]) == (401, "second_factor_needed")
    assert "proof" not in needed.text
    assert api.post("/auth/token", data={**form, "password": "wrong"}).json()["code"] == "login_failed"
    assert api.post("/auth/token", data={**form, "otp": "000000"}).json()["code"] == "second_factor_wrong"
    assert api.post("/auth/token", data={**form, "otp": totp.at(desk.clock.now())}).status_code == 200
    assert api.post("/auth/token", data={**form, "otp": codes[0]}).status_code == 200


def test_who_must_have_a_second_factor_is_told_so_by_every_address(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.application.settings, "second_factor_roles", "admin")
    admin = come_in(api, "admin1")
    refused = admin.get("/people")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_to_be_set")
    assert admin.get("/me/second-factor").json()["compulsory"] is True
