"""Absences and recusals on the screen."""

from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
PAGE = f"{CONSOLE}/absences"


def test_an_absence_is_recorded_and_cancelled_on_its_page(reader: Reader) -> None:
    reader.as_(HANDLER)
    days = {"starts_on": "2026-11-20", "ends_on": "2026-11-27"}
    sent = reader.send(reader.forms(PAGE)[-1], deputy=LEADER, reason="年休假", **days)
    assert sent.status_code == 303, sent.text
    assert "2026-11-20 至 2026-11-27" in reader.see(PAGE)

    again = reader.send(reader.forms(PAGE)[-1], deputy=LEADER, reason="年休假", **days)
    assert again.status_code == 409
    assert "已有请假记录" in again.text
    assert reader.send(reader.forms(PAGE)[-2], cancel="1").status_code == 303
    assert "目前没有请假记录" in reader.see(PAGE)


def test_a_form_that_misses_something_comes_back_with_what_was_typed(reader: Reader) -> None:
    refused = reader.send(reader.as_(HANDLER).forms(PAGE)[-1], starts_on="2026-11-20", reason="年休假")

    assert refused.status_code == 422
    assert 'value="2026-11-20"' in refused.text


def test_keeping_out_is_asked_once_more_and_then_the_ticket_is_gone(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    reader.as_(HANDLER)
    assert f"{CONSOLE}/tickets/{number}/recusal" in reader.see(f"{CONSOLE}/tickets/{number}")

    assert reader.send(reader.forms(f"{CONSOLE}/tickets/{number}/recusal")[-1], reason="近亲属").status_code == 303
    assert reader.get(f"{CONSOLE}/tickets/{number}").status_code == 404
