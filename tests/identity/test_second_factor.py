"""The second factor: set up, asked for after the right password, taken once, and reset when the device is lost."""

import pyotp
import pytest

from service.api.login_door import LoginDoor
from service.bootstrap import Application, build
from service.core.settings import Settings, SettingsMissing
from service.identity.errors import (
    LoginFailed,
    LoginLocked,
    NotLoggedIn,
    SecondFactorNeeded,
    SecondFactorToBeSet,
    SecondFactorWrong,
)
from service.identity.keeping import NotOneself
from service.identity.logins import PROOF_LASTS
from service.identity.people import actor_of_token, holder_of_token
from service.identity.second_factors import (
    CodeNotRight,
    SecondFactorCompulsory,
    SecondFactorNotBegun,
    SecondFactorThere,
    begin_second_factor,
    confirm_second_factor,
    own_second_factor,
    remove_second_factor,
    renew_recovery_codes,
    setup_under_way,
)
from service.notifications.account_notices import reset_second_factor_and_tell
from tests.conftest import PASSWORD, settings_for
from tests.desk import Desk
from tests.identity.test_login_door import door

Codes = tuple[str, ...]


def now_code(desk: Desk, secret: str, *, off: int = 0) -> str:
    return pyotp.TOTP(secret).at(int(desk.clock.now().timestamp()) + 30 * off)


@pytest.fixture
def secret(desk: Desk) -> str:
    """agent1's authenticator, in use; the code it was confirmed with is of half a minute ago."""
    made, _ = set_up(desk, "agent1")
    return made


def set_up(desk: Desk, username: str) -> tuple[str, Codes]:
    with desk.application.unit() as unit:
        unit.actor = door_of(desk).log_in(username, PASSWORD).actor
        setup = begin_second_factor(unit)
        codes = confirm_second_factor(unit, now_code(desk, setup.secret))
    desk.wait(seconds=30)
    return setup.secret, codes


def door_of(desk: Desk, address: str = "192.0.2.7") -> LoginDoor:
    return door(desk.application, address)


def test_it_is_asked_for_after_the_right_password_alone(desk: Desk, secret: str) -> None:
    with pytest.raises(SecondFactorNeeded):
        door_of(desk).log_in("agent1", PASSWORD)
    with pytest.raises(LoginFailed) as caught:
        door_of(desk).log_in("agent1", "not the password", code=now_code(desk, secret))
    assert type(caught.value) is LoginFailed

    assert door_of(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret)).actor.name == "agent1"


def test_a_code_opens_once_and_half_a_minute_early_or_late(desk: Desk, secret: str) -> None:
    code = now_code(desk, secret)
    door_of(desk).log_in("agent1", PASSWORD, code=code)
    for replayed in (code, now_code(desk, secret, off=-1)):
        with pytest.raises(SecondFactorWrong):
            door_of(desk).log_in("agent1", PASSWORD, code=replayed)
    assert door_of(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret, off=1))

    desk.wait(minutes=5)
    assert door_of(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret, off=-1))
    for far in (-2, 2):
        with pytest.raises(SecondFactorWrong):
            door_of(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret, off=far))


@pytest.mark.parametrize("code", ["000000", "12345", "abc", "１２３４５６", "x" * 64, "'; drop table person"])
def test_what_is_no_code_opens_nothing(desk: Desk, secret: str, code: str) -> None:
    with pytest.raises(SecondFactorWrong):
        door_of(desk).log_in("agent1", PASSWORD, code=code)


def test_a_recovery_code_stands_in_once(desk: Desk) -> None:
    _, codes = set_up(desk, "agent1")
    assert len(set(codes)) == 10
    assert door_of(desk).log_in("agent1", PASSWORD, code=f" {codes[3].upper()} ")
    with pytest.raises(SecondFactorWrong):
        door_of(desk).log_in("agent1", PASSWORD, code=codes[3])

    dump = str(desk.rows("select digest from recovery_code"))
    assert not any(code in dump or code.replace("-", "") in dump for code in codes)
    login = door_of(desk).log_in("agent1", PASSWORD, code=codes[4])
    with desk.application.unit(login.actor) as unit:
        assert own_second_factor(unit).codes_left == 8
        renewed = renew_recovery_codes(unit, codes[5])
    with pytest.raises(SecondFactorWrong):
        door_of(desk).log_in("agent1", PASSWORD, code=codes[6])
    assert door_of(desk).log_in("agent1", PASSWORD, code=renewed[0])


def test_the_secret_is_sealed(desk: Desk, secret: str) -> None:
    (row,) = desk.rows("select secret_sealed from second_factor")
    assert secret.encode() not in row.secret_sealed


def test_codes_are_not_guessed_even_from_many_networks_with_the_right_password(desk: Desk, secret: str) -> None:
    looked_at = 0
    for number in range(15):
        try:
            door_of(desk, f"198.51.100.{number}").log_in("agent1", PASSWORD, code="000000")
        except SecondFactorWrong:
            looked_at += 1
        except LoginLocked:
            pass
    assert looked_at == 10


def test_a_proof_of_the_password_is_good_for_five_minutes_and_with_a_code_alone(desk: Desk, secret: str) -> None:
    with pytest.raises(SecondFactorNeeded) as caught:
        door_of(desk).log_in("agent1", PASSWORD)
    proof = str(caught.value.facts["proof"])
    assert PASSWORD not in proof

    with pytest.raises(SecondFactorNeeded):
        door_of(desk).log_in("agent1", "", proof=proof)
    with pytest.raises(LoginFailed):
        door_of(desk).log_in("agent2", "", proof=proof, code=now_code(desk, secret))
    assert door_of(desk).log_in("agent1", "", proof=proof, code=now_code(desk, secret))
    desk.wait(seconds=PROOF_LASTS.total_seconds())
    for spent in (proof, "none", "é", proof[:-4]):
        with pytest.raises(LoginFailed) as refused:
            door_of(desk).log_in("agent1", "", proof=spent, code=now_code(desk, secret))
        assert type(refused.value) is LoginFailed


def test_setting_it_up_is_confirmed_by_a_code_and_ends_the_other_logins(desk: Desk) -> None:
    there, here = door_of(desk).log_in("agent1", PASSWORD), door_of(desk).log_in("agent1", PASSWORD)
    with desk.application.unit(here.actor) as unit:
        with pytest.raises(SecondFactorNotBegun):
            confirm_second_factor(unit, "123456")
        first, again = begin_second_factor(unit), begin_second_factor(unit)
        assert first.secret != again.secret
        assert setup_under_way(unit) == again
        with pytest.raises(CodeNotRight):
            confirm_second_factor(unit, now_code(desk, first.secret))
    assert door_of(desk).log_in("agent1", PASSWORD), "what is not confirmed is not asked for"
    with desk.application.unit(here.actor) as unit:
        confirm_second_factor(unit, now_code(desk, again.secret))
        assert actor_of_token(unit, here.token)
        with pytest.raises(NotLoggedIn):
            actor_of_token(unit, there.token)
        with pytest.raises(SecondFactorThere):
            begin_second_factor(unit)
        with pytest.raises(SecondFactorNotBegun):
            setup_under_way(unit)


def test_who_must_have_one_can_do_nothing_else_until_it_is_set(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.application.settings, "second_factor_roles", "supervisor, admin")
    assert door_of(desk).log_in("agent1", PASSWORD)
    login = door_of(desk).log_in("supervisor1", PASSWORD)
    with desk.application.unit() as unit:
        with pytest.raises(SecondFactorToBeSet):
            actor_of_token(unit, login.token)
        unit.actor = holder_of_token(unit, login.token)
        setup = begin_second_factor(unit)
        codes = confirm_second_factor(unit, now_code(desk, setup.secret))
        assert actor_of_token(unit, login.token)
        with pytest.raises(SecondFactorCompulsory):
            remove_second_factor(unit, codes[0], compulsory=desk.application.settings.second_factor_required)


def test_who_need_not_have_one_does_without_it_again(desk: Desk, secret: str) -> None:
    login = door_of(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret))
    with desk.application.unit(login.actor) as unit:
        with pytest.raises(CodeNotRight):
            remove_second_factor(unit, "000000", compulsory=frozenset({"admin"}))
        remove_second_factor(unit, now_code(desk, secret, off=1), compulsory=frozenset({"admin"}))
    assert door_of(desk).log_in("agent1", PASSWORD)
    assert desk.rows("select 1 from recovery_code") == []


def test_an_administrator_resets_a_lost_one_and_its_owner_is_told(desk: Desk, secret: str) -> None:
    login = door_of(desk).log_in("agent1", PASSWORD, code=now_code(desk, secret))
    desk.do("admin1", reset_second_factor_and_tell, "agent1")

    with desk.application.unit() as unit, pytest.raises(NotLoggedIn):
        actor_of_token(unit, login.token)
    assert door_of(desk).log_in("agent1", PASSWORD)
    (told,) = desk.rows("select payload from outbox_message where payload ->> 'text_en' like '%second factor%'")
    assert told.payload["person_id"] == login.actor.id
    events = desk.rows("select actor_name, after from audit_event where action = 'person:person:second-factor'")
    assert [(row.actor_name, row.after) for row in events] == [("agent1", {"set": True}), ("admin1", {"set": False})]
    with pytest.raises(SecondFactorNotBegun):
        desk.do("admin1", reset_second_factor_and_tell, "agent1")
    with pytest.raises(NotOneself):
        desk.do("admin1", reset_second_factor_and_tell, "admin1")


@pytest.mark.parametrize(
    ("values", "roles"),
    [
        ({"demo": True}, set()),
        ({"demo": False}, {"supervisor", "admin"}),
        ({"demo": False, "second_factor_roles": ""}, set()),
        ({"demo": True, "second_factor_roles": "handler ,admin"}, {"handler", "admin"}),
    ],
)
def test_the_setting_says_who_must(
    values: dict[str, object], roles: set[str], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings_for(database_url, "", **values).second_factor_required == roles


def test_a_role_that_is_none_is_refused_at_the_start(application: Application) -> None:
    settings: Settings = application.settings.model_copy(update={"second_factor_roles": "supervisors"})
    with pytest.raises(SettingsMissing, match="supervisors"):
        build(settings)
