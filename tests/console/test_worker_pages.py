"""The worker's own pages: rating by link, and looking a matter up."""

import httpx
import pytest

from service.ratings.recording import rating_path
from service.tickets.models import Ticket
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
    return desk.application.vault.open(desk.ticket(number).query_code_sealed)


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
