"""Taking a call down."""

from collections.abc import Mapping

import httpx
import pytest

from service.tickets.sealed import query_code_of
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
    code = query_code_of(desk.application.vault, ticket)
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
        ({"body": ""}, "必填"),
        ({"amount_owed": ""}, "涉及金额(元) :此类诉求必填"),
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
    assert "三个月没有发工资" in response.text or "body" in change
    assert 'value="马小明"' in response.text
    assert '<option value="0101" selected>' in response.text or "category_code" in change
    assert not shared_desk.rows("select id from ticket")


def test_all_that_is_wrong_is_said_at_once(visitor: Reader) -> None:
    page = seen(send(visitor.as_("agent1"), phone="12", body="", tier="hard"))

    assert "有 3 处需要更正" in page


def test_a_matter_without_a_title_is_called_by_place_and_category(reader: Reader, desk: Desk) -> None:
    number = send(reader.as_("agent1"), title="").headers["location"].split("/")[-2]

    assert desk.ticket(number).title == "格尔木市:拖欠工资"


def test_the_whole_form_is_kept(reader: Reader, desk: Desk) -> None:
    number = (
        send(
            reader.as_("agent1"),
            membership="not_member",
            identity_group="migrant_worker",
            contact_way="phone",
            contact_time="evening",
            other_channels=["labour_inspection", "petition"],
            confidentiality="intake_only",
        )
        .headers["location"]
        .split("/")[-2]
    )

    ticket = desk.ticket(number)
    assert (ticket.membership, ticket.identity_group) == ("not_member", "migrant_worker")
    assert (ticket.contact_way, ticket.contact_time) == ("phone", "evening")
    assert ticket.other_channels == ["labour_inspection", "petition"]
    assert ticket.confidentiality == "intake_only"


def test_what_the_caller_does_not_know_does_not_stop_the_agent(reader: Reader, desk: Desk) -> None:
    refused = send(reader.as_("agent1"), amount_owed="", people_count="")
    assert "有 2 处需要更正" in seen(refused)
    number = send(reader, amount_owed="", people_count="", not_known=["amount_owed", "people_count"]).headers[
        "location"
    ]

    ticket = desk.ticket(number.split("/")[-2])
    assert (ticket.amount_owed, ticket.people_count, ticket.not_known) == (None, 1, ["amount_owed", "people_count"])


def test_the_check_button_shows_earlier_tickets_and_what_is_still_to_be_asked(reader: Reader, desk: Desk) -> None:
    desk.accepted(title="三个月工资未发")
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    page = reader.client.post(f"{INTAKE}/assist", data={**form.fields, **MATTER, "amount_owed": ""})

    assert page.status_code == 200
    assert "还要问:金额" in seen(page)
    assert "三个月工资未发" in seen(page)
    assert "同一来电人 35" in seen(page)
    assert 'value="马小明"' in page.text, "what was typed stays"


def test_a_script_gets_the_help_alone(reader: Reader, desk: Desk) -> None:
    desk.accepted(title="三个月工资未发")
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    part = reader.client.post(f"{INTAKE}/assist", data={**form.fields, **MATTER}, headers={"X-Part": "1"})

    assert "<html" not in part.text
    assert "三个月工资未发" in part.text


@pytest.mark.parametrize("typed", [{"category_code": "zz"}, {"place_code": "0"}, {"people_count": "٣"}, {"phone": "1"}])
def test_help_for_a_form_half_filled_in_is_no_error(visitor: Reader, typed: dict[str, str]) -> None:
    form = next(form for form in visitor.as_("agent1").forms(INTAKE) if form.action == INTAKE)

    assert visitor.client.post(f"{INTAKE}/assist", data={**form.fields, **MATTER, **typed}).status_code == 200


def test_the_same_matter_is_linked_when_the_agent_says_so(reader: Reader, desk: Desk) -> None:
    earlier = desk.accepted()
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    answer = reader.client.post(INTAKE, data={**form.fields, **MATTER, "same_as": earlier})

    number = answer.headers["location"].split("/")[-2]
    assert desk.rows("select kind from ticket_link") == [("duplicate",)]
    for one in (earlier, number):
        assert "关联工单" in reader.see(f"{CONSOLE}/tickets/{one}")


def test_a_draft_is_kept_opened_and_gone_when_registered(reader: Reader, desk: Desk) -> None:
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    kept = reader.client.post(f"{INTAKE}/draft", data={**form.fields, "phone": "13897001234", "body": "说了一半"})
    assert kept.status_code == 303

    page = reader.see(kept.headers["location"])
    assert "说了一半" in page
    assert 'value="13897001234"' in page
    assert "尾号 1234" in reader.see(INTAKE)
    again = next(form for form in reader.forms(kept.headers["location"]) if form.action == INTAKE)
    assert again.fields["key"] == form.fields["key"]
    assert reader.send(again, **MATTER).status_code == 303
    assert desk.rows("select 1 from intake_draft") == []


def test_a_form_in_which_nothing_stands_leaves_no_draft(visitor: Reader, shared_desk: Desk) -> None:
    form = next(form for form in visitor.as_("agent1").forms(INTAKE) if form.action == INTAKE)

    assert visitor.client.post(f"{INTAKE}/draft", data=form.fields, headers={"X-Part": "1"}).status_code == 204
    assert shared_desk.rows("select 1 from intake_draft") == []


def test_nobody_opens_anothers_draft(reader: Reader, desk: Desk) -> None:
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    kept = reader.client.post(f"{INTAKE}/draft", data={**form.fields, "body": "只有我知道"})
    discard = {"form_mark": form.fields["form_mark"], "key": form.fields["key"]}

    assert reader.as_("agent2").get(kept.headers["location"]).status_code == 404
    assert reader.client.post(f"{INTAKE}/draft/discard", data=discard).status_code == 403, "the mark is another's"
    assert len(desk.rows("select 1 from intake_draft")) == 1


def test_employers_are_offered_by_a_part_of_their_name(reader: Reader, desk: Desk) -> None:
    desk.registered(employer="青海某建筑有限公司")
    form = next(form for form in reader.as_("agent1").forms(INTAKE) if form.action == INTAKE)
    offered = reader.client.post(f"{INTAKE}/employers", data={**form.fields, "employer": "某建筑"})

    assert '<option value="青海某建筑有限公司">' in offered.text


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
