"""The list of supervisions on the screen, of closed matters as well, and the answer for good from its ticket."""

from tests.api.stages import to_be_answered_for_good
from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk

LEADER = f"leader-{GOLMUD}"


def test_a_head_answers_for_good_from_the_list(reader: Reader, desk: Desk) -> None:
    number = to_be_answered_for_good(desk)
    reader.as_(LEADER)
    page = reader.see(f"{CONSOLE}/supervisions")
    assert number in page
    assert "待承办单位答复" in page
    assert "最终答复" in reader.see(f"{CONSOLE}/tickets/{number}")

    answered = reader.step(number, "final-answer", text="已过仲裁时效", basis="劳动争议调解仲裁法第二十七条")

    assert answered.status_code == 303
    assert "已答复,待审核" in reader.see(f"{CONSOLE}/supervisions")
    assert reader.as_("supervisor1").step(number, "close-supervision").status_code == 303
    assert "没有未办结的督办" in reader.see(f"{CONSOLE}/supervisions")
