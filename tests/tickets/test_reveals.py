"""Who sees how much of a caller; and who looks at too many is noticed."""

import itertools

import pytest

from service.core.unit import PROVINCE_CODE, Actor
from service.identity.permissions import ROLE_PERMISSIONS, Permission, Role
from service.tickets.concealing import Sight, sight
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import RevealCaller, reveal_caller
from service.tickets.models import Ticket
from service.tickets.reveals import tell_of_unusual_reveals
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER = f"handler-{GOLMUD}"
RING_BACK, CONFIDED_IN = {Role.agent, Role.lawyer, Role.handler}, {Role.agent, Role.supervisor}
PLACES = {"the centre": PROVINCE_CODE, "the holder": GOLMUD, "above the holder": HAIXI, "beside the holder": "632802"}


def expected(role: Role, place: str, level: Confidentiality, *, inside: bool) -> Sight:
    """The rule in words: inside the employer nobody learns anything, and of a confidential matter nobody outside the
    centre; who rings back sees the caller, the centre everybody's and a union its own, but agents alone one that the
    intake alone is to know; all others see the masked form."""
    if inside or (level is not Confidentiality.open and place != "the centre"):
        return Sight.nothing
    if level is Confidentiality.intake_only and role is not Role.agent:
        return Sight.masked
    if role in RING_BACK and place in {"the centre", "the holder"}:
        return Sight.clear
    return Sight.masked


@pytest.mark.parametrize(
    ("role", "place", "level", "inside"), list(itertools.product(Role, PLACES, Confidentiality, [False, True]))
)
def test_every_role_at_every_place_and_level_sees_so_much(
    role: Role, place: str, level: Confidentiality, inside: bool
) -> None:
    code = PLACES[place]
    actor = Actor(id=1, name="x", org_code=code, scope=code, permissions=ROLE_PERMISSIONS[role])
    ticket = Ticket(holder_code=GOLMUD, confidentiality=level.value)

    assert sight(actor, ticket, inside=inside) is expected(role, place, level, inside=inside)


def test_who_rings_back_has_the_right() -> None:
    assert {role for role in Role if Permission.caller_reveal in ROLE_PERMISSIONS[role]} == RING_BACK
    assert {role for role in Role if Permission.caller_reveal_confided in ROLE_PERMISSIONS[role]} == CONFIDED_IN


def look(desk: Desk, number: str, times: int, who: str = HANDLER) -> None:
    for _ in range(times):
        desk.do(who, reveal_caller, RevealCaller(number=number, reason="回访"))


def watch(desk: Desk, ceiling: int = 12) -> int:
    with desk.application.unit() as unit:
        return tell_of_unusual_reveals(unit, ceiling=ceiling)


def told(desk: Desk) -> list[str]:
    return [
        row.username
        for row in desk.rows(
            "select p.username from outbox_message m join person p on p.id = (m.payload ->> 'person_id')::int"
            " where m.key like 'notice:reveals:%' order by p.username"
        )
    ]


def test_more_than_the_ceiling_is_told_once_a_day_to_those_who_can_ask(desk: Desk) -> None:
    number = desk.in_progress()
    look(desk, number, 12)
    assert watch(desk) == 0
    look(desk, number, 1)

    assert (watch(desk), watch(desk)) == (1, 0)
    assert {"admin1", "supervisor1"} <= set(told(desk))
    assert HANDLER not in told(desk)
    [(action, after)] = desk.rows("select action, after from audit_event where action like '%reveal-unusual'")
    assert (action, after["reveals"], after["most"]) == ("system:caller:reveal-unusual", 13, 12)
    desk.wait(days=1)
    assert watch(desk) == 0
    look(desk, number, 13)
    assert watch(desk) == 1


def test_three_times_the_usual_of_somebody_whose_usual_is_known_is_unusual(desk: Desk) -> None:
    number = desk.in_progress()
    for _ in range(5):
        look(desk, number, 4)
        desk.wait(days=1)
    look(desk, number, 12)
    assert watch(desk, ceiling=100) == 0
    look(desk, number, 1)
    assert watch(desk, ceiling=100) == 1


def test_a_refused_look_is_none(desk: Desk) -> None:
    number = desk.in_progress(confidentiality=Confidentiality.from_unions)
    for _ in range(2):
        with pytest.raises(Exception, match="confidentiality"):
            look(desk, number, 1)
    assert desk.rows("select * from reveal_tally") == []
