"""What is found, by whom, in which order; and that the index follows whatever is written."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text

from service.core.pagination import CursorUnreadable
from service.identity.people import actor_of_username
from service.tickets import finding
from service.tickets.closing import AddNote, add_note
from service.tickets.confidentiality import Confidentiality
from service.tickets.disclosure import RevealCaller, reveal_caller
from service.tickets.dispatching import AskReturn, ask_return, grant_return
from service.tickets.errors import PermissionMissing
from service.tickets.finding import FindQuery, FoundPage, find_tickets
from service.tickets.intake import AnswerTicket, answer_ticket
from service.tickets.models import Ticket, TicketAlias
from service.tickets.repository import visible
from service.tickets.requests import DecideRequest
from tests.desk import GOLMUD, HAIXI, Desk

SIBLING = "632802"
EVERYBODY = ("agent1", "lawyer1", "supervisor1", f"leader-{HAIXI}", f"handler-{GOLMUD}", f"handler-{SIBLING}")


def found(desk: Desk, who: str, **query: Any) -> FoundPage:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return find_tickets(unit, FindQuery(**query))


def numbers(desk: Desk, who: str = "agent1", **query: Any) -> list[str]:
    return [hit.row.number for hit in found(desk, who, **query).hits]


def test_every_text_that_its_readers_see_is_found_at_once(desk: Desk) -> None:
    number = desk.in_progress(title="索南家园工地纠纷", body="塔吊司机没有拿到钱", employer="祁连砂石有限公司")
    desk.do(f"handler-{GOLMUD}", add_note, AddNote(number=number, note="约在茶馆面谈"))
    desk.reply(number, text="单位承诺分三期兑付", basis="《工资支付暂行规定》")
    answered = desk.accepted(title="咨询", category_code="0103")
    desk.do("agent1", answer_ticket, AnswerTicket(number=answered, answer="按三倍计发"))

    for words in ("索南", "塔吊", "祁连砂石", "茶馆", "分三期", "暂行规定", "塔吊 茶馆 兑付"):
        assert numbers(desk, q=words) == [number], words
    assert numbers(desk, q="三倍") == [answered]


def test_nobody_is_found_by_who_called_or_by_a_phone_in_the_text(desk: Desk) -> None:
    names = ("马小明", "卓玛才让", "欧阳建国")
    for name in names:
        number = desk.in_progress(caller_name=name, phone="13997005678", body="回电 139 9700 5678 或 0971-8201234")
        why = RevealCaller(number=number, reason=f"致电{name}核实")
        desk.do(f"handler-{GOLMUD}", reveal_caller, why)

    for who in EVERYBODY:
        for words in (*names, "小明", "才让", "建国", "13997005678", "5678", "9700", "8201234"):
            assert numbers(desk, who, q=words) == [], (who, words)


def test_a_search_stays_inside_ones_own_subtree(desk: Desk) -> None:
    mine, sibling = desk.dispatched(GOLMUD, title="共同词语甲"), desk.dispatched(SIBLING, title="共同词语乙")
    centre = desk.accepted(title="共同词语丙")

    assert set(numbers(desk, f"handler-{GOLMUD}", q="共同词语")) == {mine}
    assert set(numbers(desk, f"leader-{HAIXI}", q="共同词语")) == {mine, sibling}
    assert set(numbers(desk, "supervisor1", q="共同词语")) == {mine, sibling, centre}
    for query in ({"q": mine}, {"number": mine}, {"number": mine[-6:]}, {"phone_last4": "1234"}, {}, {"urgent": False}):
        assert mine not in numbers(desk, f"handler-{SIBLING}", **query), query
    assert found(desk, f"handler-{SIBLING}", q="共同词语").total == 1


def test_the_index_narrows_to_what_the_scope_filter_lets_through(desk: Desk) -> None:
    """Dispatched, with assistance, returned, dispatched again, closed: for everybody the same tickets both ways."""
    from service.tickets.dispatching import DispatchTicket, dispatch_ticket

    desk.closed()
    returned = desk.dispatched()
    desk.do(f"handler-{GOLMUD}", ask_return, AskReturn(number=returned, reason="不属我市"))
    desk.do("dispatcher1", grant_return, DecideRequest(number=returned))
    assisted = desk.accepted()
    helped = DispatchTicket(number=assisted, org_code=SIBLING, assisting=("630102",))
    desk.do("dispatcher1", dispatch_ticket, helped)
    for who in (*EVERYBODY, "handler-630102", "leader-630100"):
        with desk.application.reading() as unit:
            actor = actor_of_username(unit, who)
            seen = set(unit.session.query(Ticket.number).filter(visible(actor)).all())
        assert {(number,) for number in numbers(desk, who, q="拖欠")} == seen, who


def test_the_index_is_what_making_it_anew_gives(desk: Desk) -> None:
    number = desk.closed(title="甲乙丙丁")
    desk.do("agent1", add_note, AddNote(number=desk.accepted(), note="补充材料"))
    before = desk.rows("select ticket_id, document::text, facets from ticket_search order by 1")
    with desk.application.unit() as unit:
        unit.session.execute(text("update ticket_search set document = '', facets = '{}'"))
        finding.reindex_tickets(unit, first=1, last=finding.highest_ticket(unit))

    assert [(a, b, set(c)) for a, b, c in before] == [
        (a, b, set(c))
        for a, b, c in desk.rows("select ticket_id, document::text, facets from ticket_search order by 1")
    ]
    assert numbers(desk, q="乙丙") == [number]


def test_a_number_is_found_whole_by_its_end_and_by_a_peers_name_for_it_before_all_else(desk: Desk) -> None:
    number = desk.accepted(title="工单")
    with desk.application.unit() as unit:
        unit.session.add(TicketAlias(kind="transfer_12345", number="XN-2026/0077", ticket_id=desk.ticket(number).id))
    saying = desk.accepted(title=f"与 {number[-6:]} 同一事项")

    assert numbers(desk, q=number) == [number]
    assert numbers(desk, q=number[-6:]) == [number, saying]
    for given in (number, number.lower(), number[-3:], number[-6:], "xn-2026/0077"):
        assert numbers(desk, number=given) == [number], given
    assert numbers(desk, number="99") == []


def test_a_title_that_says_it_comes_before_a_newer_text_that_does(desk: Desk) -> None:
    titled = desk.accepted(title="高温津贴未发", body="无")
    desk.wait(hours=1)
    told = [desk.accepted(title="咨询", body=f"想问高温津贴 {each}") for each in range(3)]

    assert numbers(desk, q="高温津贴") == [titled, *reversed(told)]


def test_a_phrase_stands_together_and_the_pages_go_on_to_the_end(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "WINDOW", 4)
    together = [desk.accepted(title=f"拖欠工资{each}") for each in "一二三四五六七"]
    desk.accepted(title="工资拖欠", body="拖欠的工资")
    pages, cursor = [], None
    while True:
        page = found(desk, "agent1", q='"拖欠工资"', limit=3, cursor=cursor)
        pages.append([hit.row.number for hit in page.hits])
        cursor = page.next_cursor
        if cursor is None:
            break

    assert [number for page in pages for number in page] == list(reversed(together))
    assert found(desk, "agent1", q="拖欠").more
    with pytest.raises(CursorUnreadable):
        found(desk, "agent1", q="拖欠", cursor="rubbish")


FITTING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "state": ({"state": "accepted"}, {"state": "closed"}),
    "kind": ({"kind": "complaint"}, {"kind": "praise"}),
    "channel": ({"channel": "phone"}, {"channel": "letter"}),
    "tier": ({"tier": "difficult"}, {"tier": "complex"}),
    "category": ({"category_code": "0101"}, {"category_code": "0102"}),
    "group": ({"category_group": "01"}, {"category_group": "02"}),
    "place": ({"place": HAIXI}, {"place": "630100"}),
    "holder": ({"org": "630000"}, {"org": HAIXI}),
    "employer": ({"employer": "建筑公司"}, {"employer": "矿业"}),
    "people": ({"people_from": 12, "people_to": 12}, {"people_from": 13}),
    "amount": ({"amount_from": Decimal(500), "amount_to": Decimal(500)}, {"amount_to": Decimal("499.99")}),
    "urgent": ({"urgent": True}, {"urgent": False}),
    "anonymous": ({"anonymous": False}, {"anonymous": True}),
    "suspended": ({"suspended": False}, {"suspended": True}),
    "collective": ({"collective": True}, {"collective": False}),
    "late": ({"late": False}, {"late": True}),
    "phone": ({"phone_last4": "1234"}, {"phone_last4": "4321"}),
    "membership": ({"membership": "not_member"}, {"membership": "member"}),
    "identity": ({"identity_group": "migrant_worker"}, {"identity_group": "other"}),
}


@pytest.mark.parametrize("name", FITTING)
def test_each_field_narrows_with_words_and_without(shared_desk: Desk, name: str) -> None:
    desk, (fits, misses) = shared_desk, FITTING[name]
    title = f"筛选{name}"
    number = desk.accepted(title=title, urgent=True, people_count=12, amount_owed=Decimal(500),
                           membership="not_member", identity_group="migrant_worker")  # fmt: skip

    for words in ({}, {"q": title}):
        assert number in numbers(desk, **words, **fits)
        assert number not in numbers(desk, **words, **misses)


@pytest.mark.parametrize(("people", "yuan"), [(1, 999), (2, 1000), (12, 10_500), (50, 100_000), (100, 1_000_000)])
def test_a_range_begins_where_it_says_whatever_steps_the_index_has(shared_desk: Desk, people: int, yuan: int) -> None:
    desk, title = shared_desk, f"范围{people}"
    number = desk.accepted(title=title, people_count=people, amount_owed=Decimal(yuan))

    for words in ({}, {"q": title}):
        assert number in numbers(desk, **words, people_from=people, amount_from=Decimal(yuan))
        assert number not in numbers(desk, **words, people_from=people + 1)
        assert number not in numbers(desk, **words, amount_from=Decimal(yuan + 1))


def test_the_frequent_and_the_rare_are_found_alike(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By reading the newest tickets, and by what the index names: the same tickets in the same order."""
    for each in range(9):
        desk.wait(hours=1)
        given = {"urgent": each % 2 == 0, "anonymous": each % 3 == 0, "people_count": 1 + 4 * each}
        desk.dispatched((GOLMUD, SIBLING)[each % 2], title=f"拖欠工资{each}" if each % 4 else "咨询", **given)
    queries: list[dict[str, Any]] = [
        {}, {"urgent": True}, {"urgent": False}, {"anonymous": False, "people_from": 10}, {"people_from": 9},
        {"collective": True}, {"late": False}, {"number": "000"},
        {"received_to": desk.ticket(desk.accepted()).received_at},
    ]  # fmt: skip
    found_by: list[list[list[str]]] = []
    for even in (-1, 10**9):
        monkeypatch.setattr(finding, "WINDOW", 3)
        monkeypatch.setattr(finding, "_EVEN", even)
        found_by.append([numbers(desk, who, q="工资", limit=3, **query) for query in queries for who in EVERYBODY])

    assert found_by[0] == found_by[1]
    assert any(found_by[0])


def test_periods_include_their_beginning_and_not_their_end(desk: Desk) -> None:
    number = desk.closed()
    ticket = desk.ticket(number)
    for name, at in (("received", ticket.received_at), ("due", ticket.due_at), ("ended", ticket.ended_at)):
        assert at is not None
        assert numbers(desk, **{f"{name}_from": at, f"{name}_to": at + timedelta(seconds=1)}) == [number]
        assert numbers(desk, q="拖欠", **{f"{name}_to": at}) == []


def test_late_is_a_promise_broken_and_stays_so(desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-12-10 10:00")
    assert numbers(desk, late=True) == [number]
    desk.sweep()
    desk.reply(number)
    assert numbers(desk, q="拖欠", late=True) == [number]
    assert numbers(desk, late=False) == []


def test_the_digits_of_a_phone_are_for_those_who_see_the_caller(desk: Desk) -> None:
    mine = desk.in_progress()
    hidden = desk.in_progress(confidentiality=Confidentiality.from_unions)

    assert set(numbers(desk, "agent1", phone_last4="1234")) == {mine, hidden}
    assert numbers(desk, f"handler-{GOLMUD}", phone_last4="1234") == [mine]
    with pytest.raises(PermissionMissing):
        found(desk, "supervisor1", phone_last4="1234")
