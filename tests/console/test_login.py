"""Logging in and out, and forms that are not ours."""

import httpx
import pytest

from service.console.security import BROWSER_COOKIE, SESSION_COOKIE
from service.core.clock import SimulatedClock
from tests.conftest import PASSWORD
from tests.console.browser import CONSOLE, FormOnPage, Reader, seen
from tests.desk import GOLMUD, Desk

LOGIN = f"{CONSOLE}/login"


def login_form(reader: Reader, path: str = LOGIN) -> FormOnPage:
    return next(form for form in reader.forms(path) if "password" in form.names)


def log_in(reader: Reader, username: str = "agent1", password: str = PASSWORD, path: str = LOGIN) -> httpx.Response:
    return reader.send(login_form(reader, path), username=username, password=password)


@pytest.mark.parametrize("path", ["/", "/tickets", "/tickets/new", "/inbox", "/reports/breaches"])
def test_every_page_asks_for_a_login_and_comes_back_to_itself(visitor: Reader, path: str) -> None:
    response = visitor.get(f"{CONSOLE}{path}?state=to_sign")

    assert response.status_code == 303
    assert response.headers["location"].startswith(f"{LOGIN}?next=")
    after = log_in(visitor, path=response.headers["location"])
    assert after.status_code == 303
    assert after.headers["location"] == f"{CONSOLE}{path}?state=to_sign"


def test_the_token_is_in_a_cookie_that_no_script_reads_and_no_other_site_sends(visitor: Reader) -> None:
    cookie = next(c for c in log_in(visitor).headers.get_list("set-cookie") if c.startswith(SESSION_COOKIE))

    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/console" in cookie
    assert "Secure" not in cookie  # this visitor came over plain HTTP on a loopback address


def test_over_tls_the_cookie_is_secure(reader: Reader) -> None:
    reader.client.base_url = httpx.URL("https://hotline")
    cookie = next(c for c in log_in(reader).headers.get_list("set-cookie") if c.startswith(SESSION_COOKIE))

    assert "Secure" in cookie


def test_behind_a_proxy_that_does_not_say_so_the_public_address_decides(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.application.settings, "public_url", "https://12351.example")

    assert "Secure" in reader.get(LOGIN).headers["set-cookie"]


def test_a_wrong_password_is_said(reader: Reader) -> None:
    response = log_in(reader, password="not the password")

    assert response.status_code == 401
    assert "用户名或密码不正确" in seen(response)
    assert 'value="agent1"' in response.text


def test_wrong_passwords_make_a_pause_but_not_for_a_browser_that_is_known(reader: Reader) -> None:
    log_in(reader)
    known = reader.client.cookies[BROWSER_COOKIE]
    reader.client.cookies.clear()
    for _ in range(5):
        log_in(reader, password="not the password")
    response = log_in(reader)

    assert response.status_code == 429
    assert "次数过多" in seen(response)
    reader.client.cookies.set(BROWSER_COOKIE, known, path=LOGIN)
    assert log_in(reader).status_code == 303


@pytest.mark.parametrize(
    "wanted",
    ["https://elsewhere.example/", "//elsewhere.example", "/console//elsewhere.example", "/console/\\elsewhere"],
)
def test_a_login_leads_nowhere_outside(visitor: Reader, wanted: str) -> None:
    form = login_form(visitor)
    response = visitor.send(form, username="agent1", password=PASSWORD, next=wanted)

    assert response.headers["location"] == f"{CONSOLE}/"


def test_logging_out_ends_the_token_everywhere(reader: Reader) -> None:
    log_in(reader)
    token = reader.client.cookies[SESSION_COOKIE]
    form = next(form for form in reader.forms(f"{CONSOLE}/") if form.action == f"{CONSOLE}/logout")
    assert reader.send(form).headers["location"] == LOGIN

    reader.client.cookies.set(SESSION_COOKIE, token, path=CONSOLE)
    assert reader.get(f"{CONSOLE}/").status_code == 303


def test_a_login_form_of_another_site_is_refused(visitor: Reader) -> None:
    response = visitor.client.post(LOGIN, data={"username": "agent1", "password": PASSWORD})

    assert response.status_code == 403
    assert SESSION_COOKIE not in visitor.client.cookies


@pytest.mark.parametrize("mark", [None, "", "made up", "é"])
def test_a_form_without_its_mark_is_refused_and_writes_nothing(
    visitor: Reader, shared_desk: Desk, mark: str | None
) -> None:
    number = shared_desk.dispatched()
    form = visitor.as_(f"handler-{GOLMUD}").step_form(number, "sign")
    fields = {name: value for name, value in form.fields.items() if name != "form_mark"}
    response = visitor.client.post(form.action, data=fields if mark is None else fields | {"form_mark": mark})

    assert response.status_code == 403
    assert "未保存" in seen(response)
    assert shared_desk.ticket(number).state == "to_sign"


def test_a_form_marked_for_another_login_is_refused(reader: Reader, desk: Desk) -> None:
    number = desk.dispatched()
    form = reader.as_("agent1").step_form(number, "note")
    reader.as_("agent2")

    assert reader.send(form, note="从别人的页面提交").status_code == 403


def test_a_login_that_ran_out_gives_the_words_back(reader: Reader, desk: Desk, clock: SimulatedClock) -> None:
    number = desk.dispatched()
    form = reader.as_("agent1").step_form(number, "note")
    desk.wait(days=400)
    response = reader.send(form, note="写了半小时的备注 <b>")

    assert response.status_code == 401
    assert "写了半小时的备注 &lt;b&gt;" in response.text
    assert f"{LOGIN}?next=" in response.text
    assert not desk.rows("select 1 from ticket_event where kind = 'ticket:noted'")
