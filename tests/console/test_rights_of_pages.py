"""Every page says which right it needs, and nobody without one gets in."""

import re

import pytest
from sqlalchemy import text
from starlette.routing import Route

from service.api.live import Live
from service.bootstrap import Application
from service.console.app import create_console
from service.console.endpoints import pages
from service.console.security import FORM_MARK, SESSION_COOKIE, form_mark
from service.identity.permissions import Permission, Role, permissions_of
from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk

# Whatever one may do: the way in and out, one's own account and notices.
OPEN = {"/login", "/login/code", "/logout", "/", "/inbox"}
OPEN |= {"/account", "/account/password", "/account/second-factor", "/account/second-factor.svg"}
OPEN |= {"/account/identity", "/login/oidc"}
OPEN |= {f"/login/oidc/{page}" for page in ("callback", "refused", "code", "logout")}
# A stream of one's own notices for who is logged in, nothing for anybody else.
STREAM = "/events"
PEOPLE = {
    Role.agent: "agent1",
    Role.lawyer: "lawyer1",
    Role.dispatcher: "dispatcher1",
    Role.handler: f"handler-{GOLMUD}",
    Role.reviewer: f"leader-{GOLMUD}",
    Role.supervisor: "supervisor1",
    Role.admin: "admin1",
    Role.auditor: "auditor1",
}
PLACES = {"kind": "csv", "username": "agent1"}


def routes(application: Application) -> list[Route]:
    console = create_console(application, Live(application))
    return [route for route in console.routes if isinstance(route, Route) and route.path != STREAM]


def address(route: Route, number: str) -> str:
    places = {**PLACES, "number": number}
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: places.get(match[1], "1"), route.path)
    return CONSOLE + path


def test_a_page_that_says_nothing_is_not_made(application: Application) -> None:
    with pytest.raises(ValueError, match="say which right"):
        pages(application, home="/")(lambda visit: visit.goto("/"))


def test_each_page_says_what_it_needs_but_those_of_ones_own(application: Application) -> None:
    found = routes(application)
    assert {route.path for route in found if not route.endpoint.needs} == OPEN
    assert len(found) > 60


def test_who_lacks_the_right_is_refused_page_and_form(visitor: Reader, shared_desk: Desk) -> None:
    application = shared_desk.application
    number = shared_desk.in_progress(GOLMUD)
    refused = 0
    for role, who in PEOPLE.items():
        reader = visitor.as_(who)
        mark = form_mark(application.vault, reader.client.cookies[SESSION_COOKIE])
        held: frozenset[Permission] = permissions_of(frozenset({role}))
        for route in routes(application):
            needs = route.endpoint.needs
            if not needs or held & set(needs):
                continue
            for method in (route.methods or set()) - {"HEAD"}:
                form = {FORM_MARK: mark} if method == "POST" else None
                answer = reader.client.request(method, address(route, number), data=form)
                files = method == "POST" and answer.status_code == 415
                assert answer.status_code == 403 or files, (who, method, route.path, answer.status_code)
                assert number not in answer.text.replace(address(route, number), "")
                refused += 1
    assert refused > 150


@pytest.mark.parametrize(
    ("owed", "leads_to"),
    [
        ("update person set password_given_at = now() where username = :w", "/account/password"),
        (
            "update login_token t set owes_second_factor = true from person p"
            " where p.id = t.person_id and p.username = :w",
            "/account/second-factor",
        ),
    ],
)
def test_who_has_to_do_something_first_is_led_there_from_every_page_and_form(
    reader: Reader, desk: Desk, owed: str, leads_to: str
) -> None:
    number = desk.in_progress(GOLMUD)
    led = 0
    for who in (f"handler-{GOLMUD}", "admin1"):
        reader.as_(who)
        with desk.by_hand() as owner:
            owner.execute(text(owed), {"w": who})
        mark = form_mark(desk.application.vault, reader.client.cookies[SESSION_COOKIE])
        for route in routes(desk.application):
            for method in (route.methods or set()) - {"HEAD"} if route.endpoint.needs else ():
                form = {FORM_MARK: mark} if method == "POST" else None
                answer = reader.client.request(method, address(route, number), data=form, follow_redirects=False)
                if method == "POST" and answer.status_code == 415:
                    continue
                assert answer.status_code == 303, (who, method, route.path, answer.status_code)
                assert answer.headers["location"] == CONSOLE + leads_to, (who, method, route.path)
                led += 1
    assert led > 120
