"""Taking a call down."""

from collections.abc import Mapping

import httpx
import pytest

from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

INTAKE = f"{CONSOLE}/tickets/new"
MATTER: Mapping[str, str | list[str]] = {
    "channel": "phone",
    "kind": "complaint",
    "title": "工地拖欠工资",
    "body": "三个月没有发工资\n共 12 人",
    "category_code": "0101",
    "place_code": GOLMUD,
    "employer": "某建筑公司",
    "people_count": "12",
    "amount_owed": "356,000.50",
    "phone": "138 9700 1234",
    "caller_name": "马小明",
}


def send(reader: Reader, **changes: str | list[str]) -> httpx.Response:
    form = next(form for form in reader.forms(INTAKE) if form.action == INTAKE)
    return reader.send(form, **{**MATTER, **changes})


def test_register_and_accept_in_one_go(reader: Reader, desk: Desk) -> None:
    response = send(reader.as_("agent1"), accept="1")

    assert response.status_code == 303
    number = response.headers["location"].split("/")[-2]
    ticket = desk.ticket(number)
    assert (ticket.state, ticket.tier, ticket.people_count) == ("accepted", "difficult", 12)
    assert str(ticket.amount_owed) == "356000.50"
    assert ticket.body == "三个月没有发工资\n共 12 人"
    page = seen(reader.get(response.headers["location"]))
    code = desk.application.vault.open(ticket.query_code_sealed)
    assert number in page
    assert f"{code[:4]} {code[4:]}" in page
    assert "2026年11月27日 周五 24:00" in page


def test_register_only(reader: Reader, desk: Desk) -> None:
    response = send(reader.as_("agent1"))
    page = reader.see(response.headers["location"])

    assert "还没有受理" in page
    assert [row.state for row in desk.rows("select state from ticket")] == ["registered"]


def test_the_button_pressed_twice_is_one_ticket(reader: Reader, desk: Desk) -> None:
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    first = reader.send(form, **MATTER, accept="1")
    second = reader.send(form, **MATTER, accept="1")

    assert first.headers["location"] == second.headers["location"]
    assert len(desk.rows("select id from ticket")) == 1


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"title": ""}, "必填"),
        ({"phone": "12"}, "至少 5 个字符"),
        ({"phone": "不知道号码"}, "5 至 15 位数字"),
        ({"amount_owed": "很多"}, "须为数值"),
        ({"people_count": "0"}, "不能小于 1"),
        ({"category_code": "9999"}, "没有代码为 9999 的诉求类别"),
        ({"place_code": "999999"}, "没有代码为 999999 的工会"),
        ({"kind": "nothing"}, "须为以下之一"),
        ({"tier": "ordinary", "accept": "1"}, "须说明理由"),
        ({"title": "有控制字符\x07"}, "控制字符"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_stays(
    visitor: Reader, shared_desk: Desk, change: dict[str, str], sentence: str
) -> None:
    response = send(visitor.as_("agent1"), **change)

    assert response.status_code == 422
    assert sentence in seen(response)
    assert "三个月没有发工资" in response.text
    assert 'value="马小明"' in response.text
    assert '<option value="0101" selected>' in response.text or "category_code" in change
    assert not shared_desk.rows("select id from ticket")


def test_all_that_is_wrong_is_said_at_once(visitor: Reader) -> None:
    page = seen(send(visitor.as_("agent1"), title="", body="", tier="hard"))

    assert "有 3 处需要更正" in page


def test_when_accepting_is_refused_nothing_is_registered(visitor: Reader, shared_desk: Desk) -> None:
    assert send(visitor.as_("agent1"), tier="ordinary", accept="1").status_code == 422
    assert not shared_desk.rows("select 1 from caller")


def test_only_who_took_the_call_sees_the_code_and_only_at_the_centre(reader: Reader, desk: Desk) -> None:
    number = desk.accepted()
    page = f"{CONSOLE}/tickets/{number}/registered"

    assert reader.as_("agent1").get(page).status_code == 200
    assert reader.as_("agent2").get(page).status_code == 404
    assert reader.as_("supervisor1").get(page).status_code == 403
    from service.tickets.dispatching import DispatchTicket, dispatch_ticket

    desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD))
    assert reader.as_("agent1").get(page).status_code == 404


@pytest.mark.parametrize("who", ["lawyer1", "supervisor1", f"handler-{GOLMUD}", "admin1"])
def test_others_do_not_take_calls_down(visitor: Reader, who: str) -> None:
    assert visitor.as_(who).get(INTAKE).status_code == 403
