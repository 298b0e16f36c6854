"""Who looked at whose matter is on record before they see it: who opened, searched, exported; and who may ask."""

from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from service.audit.chain import link_events, verify_chain
from service.audit.looking import ONE_LOOK, RecentLooks, looked_at_ticket
from service.bootstrap import Application
from service.core.unit import PROVINCE_CODE, Actor, ActorKind
from service.tickets.closing import AddNote, add_note
from service.tickets.looks import looks_of
from tests.api.clients import Api
from tests.api.test_cost import counted
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"


def looks(desk: Desk, action: str = "ticket:read") -> list[Any]:
    return desk.rows(
        "select actor_name, subject, after, correlation_id from audit_event where action = :action order by id",
        action=f"person:{action}",
    )


def test_opening_a_ticket_is_on_record_with_who_and_which_part(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    answer = api.as_(HANDLER).get(f"/tickets/{number}")
    api.as_("supervisor1").get(f"/tickets/{number}/timeline")
    api.as_("agent1").get(f"/tickets/{number}/messages")

    first, second, third = looks(desk)
    assert (first.actor_name, first.subject, first.after) == (HANDLER, number, {"parts": ["ticket"]})
    assert first.correlation_id == answer.headers["x-request-id"]
    assert (second.actor_name, second.after["parts"]) == ("supervisor1", ["timeline"])
    assert third.after["parts"] == ["messages"]


def test_a_look_stands_in_the_chain_like_any_event(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    api.as_(HANDLER).get(f"/tickets/{number}")
    with desk.application.unit() as unit:
        link_events(unit, limit=1000)
        found = verify_chain(unit)
    assert (found.whole, found.unlinked) == (True, 0)


@pytest.mark.parametrize("path", ["", "/timeline", "/clocks", "/clocks/resolve/explain", "/messages", "/attachments"])
def test_no_part_of_a_ticket_is_read_unseen(api: Api, desk: Desk, path: str) -> None:
    number = desk.in_progress()
    assert api.as_(HANDLER).get(f"/tickets/{number}{path}").status_code == 200
    assert [row.subject for row in looks(desk)] == [number]


def test_what_can_not_be_put_on_record_is_not_shown(api: Api, desk: Desk, application: Application) -> None:
    number = desk.in_progress()
    handler = api.as_(HANDLER)

    def refuse(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lower().startswith("insert into audit_event"):
            raise OperationalError(statement, None, Exception("no space left on device"))

    event.listen(application.database.engine, "before_cursor_execute", refuse)
    try:
        answer = handler.get(f"/tickets/{number}")
    finally:
        event.remove(application.database.engine, "before_cursor_execute", refuse)
    assert answer.status_code == 503
    assert "拖欠工资" not in answer.text
    assert handler.get(f"/tickets/{number}").status_code == 200
    assert len(looks(desk)) == 1, "what failed was not remembered as done"


def test_what_is_not_shown_is_no_look(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    assert api.as_("handler-630102").get(f"/tickets/{number}").status_code == 404
    assert api.as_("admin1").get(f"/tickets/{number}").status_code == 403
    assert looks(desk) == []


def test_the_same_person_looks_once_in_ten_minutes_and_another_by_themselves(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    handler = api.as_(HANDLER)
    for _ in range(5):
        handler.get(f"/tickets/{number}")
    assert len(looks(desk)) == 1
    api.as_(f"leader-{GOLMUD}").get(f"/tickets/{number}")
    assert len(looks(desk)) == 2
    desk.wait(seconds=ONE_LOOK.total_seconds())
    handler.get(f"/tickets/{number}")
    assert len(looks(desk)) == 3


def test_a_look_by_another_login_of_the_same_person_is_another_look(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    for login in (api.as_(HANDLER), api.as_(HANDLER)):
        for _ in range(2):
            login.get(f"/tickets/{number}")
    assert [row.subject for row in looks(desk)] == [number, number]


def test_two_peer_systems_look_each_by_themselves(desk: Desk) -> None:
    """Neither has an id among the people."""
    recent, number = RecentLooks(), desk.registered()
    for name in ("peer:one", "peer:two"):
        peer = Actor(id=None, name=name, org_code="630000", scope="63", permissions=frozenset(), kind=ActorKind.peer)
        with desk.application.reading(peer) as unit:
            looked_at_ticket(unit, number, "ticket")
            assert len(recent.new(unit)) == 1, name
            recent.remember(unit, recent.new(unit))
            assert recent.new(unit) == []


def test_a_look_costs_one_insert_and_a_repeated_one_nothing(api: Api, desk: Desk, application: Application) -> None:
    number = desk.in_progress()
    warm = api.as_("agent1")
    warm.get(f"/tickets/{number}")
    handler = api.as_(HANDLER)
    with counted(application) as first:
        handler.get(f"/tickets/{number}")
    with counted(application) as again:
        handler.get(f"/tickets/{number}")
    inserts = [each for each in first if each.lower().startswith("insert")]
    assert len(inserts) == 1
    # The other is for how far the actor reaches.
    assert len(first) == len(again) + 2


def test_a_desk_of_ones_own_is_no_look_and_a_search_is_one(api: Api, desk: Desk) -> None:
    numbers = sorted(desk.in_progress() for _ in range(2))
    handler = api.as_(HANDLER)
    handler.get(f"/queues/{GOLMUD}")
    assert looks(desk, "ticket:search") == []
    handler.get("/tickets", params={"q": "工资"})
    [search] = looks(desk, "ticket:search")
    assert sorted(search.after["tickets"]) == numbers
    assert search.after["query"] == {"q": ["工资"]}, "a word of the hotline's own may stand there"


@pytest.mark.parametrize(
    "typed",
    [
        "马小明",
        "13897001234",
        "138 9700 1234",
        "１３８９７００１２３４",
        "138-9700-1234",
        "630104199001011234",
        "63010419900101123x",
    ],
)
def test_what_names_a_person_stands_in_the_record_of_a_search_as_a_code_alone(api: Api, desk: Desk, typed: str) -> None:
    desk.in_progress()
    for name in ("q", "employer"):
        api.as_("agent1").get("/tickets", params={name: typed})
    records = str(looks(desk, "ticket:search"))
    assert typed not in records
    for part in ("马小明", "13897001234", "9700", "3897001", "1990"):
        assert part not in records, records
    asked = api.as_("auditor1").get("/audit", params={"word": typed}).json()["items"]
    assert len(asked) == 2, "who knows the word can ask who searched for it"
    assert api.as_("auditor1").get("/audit", params={"word": "李四维"}).json()["items"] == []


def test_looking_a_phone_up_at_intake_is_on_record_without_the_phone(api: Api, desk: Desk) -> None:
    number = desk.registered()
    agent = api.as_("agent1")
    for _ in range(2):
        agent.post("/intake/assist", json={"phone": "13897001234"})
    [look] = looks(desk, "caller:lookup")
    assert look.after["tickets"] == [number]
    assert look.after["phone"][0].endswith("…1234")
    assert "1389700" not in str(look)


def test_an_export_names_every_ticket_in_it_and_not_what_was_typed(api: Api, desk: Desk) -> None:
    numbers = {desk.in_progress(), desk.in_progress(title="马小明反映拖欠工资")}
    export = {"format": "csv", "reason": "核对", "filters": {"q": "工资"}}
    assert api.as_("supervisor1").post("/tickets/bulk/export", json=export).status_code == 200
    [listed] = looks(desk, "ticket:exported")
    assert set(listed.after["tickets"]) == numbers
    other = {"format": "csv", "reason": "核对", "filters": {"q": "马小明"}}
    assert api.as_("supervisor1").post("/tickets/bulk/export", json=other).status_code == 200
    assert "马小明" not in str(looks(desk, "ticket:export"))


def test_reading_a_report_is_on_record(api: Api, desk: Desk) -> None:
    api.as_("supervisor1").get("/reports/breaches?from=2026-11-01&to=2026-12-01&format=csv")
    [look] = looks(desk, "report:read")
    assert look.subject == "breaches"
    assert look.after == {"org": PROVINCE_CODE, "start": "2026-11-01", "end": "2026-12-01"}


def test_who_watches_over_tickets_sees_who_looked_however_they_did(api: Api, desk: Desk) -> None:
    number = desk.in_progress()
    api.as_(HANDLER).get(f"/tickets/{number}")
    api.as_("agent1").get("/tickets", params={"q": "工资"})
    api.as_("agent1").post(f"/tickets/{number}/reveal", json={"reason": "回电"})
    export = {"format": "csv", "reason": "核对"}
    api.as_("dispatcher1").post("/tickets/bulk/export", json=export)
    desk.registered()
    api.as_("lawyer1").get("/tickets", params={"number": "000000"})

    found = api.as_("supervisor1").get(f"/tickets/{number}/looks").json()["items"]
    assert [(each["username"], each["action"]) for each in found] == [
        ("dispatcher1", "ticket:exported"),
        ("agent1", "caller:reveal"),
        ("agent1", "ticket:search"),
        (HANDLER, "ticket:read"),
    ]
    assert found[-1]["parts"] == [{"zh": "工单", "en": "the ticket"}]
    assert api.as_(HANDLER).get(f"/tickets/{number}/looks").status_code == 403
    assert api.as_("agent1").get(f"/tickets/{number}/looks").status_code == 403


def test_the_looks_of_a_ticket_are_found_by_indexes(desk: Desk) -> None:
    number = desk.in_progress()
    statements: list[tuple[str, Any]] = []

    def remember(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "after ? 'tickets'" in statement:
            statements.append((statement, parameters))

    engine = desk.application.database.engine
    event.listen(engine, "before_cursor_execute", remember)
    try:
        with desk.application.reading() as unit:
            looks_of(unit, number)
    finally:
        event.remove(engine, "before_cursor_execute", remember)
    [(statement, parameters)] = statements
    with desk.application.reading() as unit:
        connection = unit.session.connection()
        connection.exec_driver_sql("set local enable_seqscan = off")
        connection.exec_driver_sql("set local enable_indexscan = off")
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"explain {statement}", parameters))
    assert "ix_audit_event_subject" in plan
    assert "ix_audit_event_tickets" in plan


def test_a_step_is_on_record_as_a_step_and_not_as_a_look_too(desk: Desk) -> None:
    number = desk.in_progress()
    desk.do(HANDLER, add_note, AddNote(number=number, note="已联系"))
    assert looks(desk) == []
