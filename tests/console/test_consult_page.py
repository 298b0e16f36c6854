"""The lawyers' queue on the screen and over the API."""

from service.tickets.consulting import AskConsult, ask_consult
from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"


def test_a_lawyer_answers_from_the_queue(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    assert reader.as_(HANDLER).step(number, "ask-consult", question="能否申请仲裁?").status_code == 303
    reader.as_("lawyer1")
    page = reader.see(f"{CONSOLE}/consults")
    assert number in page
    assert "能否申请仲裁?" in page

    assert reader.step(number, "answer-consult", answer="可以申请").status_code == 303
    assert "没有待答复的法律咨询" in reader.see(f"{CONSOLE}/consults")
    assert "可以申请" in reader.see(f"{CONSOLE}/tickets/{number}")


def test_the_queue_is_the_lawyers_own(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(HANDLER, ask_consult, AskConsult(number=number, question="能否申请仲裁?"))

    assert reader.as_(HANDLER).get(f"{CONSOLE}/consults").status_code == 403
