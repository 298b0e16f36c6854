"""Intake: one number for one matter, and nothing personal in clear."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Text, cast, literal_column, select

from service.core.ids import TICKET_NUMBER
from service.tables import METADATA
from service.tickets import errors
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import IdentityIsHidden, RevealCaller, reveal_caller
from service.tickets.employers import employer_key
from service.tickets.intake import AcceptTicket, RegisterTicket, accept_ticket, register_ticket
from sla_rules import Tier
from tests.desk import GOLMUD, Desk

FIELDS = {
    "title": "欠薪",
    "body": "三个月",
    "kind": "complaint",
    "channel": "phone",
    "category_code": "0101",
    "place_code": GOLMUD,
    "employer": "某建筑公司",
    "people_count": 1,
    "amount_owed": Decimal("30000"),
}


def test_a_number_tells_the_day_and_nothing_else(desk: Desk) -> None:
    number = desk.registered()

    assert TICKET_NUMBER.match(number)
    assert number.startswith("QH12351-20261120-")


def test_the_same_key_gives_the_same_ticket_and_code(desk: Desk) -> None:
    command = RegisterTicket(**FIELDS, phone="13897001234", idempotency_key="call-77")
    first = desk.do("agent1", register_ticket, command)
    second = desk.do("agent1", register_ticket, command)

    assert (second.ticket.number, second.query_code, second.repeated) == (first.ticket.number, first.query_code, True)
    assert desk.rows("select count(*) as n from ticket")[0].n == 1
    assert desk.rows("select count(*) as n from sla_clock")[0].n == 1


def test_the_same_key_for_another_matter_is_refused(desk: Desk) -> None:
    desk.do("agent1", register_ticket, RegisterTicket(**FIELDS, idempotency_key="call-77"))

    with pytest.raises(errors.IdempotencyKeyReused):
        desk.do("agent1", register_ticket, RegisterTicket(**FIELDS | {"title": "别的"}, idempotency_key="call-77"))


def test_two_agents_may_use_the_same_key(desk: Desk) -> None:
    for agent in ("agent1", "agent2"):
        desk.do(agent, register_ticket, RegisterTicket(**FIELDS, idempotency_key="call-77"))

    assert desk.rows("select count(*) as n from ticket")[0].n == 2


def test_one_caller_whatever_way_the_number_is_written(desk: Desk) -> None:
    for phone in ("13897001234", "138 9700 1234", "+86-138-9700-1234", "13897001234"):
        desk.registered(phone=phone)

    assert desk.rows("select count(*) as n, min(phone_last4) as last4 from caller") == [(1, "1234")]


def test_neither_name_nor_number_lies_in_the_database_in_clear(desk: Desk) -> None:
    desk.closed(phone="13897001234", caller_name="马小明")

    with desk.application.reading() as unit:
        for table in METADATA.sorted_tables:
            rows = unit.session.scalars(select(cast(literal_column(table.name), Text)).select_from(table))
            for row in rows:
                assert "13897001234" not in row, table
                assert "马小明" not in row, table


def test_another_tier_than_the_suggested_needs_a_reason(desk: Desk) -> None:
    number = desk.registered()

    with pytest.raises(errors.TierReasonMissing):
        desk.do("agent1", accept_ticket, AcceptTicket(number=number, tier=Tier.complex))


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"category_code": "0000"}, errors.CategoryUnknown),
        ({"phone": "12"}, errors.PhoneUnreadable),
        ({"phone": "没有"}, errors.PhoneUnreadable),
    ],
)
def test_what_cannot_be_read_is_refused_before_anything_is_written(
    desk: Desk, change: dict[str, str], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        desk.registered(**change)
    assert desk.rows("select count(*) as n from caller")[0].n == 0


def test_a_message_from_the_future_is_refused(desk: Desk) -> None:
    with pytest.raises(errors.ReceivedOutOfRange):
        desk.registered(received_at=desk.clock.now() + timedelta(minutes=1))


def test_ten_people_warn_the_province_at_once(desk: Desk) -> None:
    desk.registered(people_count=10)

    told = desk.rows("select payload->>'key' as key from outbox_message where kind = 'notice'")
    assert told
    assert all(row.key.startswith("warning:") for row in told)


def test_an_employer_is_found_again_in_any_width_and_spacing() -> None:
    assert employer_key("青海 ABC 建筑(集团)公司") == employer_key("青海abc建筑(集团)公司")


def test_who_called_is_shown_with_a_reason_that_is_kept(desk: Desk) -> None:
    number = desk.in_progress()

    details = desk.do(f"handler-{GOLMUD}", reveal_caller, RevealCaller(number=number, reason="首次联系"))

    assert details.phone == "13897001234"
    assert desk.rows("select count(*) as n from audit_event where action like '%caller:reveal'")[0].n == 1


def test_a_confidential_caller_stays_hidden_from_the_union_and_not_from_the_centre(desk: Desk) -> None:
    number = desk.in_progress(confidentiality=Confidentiality.from_unions)

    with pytest.raises(IdentityIsHidden):
        desk.do(f"handler-{GOLMUD}", reveal_caller, RevealCaller(number=number, reason="首次联系"))
    assert desk.do("agent1", reveal_caller, RevealCaller(number=number, reason="转告")).phone == "13897001234"
