"""How often a password may be tried from where, and whom that keeps out."""

import pytest
import redis
from argon2 import PasswordHasher

from service.api.login_door import FOR_ONE_NAME, FROM_ONE_NETWORK, LoginDoor, network_of
from service.bootstrap import Application
from service.identity.errors import LoginFailed, LoginLocked
from tests.conftest import PASSWORD
from tests.desk import Desk

HOME, STRANGE = "192.0.2.7", "198.51.100.66"


def door(application: Application, address: str = HOME, cookie: str = "") -> LoginDoor:
    return LoginDoor(application=application, address=address, agent="curl/8", correlation_id="test", cookie=cookie)


def fails(door: LoginDoor, username: str = "agent1", times: int = 1) -> int:
    """So many of these tries came as far as the password."""
    looked_at = 0
    for _ in range(times):
        try:
            door.log_in(username, "not the password")
        except LoginFailed:
            looked_at += 1
        except LoginLocked:
            pass
    return looked_at


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that nobody has cost next to nothing."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("service.identity.passwords._DECOY", cheap.hash("decoy"))


def test_the_pauses_grow_with_the_failures_from_one_place(application: Application, desk: Desk) -> None:
    at_the_door = door(application)
    assert fails(at_the_door, times=7) == 5
    with pytest.raises(LoginLocked) as caught:
        at_the_door.log_in("agent1", PASSWORD)
    assert caught.value.facts["minutes"] == 1

    desk.wait(minutes=1)
    assert fails(at_the_door, times=7) == 5
    desk.wait(minutes=1)
    with pytest.raises(LoginLocked) as caught:
        at_the_door.log_in("agent1", PASSWORD)
    assert caught.value.facts["minutes"] == 13

    desk.wait(minutes=13)
    assert at_the_door.log_in("agent1", PASSWORD).actor.name == "agent1"


def test_right_passwords_are_not_counted(application: Application) -> None:
    for _ in range(8):
        door(application).log_in("agent1", PASSWORD)


def test_a_strangers_thousand_tries_do_not_keep_the_owner_out(application: Application, desk: Desk) -> None:
    door(application).log_in("agent1", PASSWORD)
    desk.wait(days=1)
    assert fails(door(application, STRANGE), times=1000) == 5

    assert door(application).log_in("agent1", PASSWORD).actor.name == "agent1"
    assert door(application, "203.0.113.9").log_in("agent1", PASSWORD).actor.name == "agent1"


def test_tries_from_everywhere_close_a_name_to_strangers_alone(
    application: Application, desk: Desk, quick: None
) -> None:
    at_home = door(application)
    cookie = at_home.known_by(at_home.log_in("agent1", PASSWORD))
    limit = FOR_ONE_NAME[0][0]
    for number in range(limit // 5):
        assert fails(door(application, f"198.51.100.{number}"), times=5) == 5

    with pytest.raises(LoginLocked):
        door(application, "203.0.113.9").log_in("agent1", PASSWORD)
    assert door(application).log_in("agent1", PASSWORD)
    assert door(application, "203.0.113.9", cookie).log_in("agent1", PASSWORD)
    assert door(application, "203.0.113.9").log_in("agent2", PASSWORD)


def test_a_stranger_at_the_same_address_does_not_close_a_browser_that_is_known(application: Application) -> None:
    owner = door(application)
    cookie = owner.known_by(owner.log_in("agent1", PASSWORD))
    assert fails(door(application), times=50) == 5

    with pytest.raises(LoginLocked):
        door(application).log_in("agent1", PASSWORD)
    assert door(application, HOME, cookie).log_in("agent1", PASSWORD)


def test_a_known_browser_is_no_way_to_guess(application: Application) -> None:
    cookie = door(application).known_by(door(application).log_in("agent1", PASSWORD))

    assert fails(door(application, HOME, cookie), times=50) == 5
    assert fails(door(application, HOME, cookie), "agent2", times=50) == 5


@pytest.mark.parametrize("cookie", ["", "made up", "W10.x", "é" * 2000])
def test_a_cookie_that_is_not_ours_makes_nobody_known(application: Application, cookie: str) -> None:
    assert fails(door(application, STRANGE, cookie), times=6) == 5


def test_a_browser_is_forgotten_after_half_a_year(application: Application, desk: Desk) -> None:
    owner = door(application)
    cookie = owner.known_by(owner.log_in("agent1", PASSWORD))
    desk.wait(days=181)
    assert fails(door(application), times=6) == 5

    with pytest.raises(LoginLocked):
        door(application, HOME, cookie).log_in("agent1", PASSWORD)


def test_people_who_share_a_computer_are_all_known_by_it(application: Application) -> None:
    shared = door(application)
    cookie = shared.known_by(shared.log_in("agent1", PASSWORD))
    second = door(application, HOME, cookie)
    cookie = second.known_by(second.log_in("agent2", PASSWORD))
    for name in ("agent1", "agent2"):
        fails(door(application), name, times=6)

    for name in ("agent1", "agent2"):
        assert door(application, STRANGE, cookie).log_in(name, PASSWORD).actor.name == name


def test_one_network_may_fail_so_often_with_all_names_together(application: Application, quick: None) -> None:
    limit = FROM_ONE_NETWORK[0][0]
    looked_at = sum(fails(door(application, STRANGE), f"somebody{number}") for number in range(limit + 10))

    assert looked_at == limit
    with pytest.raises(LoginLocked):
        door(application, STRANGE).log_in("agent1", PASSWORD)
    assert door(application).log_in("agent1", PASSWORD)


def test_a_name_that_nobody_has_is_paused_as_one_that_is_there(application: Application, quick: None) -> None:
    answers = []
    for name in ("agent1", "nobody-here"):
        heard = []
        for _ in range(8):
            try:
                door(application, STRANGE).log_in(name, "not the password")
            except (LoginFailed, LoginLocked) as refusal:
                heard.append(refusal.sentence("en"))
        answers.append(heard)
    assert answers[0] == answers[1]


def test_without_redis_each_process_counts_and_allows_half(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> "redis.Redis":
        raise redis.ConnectionError

    monkeypatch.setattr(application.limiter, "_connect", away)
    assert fails(door(application), times=20) == 2
    with pytest.raises(LoginLocked):
        door(application).log_in("agent1", PASSWORD)


def test_a_password_that_is_reset_while_it_is_checked_makes_no_login(
    application: Application, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text

    from service.identity import logins

    def reset_meanwhile(stored: str | None, password: str) -> bool:
        with desk.application.unit() as unit:
            unit.session.execute(text("update person set password_hash = 'another' where username = 'agent1'"))
        return True

    monkeypatch.setattr(logins, "matches", reset_meanwhile)
    with pytest.raises(LoginFailed):
        door(application).log_in("agent1", PASSWORD)


def test_a_password_hashed_with_parameters_of_before_is_hashed_again(application: Application, desk: Desk) -> None:
    from sqlalchemy import text

    old = PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash(PASSWORD)
    with application.unit() as unit:
        unit.session.execute(text("update person set password_hash = :old where username = 'agent1'"), {"old": old})
    door(application).log_in("agent1", PASSWORD)

    now = desk.rows("select password_hash from person where username = 'agent1'")[0].password_hash
    assert now.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert door(application).log_in("agent1", PASSWORD)


def test_wrong_tries_write_nothing_and_wait_for_nobody(application: Application, desk: Desk) -> None:
    with application.unit() as unit:
        from sqlalchemy import text

        unit.session.execute(text("select 1 from person where username = 'agent1' for update"))
        assert fails(door(application)) == 1
    assert desk.rows("select failed_logins from person where username = 'agent1'")[0].failed_logins == 0


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_an_ipv6_subscriber_is_one_network(address: str, network: str) -> None:
    assert network_of(address) == network
