"""On record of logging in is who got in, from where and by what, and each pause that was hit; the rest is counted."""

from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from prometheus_client import REGISTRY

from service.bootstrap import Application
from service.identity.errors import LoginLocked, SecondFactorWrong
from service.identity.logins import end_own_login, forget_logins, has_logged_in_from, log_out, own_logins
from service.reports.audit_words import ACTIONS
from tests.conftest import PASSWORD
from tests.desk import Desk
from tests.identity.test_login_door import HOME, STRANGE, door, fails
from tests.identity.test_logins import come_in
from tests.identity.test_second_factor import now_code, set_up
from workers.chores import Trim


def on_record(desk: Desk, action: str) -> list[tuple[str, str, dict[str, Any]]]:
    assert action in ACTIONS
    rows = desk.rows(
        "select actor_name, subject, after from audit_event where action = :action order by id",
        action=f"person:{action}",
    )
    return [(row.actor_name, row.subject, row.after) for row in rows]


def counted(outcome: str) -> float:
    return REGISTRY.get_sample_value("hotline_logins_total", {"outcome": outcome}) or 0.0


def test_a_login_is_on_record_with_where_from_and_by_what(application: Application, desk: Desk) -> None:
    door(application).log_in("agent1", PASSWORD)
    secret, codes = set_up(desk, "agent2")
    door(application, STRANGE).log_in("agent2", PASSWORD, code=now_code(desk, secret))
    door(application, STRANGE).log_in("agent2", PASSWORD, code=codes[0])

    (first, *_, by_code, by_recovery) = on_record(desk, "login:begin")
    assert first == ("agent1", "agent1", {"address": HOME, "factor": "nothing", "way": "password"})
    assert by_code == ("agent2", "agent2", {"address": STRANGE, "factor": "authenticator", "way": "password"})
    assert by_recovery == ("agent2", "agent2", {"address": STRANGE, "factor": "recovery_code", "way": "password"})


def test_leaving_is_on_record_once(desk: Desk) -> None:
    login = come_in(desk)
    for _ in range(2):
        with desk.application.unit() as unit:
            log_out(unit, login.token)

    assert on_record(desk, "login:end") == [("agent1", "agent1", {"ended": 1})]


def test_a_thousand_wrong_tries_are_one_event_for_each_pause(application: Application, desk: Desk) -> None:
    wrong, locked = counted("wrong_password"), counted("locked")
    assert fails(door(application, STRANGE), times=50) == 5

    assert (counted("wrong_password"), counted("locked")) == (wrong + 5, locked + 45)
    assert on_record(desk, "login:lock") == [("nobody", "agent1", {"limit": "login", "address": STRANGE})]
    desk.wait(minutes=1)
    fails(door(application, STRANGE), times=50)
    assert len(on_record(desk, "login:lock")) == 2
    assert on_record(desk, "login:begin") == []


def test_a_password_typed_for_a_name_is_not_on_record(application: Application, desk: Desk) -> None:
    fails(door(application, STRANGE), "correct horse battery", times=7)

    assert [subject for _, subject, _ in on_record(desk, "login:lock")] == [""]
    assert "horse" not in str(desk.rows("select * from audit_event"))


def test_wrong_codes_are_counted_apart_and_their_pause_is_on_record(application: Application, desk: Desk) -> None:
    set_up(desk, "agent1")
    before = counted("wrong_code")
    for _ in range(10):
        desk.wait(minutes=1)
        with pytest.raises((SecondFactorWrong, LoginLocked)):
            door(application).log_in("agent1", PASSWORD, code="000000")
    with pytest.raises(LoginLocked):
        door(application).log_in("agent1", PASSWORD, code="000000")

    assert counted("wrong_code") > before
    assert [subject for _, subject, _ in on_record(desk, "login:lock")] == ["agent1"]


def test_logins_that_ended_long_ago_are_forgotten_and_those_that_last_are_not(desk: Desk) -> None:
    login = come_in(desk)
    with desk.application.unit() as unit:
        unit.actor = login.actor
        end_own_login(unit, own_logins(unit)[0].id)
    come_in(desk, address="192.0.2.8")
    keep = timedelta(days=desk.application.settings.logins_keep_days)
    desk.go_to(desk.clock.now() + keep)
    late = come_in(desk)
    desk.wait(minutes=1)

    Trim(desk.application, Event(), leads=lambda: True).tick()

    assert len(desk.rows("select from login_token")) == 2, "the one ended at once is gone, not that which ran out later"
    desk.wait(days=1)
    Trim(desk.application, Event(), leads=lambda: True).tick()
    with desk.application.reading() as unit:
        unit.actor = late.actor
        assert len(desk.rows("select from login_token")) == 1
        assert has_logged_in_from(unit, "agent1", "192.0.2.7")


def test_logins_are_forgotten_batch_by_batch(desk: Desk) -> None:
    for _ in range(3):
        come_in(desk)
    desk.wait(days=400)
    with desk.application.unit() as unit:
        assert [forget_logins(unit, before=unit.now, limit=2) for _ in range(3)] == [2, 1, 0]
