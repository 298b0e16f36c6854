"""What gives power over the service is told to those who have it: nobody makes an administrator or a key in secret."""

from datetime import timedelta

from service.identity.keeping import AddPerson, ChangePerson
from service.identity.peers import AddPeer
from service.identity.permissions import Permission, Role
from service.notifications.account_notices import (
    add_peer_and_tell,
    add_person_and_tell,
    change_person_and_tell,
    rotate_peer_and_tell,
)
from tests.desk import GOLMUD, HAIXI, Desk


def add(desk: Desk, username: str, org_code: str, *roles: Role, by: str = "admin1") -> None:
    command = AddPerson(username=username, display_name="新来的人", org_code=org_code, roles=frozenset(roles))
    desk.do(by, add_person_and_tell, command)


def told(desk: Desk) -> list[tuple[str, str]]:
    """Who is told, and of what; each only once here."""
    rows = desk.rows(
        "select username, payload ->> 'key' as key from outbox_message m"
        " join person p on p.id = (payload ->> 'person_id')::int where kind = 'notice' order by m.id"
    )
    return [(row.username, row.key.rpartition(":")[0]) for row in rows]


def test_a_new_administrator_is_told_to_the_others_over_that_union_and_not_to_who_did_it(desk: Desk) -> None:
    add(desk, "admin2", "630000", Role.admin)
    assert told(desk) == [], "there was nobody else"
    add(desk, "admin-city", HAIXI, Role.admin)
    add(desk, "admin-other", "630100", Role.admin)
    add(desk, "handler2", GOLMUD, Role.handler)
    add(desk, "admin-county", GOLMUD, Role.admin, by="admin-city")

    of_county = [who for who, key in told(desk) if key == "administrator:admin-county"]
    assert of_county == ["admin1", "admin2"]
    assert [who for who, key in told(desk) if key == "administrator:admin-city"] == ["admin2"]
    assert not [key for _, key in told(desk) if "handler2" in key]


def test_who_becomes_an_administrator_later_is_told_of_once(desk: Desk) -> None:
    add(desk, "admin2", "630000", Role.admin)
    command = ChangePerson(username=f"handler-{GOLMUD}", roles=frozenset({Role.handler, Role.admin}))
    for _ in range(2):
        desk.do("admin1", change_person_and_tell, command)
        desk.wait(minutes=1)

    assert told(desk) == [("admin2", f"administrator:handler-{GOLMUD}")]


def test_a_key_of_a_peer_system_is_told_when_it_is_made_and_when_it_is_changed(desk: Desk) -> None:
    add(desk, "admin2", "630000", Role.admin)
    command = AddPeer(
        name="xining-12345",
        org_code=GOLMUD,
        scopes=[Permission.ticket_read],
        networks=["10.8.0.0/24"],
        expires_at=desk.clock.now() + timedelta(days=100),
    )
    made = desk.do("admin1", add_peer_and_tell, command)
    desk.wait(minutes=1)
    with desk.application.unit() as unit:
        rotate_peer_and_tell(unit, made.id)

    key = f"peer-key:{made.id}"
    assert told(desk) == [("admin2", key), ("admin1", key), ("admin2", key)]
    assert made.secret not in str(desk.rows("select payload from outbox_message"))
