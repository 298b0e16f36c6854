"""Assisting unions find their tasks on their own screen."""

from service.tickets.assisting import SetTask, set_task
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, Desk

DELINGHA = "632802"
LEAD, HELPER = f"handler-{GOLMUD}", f"handler-{DELINGHA}"


def test_a_task_stands_above_the_queue_and_is_answered_on_the_ticket(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    asked = reader.as_(LEAD).step(number, "set-task", org_code=DELINGHA, ask="请核实工资表", due_at="2026-11-25T18:00")
    assert asked.status_code == 303
    for path in ("/", "/tasks"):
        page = reader.as_(HELPER).see(CONSOLE + path)
        assert number in page
        assert "请核实工资表" in page

    assert reader.step(number, "answer-task", answer="工资表已调取").status_code == 303
    assert "待答复的协办任务" not in seen(reader.get(f"{CONSOLE}/"))
    assert "没有待答复的协办任务" in reader.see(f"{CONSOLE}/tasks")
    story = seen(reader.as_(LEAD).get(f"{CONSOLE}/tickets/{number}"))
    assert "工资表已调取" in story
    assert "答复期限:2026年11月25日 周三 18:00" in story


def test_the_reply_form_says_whose_part_is_missing(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    page = f"{CONSOLE}/tickets/{number}"
    assert "仍可反馈" not in reader.as_(LEAD).see(page)
    desk.do(LEAD, set_task, SetTask(number=number, org_code=DELINGHA, ask="请核实"))
    assert "协办尚未答复:德令哈市。仍可反馈" in reader.see(page)
    desk.reply(number)
    assert "协办尚未答复:德令哈市" in seen(reader.get(page))


def test_a_task_is_called_off_by_the_lead(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(LEAD, set_task, SetTask(number=number, org_code=DELINGHA, ask="请核实"))
    assert reader.as_(LEAD).step(number, "call-off-task", org_code=DELINGHA, note="已付清").status_code == 303
    assert "德令哈市 已撤销" in seen(reader.get(f"{CONSOLE}/tickets/{number}"))
