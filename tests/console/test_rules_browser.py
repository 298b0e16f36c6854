"""The rules room in a real browser: a notice brought in force, and pages that fit a phone."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from service.api.routers.rules import FILE_EXAMPLES
from service.tickets.recounting import recount_next
from tests.console.test_browser import CHROMIUM, PHONE, Office, _tab_to, browser, office
from tests.desk import Desk

__all__ = ["browser", "office"]

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"there is no Chromium at {CHROMIUM}")
NOTICE: dict[str, str] = FILE_EXAMPLES["notice"]["value"]  # type: ignore[assignment]


def test_an_administrator_brings_a_notice_in_force_and_loses_no_word_on_the_way(office: Office, tmp_path: Path) -> None:
    office.desk.go_to("2026-12-28 09:00")
    number = office.desk.in_progress()
    wrong = tmp_path / "通知.txt"
    wrong.write_text(NOTICE["text"].replace("1月1日(周五)", "1月1日(周四)"), encoding="gb18030")
    with office.screen("admin1") as page:
        page.goto("/console/")
        page.get_by_role("link", name="载入通知").click()
        page.get_by_label("或者选择文件").set_input_files(wrong)
        page.get_by_role("button", name="1 核对").click()
        expect(page.locator("mark", has_text="1月1日(周四)至3日(周日)放假")).to_be_visible()
        page.get_by_label("通知全文").fill(NOTICE["text"])
        page.get_by_role("button", name="重新核对").click()
        expect(page.locator(".steps [aria-current]")).to_contain_text("预览影响")
        page.get_by_role("button", name="2 预览影响").click()
        expect(page.get_by_role("alert")).to_contain_text("请给出 2027 年通知的网址")
        page.get_by_label("通知的网址或出处").fill(NOTICE["source"])
        page.get_by_role("button", name="2 预览影响").click()
        expect(page.locator(".moves")).to_contain_text(number)
        _tab_to(page, "3 发布")
        page.get_by_label("变更理由").fill("国务院办公厅已发布 2027 年放假通知")
        page.get_by_label("变更理由").press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("正在重新计算")
        change_id = int(page.url.rsplit("/", 1)[1])
        run_recount(office.desk, change_id)
        # The page looks again by itself.
        expect(page.get_by_role("status")).to_contain_text("重新计算已完成")
        page.goto("/console/rules?year=2027")
        expect(page.get_by_role("alert")).to_have_count(0)
        expect(page.locator("td.off", has_text="休")).to_have_count(27)
    assert not office.desk.ticket(number).provisional


def run_recount(desk: Desk, change_id: int) -> None:
    """The batches that the workers take."""
    for _ in range(20):
        with desk.application.unit() as unit:
            if recount_next(unit, change_id).finished_at is not None:
                return


@pytest.mark.parametrize(
    "path", ["/rules", "/rules?year=2027", "/rules/load", "/rules/load?from=arrangement", "/rules/changes"]
)
def test_the_room_fits_a_phone_in_readable_letters(office: Office, path: str) -> None:
    with office.screen("admin1", size=PHONE) as page:
        page.goto(f"/console{path}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        smallest = page.evaluate(
            """() => Math.min(...[...document.querySelectorAll('body *')]
            .filter(it => it.innerText && !it.closest('.quiet, option, select'))
            .map(it => parseFloat(getComputedStyle(it).fontSize)))"""
        )
        assert smallest >= 17, path
