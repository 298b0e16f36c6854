"""Articles in an answer, merging by choosing, and the page of one matter that many callers told."""

from datetime import date

from service.tickets.knowledge import PublishArticle, publish_article
from tests.api.stages import merged
from tests.console.browser import CONSOLE, Reader, forms_of, seen
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"


def article(desk: Desk, category: str = "0101", title: str = "欠薪怎么办") -> int:
    command = PublishArticle(
        category_code=category,
        title=title,
        body="用人单位应按月足额支付工资。",
        source="《劳动法》第五十条",
        valid_from=date(2026, 1, 1),
    )
    return desk.do("lawyer1", publish_article, command)


def test_an_article_goes_into_the_answer_without_script_and_its_use_is_recorded_when_it_is_sent(
    reader: Reader, desk: Desk
) -> None:
    wanted, number = article(desk), desk.in_progress()
    article(desk, category="0501", title="与本案无关")
    page = f"{CONSOLE}/tickets/{number}"
    assert "与本案无关" not in seen(reader.as_(HANDLER).get(page))

    inserted = reader.step(number, "reply", text="已到现场。", insert=str(wanted))
    assert inserted.status_code == 200
    form = next(each for each in forms_of(inserted.text) if each.fields.get("step") == ["reply"])
    assert form.fields["text"] == ["已到现场。\n用人单位应按月足额支付工资。"]
    assert form.fields["basis"] == ["《劳动法》第五十条"]
    assert desk.rows("select count(*) as n from article_use")[0].n == 0

    assert reader.send(form, contact_way="phone", outcome="settlement").status_code == 303
    assert desk.rows("select count(*) as n from article_use")[0].n == 1
    assert "引用知识" in seen(reader.get(page))


def test_a_ticket_is_merged_by_choosing_among_those_like_it(reader: Reader, desk: Desk) -> None:
    master, other = (
        desk.in_progress(),
        desk.accepted(category_code="0501", title="另一件", body="社保没有缴", phone=None, anonymous=True),
    )
    number = desk.accepted(title="又来电反映拖欠工资")
    page = seen(reader.as_("agent1").get(f"{CONSOLE}/tickets/{number}"))
    assert "同一来电人" in page
    assert f"{other} 另一件" in page, "it is about the same employer"

    assert reader.step(number, "merge", reason="同一件事").status_code == 422
    assert reader.step(number, "merge", master=master, reason="同一件事").status_code == 303
    page = seen(reader.get(f"{CONSOLE}/tickets/{number}"))
    assert f"已并入主单 {master}" in page
    assert "时限按从未并单继续计算" in page
    assert number in seen(reader.get(f"{CONSOLE}/tickets/{master}"))


def test_a_number_that_is_not_among_them_is_typed(reader: Reader, desk: Desk) -> None:
    master = desk.in_progress(employer="另一家公司", phone="13999990000", title="停车费", body="园区停车")
    number = desk.accepted()

    assert reader.as_("agent1").step(number, "merge", other_master=master, reason="同一件事").status_code == 303
    assert desk.ticket(number).state == "merged"


def test_callers_are_grouped_seen_together_and_urged_together(reader: Reader, desk: Desk) -> None:
    numbers = [desk.in_progress(phone=f"1389700000{index}", people_count=3) for index in range(3)]
    path = f"{CONSOLE}/tickets/{numbers[0]}/group"
    form = next(each for each in reader.as_("agent1").forms(path) if each.action == path)
    sent = reader.send(form, title="盐湖工地欠薪", number=numbers[1:])
    assert sent.status_code == 303, seen(sent)

    page = seen(reader.get(path))
    assert "3 张工单,共 9 人" in page
    assert "90,000" in page
    urge = next(each for each in reader.forms(path) if each.action.endswith("/search/bulk"))
    done = seen(reader.send(urge, note="请尽快联系", action="urge"))
    assert all(number in done for number in numbers)
    assert desk.rows("select count(*) as n from ticket_event where kind = 'ticket:urged'")[0].n == 3

    leave = next(each for each in reader.forms(path) if each.fields.get("leave") == [numbers[2]])
    assert reader.send(leave).status_code == 303
    assert "2 张工单,共 6 人" in seen(reader.get(path))


def test_who_may_not_group_sees_the_group_within_the_scope_and_no_form(reader: Reader, desk: Desk) -> None:
    number = merged(desk)
    path = f"{CONSOLE}/tickets/{number}/group"

    assert [form for form in reader.as_("lawyer1").forms(path) if form.action == path] == []
    assert reader.as_(HANDLER).get(path).status_code == 404
