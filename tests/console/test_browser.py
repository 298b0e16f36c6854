"""The pages in a real browser: a ticket's life by clicking and by the keyboard alone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from service.app import create_app
from service.console.security import SESSION_COOKIE
from service.ratings.recording import rating_path
from service.tickets.models import Ticket
from tests.api.clients import serving, token_of
from tests.conftest import PASSWORD
from tests.desk import GOLMUD, Desk

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, PHONE = (1280, 900), (390, 844)
PATIENCE = 20_000  # milliseconds, on a machine that does other things as well
expect.set_options(timeout=PATIENCE)
HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@dataclass
class Office:
    """Everybody's screens before one running service."""

    browser: Browser
    base: str
    desk: Desk
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def screen(self, who: str | None = None, *, size: tuple[int, int] = WIDE) -> Iterator[Page]:
        """A browser of one's own; `who` has logged in already."""
        width, height = size
        context = self.browser.new_context(
            base_url=self.base, viewport={"width": width, "height": height}, locale="zh-CN"
        )
        context.set_default_timeout(PATIENCE)
        if who is not None:
            token = token_of(self.desk.application, who)
            context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": f"{self.base}/console"}])
        page = context.new_page()
        # The browser says on its console what the content policy stopped.
        page.on("console", lambda message: self.complaints.append(message.text))
        try:
            yield page
        finally:
            context.close()


@pytest.fixture
def office(browser: Browser, desk: Desk) -> Iterator[Office]:
    with serving(create_app(desk.application)) as base:
        office = Office(browser, base, desk)
        yield office
        assert not [text for text in office.complaints if "Content Security Policy" in text]


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label).locator("visible=true").first.select_option(label=option)


def _tell_what_wages_need(page: Page) -> None:
    page.get_by_label("用人单位").fill("某建筑公司")
    page.get_by_label("涉及人数").fill("1")
    page.get_by_role("group", name="来电人说不清").get_by_label("金额").check()


def test_a_ticket_from_the_call_to_the_call_back_by_clicking(office: Office) -> None:
    with office.screen() as page:
        page.goto("/console/")
        page.get_by_label("用户名").fill("agent1")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.get_by_role("link", name="新建工单").click()
        choose(page, "诉求性质", "投诉")
        page.get_by_label("标题").fill("工地拖欠工资")
        page.get_by_label("诉求内容").fill("三个月没有发工资")
        choose(page, "诉求类别", "0101 拖欠工资(难点问题)")
        choose(page, "事发地", "格尔木市")
        page.get_by_label("联系电话").fill("13897001234")
        _tell_what_wages_need(page)
        page.get_by_role("button", name="登记并受理").click()
        expect(page.get_by_role("heading", name="工单已登记")).to_be_visible()
        number = page.locator("#number").inner_text()
        assert re.fullmatch(r"[A-Z0-9]{4} [A-Z0-9]{4}", page.locator("#code").inner_text())

    ticket = f"/console/tickets/{number}"
    with office.screen("dispatcher1") as page:
        page.goto("/console/")
        page.get_by_role("link", name="工地拖欠工资").click()
        # The union of the place where it happened is proposed.
        expect(page.get_by_label("主办工会")).to_have_value(GOLMUD)
        page.get_by_role("button", name="确认派单").click()
        expect(page.get_by_role("status")).to_contain_text("已完成:派单")

    with office.screen(HANDLER) as page:
        page.goto("/console/")
        page.get_by_role("link", name="工地拖欠工资").click()
        page.get_by_role("button", name="确认签收").click()
        page.get_by_label("办理情况和答复").fill("已督促用人单位足额发放")
        page.get_by_label("依据").fill("《保障农民工工资支付条例》第三条")
        choose(page, "联系方式", "电话")
        choose(page, "处理结果", "促成和解")
        page.get_by_role("button", name="确认反馈").click()
        expect(page.get_by_role("status")).to_contain_text("已完成:反馈")

    with office.screen(LEADER) as page:
        page.goto(ticket)
        page.get_by_role("button", name="确认审核通过").click()
        expect(page.locator(".ticket-head")).to_contain_text("待回访")

    with office.screen("agent1") as page:
        page.goto(ticket)
        # The questions are asked only when the call got through.
        expect(page.get_by_text("问题是否解决?")).to_be_hidden()
        choose(page, "回访情况", "接通,已回答")
        page.get_by_role("group", name="承办单位是否联系过您").get_by_label("是").check()
        page.get_by_role("group", name="问题是否解决").get_by_label("是").check()
        page.get_by_role("group", name="对办理结果是否满意").get_by_label("非常满意").check()
        page.get_by_role("button", name="确认回访").click()
        expect(page.locator(".ticket-head")).to_contain_text("已办结")
        expect(page.locator(".story .rating")).to_contain_text("非常满意")

    assert office.desk.ticket(number).state == "closed"


def test_the_keyboard_is_enough_and_shows_where_it_is(office: Office) -> None:
    number = office.desk.dispatched()
    with office.screen() as page:
        page.goto("/console/login")
        page.keyboard.type(HANDLER)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="待办工单")).to_be_visible()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="跳到正文")).to_be_focused()
        page.keyboard.press("Enter")
        # The jump takes the browser a moment; a Tab before it would be undone by it.
        expect(page.locator("main")).to_be_focused()
        _tab_to(page, f"/console/tickets/{number}")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="现在可以办理")).to_be_visible()
        _tab_to(page, "确认签收")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("已完成:签收")

    assert office.desk.ticket(number).state == "in_progress"


def _tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the focus is on a link to, or a button called `wanted`; each stop on the way is outlined."""
    for _ in range(40):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => { const it = document.activeElement, style = getComputedStyle(it);
            return {name: it.getAttribute('href') || it.innerText,
                    outline: style.outlineStyle + style.outlineWidth} }"""
        )
        assert stop["outline"] == "solid3px", stop
        if stop["name"] == wanted:
            return
    raise AssertionError(f"Tab does not lead to {wanted}")


def test_pages_fit_a_phone_and_are_set_in_readable_letters(office: Office) -> None:
    desk = office.desk
    late = desk.in_progress(title="工地拖欠 23 名农民工三个月工资,包工头失联", people_count=23)
    desk.go_to("2026-12-01 10:00")
    desk.sweep()
    for who, path in (
        (HANDLER, "/console/"),
        (HANDLER, f"/console/tickets/{late}"),
        ("agent1", "/console/tickets/new"),
        ("supervisor1", "/console/reports/breaches?from=2026-11-01&to=2026-12-31"),
        (None, "/w/track"),
    ):
        with office.screen(who, size=PHONE) as page:
            page.goto(path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
            smallest = page.evaluate(
                """() => Math.min(...[...document.querySelectorAll('body *')]
                .filter(it => it.innerText && !it.closest('.quiet, option, select'))
                .map(it => parseFloat(getComputedStyle(it).fontSize)))"""
            )
            assert smallest >= 17, path


def test_a_worker_rates_with_a_thumb(office: Office) -> None:
    desk = office.desk
    number = desk.to_callback()
    with desk.application.reading() as unit:
        link = rating_path(unit, unit.session.query(Ticket).filter_by(number=number).one())
    with office.screen(size=PHONE) as page:
        page.goto(link)
        assert page.locator("input:checked").count() == 0
        for choice in page.locator(".choice:visible").all():
            box = choice.bounding_box()
            assert box is not None
            assert box["height"] >= 48, "big enough for a thumb (WCAG 2.5.5 asks for 44)"
        why = page.get_by_role("group", name="如果不满意,是什么原因")
        expect(why).to_be_hidden()
        page.get_by_role("group", name="工会的人联系过您吗").get_by_label("是").check()
        page.get_by_role("group", name="您的问题解决了吗").get_by_label("否").check()
        page.get_by_label("非常不满意").check()
        expect(why).to_be_visible()
        page.get_by_role("button", name="提交评价").click()
        expect(page.get_by_role("alert")).to_contain_text("请选择不满意的原因")
        why.get_by_label("问题没有解决").check()
        page.get_by_role("button", name="提交评价").click()
        expect(page.get_by_role("heading", name="谢谢您")).to_be_visible()

    assert desk.ticket(number).state == "in_progress"


def test_what_one_is_told_appears_on_every_open_page_and_in_the_count(office: Office) -> None:
    desk = office.desk
    with office.screen(HANDLER) as page:
        page.goto("/console/")
        other = page.context.new_page()
        other.goto("/console/")
        expect(page.locator(".count")).to_be_hidden()

        number = desk.dispatched()
        for row in desk.rows("select id from outbox_message where done_at is null and kind = 'notice'"):
            desk.application.courier.deliver(row.id)

        for each in (page, other):
            expect(each.locator("#live").get_by_role("link", name=re.compile(number))).to_be_visible()
            expect(each.locator(".count")).to_have_text("1 条未读")
        other.locator("#live").get_by_role("button", name="关闭").click()
        expect(other.locator("#live a")).to_have_count(0)
        page.locator("#live a").click()
        expect(page).to_have_url(re.compile(f"/console/tickets/{number}"))
