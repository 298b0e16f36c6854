"""A ticket's page: what it tells, which steps it offers, and what becomes of a refused one."""

import re

import pytest

from service.identity.people import actor_of_username
from service.tickets.confidentiality import Confidentiality
from service.tickets.queries import ticket_view
from service.tickets.receipts import FailureReason, Receipt, ReceiptState, TakeReceipts, take_receipts
from service.tickets.states import Step
from tests.console.browser import CONSOLE, Reader, forms_of, seen
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
REPLY = {
    "text": "已督促用人单位足额发放",
    "basis": "《保障农民工工资支付条例》第三条",
    "contacted_at": "2026-11-20T09:00",
    "contact_way": "phone",
    "outcome": "settlement",
    "recovered": "30,000",
    "helped": "12",
    "worker_confirmed": "1",
}


def possible(desk: Desk, who: str, number: str) -> set[str]:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return {step.value for step in ticket_view(unit, number).possible_steps}


def page_of(number: str) -> str:
    return f"{CONSOLE}/tickets/{number}"


def test_the_page_offers_the_steps_that_are_possible_and_no_others(reader: Reader, desk: Desk) -> None:
    tickets = [desk.registered(), desk.accepted(), desk.dispatched(), desk.in_progress(), desk.to_callback()]
    for who in ("agent1", "lawyer1", "dispatcher1", "supervisor1", HANDLER, LEADER, f"leader-{HAIXI}"):
        reader.as_(who)
        for number in tickets:
            if reader.get(page_of(number)).status_code == 200:
                assert set(reader.steps(number)) == possible(desk, who, number), (who, desk.ticket(number).state)


def test_a_whole_life_by_the_forms_of_the_pages(reader: Reader, desk: Desk) -> None:
    number = desk.registered()
    life: list[tuple[str, str, dict[str, str | list[str]], str]] = [
        ("agent1", "accept", {}, "accepted"),
        ("dispatcher1", "retier", {"tier": "complex", "reason": "涉及多家单位"}, "accepted"),
        ("dispatcher1", "dispatch", {"org_code": GOLMUD, "assisting": HAIXI, "note": "请核实"}, "to_sign"),
        (HANDLER, "return", {"reason": "不属我市"}, "to_sign"),
        ("dispatcher1", "refuse-return", {"note": "属地管理"}, "to_sign"),
        (HANDLER, "sign", {}, "in_progress"),
        (HANDLER, "contact", {"way": "phone", "note": "已电话核实"}, "in_progress"),
        (HANDLER, "extend", {"days": "3", "reason": "负责人在外地"}, "in_progress"),
        (f"leader-{HAIXI}", "pass-extension-up", {}, "in_progress"),
        ("supervisor1", "grant-extension", {"note": "同意"}, "in_progress"),
        (HANDLER, "ask-material", {"pieces": "劳动合同\n考勤记录", "due_on": "2026-11-30"}, "in_progress"),
        (HANDLER, "suspend", {"reason": "material_awaited", "review_at": "2026-12-01T09:00"}, "in_progress"),
        ("supervisor1", "grant-suspension", {}, "in_progress"),
        (HANDLER, "receive-material", {"pieces": ["劳动合同"], "note": "当面提交"}, "in_progress"),
        (HANDLER, "waive-material", {"pieces": ["考勤记录"]}, "in_progress"),
        (HANDLER, "resume", {"note": "材料已收到"}, "in_progress"),
        ("agent2", "urge", {"note": "职工再次来电"}, "in_progress"),
        ("supervisor1", "supervise", {"note": "请报告进展"}, "in_progress"),
        (HANDLER, "reply", REPLY, "replied"),
        (LEADER, "send-back", {"note": "补充联系经过"}, "in_progress"),
        (HANDLER, "reply", REPLY, "replied"),
        (LEADER, "approve", {}, "to_callback"),
        (
            "agent2",
            "callback",
            {"result": "answered", "contacted": "yes", "resolved": "no", "satisfaction": "2", "reason": "not_resolved"},
            "in_progress",
        ),
        (HANDLER, "reply", REPLY, "replied"),
        (LEADER, "approve", {"note": "同意"}, "to_callback"),
        (
            "agent2",
            "callback",
            {"result": "answered", "contacted": "yes", "resolved": "yes", "satisfaction": "5", "agent_score": "5"},
            "closed",
        ),
        ("supervisor1", "reopen", {"reason": "再次拖欠"}, "in_progress"),
    ]
    for who, step, fields, state in life:
        response = reader.as_(who).step(number, step, **fields)
        assert response.status_code == 303, (step, seen(response))
        assert response.headers["location"] == f"{page_of(number)}?done={step}"
        assert desk.ticket(number).state == state, step
    story = seen(reader.get(page_of(number)))
    for words in ("主办:格尔木市", "协办:海西", "满意度:非常满意", "原因:问题没有解决", "第 2 轮", "3 个工作日"):
        assert words in story, words
    assert re.findall(r"\b[a-z]+_[a-z]+\b", story) == []  # no code stands where a word should


@pytest.mark.parametrize(
    ("step", "fields", "who"),
    [
        ("answer", {"answer": "可以申请仲裁"}, "lawyer1"),
        ("reject", {"reason": "legal_channel", "note": "已进入仲裁"}, "agent1"),
    ],
)
def test_a_matter_can_be_answered_or_proposed_for_rejection(
    reader: Reader, desk: Desk, step: str, fields: dict[str, str], who: str
) -> None:
    number = desk.accepted()

    assert reader.as_(who).step(number, step, **fields).status_code == 303
    if step == "reject":
        page = seen(reader.as_("dispatcher1").get(page_of(number)))
        assert "待审批:不予受理(省级)" in page
        assert "已进入诉讼、仲裁或信访程序" in page
        assert reader.step(number, "grant-rejection").status_code == 303
        assert desk.ticket(number).state == "rejected"


def test_a_step_taken_is_confirmed_in_a_sentence(reader: Reader, desk: Desk) -> None:
    number = desk.dispatched()
    response = reader.as_(HANDLER).step(number, "sign")

    assert "已完成:签收" in seen(reader.get(response.headers["location"]))
    assert "已完成" not in seen(reader.get(f"{page_of(number)}?done=<script>"))


def test_a_stale_page_says_who_changed_what_and_keeps_the_words(reader: Reader, desk: Desk) -> None:
    from service.tickets.closing import AddNote, add_note

    number = desk.in_progress()
    form = reader.as_(HANDLER).step_form(number, "reply")
    desk.do("agent2", add_note, AddNote(number=number, note="职工来电补充"))
    response = reader.send(form, **REPLY)

    assert response.status_code == 409
    page = seen(response)
    assert "已被坐席二于 2026-11-20 09:00 更新(备注)" in page
    assert "职工来电补充" in page
    assert "您填写的内容仍在表单里" in page
    again = next(form for form in forms_of(response.text) if form.fields.get("step") == ["reply"])
    assert again.fields["text"] == [REPLY["text"]]
    assert again.fields["outcome"] == ["settlement"]
    assert again.fields["worker_confirmed"] == ["1"]
    assert desk.ticket(number).state == "in_progress"
    assert reader.send(again).status_code == 303, "the page carries the new version, so it can be sent again"


def test_when_the_step_is_gone_the_words_are_given_back(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    form = reader.as_(HANDLER).step_form(number, "contact")
    desk.reply(number)
    response = reader.send(form, way="phone", note="电话里说的很多话")

    assert response.status_code == 409
    assert "没有完成" in seen(response)
    assert "电话里说的很多话" in response.text


@pytest.mark.parametrize(
    ("step", "fields", "status", "sentence"),
    [
        ("extend", {"days": "99", "reason": "很忙"}, 422, "不能大于 60"),
        ("extend", {"days": "9", "reason": "很忙"}, 422, "单次延期不超过 5 个工作日"),
        ("extend", {"days": "五", "reason": "很忙"}, 422, "须为整数"),
        ("suspend", {"reason": "legal_procedure", "review_at": "2020-01-01T09:00"}, 422, "复核日期"),
        ("suspend", {"reason": "legal_procedure", "review_at": "明天"}, 422, "须为带时区的时间"),
        ("reply", {**REPLY, "contacted_at": "2030-01-01T00:00"}, 422, "不能晚于现在"),
        ("reply", {**REPLY, "text": "  "}, 422, "必填"),
        ("contact", {"way": "", "note": "说过了"}, 422, "必填"),
        ("reply", {**REPLY, "recovered": "-5"}, 422, "不能小于 0"),
    ],
)
def test_a_refused_form_says_why_and_keeps_what_was_typed(
    visitor: Reader, shared_desk: Desk, step: str, fields: dict[str, str], status: int, sentence: str
) -> None:
    number = shared_desk.in_progress()
    response = visitor.as_(HANDLER).step(number, step, **fields)

    assert response.status_code == status
    assert sentence in seen(response)
    again = next(form for form in forms_of(response.text) if form.fields.get("step") == [step])
    for name, value in fields.items():
        if value.strip():
            assert again.fields[name] == [value]
    assert shared_desk.ticket(number).state == "in_progress"


def test_a_call_that_got_through_needs_its_answers_and_another_has_none(reader: Reader, desk: Desk) -> None:
    number = desk.to_callback()
    reader.as_("agent1")

    assert reader.step(number, "callback", result="answered", contacted="yes").status_code == 422
    unfit = reader.step(number, "callback", result="refused", contacted="yes", resolved="yes", satisfaction="5")
    assert unfit.status_code == 422
    assert "未接通或拒答时不能填写评价" in seen(unfit)
    form = reader.step_form(number, "callback")
    assert not {"contacted", "resolved", "satisfaction", "agent_score"} & form.fields.keys(), "no default answer"
    assert reader.send(form, result="unreachable").status_code == 303


def test_a_form_without_a_version_writes_nothing(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.dispatched()
    form = visitor.as_(HANDLER).step_form(number, "sign")
    form.fields["version"] = ["x"]

    assert visitor.send(form).status_code == 422
    assert shared_desk.ticket(number).state == "to_sign"


@pytest.mark.parametrize("step", ["", "no-such-step", "register", "sign-by-silence", "redo-by-rating"])
def test_a_step_that_is_no_persons_is_not_there(visitor: Reader, shared_desk: Desk, step: str) -> None:
    number = shared_desk.dispatched()
    form = visitor.as_(HANDLER).step_form(number, "sign")
    form.fields["step"] = [step]

    assert visitor.send(form).status_code == 404


def test_a_step_one_may_not_take_is_refused_though_its_form_be_made_up(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.dispatched()
    form = visitor.as_(LEADER).step_form(number, "note")
    form.fields["step"] = ["sign"]
    response = visitor.send(form)

    assert response.status_code == 403
    assert shared_desk.ticket(number).state == "to_sign"


@pytest.mark.parametrize("path", ["", "/registered", "/caller"])
def test_a_sibling_county_finds_nothing(visitor: Reader, shared_desk: Desk, path: str) -> None:
    number = shared_desk.in_progress()
    visitor.as_("handler-632802")
    response = visitor.get(page_of(number) + path)

    assert response.status_code == (405 if path == "/caller" else 403 if path else 404)
    assert "工地三个月" not in response.text


def test_a_number_of_another_form_is_not_found(visitor: Reader) -> None:
    for number in ("1", "QH12351-2026-1", "%00", "%3Cscript%3E", "../etc"):
        assert visitor.as_("agent1").get(f"{CONSOLE}/tickets/{number}").status_code == 404


def test_the_caller_is_masked_until_a_reason_is_given(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    page = seen(reader.as_(HANDLER).get(page_of(number)))
    assert "马**" in page
    assert "*******1234" in page
    assert "13897001234" not in page

    form = next(form for form in reader.forms(page_of(number)) if form.action.endswith("/caller"))
    assert reader.send(form, reason=" ").status_code == 422
    shown = reader.send(form, reason="电话核实欠薪情况")
    assert "马小明" in shown.text
    assert "13897001234" in shown.text
    assert shown.headers["cache-control"] == "no-store"
    story = seen(reader.get(page_of(number)))
    assert "电话核实欠薪情况" in story
    assert "13897001234" not in story


def test_a_hidden_identity_stays_hidden(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.in_progress(confidentiality=Confidentiality.from_unions)
    form = next(form for form in visitor.as_("agent1").forms(page_of(number)) if form.action.endswith("/caller"))
    assert not [form for form in visitor.as_(HANDLER).forms(page_of(number)) if form.action.endswith("/caller")]
    marked = visitor.step_form(number, "note").fields["form_mark"]
    response = visitor.client.post(form.action, data={"form_mark": marked, "reason": "想知道是谁"})

    assert response.status_code == 403
    assert "只对省级热线中心开放" in seen(response)
    assert "13897001234" not in response.text


def test_escalations_and_ratings_stand_out_in_the_story(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-12-01 10:00")
    desk.sweep()
    page = reader.as_("supervisor1").see(page_of(number))

    assert '<li class="escalation">' in page
    assert "办理时限:已到期,逾期" in page
    assert "已通知:格尔木市审核人" in page
    assert "已超期 2 个工作日" in page
    rated = desk.closed()
    assert '<li class="rating">' in reader.see(page_of(rated))


def test_the_deadline_is_explained_day_by_day(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.in_progress()
    page = visitor.as_(HANDLER).see(page_of(number))

    assert "起算当日不计入" in page
    assert '<tr class="skipped"><th scope="row">2026-11-21</th><td>周六</td><td>不计</td><td>休息日' in page
    assert '<th scope="row">2026-11-23</th><td>周一</td><td>计入 <span class="sub">第 1 天</span></td>' in page
    assert "11月27日 周五 24:00" in page


def test_what_a_caller_said_is_shown_as_text(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.in_progress(title="<script>alert(1)</script>", body="<img src=x onerror=alert(1)> {{ 7*7 }}")
    page = visitor.as_(HANDLER).get(page_of(number)).text

    assert re.findall(r"<script(?! src=\"/console/static/)", page) == []
    assert "<img" not in page
    assert "{{ 7*7 }}" in page


def test_every_step_a_person_can_take_has_a_form() -> None:
    from service.console.stepforms import _FIELDS
    from service.tickets.states import TABLE

    for_people = {step for step, row in TABLE.items() if row.permission is not None}
    assert set(_FIELDS) == for_people - {Step.register}


def test_a_message_that_did_not_arrive_stands_beside_the_phone_and_among_the_messages(
    reader: Reader, desk: Desk
) -> None:
    number = desk.in_progress()
    for row in desk.rows("select id from outbox_message"):
        desk.application.courier.deliver(row.id)
    key = f"worker_sms:{number}:accepted"
    lost = Receipt(key=key, state=ReceiptState.failed, reason=FailureReason.unknown_number, at=desk.clock.now())
    with desk.application.unit() as unit:
        take_receipts(unit, TakeReceipts(signed=bytes(32), receipts=[lost]))

    page = seen(reader.as_(HANDLER).get(page_of(number)))
    assert "*******1234 短信未送达:空号" in page
    assert "受理通知(含工单号和查询码) 短信未送达:空号" in page
    assert "转交工会通知 已交短信网关" in page
    assert "13897001234" not in page
