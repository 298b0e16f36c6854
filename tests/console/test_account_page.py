"""One's own account on the pages: where one is logged in, and another password."""

from sqlalchemy import text

from service.console.security import SESSION_COOKIE
from tests.conftest import PASSWORD
from tests.console.browser import CONSOLE, FormOnPage, Reader, seen
from tests.console.test_login import log_in
from tests.desk import Desk

ANOTHER = "vulture sandal moss"
ACCOUNT, CHANGE = f"{CONSOLE}/account", f"{CONSOLE}/account/password"


def form_at(reader: Reader, path: str, name: str = "") -> FormOnPage:
    return next(
        form
        for form in reader.forms(path)
        if form.action == path and (not name or name in form.names | {button for button, _ in form.buttons})
    )


def test_an_unknown_login_is_ended_from_the_page(reader: Reader) -> None:
    log_in(reader)
    there = reader.client.cookies[SESSION_COOKIE]
    reader.client.cookies.clear()
    log_in(reader)
    page = reader.see(ACCOUNT)
    assert "本次登录" in page
    assert "127.0.0.1" in page
    form = form_at(reader, ACCOUNT, "end")
    response = reader.send(form, end=form.buttons[0][1])

    assert response.headers["location"] == f"{ACCOUNT}?done=ended"
    reader.client.cookies.set(SESSION_COOKIE, there, path=CONSOLE)
    assert reader.get(ACCOUNT).status_code == 303


def test_all_the_others_are_ended_together(reader: Reader, desk: Desk) -> None:
    for _ in range(3):
        reader.client.cookies.clear()
        log_in(reader)
    form = next(form for form in reader.forms(ACCOUNT) if form.action == ACCOUNT and not form.buttons)
    reader.send(form)

    assert desk.rows("select count(*) as n from login_token where revoked_at is null")[0].n == 1
    assert "本次登录" in reader.see(ACCOUNT)


def test_the_password_is_changed_on_its_page(reader: Reader) -> None:
    log_in(reader)
    response = reader.send(form_at(reader, CHANGE), present=PASSWORD, new=ANOTHER, again=ANOTHER)

    assert response.headers["location"] == f"{ACCOUNT}?done=password"
    assert "密码已更改" in reader.see(f"{ACCOUNT}?done=password")
    reader.client.cookies.clear()
    assert log_in(reader, password=ANOTHER).status_code == 303


def test_a_password_that_is_not_taken_is_told_by_its_rule_and_shown_nowhere(reader: Reader) -> None:
    log_in(reader)
    form = form_at(reader, CHANGE)
    for new, again, told in (
        ("qinghai lake at dawn", "qinghai lake at dawn", "qinghai"),
        (ANOTHER, "another sandal moss", "两次输入"),
        ("", "", "请填写"),
    ):
        refused = reader.send(form, present=PASSWORD, new=new, again=again)
        assert refused.status_code == 422
        assert told in seen(refused)
        assert PASSWORD not in refused.text
        assert not new or new not in refused.text


def test_who_was_given_a_password_is_led_to_change_it_and_sees_nothing_else(reader: Reader, desk: Desk) -> None:
    with desk.application.unit() as unit:
        unit.session.execute(
            text("update person set password_given_at = :now where username = 'agent1'"), {"now": unit.now}
        )
    log_in(reader)
    for path in ("/", "/tickets", "/account", "/inbox"):
        assert reader.get(f"{CONSOLE}{path}").headers["location"] == CHANGE
    reader.send(form_at(reader, CHANGE), present=PASSWORD, new=ANOTHER, again=ANOTHER)
    assert reader.get(f"{CONSOLE}/").status_code == 200
