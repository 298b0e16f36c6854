"""The intake form in a real browser: help that follows the typing, drafts that outlive a crash, the keyboard alone."""

import re

from playwright.sync_api import Page, Route, expect

from service.app import create_app
from tests.api.clients import serving
from tests.console.test_browser import PHONE, Office, browser, office, pytestmark
from tests.desk import GOLMUD

__all__ = ["browser", "office", "pytestmark"]

INTAKE = "/console/tickets/new"


def kept(page: Page) -> None:
    expect(page.locator("#draft-state")).to_have_text(re.compile(r"草稿已保存 \d"))


def test_help_follows_the_typing(office: Office) -> None:
    earlier = office.desk.accepted(title="三个月工资未发", employer="青海某建筑有限公司")
    with office.screen("agent1") as page:
        page.goto(INTAKE)
        page.keyboard.type("138 9700 1234")
        expect(page.locator("#assist")).to_contain_text("三个月工资未发")
        page.get_by_label("用人单位").press_sequentially("某建筑")
        expect(page.locator("#employer-names option")).to_have_attribute("value", "青海某建筑有限公司")
        page.get_by_label("诉求性质").select_option("complaint")
        page.get_by_label("诉求类别").select_option("0101")
        expect(page.locator("#assist")).to_contain_text("还要问:人数、金额")
        page.get_by_label("诉求内容").fill("工地上二十五名工人没有领到工资")
        expect(page.locator("#assist")).to_contain_text("文中提到 25 人")
        expect(page.locator("#assist")).to_contain_text("特别复杂问题")
        page.get_by_label(f"是同一件事 {earlier}").check()
        page.get_by_label("涉及金额").fill("356000")
        expect(page.locator("#assist")).to_contain_text("还要问:人数")
        expect(page.get_by_label(f"是同一件事 {earlier}")).to_be_checked()


def test_a_draft_outlives_the_browser_and_the_service(office: Office) -> None:
    with office.screen("agent1") as page:
        page.goto(INTAKE)
        page.get_by_label("联系电话").fill("13897001234")
        page.get_by_label("诉求内容").fill("老板跑路了,工人在哭")
        kept(page)
    # The browser is gone without a word, and the service was started anew.
    with serving(create_app(office.desk.application)) as office.base, office.screen("agent1") as page:
        page.goto(INTAKE)
        page.get_by_text("有 1 份未登记的草稿").click()
        page.get_by_role("link", name="继续填写").click()
        expect(page.get_by_label("联系电话")).to_have_value("13897001234")
        expect(page.get_by_label("诉求内容")).to_have_value("老板跑路了,工人在哭")


def test_a_service_that_is_away_is_said_and_the_words_stay(office: Office) -> None:
    def away(route: Route) -> None:
        route.abort()

    with office.screen("agent1") as page:
        page.goto(INTAKE)
        page.route("**/tickets/new/draft", away)
        page.get_by_label("诉求内容").fill("三个月没有发工资")
        expect(page.locator("#draft-state")).to_contain_text("草稿没有保存")
        expect(page.get_by_label("诉求内容")).to_have_value("三个月没有发工资")
        page.unroute("**/tickets/new/draft")
        kept(page)


def test_a_call_is_taken_down_by_the_keyboard_alone(office: Office) -> None:
    with office.screen("agent1") as page:
        page.goto(INTAKE)
        keys = page.keyboard
        keys.type("13897001234")
        keys.press("Enter")  # keeps a draft, and never registers half a matter
        kept(page)
        keys.press("Tab")
        keys.type("马小明")
        for _ in range(4):
            keys.press("Tab")
        expect(page.get_by_label("诉求内容")).to_be_focused()
        keys.type("三个月没有发工资")
        for _ in range(2):
            keys.press("Tab")
        expect(page.get_by_label("用人单位")).to_be_focused()
        keys.type("某建筑公司")
        keys.press("Tab")
        page.get_by_label("事发地").select_option(GOLMUD)
        keys.press("Tab")
        page.get_by_label("诉求性质").select_option("complaint")
        keys.press("Tab")
        keys.type("0101")
        expect(page.get_by_label("诉求类别")).to_have_value("0101")
        keys.press("Tab")
        keys.type("3")
        keys.press("Tab")
        keys.type("36000")
        page.get_by_label("分级理由").focus()
        keys.press("Tab")
        expect(page.get_by_role("button", name="登记并受理")).to_be_focused()
        keys.press("Enter")
        expect(page.get_by_role("heading", name="工单已登记")).to_be_visible()
        number = page.locator("#number").inner_text()

    ticket = office.desk.ticket(number)
    assert (ticket.state, ticket.people_count, ticket.title) == ("accepted", 3, "格尔木市:拖欠工资")


def test_without_a_script_the_buttons_do_the_same(office: Office) -> None:
    office.desk.accepted(title="三个月工资未发")
    with office.screen("agent1", size=PHONE) as page:
        page.route("**/intake.js*", lambda route: route.abort())
        page.goto(INTAKE)
        page.get_by_label("联系电话").fill("13897001234")
        page.get_by_role("button", name="查重和提示").click()
        expect(page.locator("#assist")).to_contain_text("三个月工资未发")
        expect(page.get_by_label("联系电话")).to_have_value("13897001234")
        page.get_by_role("button", name="保存草稿").click()
        expect(page.locator("#draft-state")).to_have_text("草稿已保存")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
