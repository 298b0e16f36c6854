"""Tickets as a file with who called: in clear only where the taker may see the caller, counted and paced."""

import csv
import io
from typing import Any

import pytest

from service.reports.ticket_export import ExportTickets, TooManyInClear, export_with_callers
from service.tickets.confidentiality import Confidentiality
from service.tickets.errors import PermissionMissing
from service.tickets.finding import FindQuery
from tests.api.clients import Api
from tests.console.browser import CONSOLE, Reader
from tests.desk import GOLMUD, Desk


def exported(desk: Desk, who: str = "agent1") -> tuple[dict[str, list[str]], dict[str, str]]:
    """The rows by ticket, and the facts below them."""
    command = ExportTickets(query=FindQuery(), kind="csv", reason="集中回访")
    content = b"".join(desk.do(who, export_with_callers, command).chunks()).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content)))
    end = rows.index([])
    return {row[0]: row[-3:] for row in rows[1:end]}, {row[0]: row[1] for row in rows[end + 1 :]}


def test_who_may_see_the_caller_has_them_in_clear_and_the_file_says_of_how_many_it_has_not(desk: Desk) -> None:
    plain = desk.in_progress()
    confided = desk.in_progress(confidentiality=Confidentiality.intake_only)
    nobody = desk.registered(phone=None, caller_name=None, anonymous=True)
    rows, facts = exported(desk)

    assert rows[plain] == ["马小明", "13897001234", "明文"]
    assert rows[confided] == ["马小明", "13897001234", "明文"]
    assert rows[nobody] == ["", "", "未登记来电人"]
    assert (facts["来电人信息:明文"], facts["来电人信息:未登记来电人"]) == ("2 条", "1 条")
    assert facts["导出人"] == "agent1 630000"
    assert facts["导出理由"] == "集中回访"


def test_each_caller_in_clear_is_a_look(desk: Desk) -> None:
    numbers = {desk.in_progress(), desk.in_progress()}
    exported(desk)

    assert desk.rows("select reveals from reveal_tally") == [(2,)]
    events = desk.rows(
        "select t.number, e.note from ticket_event e join ticket t on t.id = e.ticket_id"
        " where e.kind = 'caller:revealed'"
    )
    assert {event.number for event in events} == numbers
    assert {event.note for event in events} == {"集中回访"}
    [row] = desk.rows("select after from audit_event where action like '%caller:exported'")
    assert set(row.after["tickets"]) == numbers


def test_without_the_right_nobody_takes_callers_away(desk: Desk) -> None:
    desk.in_progress()
    for who in ("dispatcher1", "supervisor1", f"leader-{GOLMUD}", f"handler-{GOLMUD}"):
        with pytest.raises(PermissionMissing):
            exported(desk, who)


def test_a_copy_of_the_book_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.reports.ticket_export.MOST_IN_CLEAR", 1)
    desk.in_progress()
    desk.in_progress()
    with pytest.raises(TooManyInClear):
        exported(desk)
    assert desk.rows("select * from reveal_tally") == []


def test_a_reason_is_asked_for_and_the_pace_is_kept(api: Api, desk: Desk) -> None:
    desk.in_progress()
    agent = api.as_("agent1")

    def ask(**body: Any) -> int:
        return int(agent.post("/tickets/bulk/export-clear", json={"format": "csv", **body}).status_code)

    assert ask() == 422
    assert ask(reason=" ") == 422
    assert [ask(reason="回访") for _ in range(4)][-1] == 429


def test_the_page_offers_it_apart_to_who_may(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    page = reader.as_("agent1").see(f"{CONSOLE}/search?q=拖欠")
    assert "导出姓名和电话" in page
    form = next(form for form in reader.forms(f"{CONSOLE}/search?q=拖欠") if form.action.endswith("/search/bulk"))
    data = {**form.fields, "format": "csv", "ticket": f"{number}:1"}
    without = reader.client.post(f"{CONSOLE}/search/callers", data=data)
    assert without.status_code == 422
    given = reader.client.post(f"{CONSOLE}/search/callers", data={**data, "clear_reason": "回访"})
    assert given.status_code == 200
    assert "13897001234" in given.content.decode("utf-8-sig")
    assert "导出姓名和电话" not in reader.as_("dispatcher1").see(f"{CONSOLE}/search?q=拖欠")
