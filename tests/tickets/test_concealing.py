"""A confidential caller's name and number do not stand in texts."""

import pytest

from service.ratings.recording import Answers, RecordCallback, record_callback
from service.tickets.concealing import without_caller
from service.tickets.confidentiality import Confidentiality
from service.tickets.intake import AnswerTicket, answer_ticket
from service.tickets.sealed import Told
from tests.desk import Desk

NAME, PHONE = "鄂小明", "13897007788"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("我叫鄂小明,电话13897007788。", "我叫**,电话***********。"),
        ("鄂 小 明 138-9700-7788", "** ***********"),
        ("１３８９７００７７８８", "***********"),
        ("鄂先生来电,尾号7788", "*先生来电,尾号****"),
        ("来电人姓鄂,手机后四位:7788", "来电人姓*,手机后四位:****"),
        ("欠薪7788元,鄂尔多斯路工地,113897007788号", "欠薪7788元,鄂尔多斯路工地,113897007788号"),
        ("我叫鄂**,电话138****7788。", "我叫***,电话***********。"),
        ("", ""),
    ],
)
def test_the_caller_is_taken_out_and_the_matter_stays(written: str, kept: str) -> None:
    assert without_caller(written, Told(digits=PHONE, name=NAME)) == kept


@pytest.mark.parametrize(
    ("name", "written", "kept"),
    [
        ("扎西·才让", "扎西才让说,扎西·才让听", "**说,**听"),
        ("Li Ming", "LI MING called", "** called"),
        ("王", "王某,王府井工地", "王某,王府井工地"),
        (None, "鄂小明", "鄂小明"),
    ],
)
def test_names_of_every_kind(name: str | None, written: str, kept: str) -> None:
    assert without_caller(written, Told(name=name)) == kept


def test_an_answer_on_the_phone_and_a_workers_comment_are_written_without_the_caller(desk: Desk) -> None:
    hidden = {"confidentiality": Confidentiality.from_unions, "caller_name": "马小明", "phone": "13897001234"}
    answered = desk.accepted(**hidden)
    desk.do("lawyer1", answer_ticket, AnswerTicket(number=answered, answer="已告知马小明可申请仲裁"))
    assert desk.ticket(answered).answer == "已告知**可申请仲裁"

    number = desk.to_callback(**hidden)
    answers = Answers(contacted=True, resolved=True, satisfaction=5, comment="请打 13897001234 找我")
    desk.do("agent2", record_callback, RecordCallback(number=number, result="answered", answers=answers))
    (rating,) = desk.rows("select comment from rating")
    assert rating.comment == "请打 *********** 找我"
