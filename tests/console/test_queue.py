"""The queue and the list of all tickets."""

import pytest

from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, HAIXI, Desk

PAGE_LIMIT = 60_000


def test_the_nearest_deadline_comes_first_with_its_light_in_words(reader: Reader, desk: Desk) -> None:
    later = desk.in_progress(title="后到期")
    desk.accepted(title="当天到期", category_code="0501")
    page = reader.as_("supervisor1").see(f"{CONSOLE}/")

    assert page.index("当天到期") < page.index("后到期")
    assert "今天 24:00 到期" in page
    assert "还剩 5 个工作日" in page
    assert "11月27日 周五 24:00" in page
    desk.go_to("2026-12-02 10:00")
    late = seen(reader.get(f"{CONSOLE}/"))
    assert "逾期" in late
    assert "已超期 3 个工作日" in late
    assert later in late


def test_urgent_and_collective_matters_are_marked(reader: Reader, desk: Desk) -> None:
    desk.accepted(urgent=True, people_count=23)
    page = seen(reader.as_("agent1").get(f"{CONSOLE}/"))

    assert "紧急" in page
    assert "群体性 23 人" in page


def test_a_suspended_ticket_says_that_its_clock_rests(reader: Reader, desk: Desk) -> None:
    from datetime import timedelta

    from service.tickets.handling import AskSuspension, ask_suspension, grant_suspension
    from service.tickets.requests import DecideRequest

    number = desk.in_progress()
    ask = AskSuspension(number=number, reason="legal_procedure", review_at=desk.clock.now() + timedelta(days=10))
    desk.do(f"handler-{GOLMUD}", ask_suspension, ask)
    desk.do("dispatcher1", grant_suspension, DecideRequest(number=number))
    page = seen(reader.as_(f"handler-{GOLMUD}").get(f"{CONSOLE}/"))

    assert "挂起" in page
    assert "计时暂停" in page


def test_an_empty_queue_is_a_sentence(visitor: Reader) -> None:
    assert "现在没有待办工单。" in visitor.as_(f"handler-{GOLMUD}").see(f"{CONSOLE}/")
    assert "现在没有“待审核”的工单。" in visitor.see(f"{CONSOLE}/?state=replied")


def test_the_queue_is_filtered_by_state_and_by_union(reader: Reader, desk: Desk) -> None:
    desk.dispatched(title="待签的")
    desk.in_progress(title="办理的")
    reader.as_(f"handler-{HAIXI}")

    assert "办理的" not in reader.see(f"{CONSOLE}/?state=to_sign")
    assert "待签的" in reader.see(f"{CONSOLE}/?state=to_sign")
    assert "待签的" not in reader.see(f"{CONSOLE}/?own=1")
    assert "待签的" in reader.see(f"{CONSOLE}/?org={GOLMUD}")
    assert "待签的" in reader.see(f"{CONSOLE}/?state=no-such-state")


@pytest.mark.parametrize("org", ["632802", "630000", "999999", "x' or 1=1"])
def test_the_queue_of_a_union_outside_ones_own_is_not_there(visitor: Reader, org: str) -> None:
    page = visitor.as_(f"handler-{GOLMUD}").see(f"{CONSOLE}/?org={org}", status=404)

    assert "您的单位无权查看" in page


def test_a_long_queue_goes_on_after_the_last_row_and_stays_light(reader: Reader, desk: Desk) -> None:
    numbers = [desk.accepted(title=f"拖欠工资第 {each} 件,项目部承诺的付款日期已过仍未支付") for each in range(32)]
    reader.as_("supervisor1")
    first = reader.get(f"{CONSOLE}/?state=accepted")
    following = first.text.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = reader.get(following)

    assert len(first.content) < PAGE_LIMIT
    assert "state=accepted" in following
    shown = [number for number in numbers if number in first.text]
    assert shown == numbers[:30]
    assert [number for number in numbers if number in second.text] == numbers[30:]
    assert "回到第一页" in second.text
    assert reader.get(f"{CONSOLE}/?cursor=rubbish").status_code == 422


def test_ended_tickets_are_in_the_list_of_all(reader: Reader, desk: Desk) -> None:
    number = desk.closed(title="已经办完的")
    reader.as_(f"leader-{GOLMUD}")

    assert "已经办完的" not in reader.see(f"{CONSOLE}/")
    assert "已经办完的" in reader.see(f"{CONSOLE}/tickets?state=closed")
    assert "没有符合条件的工单" in reader.see(f"{CONSOLE}/tickets?tier=complex")
    found = reader.get(f"{CONSOLE}/tickets?number={number.removeprefix('QH12351-').lower()}")
    assert found.headers["location"] == f"{CONSOLE}/tickets/{number}"
    assert "不是完整的工单号" in reader.see(f"{CONSOLE}/tickets?number=12")


def test_who_handles_no_tickets_is_shown_what_is_theirs(visitor: Reader) -> None:
    for who, theirs in (("admin1", "rules"), ("auditor1", "audit")):
        assert visitor.as_(who).get(f"{CONSOLE}/").headers["location"] == f"{CONSOLE}/{theirs}"
        assert visitor.get(f"{CONSOLE}/tickets").status_code == 403
