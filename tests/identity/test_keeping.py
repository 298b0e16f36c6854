"""Keeping people: where a role has its place, what nobody does to themselves, and what a leaver leaves open."""

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from service.checks import run_checks
from service.core.errors import HotlineError
from service.identity.absences import RecordAbsence, record_absence
from service.identity.duties import RecordDuty, record_duty
from service.identity.errors import LoginFailed, NotLoggedIn, PersonNotFound, UsernameTaken
from service.identity.keeping import (
    AddPerson,
    ChangePerson,
    FindPeople,
    LastAdministrator,
    NotOneself,
    PersonHasLeft,
    RoleOutOfPlace,
    RolesApart,
    RolesMissing,
    UnionOutOfReach,
    add_person,
    change_person,
    disable_person,
    enable_person,
    find_people,
    person_row,
    reset_password,
)
from service.identity.people import actor_of_username
from service.identity.permissions import Permission, Role
from service.tickets.assigning import AssignTicket, assign_ticket
from service.tickets.leaving import HandOver, NobodyToHandTo, hand_over, open_work
from service.tickets.recusing import RecusePerson, recuse
from tests.desk import GOLMUD, HAIXI, Desk
from tests.identity.test_logins import come_in
from tests.tickets.test_races import race

HANDLER = f"handler-{GOLMUD}"


def added(desk: Desk, username: str, org_code: str, *roles: Role, by: str = "admin1") -> str:
    command = AddPerson(username=username, display_name="新来的人", org_code=org_code, roles=frozenset(roles))
    return desk.do(by, add_person, command)


def city_admin(desk: Desk) -> str:
    added(desk, "admin-city", HAIXI, Role.admin)
    return "admin-city"


def test_somebody_added_gets_a_password_for_one_login(desk: Desk) -> None:
    password = added(desk, "handler2", GOLMUD, Role.handler)
    row = desk.do("admin1", person_row, "handler2")

    assert come_in(desk, "handler2", password).actor.org_code == GOLMUD
    assert (row.roles, row.active, row.password_given_at) == ((Role.handler,), True, desk.clock.now())
    with pytest.raises(UsernameTaken):
        added(desk, "handler2", GOLMUD, Role.handler)
    assert password not in str(desk.rows("select before, after from audit_event"))


@pytest.mark.parametrize(
    ("org_code", "roles", "refusal"),
    [
        (GOLMUD, {Role.agent}, RoleOutOfPlace),
        (HAIXI, {Role.lawyer}, RoleOutOfPlace),
        (HAIXI, {Role.handler, Role.dispatcher}, RoleOutOfPlace),
        (GOLMUD, {Role.supervisor}, RoleOutOfPlace),
        (HAIXI, {Role.auditor}, RoleOutOfPlace),
        ("630000", {Role.auditor, Role.admin}, RolesApart),
        (GOLMUD, set(), RolesMissing),
    ],
)
def test_a_role_has_its_place(desk: Desk, org_code: str, roles: set[Role], refusal: type[HotlineError]) -> None:
    with pytest.raises(refusal):
        added(desk, "somebody", org_code, *roles)
    with pytest.raises(refusal):
        desk.do("admin1", change_person, ChangePerson(username=HANDLER, org_code=org_code, roles=frozenset(roles)))


def test_an_administrator_of_a_city_keeps_the_people_there_and_below_alone(desk: Desk) -> None:
    admin = city_admin(desk)
    added(desk, "handler2", GOLMUD, Role.handler, by=admin)
    desk.do(admin, change_person, ChangePerson(username="handler2", display_name="李四"))

    for org_code in ("630000", "630200"):
        with pytest.raises(UnionOutOfReach):
            added(desk, "handler3", org_code, Role.handler, by=admin)
        with pytest.raises(UnionOutOfReach):
            desk.do(admin, change_person, ChangePerson(username="handler2", org_code=org_code))
    for stranger in ("agent1", "handler-630200", "admin1", "nobody-here"):
        for step in (reset_password, disable_person, enable_person, open_work, person_row):
            with pytest.raises(PersonNotFound):
                desk.do(admin, step, stranger)
        with pytest.raises(PersonNotFound):
            desk.do(admin, change_person, ChangePerson(username=stranger, roles=frozenset({Role.handler})))
    found = desk.do(admin, find_people, FindPeople(limit=200))
    assert {row.org_code[:4] for row in found.rows} == {"6328"}
    assert desk.do(admin, find_people, FindPeople(org_code="630000", limit=200)).total == found.total


def test_a_changed_role_works_at_once_and_is_told_with_before_and_after(desk: Desk) -> None:
    desk.do("admin1", change_person, ChangePerson(username=HANDLER, roles=frozenset({Role.reviewer})))

    with desk.application.unit() as unit:
        actor = actor_of_username(unit, HANDLER)
    assert not actor.may(Permission.ticket_sign)
    assert actor.may(Permission.ticket_approve)
    (event,) = desk.rows("select before, after from audit_event where action = 'person:person:change'")
    assert (event.before, event.after) == ({"roles": ["handler"]}, {"roles": ["reviewer"]})


def test_a_change_that_changes_nothing_is_no_event_and_a_name_is_not_in_the_audit(desk: Desk) -> None:
    desk.do("admin1", change_person, ChangePerson(username=HANDLER, roles=frozenset({Role.handler})))
    assert desk.rows("select 1 from audit_event where action = 'person:person:change'") == []
    desk.do("admin1", change_person, ChangePerson(username=HANDLER, display_name="王五六"))
    (event,) = desk.rows("select before, after from audit_event where action = 'person:person:change'")
    assert (event.before, event.after) == ({}, {"renamed": True})


def test_nobody_does_it_to_themselves(desk: Desk) -> None:
    for step in (disable_person, reset_password, enable_person):
        with pytest.raises(NotOneself):
            desk.do("admin1", step, "admin1")
    command = ChangePerson(username="admin1", roles=frozenset({Role.admin, Role.agent}))
    with pytest.raises(NotOneself):
        desk.do("admin1", change_person, command)
    desk.do("admin1", change_person, ChangePerson(username="admin1", display_name="张三"))


def test_the_last_administrator_stays(desk: Desk) -> None:
    with desk.application.unit() as unit, pytest.raises(LastAdministrator):
        disable_person(unit, "admin1")
    with desk.application.unit() as unit, pytest.raises(LastAdministrator):
        change_person(unit, ChangePerson(username="admin1", roles=frozenset({Role.handler})))
    added(desk, "admin2", "630000", Role.admin)
    desk.do("admin2", disable_person, "admin1")
    with desk.application.unit() as unit, pytest.raises(LastAdministrator):
        disable_person(unit, "admin2")


@pytest.mark.parametrize("how", ["disable", "demote", "one each"])
def test_of_two_administrators_at_each_other_at_once_one_is_refused_in_words(desk: Desk, how: str) -> None:
    added(desk, "admin2", "630000", Role.admin)

    def at(who: str, whom: str, way: str) -> None:
        if way == "disable":
            desk.do(who, disable_person, whom)
        else:
            desk.do(who, change_person, ChangePerson(username=whom, roles=frozenset({Role.agent})))

    first, second = {"disable": ("disable",) * 2, "demote": ("demote",) * 2}.get(how, ("disable", "demote"))
    for _ in range(10):
        refusals = race(partial(at, "admin1", "admin2", first), partial(at, "admin2", "admin1", second))

        assert {type(each) for each in refusals if each} <= {NotLoggedIn, LastAdministrator}
        left = desk.rows(
            "select username from person p join person_role r on r.person_id = p.id where r.role = 'admin' and active"
        )
        assert len(left) == 1
        with desk.application.unit() as unit:
            for name in ("admin1", "admin2"):
                enable_person(unit, name)
                change_person(unit, ChangePerson(username=name, roles=frozenset({Role.admin})))
    assert desk.rows("select deadlocks as n from pg_stat_database where datname = current_database()")[0].n == 0


def test_who_was_disabled_a_moment_ago_disables_nobody(desk: Desk) -> None:
    for name in ("admin2", "admin3"):
        added(desk, name, "630000", Role.admin)
    with desk.application.unit() as unit:
        unit.actor = actor_of_username(unit, "admin2")
        desk.do("admin1", disable_person, "admin2")
        with pytest.raises(NotLoggedIn):
            disable_person(unit, "admin1")
        unit.session.rollback()


def test_a_province_without_an_administrator_is_found(desk: Desk) -> None:
    def holds() -> bool:
        with desk.application.reading() as unit:
            return {each.name: each.holds for each in run_checks(unit, tick=5)}["the_province_has_an_administrator"]

    assert holds()
    with desk.by_hand() as owner:
        owner.execute(text("update person set active = false where username = 'admin1'"))
    assert not holds()


def test_a_leaver_is_out_at_once_and_comes_back_with_another_password(desk: Desk) -> None:
    come_in(desk, HANDLER)
    desk.do("admin1", disable_person, HANDLER)
    desk.do("admin1", disable_person, HANDLER)

    assert desk.rows("select 1 from login_token where revoked_at is null") == []
    with pytest.raises(LoginFailed):
        come_in(desk, HANDLER)
    with pytest.raises(PersonHasLeft):
        desk.do("admin1", reset_password, HANDLER)
    password = desk.do("admin1", enable_person, HANDLER)
    assert come_in(desk, HANDLER, password).actor.roles == {"handler"}
    assert len(desk.rows("select 1 from audit_event where action = 'person:person:disable'")) == 1


def test_people_are_found_by_name_union_role_and_whether_they_are_here(desk: Desk) -> None:
    desk.do("admin1", disable_person, HANDLER)

    def names(**wanted: Any) -> list[str]:
        return [row.username for row in desk.do("admin1", find_people, FindPeople(**wanted)).rows]

    assert names(org_code=GOLMUD) == [f"leader-{GOLMUD}"]
    assert names(org_code=GOLMUD, active=None) == [HANDLER, f"leader-{GOLMUD}"]
    assert names(active=False) == [HANDLER]
    assert names(text="坐席") == ["agent1", "agent2"]
    assert names(text="%") == []
    assert names(role=Role.lawyer) == ["lawyer1"]
    first = desk.do("admin1", find_people, FindPeople(limit=5))
    assert first.next_after == first.rows[-1].username
    assert names(after=first.next_after, limit=1)[0] > first.next_after


def test_what_a_leaver_leaves_open_is_shown_and_handed_over_together(desk: Desk) -> None:
    added(desk, "handler2", GOLMUD, Role.handler)
    numbers = [desk.in_progress() for _ in range(3)]
    for number in numbers:
        desk.do(f"leader-{GOLMUD}", assign_ticket, AssignTicket(number=number, username=HANDLER))
    desk.do(f"leader-{GOLMUD}", recuse, RecusePerson(number=numbers[2], reason="亲属", username="handler2"))
    today = date(2026, 11, 20)
    desk.do(
        f"leader-{GOLMUD}",
        record_absence,
        RecordAbsence(starts_on=today, ends_on=today + timedelta(days=3), deputy=HANDLER, reason="年休假"),
    )
    starts = desk.clock.now() + timedelta(hours=9)
    duty = RecordDuty(username=HANDLER, starts_at=starts, ends_at=starts + timedelta(hours=12))
    desk.do(f"leader-{GOLMUD}", record_duty, duty)
    desk.do("admin1", disable_person, HANDLER)
    work = desk.do("admin1", open_work, HANDLER)
    assert [each.number for each in work.tickets] == numbers
    assert (len(work.duties), len(work.stands_in)) == (1, 1)

    done = desk.do("admin1", hand_over, HandOver(username=HANDLER, to="handler2"))

    assert (done.tickets, done.duties, done.stands_in) == (2, 1, 1)
    assert [what for what, _ in done.left] == [numbers[2]]
    work = desk.do("admin1", open_work, "handler2")
    assert [each.number for each in work.tickets] == numbers[:2]
    assert (len(work.duties), len(work.stands_in)) == (1, 1)
    assert [each.number for each in desk.do("admin1", open_work, HANDLER).tickets] == numbers[2:]
    told = desk.rows(
        "select 1 from outbox_message where kind = 'notice' and payload ->> 'key' like '%assigned'"
        " and (payload ->> 'person_id')::int = (select id from person where username = 'handler2')"
    )
    assert len(told) == 2
    (event,) = desk.rows("select after from audit_event where action = 'person:person:hand-over'")
    assert event.after == {"to": "handler2", "tickets": 2, "consults": 0, "duties": 1, "stands_in": 1, "left": 1}


def test_nothing_is_handed_to_who_is_not_there_or_may_not_have_it(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(f"leader-{GOLMUD}", assign_ticket, AssignTicket(number=number, username=HANDLER))
    with pytest.raises(NobodyToHandTo):
        desk.do("admin1", hand_over, HandOver(username=HANDLER, to=HANDLER))
    desk.do("admin1", disable_person, "agent2")
    with pytest.raises(NobodyToHandTo):
        desk.do("admin1", hand_over, HandOver(username=HANDLER, to="agent2"))
    done = desk.do("admin1", hand_over, HandOver(username=HANDLER, to=f"handler-{HAIXI}"))
    assert (done.tickets, [what for what, _ in done.left]) == (0, [number])
