"""Exclusions on the screen: asked on the ticket, listed for whose word they wait, decided by two."""

from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk

REPORT = f"{CONSOLE}/reports/breaches?from=2026-11-01&to=2026-12-31&org=630000"


def test_a_breach_is_asked_for_supported_and_excluded_on_the_screen(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    desk.go_to("2026-11-30 09:00")
    desk.sweep()
    reader.as_(f"leader-{GOLMUD}")
    asked = reader.step(number, "ask-exclusion", about="resolve", reason="当日全州停电")
    assert asked.status_code == 303, asked.text
    assert reader.get(f"{CONSOLE}/exclusions").status_code == 403

    listed = reader.as_("supervisor1").see(f"{CONSOLE}/exclusions")
    assert number in listed
    assert "当日全州停电" in listed
    assert reader.step(number, "support-exclusion", note="属实").status_code == 303
    assert "没有待您决定的剔除申请" in reader.see(f"{CONSOLE}/exclusions")
    assert "待决定,仍计入考核" in reader.see(f"{CONSOLE}/tickets/{number}")

    reader.as_("dispatcher1")
    assert number in reader.see(f"{CONSOLE}/exclusions")
    assert reader.step(number, "exclude").status_code == 303
    page = reader.see(f"{CONSOLE}/tickets/{number}")
    assert "已剔除" in page
    assert "已剔除:supervisor1、dispatcher1" in reader.see(REPORT)
