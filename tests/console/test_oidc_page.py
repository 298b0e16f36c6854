"""Logging in by the identity provider on the pages: there and back with a real provider, and how it goes wrong."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from structlog.testing import capture_logs

from service.console.security import JOURNEY_COOKIE, SESSION_COOKIE
from service.core.clock import SimulatedClock
from service.identity.identities import EnterIdentity, enter_identity
from service.identity.keeping import disable_person
from service.identity.people import actor_of_username
from service.identity.providers import provider_settings
from service.identity.standin_provider import StandIn, subject_of
from tests.api.clients import token_of
from tests.conftest import PASSWORD
from tests.console.browser import CONSOLE, FormOnPage, Reader, forms_of, seen
from tests.console.test_factor_page import set_up
from tests.console.test_login import log_in
from tests.console.test_people_page import step as step_of_person
from tests.desk import GOLMUD, Desk
from tests.identity.standing_in import answer_at, provider_for, set_provider

LOGIN, WAY = f"{CONSOLE}/login", f"{CONSOLE}/login/oidc"
IDENTITY = f"{CONSOLE}/account/identity"
HANDLER = f"handler-{GOLMUD}"


@pytest.fixture
def standin(reader: Reader, clock: SimulatedClock) -> Iterator[StandIn]:
    with provider_for(clock) as (standin, settings):
        set_provider(reader.application, {**settings, "oidc_claim": "preferred_username"})
        yield standin


def entered(desk: Desk, username: str, account: str) -> None:
    """An administrator has said whose account it is."""
    provider = provider_settings(desk.application.settings)
    assert provider
    with desk.application.unit() as unit:
        unit.actor = actor_of_username(unit, "admin1")
        enter_identity(unit, EnterIdentity(username=username, account=account), provider=provider)


def back_from(reader: Reader, who: str, *, path: str = WAY, **answer: object) -> str:
    """Set out and log in there; the address that the browser is sent back to."""
    response = reader.get(path)
    assert response.status_code == 303, response.text
    return answer_at(response.headers["location"], who, **answer)  # type: ignore[arg-type]


def came_back(reader: Reader, who: str, *, path: str = WAY, **answer: object) -> httpx.Response:
    return reader.get(back_from(reader, who, path=path, **answer))


def refusal(reader: Reader, response: httpx.Response) -> tuple[str, int, str]:
    """Where a refused login leads: the reason in the address, the page's status, its text."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert parts.path == f"{WAY}/refused", parts
    assert "code=" not in parts.query
    assert SESSION_COOKIE not in reader.client.cookies
    page = reader.get(response.headers["location"])
    return parse_qs(parts.query)["why"][0], page.status_code, seen(page)


def test_the_button_stands_on_the_login_page_in_both_languages(reader: Reader, standin: StandIn) -> None:
    assert "用统一身份认证登录" in reader.see(f"{LOGIN}?next=/console/inbox")
    page = reader.see(f"{LOGIN}?next=/console/inbox&lang=en")
    assert "Log in by single sign-on" in page
    assert f'href="{WAY}?next=/console/inbox"' in page


def test_without_a_provider_there_is_no_button_and_no_way(reader: Reader) -> None:
    assert "oidc" not in reader.see(LOGIN)
    for path in ("", "/callback?code=x&state=y", "/code", "/logout", "/refused?why=identity_unknown"):
        assert reader.get(WAY + path).status_code == 404
    reader.as_("agent1")
    assert reader.get(IDENTITY).status_code == 404


def test_a_person_logs_in_there_and_lands_where_they_wanted_to_go(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    response = came_back(reader, "wang", path=f"{WAY}?next=/console/inbox")

    assert response.status_code == 303
    assert response.headers["location"] == f"{CONSOLE}/inbox"
    assert JOURNEY_COOKIE not in reader.client.cookies
    assert "agent1" in reader.see(f"{CONSOLE}/account")
    assert "身份认证" in reader.see(f"{CONSOLE}/account")
    rows = desk.rows(
        "select way, expires_at - created_at as lasts, idle_until - created_at as idle from login_token order by id"
    )
    begun = desk.rows("select after from audit_event where action like '%login:begin'")
    assert [(row.after["way"], row.after["factor"]) for row in begun] == [("oidc", "nothing")]
    assert [(row.way, row.lasts, row.idle) for row in rows] == [("oidc", timedelta(hours=12), timedelta(minutes=120))]


def test_such_a_login_is_listed_and_ended_as_any_other(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    came_back(reader, "wang")
    token = reader.client.cookies[SESSION_COOKIE]
    reader.as_("admin1")
    reader.send(step_of_person(reader, f"{CONSOLE}/people/agent1", "end-logins"), step="end-logins")
    reader.client.cookies.clear()
    reader.client.cookies.set(SESSION_COOKIE, token, path=CONSOLE)

    assert reader.get(f"{CONSOLE}/account").headers["location"].startswith(LOGIN)


def test_an_account_entered_by_another_claim_is_bound_at_its_first_login(
    reader: Reader, standin: StandIn, desk: Desk
) -> None:
    entered(desk, "agent1", "wang")
    assert came_back(reader, "wang").headers["location"] == f"{CONSOLE}/"
    assert [row.subject for row in desk.rows("select subject from linked_identity")] == [subject_of("wang")]

    # Somebody else gets the name there; the account is not theirs.
    reader.client.cookies.clear()
    standin.twist = lambda claims: {**claims, "sub": "somebody-else"}
    assert refusal(reader, came_back(reader, "wang"))[0] == "identity_unknown"
    # And a new name for the account changes nothing.
    standin.twist = lambda claims: {**claims, "preferred_username": "wang-2"}
    assert came_back(reader, "wang").headers["location"] == f"{CONSOLE}/"


def test_an_address_of_mail_links_nobody(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang@example.org")
    standin.twist = lambda claims: {**claims, "email": "wang@example.org", "email_verified": True}

    assert refusal(reader, came_back(reader, "wang"))[0] == "identity_unknown"


def test_an_unknown_account_is_told_what_to_do_and_nothing_else(reader: Reader, standin: StandIn) -> None:
    why, status, text = refusal(reader, came_back(reader, "wang"))

    assert (why, status) == ("identity_unknown", 403)
    assert "没有关联本热线在用的人员" in text
    assert "belongs to nobody who works here" in text
    assert subject_of("wang") not in text
    assert "wang" not in text


def test_a_leaver_is_refused_as_if_there_were_nobody(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    came_back(reader, "wang")
    desk.do("admin1", disable_person, "agent1")
    reader.client.cookies.clear()

    assert refusal(reader, came_back(reader, "wang"))[:2] == ("identity_unknown", 403)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/console//evil.example",
        "/console/\\evil.example",
        "javascript:alert(1)",
        "/elsewhere",
        "/console/\nSet-Cookie: x=y",
        "/consoleevil",
    ],
)
def test_nobody_is_led_elsewhere_afterwards(reader: Reader, standin: StandIn, desk: Desk, wanted: str) -> None:
    entered(desk, "agent1", "wang")
    response = came_back(reader, "wang", path=f"{WAY}?{urlencode({'next': wanted})}")

    assert response.status_code == 303
    location = response.headers["location"]
    assert location.startswith(f"{CONSOLE}/")
    assert not location.startswith(f"{CONSOLE}//")
    assert "evil" not in location


@pytest.mark.parametrize(("length", "kept"), [(400, True), (600, False)])
def test_a_long_way_back_is_kept_as_long_as_a_cookie_holds_it(
    reader: Reader, standin: StandIn, desk: Desk, length: int, kept: bool
) -> None:
    entered(desk, "agent1", "wang")
    response = came_back(reader, "wang", path=f"{WAY}?{urlencode({'next': f'{CONSOLE}/search?q=' + '薪' * length})}")

    assert (response.headers["location"] == f"{CONSOLE}/") == (not kept)


def test_what_comes_back_without_having_set_out_is_refused(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    address = back_from(reader, "wang")
    reader.client.cookies.clear()

    why, status, text = refusal(reader, reader.get(address))
    assert (why, status) == ("login_interrupted", 401)
    assert "重新登录" in text


def test_another_browsers_way_does_not_fit(reader: Reader, standin: StandIn, desk: Desk) -> None:
    """Somebody is led to our address with the code of another person's login, to work under that name."""
    entered(desk, "agent1", "wang")
    strangers = back_from(reader, "wang")
    reader.client.cookies.clear()
    reader.get(WAY)

    assert refusal(reader, reader.get(strangers))[0] == "login_interrupted"


def test_a_way_is_gone_once(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    address = back_from(reader, "wang")
    kept = reader.client.cookies[JOURNEY_COOKIE]
    assert reader.get(address).headers["location"] == f"{CONSOLE}/"
    reader.client.cookies.clear()
    assert refusal(reader, reader.get(address))[0] == "login_interrupted"
    # Not even with a copy of the cookie: the provider has taken the code back.
    reader.client.cookies.set(JOURNEY_COOKIE, kept, path=LOGIN)
    assert refusal(reader, reader.get(address))[0] == "login_interrupted"


def test_a_way_lasts_ten_minutes(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    address = back_from(reader, "wang")
    desk.wait(minutes=10)

    assert refusal(reader, reader.get(address))[0] == "login_interrupted"


def test_the_cookie_of_the_way_is_this_hosts_alone_and_sealed(
    reader: Reader, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.application.settings, "public_url", "https://hotline")
    response = reader.get(WAY)
    cookie = next(c for c in response.headers.get_list("set-cookie") if JOURNEY_COOKIE in c)

    assert cookie.startswith(f"__Host-{JOURNEY_COOKIE}=")
    assert "HttpOnly" in cookie
    assert "Secure" in cookie
    assert "SameSite=lax" in cookie
    assert "Max-Age=600" in cookie
    assert parse_qs(urlsplit(response.headers["location"]).query)["state"][0] not in cookie


@pytest.mark.parametrize(
    ("twist", "why", "said"),
    [
        ({"aud": "another"}, "provider_not_trusted", "未通过核验"),
        ({"nonce": "another"}, "provider_not_trusted", "did not pass our checks"),
        ({"exp": 0}, "provider_clock_apart", "时钟"),
    ],
)
def test_a_token_that_is_not_right_is_a_page_in_both_languages(
    reader: Reader, standin: StandIn, desk: Desk, twist: dict[str, object], why: str, said: str
) -> None:
    entered(desk, "agent1", "wang")
    standin.twist = lambda claims: {**claims, **twist}
    reason, status, text = refusal(reader, came_back(reader, "wang"))

    assert (reason, status) == (why, 401)
    assert said in text


def test_a_person_who_cancels_there_is_told_so(reader: Reader, standin: StandIn) -> None:
    why, status, text = refusal(reader, came_back(reader, "wang", answer="no", path=f"{WAY}?next=/console/inbox"))

    assert (why, status) == ("provider_denied", 401)
    assert "没有放行" in text
    assert "did not let you through" in text


@pytest.mark.parametrize("gone", ["/.well-known/openid-configuration", "/token", "/keys"])
def test_a_provider_that_is_away_is_said_and_the_password_still_opens(
    reader: Reader, standin: StandIn, desk: Desk, gone: str
) -> None:
    entered(desk, "agent1", "wang")
    standin.answer = lambda path: 503 if path == gone else None
    first = reader.get(WAY)
    if "/refused" not in first.headers["location"]:
        first = reader.get(answer_at(first.headers["location"], "wang"))
    why, status, text = refusal(reader, first)

    assert (why, status) == ("provider_away", 503)
    assert "用密码登录" in text
    assert log_in(reader).status_code == 303


def test_our_second_factor_is_asked_for_after_the_provider(reader: Reader, standin: StandIn, desk: Desk) -> None:
    log_in(reader)
    totp, codes = set_up(reader, desk)
    entered(desk, "agent1", "wang")
    reader.client.cookies.clear()
    desk.wait(seconds=30)
    asked = came_back(reader, "wang", path=f"{WAY}?next=/console/inbox", mfa=True)

    assert asked.headers["location"] == f"{WAY}/code?next=%2Fconsole%2Finbox"
    assert SESSION_COOKIE not in reader.client.cookies
    (form,) = [form for form in reader.forms(asked.headers["location"]) if "otp" in form.names]
    wrong = reader.send(form, otp="000000")
    assert wrong.status_code == 401
    assert "验证码不正确" in seen(wrong)
    (form,) = [form for form in forms_of(wrong.text) if "otp" in form.names]
    right = reader.send(form, otp=totp.at(desk.clock.now()))
    assert right.headers["location"] == f"{CONSOLE}/inbox"
    assert "本次登录" in reader.see(f"{CONSOLE}/account")
    assert len(codes) == 10


def test_the_code_alone_opens_nothing(reader: Reader, standin: StandIn, desk: Desk) -> None:
    log_in(reader)
    totp, _ = set_up(reader, desk)
    reader.client.cookies.clear()
    desk.wait(seconds=30)
    (form,) = [form for form in reader.forms(f"{WAY}/code") if "otp" in form.names]

    assert refusal(reader, reader.send(form, otp=totp.at(desk.clock.now())))[0] == "login_interrupted"


def test_one_shown_there_is_enough_where_the_settings_say_so(
    reader: Reader, standin: StandIn, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    log_in(reader)
    set_up(reader, desk)
    entered(desk, "agent1", "wang")
    monkeypatch.setattr(reader.application.settings, "oidc_mfa_amr", "mfa")
    reader.client.cookies.clear()
    assert came_back(reader, "wang", mfa=True).headers["location"] == f"{CONSOLE}/"

    reader.client.cookies.clear()
    assert "/login/oidc/code" in came_back(reader, "wang").headers["location"]


def test_a_role_that_needs_a_second_factor_is_led_to_set_one_up(
    reader: Reader, standin: StandIn, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader.application.settings, "second_factor_roles", "agent")
    entered(desk, "agent1", "wang")
    came_back(reader, "wang")
    assert reader.get(f"{CONSOLE}/").headers["location"] == f"{CONSOLE}/account/second-factor"

    monkeypatch.setattr(reader.application.settings, "oidc_mfa_amr", "mfa")
    reader.application.__dict__.pop("provider")
    reader.client.cookies.clear()
    came_back(reader, "wang", mfa=True)
    assert reader.get(f"{CONSOLE}/").status_code == 200


def test_who_was_given_a_password_needs_none_of_their_own(reader: Reader, standin: StandIn, desk: Desk) -> None:
    reader.as_("admin1")
    form = next(form for form in reader.forms(f"{CONSOLE}/people") if "display_name" in form.names)
    reader.send(form, username="handler2", display_name="新来的人", org_code=GOLMUD, roles=["handler"])
    form = step_of_person(reader, f"{CONSOLE}/people/handler2", "link")
    assert reader.send(form, step="link", account="new").status_code == 303
    assert "尚未使用过" in reader.see(f"{CONSOLE}/people/handler2")
    reader.client.cookies.clear()
    came_back(reader, "new")

    assert reader.get(f"{CONSOLE}/").status_code == 200


def own_form(reader: Reader, name: str) -> FormOnPage:
    return next(form for form in reader.forms(IDENTITY) if ("step", name) in form.buttons)


def address_on(response: httpx.Response, standin: StandIn) -> str:
    found = re.search(rf'href="({re.escape(standin.issuer)}/authorize[^"]+)"', unescape(response.text))
    assert found, response.text
    return found[1]


def test_people_link_their_own_account_with_their_password(reader: Reader, standin: StandIn, desk: Desk) -> None:
    log_in(reader)
    wrong = reader.send(own_form(reader, "link"), step="link", present="not the password")
    assert wrong.status_code == 422
    assert "当前密码不正确" in seen(wrong)

    right = reader.send(own_form(reader, "link"), step="link", present=PASSWORD)
    back = reader.get(answer_at(address_on(right, standin), "wang"))
    assert back.headers["location"] == f"{CONSOLE}/account?done=linked"
    assert "账号已关联" in reader.see(back.headers["location"])
    assert "wang" in reader.see(IDENTITY)
    told = desk.rows("select payload::text as said from outbox_message where kind like '%notice%'")
    assert any("如非本人操作" in row.said for row in told)
    reader.client.cookies.clear()
    assert came_back(reader, "wang").headers["location"] == f"{CONSOLE}/"


def test_a_way_to_link_is_good_for_who_set_out_alone(reader: Reader, standin: StandIn, desk: Desk) -> None:
    log_in(reader)
    right = reader.send(own_form(reader, "link"), step="link", present=PASSWORD)
    address = answer_at(address_on(right, standin), "wang")
    reader.client.cookies.delete(SESSION_COOKIE)
    reader.client.cookies.set(SESSION_COOKIE, token_of(reader.application, "agent2"), path=CONSOLE)
    response = reader.get(address)

    assert parse_qs(urlsplit(response.headers["location"]).query)["why"] == ["login_interrupted"]
    assert desk.rows("select 1 from linked_identity") == []


def test_an_account_opens_one_persons_login(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent2", "wang")
    came_back(reader, "wang")
    reader.client.cookies.clear()
    log_in(reader)
    right = reader.send(own_form(reader, "link"), step="link", present=PASSWORD)
    response = reader.get(answer_at(address_on(right, standin), "wang"))

    page = reader.get(response.headers["location"])
    assert page.status_code == 409
    assert "已关联另一名人员" in seen(page)
    assert "agent2" not in page.text
    assert len(desk.rows("select 1 from linked_identity")) == 1


def test_unlinking_ends_the_logins_that_it_opened(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    came_back(reader, "wang")
    opened = reader.client.cookies[SESSION_COOKIE]
    reader.client.cookies.clear()
    log_in(reader)
    assert reader.send(own_form(reader, "unlink"), step="unlink", present="not the password").status_code == 422
    done = reader.send(own_form(reader, "unlink"), step="unlink", present=PASSWORD)
    assert done.headers["location"] == f"{CONSOLE}/account?done=unlinked"
    assert "已解除关联" in reader.see(done.headers["location"])

    reader.client.cookies.clear()
    reader.client.cookies.set(SESSION_COOKIE, opened, path=CONSOLE)
    assert reader.get(f"{CONSOLE}/account").headers["location"].startswith(LOGIN)
    reader.client.cookies.clear()
    assert refusal(reader, came_back(reader, "wang"))[0] == "identity_unknown"


def test_linking_and_unlinking_are_audited_without_the_account(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, HANDLER, "wang-the-handler")
    came_back(reader, "wang-the-handler")
    reader.as_("admin1")
    page = f"{CONSOLE}/people/{HANDLER}"
    assert "wang-the-handler" in reader.see(page)
    reader.send(step_of_person(reader, page, "unlink"), step="unlink")

    rows = desk.rows("select action, subject, before, after from audit_event where action like '%identity' order by id")
    assert [row.action.partition(":")[2] for row in rows] == [
        "person:link-identity",
        "person:bind-identity",
        "person:unlink-identity",
    ]
    assert {row.subject for row in rows} == {HANDLER}
    assert "wang-the-handler" not in str(rows)
    assert subject_of("wang-the-handler") not in str(rows)


def test_somebody_whose_account_was_entered_is_told(reader: Reader, standin: StandIn, desk: Desk) -> None:
    reader.as_("admin1")
    reader.send(step_of_person(reader, f"{CONSOLE}/people/{HANDLER}", "link"), step="link", account="wang")
    told = desk.rows("select payload::text as said from outbox_message where kind like '%notice%'")

    assert any("统一身份认证账号" in row.said for row in told)


def test_leaving_offers_to_leave_there_as_well(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang")
    came_back(reader, "wang")
    form = next(form for form in reader.forms(f"{CONSOLE}/account") if form.action.endswith("/logout"))
    left = reader.send(form)
    assert left.headers["location"] == f"{LOGIN}?left=provider"
    assert "同时退出" in reader.see(left.headers["location"])
    out = reader.get(f"{WAY}/logout")
    assert out.headers["location"].startswith(f"{standin.issuer}/logout?client_id=hotline&post_logout_redirect_uri=")

    standin.said = {"end_session_endpoint": None}
    reader.application.__dict__.pop("provider")
    assert reader.get(f"{WAY}/logout").headers["location"] == LOGIN


def test_strangers_do_not_send_us_to_the_provider_without_end(reader: Reader, standin: StandIn) -> None:
    statuses = [reader.get(WAY).status_code for _ in range(601)]

    assert statuses[:600] == [303] * 600
    assert statuses[600] == 429
    assert standin.asked["/.well-known/openid-configuration"] == 1


def test_the_log_names_reasons_and_nothing_personal(reader: Reader, standin: StandIn, desk: Desk) -> None:
    entered(desk, "agent1", "wang-of-xining")
    with capture_logs() as logged:
        first = back_from(reader, "wang-of-xining")
        reader.get(first)
        standin.twist = lambda claims: {**claims, "aud": "another"}
        second = back_from(reader, "wang-of-xining")
        reader.get(second)
    said = str(logged)

    assert {"claim": "aud", "event": "oidc_refused", "log_level": "warning", "why": "claim"} in logged
    for address in (first, second):
        assert parse_qs(urlsplit(address).query)["code"][0] not in said
        assert parse_qs(urlsplit(address).query)["state"][0] not in said
    assert subject_of("wang-of-xining") not in said
    assert "wang" not in said
