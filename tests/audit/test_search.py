"""Auditors find who did what, in words, and take it away; who watches over tickets finds the looks at theirs."""

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import service
from service.audit.chain import link_events
from service.audit.recording import record
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.reports.audit_words import ACTIONS, GROUPS, actions_of
from service.tickets.closing import AddNote, add_note
from service.tickets.disclosure import RevealCaller, reveal_caller
from tests.api.clients import Api
from tests.conftest import PASSWORD
from tests.console.browser import CONSOLE, Reader, seen
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER = f"handler-{GOLMUD}"


def found(api: Api, reader: str = "auditor1", /, **filters: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.as_(reader).get("/audit", params=filters).json()["items"]
    return items


def somebody(desk: Desk, username: str, role: Role, org: str) -> None:
    with desk.application.unit() as unit:
        command = CreatePerson(
            username=username, display_name=username, org_code=org, roles=frozenset({role}), password=PASSWORD
        )
        create_person(unit, command, password_hash="none")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"who": HANDLER}, {"ticket:sign", "ticket:note"}),
        ({"who": "dispatcher1"}, {"ticket:dispatch"}),
        ({"org": HAIXI, "group": "tickets"}, {"ticket:sign", "ticket:note"}),
        ({"action": "ticket:note"}, {"ticket:note"}),
        ({"group": "reads", "who": "agent1"}, {"caller:reveal"}),
        ({"start": "2026-11-20T11:00:00+08:00", "group": "tickets"}, {"ticket:note"}),
        ({"end": "2026-11-20T09:00:01+08:00", "who": HANDLER}, {"ticket:sign"}),
    ],
)
def test_every_filter_narrows(api: Api, desk: Desk, filters: dict[str, str], expected: set[str]) -> None:
    number = desk.in_progress()
    desk.do("agent1", reveal_caller, RevealCaller(number=number, reason="回电核实"))
    desk.wait(hours=2)
    desk.do(HANDLER, add_note, AddNote(number=number, note="已联系"))
    assert {each["action"] for each in found(api, **filters)} == expected


def test_all_of_one_request_is_found_by_its_id_and_all_of_a_ticket_by_its_number(api: Api, desk: Desk) -> None:
    number, other = desk.in_progress(), desk.in_progress()
    answer = api.as_(HANDLER).get(f"/tickets/{number}")
    api.as_("agent1").get("/tickets", params={"number": number})
    by_request = found(api, correlation_id=answer.headers["x-request-id"])
    assert [(each["action"], each["subject"]) for each in by_request] == [("ticket:read", number)]
    of_ticket = [each["action"] for each in found(api, subject=number)]
    assert of_ticket[:2] == ["ticket:search", "ticket:read"]
    assert "ticket:search" not in [each["action"] for each in found(api, subject=other)]


def test_changes_are_told_in_words(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    [signed] = found(api, subject=number, action="ticket:sign")
    assert signed["title"] == {"zh": "签收", "en": "sign"}
    assert {"zh": "状态:待签收 → 办理中", "en": "state: waiting to be signed for → in progress"} in signed["facts"]
    assert signed["name"] != signed["username"]
    assert signed["position"] is None
    with desk.application.unit() as unit:
        link_events(unit, limit=1000)
    [signed] = found(api, subject=number, action="ticket:sign")
    assert signed["position"]


def test_pages_follow_each_other_without_gap_or_repeat(api: Api, desk: Desk) -> None:
    for _ in range(4):
        desk.in_progress()
    whole = [each["id"] for each in found(api, group="tickets", limit=200)]
    auditor, walked, cursor = api.as_("auditor1"), [], None
    while True:
        page = auditor.get("/audit", params={"group": "tickets", "limit": 5, "cursor": cursor or ""} if cursor else
                           {"group": "tickets", "limit": 5}).json()  # fmt: skip
        walked += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert walked == whole
    assert walked == sorted(walked, reverse=True)


def test_the_audit_is_for_auditors_and_the_looks_for_who_watches_over_the_ticket(api: Api, desk: Desk) -> None:
    ours, theirs = desk.in_progress(), desk.in_progress("630102")
    somebody(desk, "watcher", Role.supervisor, HAIXI)
    somebody(desk, "city-auditor", Role.auditor, HAIXI)
    for number in (ours, theirs):
        api.as_("agent1").get(f"/tickets/{number}")
    for who in ("agent1", "admin1", HANDLER, f"leader-{GOLMUD}"):
        assert api.as_(who).get("/audit").status_code == 403, who
    assert [(each["action"], each["subject"]) for each in found(api, "watcher")] == [("ticket:read", ours)]
    assert {each["subject"] for each in found(api, "supervisor1")} == {ours, theirs}
    assert api.as_("supervisor1").get("/audit/chain").status_code == 403
    orgs = {each["org_code"] for each in found(api, "city-auditor", limit=200)}
    assert orgs
    assert all(code.startswith("6328") for code in orgs)


def test_auditors_see_nothing_of_callers(api: Api, desk: Desk) -> None:
    number = desk.in_progress(title="马小明被欠薪", body="电话 13897001234")
    desk.do("agent1", reveal_caller, RevealCaller(number=number, reason="请回电 13897001234"))
    auditor = api.as_("auditor1")
    text = auditor.get("/audit", params={"limit": 200}).text
    facts = [fact["zh"] for each in found(api, action="caller:reveal") for fact in each["facts"]]
    assert "理由:请回电 138****1234" in facts
    assert "马小明" not in text
    assert auditor.get(f"/tickets/{number}").status_code == 403


def test_a_search_of_the_audit_is_in_the_audit(api: Api, desk: Desk) -> None:
    found(api, who="agent1")
    found(api, word="马小明")
    [by_word, by_name] = found(api, action="audit:search")[:2]
    assert by_name["after"]["query"] == {"who": "agent1"}
    assert "马小明" not in str(by_word)


def test_an_export_is_the_same_search_harmless_to_spreadsheets_and_on_record(api: Api, desk: Desk) -> None:
    with desk.application.unit() as unit:
        record(unit, "backup:made", subject='=HYPERLINK("http://x")', after={"file": "+1"})
    auditor = api.as_("auditor1")
    export = {"filters": {"action": "backup:made"}, "reason": "-年度检查"}
    answer = auditor.post("/audit/export", json=export)
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == 1 + 1 + 1 + 3
    assert rows[1][7] == '\'=HYPERLINK("http://x")'
    assert rows[-1] == ["导出理由", "'-年度检查"]
    [kept] = found(api, action="audit:export")
    assert kept["after"] == {"reason": "-年度检查", "query": {"action": "backup:made"}}
    assert api.as_("agent1").post("/audit/export", json=export).status_code == 403


def test_the_chain_is_verified_from_a_desk_and_that_is_said(api: Api, desk: Desk) -> None:
    desk.in_progress()
    with desk.application.unit() as unit:
        link_events(unit, limit=1000)
    auditor = api.as_("auditor1")
    assert auditor.get("/audit/chain").json()["verified_at"] is None
    verified = auditor.post("/audit/verify").json()
    state = auditor.get("/audit/chain").json()
    assert verified == {"whole": True, "links": state["position"], "breaks": []}
    assert (state["verified_by"], state["verified_breaks"]) == ("auditor1", 0)
    with desk.by_hand() as owner:
        owner.execute(text("alter table audit_event disable trigger user"))
        owner.execute(text("update audit_event set actor_name = 'x' where action like '%:ticket:sign'"))
        owner.execute(text("alter table audit_event enable trigger user"))
    [broken] = auditor.post("/audit/verify").json()["breaks"]
    assert broken["kind"] == "event_changed"


def test_the_page_tells_it_in_chinese_and_offers_the_file(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    reader.as_("supervisor1").get(f"{CONSOLE}/tickets/{number}")
    page = seen(reader.as_("auditor1").client.get(f"{CONSOLE}/", follow_redirects=True))
    assert "审计记录" in page, "an auditor's first page"
    for words in ("签收", "状态:待签收 → 办理中", "查看工单", "督办员", "还没有人核对过"):
        assert words in page
    narrowed = seen(reader.get(f"{CONSOLE}/audit?group=reads&who=supervisor1"))
    assert "签收" not in narrowed.split("内容")[-1]
    form = next(form for form in reader.forms(f"{CONSOLE}/audit?group=reads") if "reason" in form.names)
    assert reader.send(form, reason="").status_code == 422
    file = reader.send(form, reason="季度检查")
    assert file.headers["content-type"].startswith("text/csv")
    assert "查看工单" in file.content.decode("utf-8-sig")
    assert "派单" not in file.content.decode("utf-8-sig"), "the file has what the page has"
    verify = next(form for form in reader.forms(f"{CONSOLE}/audit") if ("verify", "1") in form.buttons)
    reader.send(verify, verify="1")
    assert "0 处不符" in seen(reader.get(f"{CONSOLE}/audit"))
    assert reader.get(f"{CONSOLE}/audit?start=nonsense").status_code == 422


def test_a_ticket_page_says_who_looked_to_who_watches_over_it_alone(reader: Reader, desk: Desk) -> None:
    number = desk.in_progress()
    assert "谁看过" not in seen(reader.as_(HANDLER).get(f"{CONSOLE}/tickets/{number}"))
    page = seen(reader.as_("supervisor1").get(f"{CONSOLE}/tickets/{number}"))
    assert "谁看过" in page
    assert HANDLER in page
    assert "时限" in page


def test_every_action_that_is_written_has_words() -> None:
    folder = Path(service.__file__).parent
    written = {
        action
        for path in [*folder.rglob("*.py"), *(folder.parent / "workers").glob("*.py")]
        for action in re.findall(r'\brecord\(\s*unit,\s*"([a-z_]+:[a-z_-]+)"', path.read_text(encoding="utf-8"))
    }
    assert len(written) > 20
    assert written - ACTIONS.keys() == set(), "say them in service/reports/audit_words.py"
    assert sum(len(actions_of(group)) for group in GROUPS) == len(ACTIONS)
