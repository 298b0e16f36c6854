"""Where somebody is logged in, ending that, and choosing another password."""

from datetime import timedelta

import pytest

from service.bootstrap import Application
from service.core.unit import Unit
from service.identity.errors import LoginFailed, NotLoggedIn, PasswordToBeChanged, PersonNotFound
from service.identity.logins import (
    GIVEN_PASSWORD_LASTS,
    NOTED_EVERY,
    ChangePassword,
    LogIn,
    Login,
    LoginNotFound,
    PasswordNotRight,
    change_password,
    end_logins_of,
    end_other_logins,
    end_own_login,
    in_short,
    is_stale,
    log_in,
    logins_of,
    note_use,
    own_logins,
)
from service.identity.models import Person
from service.identity.passwords import PasswordKnown, PasswordUnchanged
from service.identity.people import actor_of_token, holder_of_token
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk

EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
    "Safari/537.36 Edg/131.0.0.0"
)
ANOTHER = "vulture sandal moss"


def come_in(desk: Desk, username: str = "agent1", password: str = PASSWORD, address: str = "192.0.2.7") -> Login:
    command = LogIn(
        username=username,
        password=password,
        address=address,
        agent=EDGE,
        lasts=timedelta(hours=12),
        idle=timedelta(hours=2),
    )
    with desk.application.unit() as unit:
        return log_in(unit, command)


def use(application: Application, login: Login) -> Unit:
    """A request by this login, as the edges make one."""
    with application.reading() as unit:
        unit.actor = actor_of_token(unit, login.token)
    present = unit.actor.login
    assert present
    if is_stale(present, unit.now):
        with application.unit(unit.actor) as noting:
            note_use(noting, present, idle=timedelta(hours=2))
    return unit


def test_everybody_sees_where_they_are_logged_in_and_nobody_elses(desk: Desk) -> None:
    come_in(desk, "agent2")
    first = come_in(desk)
    desk.wait(minutes=5)
    second = come_in(desk, address="2001:db8::5")
    with desk.application.unit(second.actor) as unit:
        listed = own_logins(unit)

    assert [(view.address, view.agent, view.present) for view in listed] == [
        ("2001:db8::5", "Edge 131 · Windows", True),
        ("192.0.2.7", "Edge 131 · Windows", False),
    ]
    assert listed[1].id == first.actor.login.id if first.actor.login else False


def test_the_last_use_is_noted_every_few_minutes_and_not_by_every_request(desk: Desk) -> None:
    login = come_in(desk)
    began = desk.clock.now()
    desk.wait(seconds=NOTED_EVERY.total_seconds() - 1)
    use(desk.application, login)
    assert desk.rows("select used_at from login_token")[0].used_at is None
    desk.wait(seconds=1)
    use(desk.application, login)
    assert desk.rows("select used_at from login_token")[0].used_at == began + NOTED_EVERY


def test_a_login_that_is_not_used_ends_and_one_that_is_goes_on(desk: Desk) -> None:
    used, left = come_in(desk), come_in(desk)
    for _ in range(3):
        desk.wait(hours=1)
        use(desk.application, used)

    assert use(desk.application, used)
    with pytest.raises(NotLoggedIn):
        use(desk.application, left)
    with desk.application.unit(used.actor) as unit:
        assert len(own_logins(unit)) == 1


def test_ending_one_login_or_all_the_others_ends_their_tokens_at_once(desk: Desk) -> None:
    logins = [come_in(desk) for _ in range(4)]
    with desk.application.unit(logins[0].actor) as unit:
        end_own_login(unit, logins[1].actor.login.id)  # type: ignore[union-attr]
        with pytest.raises(NotLoggedIn):
            actor_of_token(unit, logins[1].token)
        assert actor_of_token(unit, logins[2].token)
        assert end_other_logins(unit) == 2
        assert end_other_logins(unit) == 0
        assert actor_of_token(unit, logins[0].token)
        for login in logins[1:]:
            with pytest.raises(NotLoggedIn):
                actor_of_token(unit, login.token)


def test_nobody_ends_another_persons_login_as_if_it_were_their_own(desk: Desk) -> None:
    theirs, mine = come_in(desk, "agent2"), come_in(desk)
    with desk.application.unit(mine.actor) as unit:
        with pytest.raises(LoginNotFound):
            end_own_login(unit, theirs.actor.login.id)  # type: ignore[union-attr]
        assert actor_of_token(unit, theirs.token)


def test_an_administrator_sees_and_ends_those_of_the_people_below_alone(desk: Desk) -> None:
    login = come_in(desk, f"handler-{GOLMUD}")
    admin = f"leader-{HAIXI}"

    assert len(desk.do(admin, logins_of, f"handler-{GOLMUD}")) == 1
    for stranger in ("agent1", "handler-630200", "nobody-here"):
        with pytest.raises(PersonNotFound):
            desk.do(admin, logins_of, stranger)
        with pytest.raises(PersonNotFound):
            desk.do(admin, end_logins_of, stranger)
    assert desk.do(admin, end_logins_of, f"handler-{GOLMUD}") == 1
    with desk.application.unit() as unit, pytest.raises(NotLoggedIn):
        actor_of_token(unit, login.token)


def test_another_password_ends_every_other_login_and_opens_the_next(desk: Desk) -> None:
    here, there = come_in(desk), come_in(desk)
    with desk.application.unit(here.actor) as unit:
        change_password(unit, ChangePassword(present=PASSWORD, new=ANOTHER))

    with desk.application.unit() as unit:
        assert actor_of_token(unit, here.token)
        with pytest.raises(NotLoggedIn):
            actor_of_token(unit, there.token)
    with pytest.raises(LoginFailed):
        come_in(desk)
    assert come_in(desk, password=ANOTHER)
    (event,) = desk.rows("select before, after from audit_event where action = 'person:person:password'")
    assert (event.before, event.after) == (None, None)


@pytest.mark.parametrize(
    ("present", "new", "refusal"),
    [
        ("not the password", ANOTHER, PasswordNotRight),
        (PASSWORD, PASSWORD, PasswordUnchanged),
        (PASSWORD, "password12345", PasswordKnown),
    ],
)
def test_a_password_that_is_not_changed_ends_nothing(
    desk: Desk, present: str, new: str, refusal: type[Exception]
) -> None:
    here, there = come_in(desk), come_in(desk)
    with pytest.raises(refusal), desk.application.unit(here.actor) as unit:
        change_password(unit, ChangePassword(present=present, new=new))

    with desk.application.unit() as unit:
        assert actor_of_token(unit, there.token)


def test_a_password_that_was_given_opens_nothing_but_its_own_change_and_lapses(desk: Desk) -> None:
    with desk.application.unit() as unit:
        unit.session.query(Person).filter_by(username="agent1").one().password_given_at = unit.now
    login = come_in(desk)
    with desk.application.unit() as unit:
        with pytest.raises(PasswordToBeChanged):
            actor_of_token(unit, login.token)
        unit.actor = holder_of_token(unit, login.token)
        change_password(unit, ChangePassword(present=PASSWORD, new=ANOTHER))
        assert actor_of_token(unit, login.token)

    with desk.application.unit() as unit:
        unit.session.query(Person).filter_by(username="agent1").one().password_given_at = unit.now
    desk.wait(seconds=GIVEN_PASSWORD_LASTS.total_seconds())
    with pytest.raises(LoginFailed):
        come_in(desk, password=ANOTHER)


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (EDGE, "Edge 131 · Windows"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0", "Firefox 133 · Linux"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
            "Version/18.1 Mobile/15E148 Safari/604.1",
            "Safari 18 · iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; ALN) AppleWebKit/537.36 Chrome/116.0 Mobile MicroMessenger/8.0.50",
            "MicroMessenger 8 · Android",
        ),
        ("curl/8.5.0", "curl/8.5.0"),
        ("", ""),
        ("a\nb\x1b[31m" + "x" * 300, "a b [31m" + "x" * 52),
        ("程序 1", "1"),
    ],
)
def test_a_program_is_named_in_short(agent: str, said: str) -> None:
    assert in_short(agent) == said
