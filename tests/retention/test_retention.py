"""What is past its time goes when two people want it, nothing else does, and every figure stays as it was."""

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import String, text
from sqlalchemy.exc import DBAPIError

from service.checks import run_checks
from service.core.errors import HotlineError
from service.core.files import FileMissing
from service.core.unit import PROVINCE_CODE
from service.file_checks import check_files
from service.identity.people import CreatePerson, create_person
from service.identity.permissions import Role
from service.reports.breaches import BreachQuery, breach_report
from service.reports.outcomes import OutcomeQuery, outcome_ledger
from service.retention.erasing import KEPT_FACTS, WORDS, Erased, erase_all, erase_batch
from service.retention.holds import HoldByOneself, HoldInThePast, LiftHold, SetHold, holds, lift_hold, set_hold
from service.retention.policies import PeriodsInvalid, PublishRetention, policy_in_force, publish_retention
from service.retention.runs import (
    GONE,
    ApprovedByOneself,
    RunNotAsked,
    RunUnderWay,
    RunView,
    approve_erasure,
    ask_erasure,
    numbers_of_run,
    preview_each_month,
    preview_retention,
)
from service.tables import METADATA
from service.tickets.attachments import AttachFile, FetchFile, attach_file, fetch_file, keep_file
from service.tickets.closing import AddNote, ReviewReply, add_note, approve_reply
from service.tickets.consulting import AskConsult, ask_consult
from service.tickets.finding import FindQuery, find_tickets
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"
SECRET = "工头王大锤欠薪"


def person(desk: Desk, who: str, use_case: Any, *arguments: Any, **words: Any) -> Any:
    return desk.do(who, lambda unit, _: use_case(unit, *arguments, **words), None)


def preview(desk: Desk) -> RunView:
    return person(desk, "admin1", preview_retention)  # type: ignore[no-any-return]


def approved(desk: Desk) -> RunView:
    run = preview(desk)
    person(desk, "admin1", ask_erasure, run.id, reason="年度清理")
    return person(desk, "supervisor1", approve_erasure, run.id)  # type: ignore[no-any-return]


def erase(desk: Desk) -> Erased | None:
    return erase_all(desk.application.unit, desk.application.files)


def with_everything(desk: Desk, **changes: Any) -> str:
    """A closed ticket with words of everybody and a file."""
    number = desk.in_progress(title=SECRET, body=f"{SECRET},电话 13897001234", **changes)
    desk.do(HANDLER, add_note, AddNote(number=number, note=f"已见到{SECRET}"))
    desk.do(HANDLER, ask_consult, AskConsult(number=number, question=f"{SECRET}如何处理"))
    content = io.BytesIO(f"工资条 {number}".encode())
    kept = keep_file(desk.application.files, content, most=10_000)
    desk.do(HANDLER, attach_file, AttachFile(number=number, file=kept, name=f"{SECRET}.txt"))
    desk.reply(number, text=f"{SECRET}已付", recovered=Decimal(5000))
    desk.do(f"leader-{GOLMUD}", approve_reply, ReviewReply(number=number))
    desk.rate(number)
    return number


def figures(desk: Desk) -> tuple[Any, Any]:
    """Both reports over the year, without the instant they were made."""
    days = {"start": date(2026, 11, 1), "end": date(2027, 1, 1), "org": PROVINCE_CODE}
    with desk.application.reading() as unit:
        breaches, outcomes = breach_report(unit, BreachQuery(**days)), outcome_ledger(unit, OutcomeQuery(**days))
    return [
        {name: value for name, value in each.to_document().items() if name not in {"as_of", "generated_at", "made_at"}}
        for each in (breaches, outcomes)
    ]  # type: ignore[return-value]


def every_text(desk: Desk, number: str) -> str:
    """All that the tables of tickets say of one, without the audit."""
    [(ticket_id,)] = desk.rows("select id from ticket where number = :number", number=number)
    said = [str(desk.rows("select * from ticket where id = :id", id=ticket_id))]
    for table in METADATA.sorted_tables:
        if "ticket_id" in table.c and table.name not in {"ticket_search"}:
            said.append(str(desk.rows(f"select * from {table.name} where ticket_id = :id", id=ticket_id)))  # noqa: S608
    return "\n".join(said)


def test_what_is_within_its_time_is_not_in_the_preview(desk: Desk) -> None:
    with_everything(desk)
    desk.wait(days=23 * 30)
    assert [each.tickets for each in preview(desk).classes] == [0, 0, 0]


def test_each_class_has_its_own_time(desk: Desk) -> None:
    with_everything(desk)
    desk.go_to("2028-12-01 09:00")
    assert [(each.name, each.tickets) for each in preview(desk).classes] == [("files", 1), ("caller", 0), ("matter", 0)]
    desk.go_to("2032-01-01 09:00")
    assert [each.tickets for each in preview(desk).classes] == [1, 1, 0]
    desk.go_to("2036-12-01 09:00")
    assert [each.tickets for each in preview(desk).classes] == [1, 1, 1]


def test_collective_and_supervised_matters_are_held_for_thirty_years(desk: Desk) -> None:
    with_everything(desk, people_count=12)
    desk.go_to("2040-01-01 09:00")
    assert [each.tickets for each in preview(desk).classes] == [1, 1, 0]
    desk.go_to("2057-01-01 09:00")
    assert [each.tickets for each in preview(desk).classes] == [1, 1, 1]


def test_what_is_past_its_time_goes_everywhere_and_the_figures_stay(desk: Desk) -> None:
    late = desk.in_progress()
    desk.go_to("2026-12-10 09:00")
    desk.sweep()
    number = with_everything(desk)
    assert SECRET in every_text(desk, number)
    [(sha256,)] = desk.rows("select encode(sha256, 'hex') from attachment")
    desk.go_to("2037-06-01 09:00")
    before = figures(desk)
    approved(desk)
    erased = erase(desk)

    assert erased == Erased(done=3, skipped=0, finished=True)
    text_now = every_text(desk, number)
    for personal in (SECRET, "王大锤", "13897001234", "已见到"):
        assert personal not in text_now
    assert desk.rows("select caller_id from ticket where number = :n", n=number)[0].caller_id is None
    with pytest.raises(FileMissing):
        desk.application.files.read(sha256)
    with desk.application.reading() as unit:
        assert find_tickets(unit, FindQuery(q="王大锤")).hits == ()
    assert figures(desk) == before
    assert desk.ticket(late).body == "工地三个月没有发工资", "what is open is not touched however old"
    recorded = desk.rows(
        "select after ->> 'class' as class from audit_event where subject = :n and action like '%:retention:erase'",
        n=number,
    )
    assert sorted(row[0] for row in recorded) == ["caller", "files", "matter"]
    with desk.application.reading() as unit:
        broken = {finding.name for finding in run_checks(unit, tick=5) if not finding.holds}
    assert broken <= {"no_message_waits_unpublished", "the_audit_is_as_it_was_written", "nothing_due_waits_unswept"}, (
        broken
    )
    assert all(finding.holds for finding in check_files(desk.application, advance_to=lambda _: None))


def test_the_caller_goes_when_nothing_of_theirs_is_left(desk: Desk) -> None:
    first = desk.closed()
    desk.go_to("2030-01-01 09:00")
    second = desk.closed()
    desk.go_to("2032-01-01 09:00")
    approved(desk)
    erase(desk)
    assert desk.rows("select count(*) from caller")[0][0] == 1, "the second ticket's caller"
    assert desk.ticket(first).caller_id is None
    assert desk.ticket(second).caller_id is not None
    desk.go_to("2036-01-01 09:00")
    approved(desk)
    erase(desk)
    assert desk.rows("select count(*) from caller")[0][0] == 0


@pytest.mark.parametrize("about", ["ticket", "caller"])
def test_a_hold_wins_over_every_period(desk: Desk, about: Any) -> None:
    number = with_everything(desk)
    hold = desk.do("supervisor1", set_hold, SetHold(number=number, reason="仲裁案件", about=about))
    desk.go_to("2037-06-01 09:00")
    run = preview(desk)
    assert [each.tickets for each in run.classes] == [0, 0, 0]
    assert run.held == 1
    with pytest.raises(HoldByOneself):
        desk.do("supervisor1", lift_hold, LiftHold(id=hold.id, reason="结案"))
    somebody(desk, "supervisor2")
    desk.do("supervisor2", lift_hold, LiftHold(id=hold.id, reason="结案"))
    assert [each.tickets for each in preview(desk).classes] == [1, 1, 1]


def somebody(desk: Desk, username: str) -> None:
    command = CreatePerson(
        username=username,
        display_name=username,
        org_code=PROVINCE_CODE,
        roles=frozenset({Role.supervisor}),
        password="x" * 12,
    )
    with desk.application.unit() as unit:
        create_person(unit, command, password_hash="none")


def test_a_hold_ends_with_its_last_day(desk: Desk) -> None:
    number = with_everything(desk)
    with pytest.raises(HoldInThePast):
        desk.do("supervisor1", set_hold, SetHold(number=number, reason="检查", until=date(2026, 1, 1)))
    desk.do("supervisor1", set_hold, SetHold(number=number, reason="检查", until=date(2037, 6, 1)))
    desk.go_to("2037-06-01 23:00")
    assert preview(desk).held == 1
    desk.go_to("2037-06-02 00:00")
    assert [each.tickets for each in preview(desk).classes] == [1, 1, 1]
    assert person(desk, "supervisor1", holds) == []


def test_a_hold_that_comes_after_the_approval_is_still_in_time(desk: Desk) -> None:
    number = with_everything(desk)
    desk.go_to("2037-06-01 09:00")
    approved(desk)
    desk.do("supervisor1", set_hold, SetHold(number=number, reason="刚收到法院通知"))
    assert erase(desk) == Erased(done=0, skipped=3, finished=True)
    assert desk.ticket(number).title == SECRET


def test_two_people_and_nobody_twice(desk: Desk) -> None:
    with_everything(desk)
    desk.go_to("2037-06-01 09:00")
    run = preview(desk)
    assert erase(desk) is None, "a preview erases nothing"
    with pytest.raises(RunNotAsked):
        person(desk, "supervisor1", approve_erasure, run.id)
    person(desk, "admin1", ask_erasure, run.id, reason="年度清理")
    assert erase(desk) is None
    with pytest.raises(HotlineError):
        person(desk, "admin1", approve_erasure, run.id)
    with desk.application.unit() as unit:
        unit.session.execute(
            text("insert into person_role select id, 'admin' from person where username = 'supervisor1'")
        )
    run = preview(desk)
    person(desk, "supervisor1", ask_erasure, run.id, reason="年度清理")
    with pytest.raises(ApprovedByOneself):
        person(desk, "supervisor1", approve_erasure, run.id)


def test_an_erasure_broken_off_anywhere_is_gone_on_with(desk: Desk) -> None:
    numbers = [with_everything(desk) for _ in range(3)]
    desk.go_to("2037-06-01 09:00")
    approved(desk)
    with desk.application.unit() as unit:
        assert erase_batch(unit, limit=4) == Erased(done=4, skipped=0, finished=False)
    with pytest.raises(RunUnderWay):
        preview(desk)
    with desk.application.unit() as unit:
        erase_batch(unit, limit=2)
        unit.session.rollback()  # the process is killed
    assert erase(desk) == Erased(done=5, skipped=0, finished=True)
    for number in numbers:
        assert desk.ticket(number).title == GONE
    assert desk.rows("select count(*) from attachment where removed_at is null")[0][0] == 0
    assert list(desk.application.files.stored()) == []


def test_the_same_content_on_a_ticket_that_stays_stays(desk: Desk) -> None:
    old, young = desk.closed(), ""
    content = b"the same content"
    kept = keep_file(desk.application.files, io.BytesIO(content), most=1000)
    desk.do(HANDLER, attach_file, AttachFile(number=old, file=kept, name="a.txt"))
    desk.go_to("2028-01-01 09:00")
    young = desk.closed()
    desk.do(HANDLER, attach_file, AttachFile(number=young, file=kept, name="b.txt"))
    desk.go_to("2029-01-01 09:00")
    approved(desk)
    erase(desk)
    assert b"".join(desk.application.files.read(kept.sha256)) == content
    [(attachment,)] = desk.rows("select id from attachment where name = 'b.txt'")
    desk.do(HANDLER, fetch_file, FetchFile(number=young, id=attachment))


FORBIDDEN = {
    "the words of a ticket": "update ticket set title = '(已去除)'",
    "the caller": "update ticket set caller_id = null",
    "the timeline": "update ticket_event set note = ''",
    "a file": "update attachment set erased_at = now()",
    "a file's content before it was let go of": "update attachment set removed_at = now()",
    "the periods that were in force": "update retention_policy set months = '{}'",
}


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN.keys())
@pytest.mark.parametrize("when", ["nobody approved it", "it is held", "it is open"])
def test_the_database_lets_nothing_go_that_is_not_approved_or_is_held_or_open(
    desk: Desk, statement: str, when: str
) -> None:
    number = with_everything(desk)
    desk.go_to("2037-06-01 09:00")
    if when == "nobody approved it":
        preview(desk)
    else:
        approved(desk)
    if when == "it is held":
        desk.do("supervisor1", set_hold, SetHold(number=number, reason="案件"))
    if when == "it is open":
        with desk.application.unit() as unit:
            unit.session.execute(text("update ticket set state = 'in_progress', ended_at = null"))
    with pytest.raises(DBAPIError), desk.by_hand() as owner:
        owner.execute(text(statement))


def test_the_service_previews_each_month_and_tells_the_administrators_once(desk: Desk) -> None:
    with_everything(desk)

    def monthly() -> RunView | None:
        with desk.application.unit() as unit:
            return preview_each_month(unit)

    assert monthly() is not None
    assert monthly() is None
    desk.go_to("2037-06-05 09:00")
    view = monthly()
    assert view is not None
    assert view.previewed_by is None
    desk.wait(days=3)
    assert monthly() is None
    told = desk.rows("select payload ->> 'text_zh' from outbox_message where key like '%retention:2037-06%'")
    assert len(told) == 1
    assert "3 项已过保存期限" in told[0][0]


def test_periods_are_versions_with_a_reason(desk: Desk) -> None:
    months = {"files": 12, "caller": 24, "matter": 120, "matter_long": 360}
    person(desk, "admin1", publish_retention, PublishRetention(months=months, reason="省总通知"))
    with desk.application.reading() as unit:
        policy = policy_in_force(unit)
    assert (dict(policy.months), policy.published_by) == (months, "admin1")
    for wrong in ({**months, "files": 130}, {**months, "matter_long": 60}, {**months, "files": 0}, {"files": 1}):
        with pytest.raises(PeriodsInvalid):
            person(desk, "admin1", publish_retention, PublishRetention(months=wrong, reason="x"))
    with pytest.raises(HotlineError):
        person(desk, "supervisor1", publish_retention, PublishRetention(months=months, reason="x"))


def test_the_list_of_a_run_names_numbers_and_nothing_else(desk: Desk) -> None:
    number = with_everything(desk)
    desk.go_to("2037-06-01 09:00")
    run = preview(desk)
    with desk.application.reading() as unit:
        listed = list(numbers_of_run(unit, run.id))
    assert [(each[0], each[1]) for each in listed] == [(number, "caller"), (number, "files"), (number, "matter")]


def test_no_table_of_a_ticket_with_words_is_forgotten() -> None:
    """A new column of free words must be erased too, or be named here as none."""
    codes = {
        *("kind", "state", "role", "end_reason", "level", "verdict", "way", "result", "media_type", "cause"),
        *("org_code", "actor_name", "actor_org", "correlation_id", "from_state", "to_state", "contact_way", "outcome"),
        *("policy_version", "calendar_version", "leg", "tier", "message_key", "number", "class", "suggested"),
        *("decided", "corrected_to", "rung", "clock_kind", "stop_reason"),
    }
    # Erased in another way, or a code: a rating's reason, why an SMS failed, why a hold stands.
    elsewhere = {"ticket_event.note", "step_request.reason", "attachment.name", "attachment.note"}
    of_lists = {"rating.reason", "sms_receipt.reason", "legal_hold.reason", "legal_hold.lift_reason"}
    of_lists |= {"sla_pause.reason", "supervision_answer.text", "concealed_number.masked"}
    erased = {f"{model.__table__.name}.{column}" for model, columns in WORDS.items() for column in columns}
    written = {
        f"{table.name}.{column.name}"
        for table in METADATA.sorted_tables
        if "ticket_id" in table.c
        for column in table.c
        if isinstance(column.type, String) and column.name not in codes
    }
    missed = written - erased - elsewhere - of_lists
    assert missed == set()
    assert "text" not in KEPT_FACTS
