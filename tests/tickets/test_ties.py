"""A superuser of the database can't show somebody another's caller: which caller a ticket names bears a code."""

import pytest
from sqlalchemy import text

from service.checks import run_checks
from service.core.unreadable import UNREADABLE
from service.tickets.disclosure import RevealCaller, reveal_caller
from service.tickets.messages import worker_sms_handler
from service.tickets.queries import ticket_view
from service.tickets.ties import CallerMisplaced, tie_older
from tests.desk import GOLMUD, Desk
from tests.sealing.test_rotating import FIRST, ONLY_SECOND, SECOND, process, rotated

HANDLER = f"handler-{GOLMUD}"
OTHERS = "13897005678"


def found(desk: Desk) -> tuple[str, ...]:
    with desk.application.reading() as unit:
        return next(each for each in run_checks(unit, tick=5) if each.name == "a_ticket_names_who_called").examples


def by_hand(desk: Desk, *statements: str) -> None:
    with desk.by_hand() as owner:
        for statement in statements:
            assert owner.execute(text(statement)).rowcount, "something was changed"


@pytest.fixture
def two(desk: Desk) -> tuple[str, str]:
    """A matter in hand, and that of somebody else."""
    return desk.in_progress(caller_name="马小明"), desk.in_progress(phone=OTHERS, caller_name="鄂小明")


# How somebody who may do anything in the database makes the first ticket show the second's caller.
WAYS = {
    "points the ticket at the other": (
        "update ticket set caller_id = (select max(caller_id) from ticket) where id = (select min(id) from ticket)",
    ),
    "and takes the code away": (
        "update ticket set caller_id = (select max(caller_id) from ticket) where id = (select min(id) from ticket)",
        "delete from caller_tie where ticket_id = (select min(id) from ticket)",
    ),
    "and brings the other's code": (
        "update ticket set caller_id = (select max(caller_id) from ticket) where id = (select min(id) from ticket)",
        "update caller_tie set code = (select code from caller_tie order by ticket_id desc limit 1)",
    ),
    "exchanges all that the two rows hold": (
        "create temporary table kept as select * from caller",
        "update caller set phone_hash = phone_hash || 'x'",
        "update caller c set (phone_hash, phone_sealed, phone_last4, name_sealed) ="
        " (k.phone_hash, k.phone_sealed, k.phone_last4, k.name_sealed) from kept k where k.id <> c.id",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_another_caller_on_a_ticket_is_not_shown_and_found(desk: Desk, two: tuple[str, str], way: str) -> None:
    if "exchanges" in way:
        with desk.by_hand() as owner:
            owner.execute(text("alter table caller drop constraint if exists ck_caller_phone_hash"))
    assert found(desk) == ()
    by_hand(desk, *WAYS[way])

    assert two[0] in found(desk)
    with pytest.raises(CallerMisplaced):
        desk.do(HANDLER, reveal_caller, RevealCaller(number=two[0], reason="首次联系"))
    shown = desk.do(HANDLER, ticket_view, two[0])
    assert (shown.caller_name, shown.caller_phone) == (UNREADABLE, UNREADABLE)
    with desk.application.unit() as unit:
        ticket_id = unit.session.scalar(text("select min(id) from ticket"))
        asked = {"ticket_id": ticket_id, "template": "dispatched", "link": "", "key": "x"}
        with pytest.raises(CallerMisplaced):
            worker_sms_handler(desk.application.gateway).prepare(unit, asked)
    if "exchanges" not in way:
        assert desk.do(HANDLER, reveal_caller, RevealCaller(number=two[1], reason="首次联系")).phone == OTHERS


def test_a_matter_without_a_caller_is_given_none(desk: Desk) -> None:
    number = desk.in_progress(phone=None, caller_name=None, anonymous=True)
    desk.in_progress(phone=OTHERS)
    assert found(desk) == ()
    by_hand(desk, "update ticket set caller_id = (select max(caller_id) from ticket) where caller_id is null")

    assert found(desk) == (number,)


def test_a_tie_outlives_the_key_it_was_made_with(desk: Desk) -> None:
    with process(desk, FIRST) as old, process(desk, SECOND) as new:
        number = old.in_progress()
        rotated(new)
    with process(desk, ONLY_SECOND) as alone:
        assert alone.do(HANDLER, reveal_caller, RevealCaller(number=number, reason="首次联系")).phone == "13897001234"
        assert found(alone) == ()


def test_what_an_older_version_wrote_is_tied_by_a_command_and_held_to_it_from_then_on(desk: Desk) -> None:
    number = desk.in_progress()
    with desk.by_hand() as owner:
        owner.execute(text("alter table audit_event disable trigger user"))
        owner.execute(text("update audit_event set after = after - 'tied' where action like '%ticket:register'"))
        owner.execute(text("delete from caller_tie"))
    assert found(desk) == (), "what was never tied is as it is"
    assert desk.do(HANDLER, reveal_caller, RevealCaller(number=number, reason="首次联系")).phone

    with desk.application.unit() as unit:
        assert tie_older(unit, after=0, limit=10)[1] == 1
    assert desk.rows("select count(*) as n from caller_tie")[0].n == 1
    by_hand(desk, "update caller_tie set code = sha256('x')")
    assert found(desk) == (number,)
