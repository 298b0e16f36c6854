"""Logging in by the identity provider in a real browser: the content policy and the cookies let it through."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from service.app import create_app
from service.identity.providers import CALLBACK
from service.identity.standin_provider import StandIn, standin_at
from tests.api.clients import serving
from tests.conftest import PASSWORD
from tests.console.test_browser import Office, browser, pytestmark
from tests.desk import Desk
from tests.identity.standing_in import set_provider

__all__ = ["browser", "pytestmark"]


@pytest.fixture
def office(browser: Browser, desk: Desk) -> Iterator[Office]:
    standin = StandIn(callback="", now=desk.clock.now)
    with standin_at(standin) as issuer, serving(create_app(desk.application)) as base:
        standin.callback = base + CALLBACK
        set_provider(desk.application, {"public_url": base, "oidc_issuer": issuer, "oidc_client_id": standin.client_id})
        office = Office(browser, base, desk)
        yield office
        assert not [text for text in office.complaints if "Content Security Policy" in text]


def name_oneself(page: Page, who: str) -> None:
    page.get_by_label("Who are you?").fill(who)
    page.get_by_role("button", name="Log in").click()


def test_an_account_is_linked_and_opens_the_next_login(office: Office) -> None:
    with office.screen() as page:
        page.goto("/console/inbox")
        page.get_by_role("link", name="用统一身份认证登录").click()
        name_oneself(page, "wang")
        expect(page.get_by_role("alert")).to_contain_text("没有关联本热线在用的人员")
        page.get_by_role("link", name="用密码登录", exact=True).click()
        page.get_by_label("用户名").fill("agent1")
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录", exact=True).click()
        expect(page).to_have_url(f"{office.base}/console/inbox")

        page.goto("/console/account")
        page.get_by_role("link", name="关联统一身份认证").click()
        page.get_by_label("当前密码").fill(PASSWORD)
        page.get_by_role("button", name="下一步").click()
        page.get_by_role("link", name="前往统一身份认证").click()
        name_oneself(page, "wang")
        expect(page.get_by_role("status").first).to_contain_text("账号已关联")
        page.get_by_role("button", name="退出").click()

        page.goto("/console/inbox")
        page.get_by_role("link", name="用统一身份认证登录").click()
        name_oneself(page, "wang")
        expect(page).to_have_url(f"{office.base}/console/inbox")
        page.get_by_role("button", name="退出").click()
        page.get_by_role("link", name="同时退出").click()
        expect(page).to_have_url(f"{office.base}/console/login")
