"""Why somebody sees a ticket, or does not, and what they may do with it."""

import pytest

from service.identity.errors import PersonNotFound
from service.identity.keeping import AddPerson, ChangePerson, add_person, change_person, disable_person
from service.identity.permissions import Role
from service.tickets.errors import TicketNotFound
from service.tickets.passing_down import PassDown, pass_down
from service.tickets.queries import ticket_view
from service.tickets.recusing import RecusePerson, recuse
from service.tickets.why import Why, why
from tests.api.clients import Api
from tests.api.conftest import api, app, portal
from tests.console.browser import CONSOLE
from tests.desk import GOLMUD, HAIXI, Desk

__all__ = ["api", "app", "portal"]

HANDLER = f"handler-{GOLMUD}"


def asked(desk: Desk, username: str, number: str, by: str = "admin1") -> Why:
    with desk.application.unit() as unit:
        from service.identity.people import actor_of_username

        unit.actor = actor_of_username(unit, by)
        return why(unit, username, number)


def held(found: Why) -> dict[str, bool]:
    return {reason.code: reason.holds for reason in found.reasons}


def sees(desk: Desk, username: str, number: str) -> bool:
    """What the tickets' own room says."""
    try:
        desk.do(username, ticket_view, number)
    except TicketNotFound:
        return False
    return True


def test_the_holder_sees_it_and_may_do_what_their_role_gives(desk: Desk) -> None:
    found = asked(desk, HANDLER, desk.in_progress())

    assert found.sees
    assert held(found) == {"active": True, "role": True, "held": True, "given": True, "free": True}
    may = {each.step.value for each in found.steps if each.refusal is None}
    assert {"reply", "contact", "extend"} <= may
    assert not {"retier", "supervise", "terminate"} & may
    assert all(each.refusal and "承办" not in each.refusal.en for each in found.steps if each.step.value not in may)


def test_each_reason_for_not_seeing_it_is_named(desk: Desk) -> None:
    number = desk.in_progress()
    assert held(asked(desk, "handler-630200", number)) == {
        "active": True,
        "role": True,
        "held": False,
        "given": False,
        "free": True,
    }
    assert not held(asked(desk, "auditor1", number))["role"]
    assert held(asked(desk, "auditor1", number))["held"]
    desk.do(f"leader-{GOLMUD}", recuse, RecusePerson(number=number, reason="亲属", username=HANDLER))
    assert not held(asked(desk, HANDLER, number))["free"]
    desk.do("admin1", disable_person, f"leader-{GOLMUD}")
    assert not held(asked(desk, f"leader-{GOLMUD}", number))["active"]
    for who in ("handler-630200", "auditor1", HANDLER, f"leader-{GOLMUD}"):
        found = asked(desk, who, number)
        assert (found.sees, found.steps) == (False, [])


def test_a_city_that_passed_it_down_and_a_role_that_changed_are_told_as_they_are(desk: Desk) -> None:
    number = desk.in_progress(HAIXI)
    desk.do(f"handler-{HAIXI}", pass_down, PassDown(number=number, org_code=GOLMUD))
    city = asked(desk, f"handler-{HAIXI}", number)
    assert city.sees
    assert "take-back" in {each.step.value for each in city.steps if each.refusal is None}
    desk.do("admin1", change_person, ChangePerson(username=HANDLER, roles=frozenset({Role.admin})))
    assert not asked(desk, HANDLER, number).sees


def test_the_answer_is_the_scope_filters_own(desk: Desk) -> None:
    numbers = [desk.accepted(), desk.dispatched(), desk.in_progress(HAIXI), desk.closed()]
    for username in ("agent1", HANDLER, f"handler-{HAIXI}", "handler-630200", f"leader-{GOLMUD}"):
        for number in numbers:
            assert asked(desk, username, number).sees == sees(desk, username, number), (username, number)


def test_an_administrator_asks_about_people_and_tickets_of_their_own_part_alone(desk: Desk) -> None:
    number, elsewhere = desk.in_progress(), desk.in_progress("630200")
    desk.do(
        "admin1",
        add_person,
        AddPerson(username="admin-city", display_name="州管理员", org_code=HAIXI, roles=frozenset({Role.admin})),
    )
    assert asked(desk, HANDLER, number, by="admin-city").sees
    with pytest.raises(TicketNotFound):
        asked(desk, HANDLER, elsewhere, by="admin-city")
    with pytest.raises(PersonNotFound):
        asked(desk, "handler-630200", number, by="admin-city")


def test_nothing_of_the_matter_is_told(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    answer = api.as_("admin1").get(f"/people/{HANDLER}/tickets/{number}/why")

    assert answer.status_code == 200
    assert answer.json()["sees"] is True
    for told in ("拖欠工资", "三个月", "马小明", "13897001234", "某建筑公司"):
        assert told not in answer.text
    assert api.as_("agent1").get(f"/people/{HANDLER}/tickets/{number}/why").status_code == 403
    for unknown in ("QH12351-20260101-999999", "nonsense"):
        assert api.as_("admin1").get(f"/people/{HANDLER}/tickets/{unknown}/why").status_code == 404


def test_the_page_answers_as_well(api: Api, desk: Desk) -> None:
    from service.console.security import SESSION_COOKIE
    from tests.api.clients import token_of

    number = desk.in_progress()
    api.client.cookies.set(SESSION_COOKIE, token_of(desk.application, "admin1"), path=CONSOLE)
    page = api.client.get(f"{CONSOLE}/people/{HANDLER}?ticket={number}").text
    assert "能看到" in page
    assert "拖欠工资" not in page
    for unknown in ("QH12351-20260101-999999", "<b>"):
        answer = api.client.get(f"{CONSOLE}/people/{HANDLER}", params={"ticket": unknown})
        assert answer.status_code == 200
        assert "<b>&" not in answer.text
        assert "box bad" in answer.text
