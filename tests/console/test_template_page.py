"""Reply templates on the screen: kept by a leader, chosen on the reply's form without any script."""

from service.tickets.reply_templates import PublishTemplate, publish_template
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
PAGE = f"{CONSOLE}/reply-templates"


def test_a_leader_writes_revises_and_withdraws(reader: Reader, desk: Desk) -> None:
    reader.as_(LEADER)
    assert "还没有答复模板" in reader.see(PAGE)
    new = reader.forms(PAGE)[1]
    wrong = reader.send(new, title="已支付", body="电话 {phone}", act="publish")
    assert wrong.status_code == 422
    assert "没有占位符 {phone}" in seen(wrong)
    assert reader.send(new, title="已支付", body="工单 {number} 已支付", act="publish").status_code == 303
    revise = next(form for form in reader.forms(PAGE) if form.fields.get("title") == ["已支付"])
    assert reader.send(revise, title="已足额支付", act="publish").status_code == 303
    page = reader.see(PAGE)
    assert "已足额支付" in page
    assert "第 2 版" in page

    withdraw = reader.forms(PAGE)[-1]
    assert reader.send(withdraw, act="withdraw").status_code == 303
    assert "还没有答复模板" in reader.see(PAGE)


def test_a_template_is_chosen_and_stands_in_the_reply(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    template = desk.do(
        f"leader-{HAIXI}", publish_template, PublishTemplate(title="已支付", body="工单 {number} 已由{union}办结")
    )
    page = reader.as_(HANDLER).see(f"{CONSOLE}/tickets/{number}")
    assert f'<option value="{template}">已支付 (海西' in page
    assert reader.step_form(number, "reply").fields["text"] == [""]

    forms = reader.forms(f"{CONSOLE}/tickets/{number}?template={template}")
    reply = next(form for form in forms if form.fields.get("step") == ["reply"])
    assert reply.fields["text"] == [f"工单 {number} 已由格尔木市办结"]
    assert 'name="title"' not in reader.see(PAGE), "a handler reads templates and writes none"
