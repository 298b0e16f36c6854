"""Every address × every role × own, parent's, child's and sibling's ticket: the answers are docs/permissions.md's.

The tickets have ended, so that no step that may be taken is: it is refused with 409, and the next one asks about the
same ticket. A right that was lost or given by accident shows as a line that differs.
"""

from dataclasses import dataclass

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service.app import create_app
from service.core.unit import PROVINCE_CODE
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.tickets.passing_down import PassDown, pass_down
from tests.api.clients import Api
from tests.api.test_auth import example_body, example_query
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, HAIXI, Desk
from tests.permissions import CENTRE, CITY, DOCUMENT, MAY, OUTSIDE, PLACES, Route, document, expected, routes

SIBLING = "630200"
OFFICES = {CENTRE: PROVINCE_CODE, CITY: HAIXI}
# Examples of the parts of an address; an id is 1.
# The first login is that of one of those who ask.
PARTS = {"kind": "dispatch", "key": "0" * 32, "login_id": "999999", "hold_id": "999999"}
# Everybody's own; its answer never ends, and tests/api/test_events.py reads it.
WITHOUT_END = {"/api/v1/events"}
# A new hotline has no catalogue until somebody brings one; the example's person is the centre's, and no city's.
NOT_THERE_YET = {"/api/v1/dispatch-catalogue", "/api/v1/duties"}


@dataclass(frozen=True)
class Tickets:
    """Two tickets of each union, one to ask about and one to name beside it."""

    of_union: dict[str, tuple[str, str]]

    def seen_from(self, office: str, whose: str) -> tuple[str, str]:
        own, below = (PROVINCE_CODE, GOLMUD) if office == CENTRE else (HAIXI, GOLMUD)
        return self.of_union[{"own": own, "below": below, "above": PROVINCE_CODE, "beside": SIBLING}[whose]]


@pytest.fixture(scope="module")
def tickets(shared_desk: Desk) -> Tickets:
    desk = shared_desk

    def passed_down() -> str:
        number = desk.in_progress(HAIXI)
        desk.do(f"handler-{HAIXI}", pass_down, PassDown(number=number, org_code=GOLMUD))
        return number

    made = {
        PROVINCE_CODE: (desk.accepted(), desk.accepted()),
        HAIXI: (desk.in_progress(HAIXI), desk.in_progress(HAIXI)),
        GOLMUD: (passed_down(), passed_down()),
        SIBLING: (desk.in_progress(SIBLING), desk.in_progress(SIBLING)),
    }
    with desk.application.unit() as unit:
        # Ended where they stand: with their holder and their assignments, as no step would leave them.
        unit.session.execute(text("update ticket set state = 'terminated'"))
    return Tickets(made)


@pytest.fixture(scope="module")
def people(shared_api: Api) -> dict[tuple[str, Role], Api]:
    """Somebody in each role and nothing else, at the centre and at a city."""
    with shared_api.application.unit() as unit:
        for office, code in OFFICES.items():
            for role in Role:
                command = CreatePerson(
                    username=f"{role}-at-{office}",
                    display_name=f"{role}",
                    org_code=code,
                    roles=frozenset({role}),
                    password=PASSWORD,
                )
                create_person(unit, command, password_hash="none")
    return {(office, role): shared_api.as_(f"{role}-at-{office}") for office in OFFICES for role in Role}


@pytest.fixture(scope="module")
def app(shared_desk: Desk) -> FastAPI:
    return create_app(shared_desk.application)


def answer(route: Route, who: Api, number: str, other: str, org: str) -> int:
    parts = {name: PARTS.get(name, "1") for name in path_parts(route)} | {"number": number, "org": org}
    sent = example_body(route.operation)
    if route.request == "another":
        sent = {"json": {"reason": "亲属", "username": f"handler-{GOLMUD}"}}
    elif route.request and route.request != "oneself":
        sent = {"json": {"request": route.request, "verdict": "refuse", "note": "理由不充分"}}
    for name in {"master", "other"} & sent.get("json", {}).keys():
        sent = {"json": {**sent["json"], name: other}}
    path = route.path.removeprefix("/api/v1").format(**parts)
    return who.request(route.method, path + example_query(route.operation), **sent).status_code


def path_parts(route: Route) -> set[str]:
    return {entry["name"] for entry in route.operation.get("parameters", []) if entry["in"] == "path"}


def agrees(route: Route, status: int, told: str) -> bool:
    if told != MAY:
        return str(status) == told
    if status == 404:
        # What belongs to one person is not there for another, and neither is what the example's id does not name.
        return bool(path_parts(route) - {"number", "org", "kind"}) or route.path in NOT_THERE_YET
    return status < 300 or status in {409, 422}


@pytest.mark.parametrize("office", OFFICES)
def test_every_address_answers_every_role_from_every_place_as_the_table_says(
    app: FastAPI, people: dict[tuple[str, Role], Api], tickets: Tickets, office: str
) -> None:
    differing = []
    # Who has kept out of a matter does not see it any more, so that is asked last.
    for route in sorted(routes(app), key=lambda one: one.request == "oneself"):
        if route.public or route.path.endswith("/auth/logout") or route.path in WITHOUT_END:
            continue
        placed = route.of_a_ticket or route.of_a_queue
        for role in Role:
            for whose in PLACES[office] if placed else ("own",):
                number, other = tickets.seen_from(office, whose)
                org = {"own": OFFICES[office], "below": GOLMUD, "above": PROVINCE_CODE, "beside": SIBLING}[whose]
                status = answer(route, people[office, role], number, other, org)
                told = expected(route, role, office, whose)
                if not agrees(route, status, told):
                    differing.append(f"{route.name}: {role} at the {office}, {whose}: {status}, told {told}")
    assert not differing, "\n".join(differing)


def test_the_table_for_people_is_the_one_that_is_tested(app: FastAPI) -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(app), "run python -m tests.permissions"


def test_every_step_of_people_has_an_address_and_nobody_reaches_outside_their_scope(app: FastAPI) -> None:
    for route in routes(app):
        if route.of_a_ticket:
            assert route.rights, route.name
            assert all(expected(route, role, CITY, whose) != MAY for role in Role for whose in OUTSIDE), route.name
