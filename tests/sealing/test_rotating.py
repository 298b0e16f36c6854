"""A key is changed while people work: nothing is lost, nothing is left behind, and the old key can be taken away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from service.audit.chain import Verified, link_events, verify_chain
from service.audit.recording import record
from service.bootstrap import build
from service.checks import run_checks
from service.core.crypto import Suite, version_in
from service.core.unreadable import UNREADABLE
from service.notifications.channels import AddChannel, ChannelExists, ChannelKind, add_channel
from service.notifications.gateways import MemoryGateway
from service.ratings.links import RatingLink, make_token, read_token
from service.retention.holds import SetHold, set_hold
from service.sealing.places import HASHED, OTHER_HASHES, PASSING, SEALED, TABLES
from service.sealing.rotating import KeyGone, ValueBroken, rotate, sealed_values
from service.tables import METADATA
from service.tickets.assist import AskAssist, assist
from service.tickets.drafts import SaveDraft, draft_of_mine, save_draft
from service.tickets.models import Caller, Ticket
from service.tickets.sealed import name_of, phone_of, query_code_of, told_by
from service.tickets.tracking import TrackTicket, track_ticket
from service.tickets.worker_codes import ask_for_code, opened_for, tickets_by_code
from tests.conftest import MASTER_KEY
from tests.desk import Desk
from tests.sealing.test_vault import key

FIRST, PHONE = f"1:{MASTER_KEY}", "13897001234"
WAITING, SECOND = f"{FIRST}\n2:{key('b')} waiting", f"{FIRST}\n2:{key('b')}"
ONLY_SECOND = f"2:{key('b')}"
FORM = "0" * 32


@contextmanager
def process(desk: Desk, ring: str, suite: Suite = Suite.international) -> Iterator[Desk]:
    """Another process on the same database, with keys of its own."""
    secret = desk.application.settings.model_validate({"master_key": ring}).master_key
    settings = desk.application.settings.model_copy(update={"master_key": secret, "crypto_suite": suite})
    other = build(settings, clock=desk.clock, gateway=MemoryGateway())
    try:
        yield Desk(other, desk.clock)
    finally:
        other.database.dispose()


def rotated(desk: Desk, **words: Any) -> int:
    return rotate(desk.application.unit, advance_to=lambda _: None, **words)


def heads(desk: Desk) -> set[int]:
    """Which keys seal something that a rotation can bring."""
    with desk.application.reading() as unit:
        return {version_in(each.head) for each in sealed_values(unit) if each.place not in PASSING}


def lived(desk: Desk) -> str:
    """Something in every sealed place."""
    number = desk.in_progress(phone=PHONE, caller_name="马小明")
    desk.do("agent1", save_draft, SaveDraft(key=FORM, fields={"caller_name": ("鄂小明",)}))
    desk.do("admin1", add_channel, _mail())
    with desk.application.unit() as unit:
        ask_for_code(unit, PHONE)
        link_events(unit, limit=10_000)
    return number


def _mail() -> AddChannel:
    return AddChannel(kind=ChannelKind.mail, address="li.ming@example.cn", username="agent1")


def all_is_read(desk: Desk, number: str) -> None:
    """By the people who read it."""
    vault = desk.application.vault
    with desk.application.reading() as unit:
        ticket = unit.session.query(Ticket).filter_by(number=number).one()
        caller = unit.session.get_one(Caller, ticket.caller_id)
        assert (told_by(vault, caller).name, phone_of(vault, caller)) == ("马小明", PHONE)
        track_ticket(unit, TrackTicket(number=number, query_code=query_code_of(vault, ticket)))
        sent = "select payload from outbox_message where kind = 'worker_code' order by id desc limit 1"
        payload = unit.session.scalar(text(sent))
        code = opened_for(vault, payload["code"], opened_for(vault, payload["phone"]))
        assert verify_chain(unit).whole
    with desk.application.unit() as unit:
        assert tickets_by_code(unit, PHONE, code) == (ticket.id,)
        unit.session.rollback()
    assert desk.do("agent1", draft_of_mine, FORM).first("caller_name") == "鄂小明"
    asked = AskAssist(category_code="0101", phone=PHONE)
    assert number in [each.number for each in desk.do("agent1", assist, asked).earlier]
    with pytest.raises(ChannelExists):
        desk.do("admin1", add_channel, _mail())
    with desk.application.reading() as unit:
        found = {each.name: each for each in run_checks(unit, tick=5)}
        assert all(
            found[name].holds for name in ("nothing_is_sealed_under_a_key_that_is_gone", "every_ticket_can_be_found")
        )


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize("before", [MASTER_KEY, FIRST], ids=["a key without a version", "a ring"])
def test_everything_is_read_before_in_the_midst_of_and_after_a_rotation(desk: Desk, before: str, suite: Suite) -> None:
    with process(desk, before) as old, process(desk, WAITING) as between, process(desk, SECOND, suite) as new:
        number = lived(old)
        for each in (old, between, new):
            all_is_read(each, number)

        rotated(new)
        assert heads(new) == {2}
        for each in (between, new):
            all_is_read(each, number)
        assert rotated(new) == 0
        desk.wait(minutes=11)
        with new.application.unit() as unit:
            ask_for_code(unit, PHONE)
            link_events(unit, limit=10_000)
    with process(desk, ONLY_SECOND, suite) as alone:
        all_is_read(alone, number)


def test_what_an_old_process_writes_beside_a_rotation_is_found_by_the_new_and_brought_the_next_time(desk: Desk) -> None:
    with process(desk, WAITING) as old, process(desk, SECOND) as new:
        rotated(new)
        first, second = old.registered(phone=PHONE), new.registered(phone=PHONE)
        assert len({desk.ticket(number).caller_id for number in (first, second)}) == 1, "one caller, whoever wrote them"
        assert heads(new) == {1, 2}
        rotated(new)
        assert heads(new) == {2}


def test_two_rows_of_one_number_made_in_the_same_moment_become_one(desk: Desk) -> None:
    with process(desk, WAITING) as old, process(desk, SECOND) as new:
        before = old.registered(phone=PHONE, caller_name="马小明")
        desk_rows = desk.rows("select phone_hash, phone_sealed from caller")
        with old.application.unit() as unit:
            unit.session.execute(text("update caller set phone_hash = 'elsewhere'"))
        after = new.registered(phone=PHONE, caller_name=None)
        new.do("supervisor1", set_hold, SetHold(number=after, reason="仲裁案件", about="caller"))
        old.do("supervisor1", set_hold, SetHold(number=before, reason="仲裁案件", about="caller"))
        with old.application.unit() as unit:
            values = {"hash": desk_rows[0].phone_hash}
            unit.session.execute(text("update caller set phone_hash = :hash where phone_hash = 'elsewhere'"), values)
        rotated(new)

        assert desk.rows("select count(*) from caller") == [(1,)]
        with new.application.reading() as unit:
            caller = unit.session.query(Caller).one()
            assert told_by(unit.vault, caller).name == "马小明"
        assert {desk.ticket(number).caller_id for number in (before, after)} == {caller.id}
        assert desk.rows("select caller_id from legal_hold") == [(caller.id,), (caller.id,)]


def test_a_rotation_that_was_cut_off_goes_on_and_passes_over_what_somebody_holds(desk: Desk) -> None:
    for serial in range(7):
        desk.registered(phone=f"1389700000{serial}")

    class PowerCut(Exception):
        pass

    def cut(done: int) -> None:
        if done >= 4:
            raise PowerCut

    with process(desk, SECOND) as new:
        with pytest.raises(PowerCut):
            rotate(new.application.unit, advance_to=cut, batch=2)
        assert heads(new) == {1, 2}
        with new.application.unit() as unit:
            unit.session.execute(text("select from caller order by id desc limit 1 for update"))
            assert rotated(new, batch=2) == 3 - 1 + 7, "callers less the one that is held, and tickets"
        assert rotated(new) == 1
        assert heads(new) == {2}


def test_links_and_forms_of_before_are_good_after_it(desk: Desk) -> None:
    link = RatingLink(ticket_id=7, cycle=1, expires_at=desk.clock.now().replace(year=2027))
    with process(desk, MASTER_KEY) as old, process(desk, WAITING) as between, process(desk, SECOND) as new:
        made = [make_token(each.application.vault, link) for each in (old, between, new)]
        for reader in (between, new):
            for token in made:
                assert read_token(reader.application.vault, token, now=desk.clock.now()) == link
        assert made[0] == made[1] != made[2]


def test_the_audit_is_verified_when_the_key_that_coded_it_is_gone(desk: Desk) -> None:
    with process(desk, FIRST) as old, process(desk, SECOND) as new:
        lived(old)
        rotated(new)
        new.registered()
        with new.application.unit() as unit:
            link_events(unit, limit=10_000)
    with process(desk, ONLY_SECOND) as alone, alone.application.reading() as unit:
        found = verify_chain(unit)
        assert (found.whole, found.unlinked) == (True, 0)


def test_a_key_that_was_retired_codes_nothing_any_more(desk: Desk) -> None:
    with process(desk, FIRST) as old, process(desk, SECOND) as new:
        lived(old)
        old.registered()
        rotated(new)
        waiting = (
            "select action from audit_event e left join audit_link l on l.event_id = e.id where l.event_id is null"
        )
        assert [row.action for row in new.rows(waiting)] == ["system:keys:rotate"], "all others have their places"
        desk.wait(minutes=30)
        old.registered()
        assert linked(new) > 0, "what was under way with the former key"
        assert verified(new).whole
        desk.wait(minutes=31)

        old.registered()
        linked(new)
        assert {each.kind for each in verified(new).breaks} == {"key_retired"}
        assert linked(old) > 0, "a process that was not restarted links, too"
        found = verified(new)
        assert (found.unlinked, {each.kind for each in found.breaks}) == (0, {"key_retired"})
        (broken,) = [each for each in found.breaks if each.position == found.head.position]
        assert "密钥" in broken.words.zh


def test_who_has_a_retired_key_dates_nothing_back(desk: Desk) -> None:
    with process(desk, FIRST) as old, process(desk, SECOND) as new:
        lived(old)
        before = desk.clock.now()
        rotated(new)
        new.registered()
        linked(new)
        desk.wait(days=30)
        present = desk.clock.now()
        desk.go_to(before)
        with old.application.unit() as unit:
            record(unit, "ticket:read", subject="QH12351-20261120-00001")
            link_events(unit, limit=10)
        desk.go_to(present)
        assert {each.kind for each in verified(new).breaks} == {"key_retired"}


def linked(desk: Desk) -> int:
    with desk.application.unit() as unit:
        return link_events(unit, limit=10_000)


def verified(desk: Desk) -> Verified:
    with desk.application.reading() as unit:
        return verify_chain(unit)


def test_a_former_key_of_the_audit_that_does_not_open_is_named_and_nothing_stops(desk: Desk) -> None:
    with process(desk, FIRST) as old, process(desk, SECOND) as new:
        lived(old)
        rotated(new)
    with process(desk, ONLY_SECOND) as alone:
        with alone.by_hand() as owner:
            owner.execute(text("update audit_key set key_sealed = set_byte(key_sealed, 20, 7)"))
        alone.registered()
        assert linked(alone) > 0
        first = verified(alone).breaks[0]
        assert (first.kind, first.event_id) == ("key_lost", 1)


def test_a_number_that_was_moved_to_another_row_does_not_open_and_stops_a_rotation(desk: Desk) -> None:
    with process(desk, FIRST) as old:
        old.registered(phone="13897000001", caller_name="马小明")
        old.registered(phone="13897000002", caller_name="鄂小明")
        moved = "update caller c set {0} = o.{0} from caller o where c.id <> o.id and c.phone_last4 = '0001'"
        for column in ("phone_sealed", "name_sealed"):
            with old.application.unit() as unit:
                unit.session.execute(text(moved.format(column)))
                caller = unit.session.query(Caller).filter_by(phone_last4="0001").one()
                assert name_of(unit.vault, caller) == UNREADABLE
                unit.session.rollback()
        with old.application.unit() as unit:
            unit.session.execute(text(moved.format("phone_sealed")))
    with process(desk, SECOND) as new, pytest.raises(ValueBroken, match="caller"):
        rotated(new)


def test_a_key_that_is_gone_is_told_and_nothing_is_rotated(desk: Desk) -> None:
    with process(desk, SECOND) as new:
        lived(new)
    with process(desk, FIRST) as poor:
        with poor.application.reading() as unit:
            found = {each.name: each for each in run_checks(unit, tick=5)}
        broken = found["nothing_is_sealed_under_a_key_that_is_gone"]
        assert "caller.phone_sealed: 1 (2 international)" in broken.examples
        with pytest.raises(KeyGone):
            rotated(poor)


def test_every_sealed_or_hashed_column_of_every_table_is_rotated_or_says_why_not() -> None:
    named = {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if column.name.endswith((SEALED, HASHED))
    }
    rotated_too = {f"{each.table.name}.{name}" for each in TABLES for name in (*each.sealed, *each.hashes)}

    assert named == rotated_too | PASSING.keys() | OTHER_HASHES.keys()
    assert all((PASSING | OTHER_HASHES).values())
