"""Drafts of the intake form: their owner's alone, under seal, and not for ever."""

import pytest
from sqlalchemy import text

from service.tickets import drafts
from service.tickets.drafts import Draft, SaveDraft, discard_draft, draft_of_mine, drafts_of_mine, save_draft
from service.tickets.errors import PermissionMissing
from service.tickets.intake import RegisterTicket, register_ticket
from tests.desk import GOLMUD, Desk
from tests.tickets.test_intake import FIELDS

KEY = "0123456789abcdef" * 2


def save(desk: Desk, who: str = "agent1", key: str = KEY, **fields: str) -> None:
    desk.do(who, save_draft, SaveDraft(key=key, fields={name: (value,) for name, value in fields.items()}))


def mine(desk: Desk, who: str = "agent1") -> list[Draft]:
    return desk.do(who, lambda unit, _: drafts_of_mine(unit), None)


def test_what_was_typed_last_is_what_is_kept(desk: Desk) -> None:
    save(desk, phone="13897001234", body="说了一半")
    desk.wait(minutes=1)
    save(desk, phone="13897001234", body="说完了 😀\n")

    (draft,) = mine(desk)
    assert (draft.key, draft.fields) == (KEY, {"phone": ("13897001234",), "body": ("说完了 😀\n",)})
    assert (draft.saved_at - draft.created_at).total_seconds() == 60


def test_nothing_of_a_draft_lies_in_the_database_in_clear(desk: Desk) -> None:
    save(desk, phone="13897001234", caller_name="马小明", body="三个月没有发工资")

    (row,) = desk.rows("select content_sealed::text as sealed, intake_draft::text as whole from intake_draft")
    for word in ("13897001234", "马小明", "三个月"):
        assert word.encode().hex() not in row.sealed
        assert word not in row.whole


def test_a_draft_is_its_owners_alone(desk: Desk) -> None:
    save(desk, body="只有我知道")

    assert mine(desk, "agent2") == []
    with pytest.raises(drafts.DraftNotFound):
        desk.do("agent2", draft_of_mine, KEY)
    desk.do("agent2", discard_draft, KEY)
    save(desk, "agent2", body="别人的")
    assert desk.do("agent1", draft_of_mine, KEY).first("body") == "只有我知道"
    with pytest.raises(PermissionMissing):
        save(desk, f"handler-{GOLMUD}", body="x")


def test_registering_ends_the_draft_and_a_late_copy_is_none(desk: Desk) -> None:
    save(desk, body="说了一半")
    desk.do("agent1", register_ticket, RegisterTicket(**FIELDS, idempotency_key=KEY, draft=KEY))
    assert desk.rows("select 1 from intake_draft") == []

    save(desk, body="浏览器晚到的副本")
    assert mine(desk) == []


def test_an_emptied_form_leaves_no_draft(desk: Desk) -> None:
    save(desk, body="说了一半")
    save(desk, body="  ")

    assert mine(desk) == []


def test_a_draft_nobody_registers_is_forgotten_after_two_weeks(desk: Desk) -> None:
    save(desk, body="不会再登记")
    desk.wait(days=14, seconds=1)
    save(desk, "agent2", key="f" * 32, body="别的")

    assert desk.rows("select key from intake_draft") == [("f" * 32,)]


@pytest.mark.parametrize("key", ["", "xyz", "0" * 31, "0" * 33, "A" * 32, "0" * 31 + "\n"])
def test_a_key_that_no_form_has_is_refused(desk: Desk, key: str) -> None:
    with pytest.raises(drafts.DraftKeyUnreadable):
        save(desk, key=key, body="x")


def test_too_much_and_too_many_are_refused(desk: Desk) -> None:
    with pytest.raises(drafts.DraftTooLong):
        save(desk, body="长" * 70_000)
    for number in range(drafts.MOST_DRAFTS):
        save(desk, key=f"{number:032x}", body="x")
    with pytest.raises(drafts.TooManyDrafts):
        save(desk, key="f" * 32, body="x")
    save(desk, key=f"{1:032x}", body="y")


def test_half_a_character_does_not_lose_the_rest(desk: Desk) -> None:
    save(desk, body="工资\ud800没发")

    assert mine(desk)[0].first("body") == "工资?没发"


def test_a_draft_that_does_not_open_is_left_out_and_the_others_are_there(desk: Desk) -> None:
    save(desk, body="x")
    with desk.application.unit() as unit:
        unit.session.execute(text("update intake_draft set content_sealed = 'rubbish'"))
    assert mine(desk) == []
    with pytest.raises(drafts.DraftNotFound):
        desk.do("agent1", drafts.draft_of_mine, KEY)
    save(desk, key="f" * 32, body="y")
    assert [each.first("body") for each in mine(desk)] == ["y"]
