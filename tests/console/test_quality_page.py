"""The list of drawn replies on the screen, judged from the ticket's page."""

from tests.api.stages import drawn_for_quality
from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk


def test_a_supervisor_checks_what_was_drawn(reader: Reader, desk: Desk) -> None:
    number = drawn_for_quality(desk)
    reader.as_("supervisor1")
    assert number in reader.see(f"{CONSOLE}/quality-checks")
    assert reader.step(number, "fail-quality", note="未附支付凭证").status_code == 303
    assert "没有待质检的工单" in reader.see(f"{CONSOLE}/quality-checks")
    assert "质检不合格:未附支付凭证" in reader.see(f"{CONSOLE}/tickets/{number}")
    assert reader.as_(f"handler-{GOLMUD}").get(f"{CONSOLE}/quality-checks").status_code == 403
