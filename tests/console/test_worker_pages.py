"""The worker's own pages: rating by link, and looking a matter up."""

from datetime import date

import httpx
import pytest
import redis

from service.ratings.recording import rating_path
from service.tickets.materials import AskMaterial, ask_material
from service.tickets.models import Ticket
from service.tickets.sealed import query_code_of
from tests.console.browser import FormOnPage, Reader, forms_of, seen
from tests.desk import Desk

SATISFIED = {"contacted": "yes", "resolved": "yes", "satisfaction": "5"}
TRACK = "/w/track"


def link_for(desk: Desk, number: str) -> str:
    with desk.application.reading() as unit:
        return rating_path(unit, unit.session.query(Ticket).filter_by(number=number).one())


def rating_form(reader: Reader, link: str) -> FormOnPage:
    return reader.forms(link)[0]


def ratings(desk: Desk) -> list[tuple[object, ...]]:
    return [tuple(row) for row in desk.rows("select way, satisfaction, resolved, reason, comment from rating")]


def test_looking_at_the_link_records_nothing(reader: Reader, desk: Desk) -> None:
    number = desk.to_callback()
    link = link_for(desk, number)
    before = desk.rows("select count(*) as n from ticket_event")[0].n
    for _ in range(3):
        assert reader.get(link).status_code == 200
        assert reader.client.head(link).status_code == 200

    assert not ratings(desk)
    assert desk.rows("select count(*) as n from ticket_event")[0].n == before
    assert desk.ticket(number).state == "to_callback"


def test_nothing_is_chosen_beforehand_and_nothing_of_the_case_is_told(visitor: Reader, shared_desk: Desk) -> None:
    link = link_for(shared_desk, shared_desk.to_callback())
    page = visitor.get(link)

    assert set(rating_form(visitor, link).fields) <= {"comment"}
    assert " checked" not in page.text
    for told in ("拖欠工资", "某建筑公司", "马小明", "1389700"):
        assert told not in page.text


def test_a_rating_is_recorded_once_and_a_repeat_changes_nothing(reader: Reader, desk: Desk) -> None:
    number = desk.to_callback()
    link = link_for(desk, number)
    form = rating_form(reader, link)
    first = reader.send(form, **SATISFIED, comment="谢谢工会")
    assert first.status_code == 303
    assert "谢谢您" in seen(reader.get(first.headers["location"]))

    again = reader.send(form, contacted="no", resolved="no", satisfaction="1", reason="attitude")
    assert "谢谢您" in seen(reader.client.get(link))
    assert again.status_code in {200, 303}
    assert ratings(desk) == [("link", 5, True, None, "谢谢工会")]
    assert desk.ticket(number).state == "closed"


def test_not_resolved_sends_the_matter_back_to_work(reader: Reader, desk: Desk) -> None:
    number = desk.to_callback()
    link = link_for(desk, number)
    form = rating_form(reader, link)
    answers = {"contacted": "no", "resolved": "no", "satisfaction": "1", "reason": "not_contacted"}
    response = reader.send(form, **answers)

    assert "感谢您的参与" in seen(reader.get(response.headers["location"]))
    assert desk.ticket(number).state == "in_progress"
    assert "感谢您的参与" in seen(reader.send(form, **SATISFIED))
    assert ratings(desk) == [("link", 1, False, "not_contacted", "")]


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({}, "必填"),
        ({"contacted": "yes", "resolved": "yes"}, "必填"),
        ({"contacted": "yes", "resolved": "no", "satisfaction": "2"}, "请选择不满意的原因"),
        ({**SATISFIED, "satisfaction": "6"}, "不能大于 5"),
        ({**SATISFIED, "contacted": "perhaps"}, "须为 true 或 false"),
        ({**SATISFIED, "comment": "字" * 2001}, "最多 2000 个字符"),
    ],
)
def test_what_is_missing_is_said_and_nothing_recorded(
    visitor: Reader, shared_desk: Desk, answers: dict[str, str], sentence: str
) -> None:
    link = link_for(shared_desk, shared_desk.to_callback())
    response = visitor.send(rating_form(visitor, link), **answers)

    assert response.status_code == 422
    assert sentence in seen(response)
    kept = forms_of(response.text)[0].fields
    assert all(kept[name] == [value] for name, value in answers.items() if value in {"yes", "no", "2"})
    assert not ratings(shared_desk)


def test_a_reason_left_from_a_change_of_mind_is_not_recorded(reader: Reader, desk: Desk) -> None:
    link = link_for(desk, desk.to_callback())
    reader.send(rating_form(reader, link), **SATISFIED, reason="attitude")

    assert ratings(desk) == [("link", 5, True, None, "")]


def test_a_link_expires(reader: Reader, desk: Desk) -> None:
    link = link_for(desk, desk.to_callback())
    form = rating_form(reader, link)
    desk.wait(days=8)

    for response in (reader.get(link), reader.send(form, **SATISFIED)):
        assert response.status_code == 410
        assert "评价链接已过期" in seen(response)
        assert "12351" in response.text
    assert not ratings(desk)


@pytest.mark.parametrize("token", ["made-up", "WzEsMSwxXQ.x", "x" * 5000, "%00", "é"])
def test_a_made_up_link_is_not_there(visitor: Reader, token: str) -> None:
    response = visitor.get(f"/w/rate/{token}")

    assert response.status_code == 404
    assert "评价链接无效" in seen(response)


def test_a_link_for_a_round_that_is_over_says_so(reader: Reader, desk: Desk) -> None:
    number = desk.to_callback()
    link = link_for(desk, number)
    desk.rate(number, resolved=False, satisfaction=1, reason="late")

    assert "评价已结束" in seen(reader.get(link))


def code_of(desk: Desk, number: str) -> str:
    return query_code_of(desk.application.vault, desk.ticket(number))


def track(reader: Reader, number: str, code: str) -> httpx.Response:
    return reader.send(reader.forms(TRACK)[0], number=number, code=code)


def test_number_and_code_tell_where_a_matter_stands_and_nothing_of_it(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    page = seen(track(reader, number, code_of(desk, number)))

    assert "工会正在办理" in page
    assert "格尔木市" in page
    assert "2026年11月27日 周五 24:00" in page
    assert "拖欠工资" not in page


def test_they_are_taken_as_people_type_them(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.dispatched()
    code = code_of(shared_desk, number)
    wide = "".join(chr(ord(char) + 0xFEE0) for char in code)
    for typed_number, typed_code in (
        (number.lower(), f" {code[:4]} {code[4:].lower()} "),
        (number.replace("-", "—"), wide),
        (number.removeprefix("QH12351-"), f"{code[:4]}-{code[4:]}"),
    ):
        assert "等待签收" in seen(track(visitor, typed_number, typed_code)), (typed_number, typed_code)


def test_a_wrong_number_and_a_wrong_code_get_the_same_answer(visitor: Reader, shared_desk: Desk) -> None:
    number = shared_desk.in_progress()
    wrong_code = track(visitor, number, "AAAAAAAA")
    wrong_number = track(visitor, "QH12351-20261120-999999", code_of(shared_desk, number))
    nonsense = track(visitor, "'; drop table ticket; --", "0" * 8)
    no_such = track(visitor, "QH12351-20261120-999999", "0" * 8)

    assert {answer.status_code for answer in (wrong_code, wrong_number, nonsense, no_such)} == {404}
    typed = "QH12351-20261120-999999"
    assert wrong_code.text.replace(number, typed) == wrong_number.text == no_such.text


@pytest.mark.parametrize("state", ["registered", "accepted", "to_callback", "closed"])
def test_every_stage_has_plain_words(visitor: Reader, shared_desk: Desk, state: str) -> None:
    make = {
        "registered": shared_desk.registered,
        "accepted": shared_desk.accepted,
        "to_callback": shared_desk.to_callback,
        "closed": shared_desk.closed,
    }
    number = make[state]()
    page = seen(track(visitor, number, code_of(shared_desk, number)))

    words = {
        "registered": "等待受理",
        "accepted": "正在安排承办单位",
        "to_callback": "我们将回访您",
        "closed": "已办结",
    }
    assert words[state] in page


# The worker's own way.

SUBMIT, CODE = "/w/submit", "/w/code"
MATTER = {
    "body": "在工地干了三个月,工资一直没有发",
    "kind": "complaint",
    "category_code": "0101",
    "place_code": "632801",
    "phone": "139 7000 1111",
    "consent": "1",
}
PDF = b"%PDF-1.7\n" + b"x" * 500


def deliver_all(desk: Desk) -> list[str]:
    """The messages that workers got, after all that waits was sent."""
    for row in desk.rows("select id from outbox_message where done_at is null order by id"):
        desk.application.courier.deliver(row.id)
    return [letter.text for letter in desk.application.gateway.letters.values()]  # type: ignore[attr-defined]


def submit(reader: Reader, **changes: str) -> httpx.Response:
    return reader.send(reader.forms(SUBMIT)[0], **{**MATTER, **changes})


def my_page(reader: Reader, desk: Desk, number: str) -> str:
    track(reader, number, code_of(desk, number))
    return f"/w/my/{number}"


def form_to(reader: Reader, page: str, end: str) -> FormOnPage:
    return next(form for form in reader.forms(page) if form.action.endswith(end))


def test_a_matter_is_submitted_without_an_account_and_its_code_shown_once(reader: Reader, desk: Desk) -> None:
    assert submit(reader).headers["location"] == "/w/registered"
    shown = seen(reader.get("/w/registered"))
    ticket = desk.rows("select number, channel, state, created_by, not_known from ticket")[0]

    assert ticket.number in shown
    code = code_of(desk, ticket.number)
    assert f"{code[:4]} {code[4:]}" in shown
    assert (ticket.channel, ticket.state, ticket.created_by) == ("web", "registered", None)
    again = reader.get("/w/registered")
    assert again.headers["location"] == "/w/my"
    assert code[:4] not in reader.see(f"/w/my/{ticket.number}")
    events = desk.rows("select actor_name from ticket_event")
    assert [row.actor_name for row in events] == ["system"]


def test_the_same_form_sent_twice_is_one_matter(reader: Reader, desk: Desk) -> None:
    form = reader.forms(SUBMIT)[0]
    for _ in range(2):
        assert reader.send(form, **MATTER).status_code == 303
    assert desk.rows("select count(*) as n from ticket")[0].n == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"consent": ""}, "勾选同意"),
        ({"phone": "1"}, "电话"),
        ({"phone": "没有电话号码"}, "电话号码须为"),
        ({"body": " "}, "必填"),
        ({"category_code": "9999"}, "没有代码为"),
        ({"people_count": "很多"}, "需要更正"),
    ],
)
def test_a_form_filled_in_wrongly_says_what_and_keeps_the_words(
    visitor: Reader, shared_desk: Desk, changes: dict[str, str], sentence: str
) -> None:
    refused = submit(visitor, employer="某某建筑公司", **changes)
    assert refused.status_code == 422
    assert sentence in seen(refused)
    assert "某某建筑公司" in refused.text


def test_the_same_phone_submits_five_a_day(reader: Reader) -> None:
    answers = [submit(reader).status_code for _ in range(6)]
    assert answers == [303] * 5 + [429]


def test_progress_is_told_in_plain_words_without_names(reader: Reader, desk: Desk) -> None:
    number = desk.to_callback()
    page = reader.see(my_page(reader, desk, number))

    for told in ("热线中心已受理", "已转交工会办理", "办理结果已审核", "/w/rate/"):
        assert told in page
    for hidden in ("拖欠工资", "某建筑公司", "马小明", "承办", "已督促用人单位"):
        assert hidden not in page.replace("承办工会", "")


def test_nobody_without_the_code_gets_to_a_matter(reader: Reader, desk: Desk) -> None:
    mine, other = desk.in_progress(), desk.in_progress(phone="13897005678")
    my_page(reader, desk, mine)
    for path in (f"/w/my/{other}", "/w/my/QH12351-20261120-999999", f"/w/my/{other}/withdraw"):
        assert reader.get(path).status_code == 404
    assert reader.client.post(f"/w/my/{other}/urge", data={"x": "1"}).status_code == 404
    assert reader.get(f"/w/my/{mine}").status_code == 200
    desk.wait(minutes=31)
    assert reader.get(f"/w/my/{mine}").status_code == 404
    reader.client.cookies.clear()
    reader.client.cookies.set("hotline_worker", "WzEsMl0.made-up", path="/w")
    assert reader.get(f"/w/my/{mine}").status_code == 404


def test_the_cookie_is_strict_and_out_of_reach_of_scripts(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    cookie = track(reader, number, code_of(desk, number)).headers["set-cookie"]
    for part in ("HttpOnly", "SameSite=strict", "Path=/w", "Max-Age=1800"):
        assert part.lower() in cookie.lower()


def test_words_and_a_file_reach_the_ticket(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    form = form_to(reader, my_page(reader, desk, number), "/attachments")
    sent = reader.client.post(form.action, data={"words": "合同在这里"}, files={"file": ("合同.pdf", PDF)})

    assert sent.status_code == 303
    assert "已收到您补充的材料" in reader.see(sent.headers["location"])
    events = desk.rows("select kind, note from ticket_event where actor_name = 'worker' order by id")
    assert [tuple(row) for row in events] == [("ticket:material_added", "合同在这里"), ("attachment:added", "")]
    assert desk.rows("select by_worker, name from attachment")[0] == (True, "合同.pdf")
    refused = reader.client.post(form.action, data={"words": "留下的话"}, files={"file": ("a.pdf", b"MZ" + bytes(99))})
    assert refused.status_code == 422
    assert "不能收取这种文件" in seen(refused)
    assert "留下的话" in refused.text


def test_what_the_union_asks_for_is_shown_and_answered(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    asked = AskMaterial(number=number, pieces=("劳动合同", "考勤记录"), due_on=date(2026, 11, 27))
    desk.do("handler-632801", ask_material, asked)
    page = my_page(reader, desk, number)
    shown = seen(reader.get(page))
    assert "请您补充以下材料" in shown
    assert "2026年11月27日 周五前" in shown

    form = form_to(reader, page, "/attachments")
    assert reader.send(form, pieces=["劳动合同"], words="").status_code == 422
    assert reader.send(form, pieces=["劳动合同"], words="合同在单位手里,只有照片").status_code == 303
    assert "劳动合同" not in reader.see(page)
    assert "考勤记录" in reader.see(page)
    handled = reader.as_("handler-632801").get(f"/console/tickets/{number}")
    assert "劳动合同 已收到" in seen(handled)
    assert "考勤记录 待收" in seen(handled)


def test_urging_counts_once_a_day(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    form = form_to(reader, my_page(reader, desk, number), "/urge")
    assert reader.send(form).status_code == 303
    assert reader.send(form).status_code == 409
    assert desk.rows("select count(*) as n from ticket_event where kind = 'ticket:urged'")[0].n == 1
    desk.wait(hours=25)
    assert reader.send(form_to(reader, my_page(reader, desk, number), "/urge")).status_code == 303


def test_withdrawing_is_asked_about_first(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    page = my_page(reader, desk, number) + "/withdraw"
    assert "不能恢复" in reader.see(page)
    assert desk.ticket(number).state == "in_progress"
    assert reader.send(reader.forms(page)[0], reason="已经解决了").status_code == 303
    assert desk.ticket(number).state == "withdrawn"
    assert reader.client.post(page, data={"reason": ""}).status_code == 409


def ask_code(reader: Reader, phone: str) -> httpx.Response:
    return reader.send(reader.forms(CODE)[0], phone=phone)


def enter_code(reader: Reader, phone: str, code: str) -> httpx.Response:
    return reader.client.post(CODE, data={"phone": phone, "code": code})


def test_a_code_sent_to_the_phone_opens_its_matters(reader: Reader, desk: Desk) -> None:
    numbers = [desk.in_progress(), desk.registered()]
    ask_code(reader, "13897001234")
    code = next(text for text in deliver_all(desk) if "验证码" in text).split("验证码")[1][:6]

    assert enter_code(reader, "13897001234", code).status_code == 303
    page = reader.see("/w/my")
    assert all(number in page for number in numbers)
    assert enter_code(reader, "13897001234", code).status_code == 404
    stored = desk.rows("select payload::text as text from outbox_message where kind = 'worker_code'")[0].text
    assert code not in stored
    assert "13897001234" not in stored


def test_a_phone_without_a_matter_gets_the_same_answers_and_no_message(reader: Reader, desk: Desk) -> None:
    desk.registered()
    known, unknown = ask_code(reader, "13897001234"), ask_code(reader, "13900000000")
    assert known.status_code == unknown.status_code == 200
    assert known.text.replace("13897001234", "13900000000") == unknown.text
    assert len([text for text in deliver_all(desk) if "验证码" in text]) == 1
    wrong = [enter_code(reader, phone, "000000x") for phone in ("13897001234", "13900000000")]
    assert wrong[0].text.replace("13897001234", "13900000000") == wrong[1].text


def test_a_code_stands_five_tries_and_ten_minutes(reader: Reader, desk: Desk) -> None:
    desk.registered()

    def fresh() -> str:
        ask_code(reader, "13897001234")
        return [text for text in deliver_all(desk) if "验证码" in text][-1].split("验证码")[1][:6]

    code = fresh()
    for _ in range(5):
        assert enter_code(reader, "13897001234", "x").status_code == 404
    assert enter_code(reader, "13897001234", code).status_code == 404
    code = fresh()
    desk.wait(minutes=10)
    assert enter_code(reader, "13897001234", code).status_code == 404


def test_codes_are_sent_to_a_phone_five_times_an_hour(reader: Reader) -> None:
    answers = [ask_code(reader, "13897001234").status_code for _ in range(6)]
    assert answers == [200] * 5 + [429]


def test_a_number_is_tried_so_often_and_no_more(reader: Reader, desk: Desk) -> None:
    answers = [track(reader, "QH12351-20261120-999999", "AAAAAAAA").status_code for _ in range(61)]
    assert answers == [404] * 60 + [429]


def test_without_redis_the_limit_is_half_and_still_there(reader: Reader, desk: Desk) -> None:
    from service.core.ratelimit import RateLimiter, TooOften

    def gone() -> redis.Redis:
        raise redis.ConnectionError

    limiter = RateLimiter(gone, prefix="x")
    for _ in range(3):
        limiter.check("a", "b", limit=6, seconds=60, now=desk.clock.now())
    with pytest.raises(TooOften):
        limiter.check("a", "b", limit=6, seconds=60, now=desk.clock.now())
