"""The administrator's pages of people."""

import re

from service.tickets.assigning import AssignTicket, assign_ticket
from tests.console.browser import CONSOLE, FormOnPage, Reader, seen
from tests.console.test_login import log_in
from tests.desk import GOLMUD, Desk

PEOPLE = f"{CONSOLE}/people"
HANDLER = f"handler-{GOLMUD}"
PAGE = f"{PEOPLE}/{HANDLER}"


def step(reader: Reader, path: str, name: str) -> FormOnPage:
    return next(form for form in reader.forms(path) if ("step", name) in form.buttons)


def test_somebody_added_is_told_their_first_password_once(reader: Reader) -> None:
    reader.as_("admin1")
    form = next(form for form in reader.forms(PEOPLE) if "display_name" in form.names)
    response = reader.send(form, username="handler2", display_name="新来的人", org_code=GOLMUD, roles=["handler"])

    assert response.status_code == 200
    found = re.search(r'<code class="once">([^<]+)</code>', response.text)
    assert found
    assert found[1] not in reader.see(f"{PEOPLE}/handler2")
    assert "新来的人" in reader.see(f"{PEOPLE}?q=handler2")
    reader.client.cookies.clear()
    assert log_in(reader, "handler2", found[1]).status_code == 303
    assert reader.get(f"{CONSOLE}/").headers["location"] == f"{CONSOLE}/account/password"


def test_a_role_out_of_place_is_told_beside_what_was_typed(reader: Reader) -> None:
    reader.as_("admin1")
    form = next(form for form in reader.forms(PEOPLE) if "display_name" in form.names)
    response = reader.send(form, username="agent3", display_name="县里的坐席", org_code=GOLMUD, roles=["agent"])

    assert response.status_code == 422
    assert "不能设置岗位" in seen(response)
    assert 'value="县里的坐席"' in response.text


def test_roles_are_changed_on_the_persons_page(reader: Reader, desk: Desk) -> None:
    reader.as_("admin1")
    form = step(reader, PAGE, "change")
    assert form.fields["roles"] == ["handler"]
    reader.send(form, step="change", roles=["handler", "reviewer"])

    rows = desk.rows(
        "select role from person_role r join person p on p.id = r.person_id where username = :w", w=HANDLER
    )
    assert {row.role for row in rows} == {"handler", "reviewer"}


def test_a_leaver_is_disabled_and_their_work_is_handed_over(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(f"leader-{GOLMUD}", assign_ticket, AssignTicket(number=number, username=HANDLER))
    reader.as_("admin1")
    form = next(form for form in reader.forms(PEOPLE) if "display_name" in form.names)
    reader.send(form, username="handler2", display_name="新来的人", org_code=GOLMUD, roles=["handler"])
    asked = reader.see(f"{PAGE}/leave")
    assert number in asked
    assert not desk.rows("select from person where not active")
    reader.send(leaving(reader))
    page = reader.see(PAGE)
    assert "此人已停用" in page
    assert number in page
    assert "拖欠工资" not in page
    response = reader.send(step(reader, PAGE, "hand"), step="hand", to="handler2")

    assert "工单 1 件" in seen(response)
    assert number in reader.see(f"{PEOPLE}/handler2")


def test_who_leaves_is_disabled_and_followed_by_a_colleague_at_once(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(f"leader-{GOLMUD}", assign_ticket, AssignTicket(number=number, username=HANDLER))
    reader.as_("admin1")
    refused = reader.send(leaving(reader), to="nobody-here")
    assert (refused.status_code, "nobody-here" in seen(refused)) == (404, True)
    assert not desk.rows("select from person where not active"), "both or neither"
    response = reader.send(leaving(reader), to=f"leader-{GOLMUD}")

    assert "工单" in seen(response)
    assert [row.username for row in desk.rows("select username from person where not active")] == [HANDLER]
    assert leave_forms(reader) == [], "there is nothing to ask any more"


def leaving(reader: Reader) -> FormOnPage:
    (form,) = leave_forms(reader)
    return form


def leave_forms(reader: Reader) -> list[FormOnPage]:
    return [form for form in reader.forms(f"{PAGE}/leave") if form.action.endswith("/leave")]


def test_ones_own_page_offers_no_change_and_others_have_none_at_all(reader: Reader) -> None:
    reader.as_("admin1")
    buttons = {button for form in reader.forms(f"{PEOPLE}/admin1") for button in form.buttons}
    assert not buttons & {("step", "disable"), ("step", "change"), ("step", "reset")}
    assert reader.get(f"{PEOPLE}/nobody-here").status_code == 404
    assert reader.get(f"{PEOPLE}?q=%00%ff&org=x&role=x&state=x&after=%00").status_code == 200
    reader.as_("agent1")
    assert reader.get(PEOPLE).status_code == 403
    assert reader.get(PAGE).status_code == 403
