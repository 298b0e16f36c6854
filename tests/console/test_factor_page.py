"""The second factor on the pages: a picture to scan, recovery codes shown once, and the second step of a login."""

import re

import httpx
import pyotp
import pytest

from tests.console.browser import CONSOLE, FormOnPage, Reader, forms_of, seen
from tests.console.test_login import log_in
from tests.desk import Desk

FACTOR = f"{CONSOLE}/account/second-factor"


def step(reader: Reader, name: str) -> FormOnPage:
    return next(form for form in reader.forms(FACTOR) if ("step", name) in form.buttons)


def set_up(reader: Reader, desk: Desk) -> tuple[pyotp.TOTP, list[str]]:
    if any(("step", "begin") in form.buttons for form in reader.forms(FACTOR)):
        reader.send(step(reader, "begin"), step="begin")
    secret = re.search(r'<code class="once">([A-Z2-7]+)</code>', reader.see(FACTOR))
    assert secret
    totp = pyotp.TOTP(secret[1])
    response = reader.send(step(reader, "confirm"), step="confirm", otp=totp.at(desk.clock.now()))
    return totp, re.findall(r'<code class="once">([a-z0-9-]+)</code>', response.text)


def test_it_is_scanned_from_a_picture_of_ours_and_confirmed(reader: Reader, desk: Desk) -> None:
    log_in(reader)
    assert reader.get(f"{FACTOR}.svg").status_code == 409
    reader.send(step(reader, "begin"), step="begin")
    picture = reader.get(f"{FACTOR}.svg")
    assert picture.headers["content-type"] == "image/svg+xml"
    assert picture.headers["cache-control"] == "no-store"
    assert "<svg" in picture.text
    assert "<script" not in picture.text

    _, codes = set_up(reader, desk)
    assert len(codes) == 10
    page = reader.see(FACTOR)
    assert "剩余备用码 10 个" in page
    assert not any(code in page for code in codes)
    assert reader.get(f"{FACTOR}.svg").status_code == 409


def test_the_code_is_asked_for_on_a_page_of_its_own_and_leads_where_one_wanted(reader: Reader, desk: Desk) -> None:
    log_in(reader)
    totp, _ = set_up(reader, desk)
    reader.client.cookies.clear()
    desk.wait(seconds=30)
    asked = log_in(reader, path=f"{CONSOLE}/login?next=/console/inbox")
    assert asked.status_code == 200
    assert "输入动态验证码" in seen(asked)
    (form,) = [form for form in forms_of(asked.text) if "otp" in form.names]
    wrong = reader.send(form, otp="000000")
    assert wrong.status_code == 401
    assert "验证码不正确" in seen(wrong)
    (form,) = [form for form in forms_of(wrong.text) if "otp" in form.names]
    response = reader.send(form, otp=totp.at(desk.clock.now()))

    assert response.headers["location"] == f"{CONSOLE}/inbox"
    assert reader.get(f"{CONSOLE}/inbox").status_code == 200


def test_a_code_without_the_proof_of_the_password_leads_back_to_the_beginning(reader: Reader, desk: Desk) -> None:
    log_in(reader)
    totp, _ = set_up(reader, desk)
    reader.client.cookies.clear()
    desk.wait(seconds=30)
    (form,) = [form for form in forms_of(log_in(reader).text) if "otp" in form.names]
    reader.client.cookies.delete("hotline_proof")
    response = reader.send(form, otp=totp.at(desk.clock.now()))

    assert response.status_code == 401
    assert "用户名或密码不正确" in seen(response)


def test_who_must_have_one_is_led_to_it_at_the_login(
    reader: Reader, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.application.settings, "second_factor_roles", "supervisor")
    log_in(reader, "supervisor1")
    for path in ("/", "/tickets", "/account", "/inbox"):
        assert reader.get(f"{CONSOLE}{path}").headers["location"] == FACTOR
    assert "您的岗位必须使用" in reader.see(FACTOR)
    set_up(reader, desk)
    assert reader.get(f"{CONSOLE}/").status_code == 200
    assert not [button for form in reader.forms(FACTOR) for button in form.buttons if button == ("step", "remove")]


def test_it_works_as_well_where_cookies_are_this_hosts_alone(
    reader: Reader, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.application.settings, "public_url", "https://hotline")
    reader.client.base_url = httpx.URL("https://hotline")
    log_in(reader)
    totp, _ = set_up(reader, desk)
    reader.client.cookies.clear()
    desk.wait(seconds=30)
    (form,) = [form for form in forms_of(log_in(reader).text) if "otp" in form.names]

    assert reader.send(form, otp=totp.at(desk.clock.now())).status_code == 303
    assert reader.get(f"{CONSOLE}/account").status_code == 200
