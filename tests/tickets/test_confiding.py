"""保密: three levels, raised by whoever the worker tells and lowered as they agree."""

import pytest
from sqlalchemy import text

from service.retention.persons import TakePersonFile, take_person_file
from service.tickets.assist import AskAssist, assist, companions
from service.tickets.confidentiality import Confidentiality
from service.tickets.confiding import (
    ConfidentialityNotLowered,
    ConfidentialityNotRaised,
    LowerConfidentiality,
    RaiseConfidentiality,
    lower_confidentiality,
    raise_confidentiality,
)
from service.tickets.disclosure import CallerHiddenFromMost, IdentityIsHidden, RevealCaller, reveal_caller
from service.tickets.errors import NotTheCentre, PermissionMissing
from service.tickets.finding import FindQuery, find_tickets
from service.tickets.queries import ticket_view
from service.tickets.states import Step
from tests.desk import GOLMUD, Desk

HANDLER = f"handler-{GOLMUD}"
OPEN, FROM_UNIONS, INTAKE_ONLY = Confidentiality


def reveal(desk: Desk, who: str, number: str) -> str | None:
    return desk.do(who, reveal_caller, RevealCaller(number=number, reason="回访")).phone


def test_what_the_intake_alone_is_to_know_agents_see_and_nobody_else(desk: Desk) -> None:
    number = desk.in_progress(confidentiality=INTAKE_ONLY)

    assert reveal(desk, "agent1", number) == "13897001234"
    with pytest.raises(CallerHiddenFromMost):
        reveal(desk, "lawyer1", number)
    for who in ("dispatcher1", "supervisor1"):
        with pytest.raises(PermissionMissing):
            reveal(desk, who, number)
    with pytest.raises(IdentityIsHidden):
        reveal(desk, HANDLER, number)
    seen = desk.do("lawyer1", ticket_view, number)
    assert (seen.caller_name, seen.caller_phone, seen.may_be_revealed) == ("马**", "*******1234", False)
    assert desk.do(HANDLER, ticket_view, number).caller_withheld


def test_the_file_of_a_person_is_a_supervisors_where_the_intake_alone_is_to_know(desk: Desk) -> None:
    number = desk.closed()
    desk.in_progress(confidentiality=INTAKE_ONLY)
    command = TakePersonFile(number=number, kind="json", reason="职工来访申请")

    with pytest.raises(CallerHiddenFromMost):
        desk.do("dispatcher1", take_person_file, command)
    assert "仅受理人员可见" in desk.do("supervisor1", take_person_file, command).content.decode()


def test_nobody_is_led_by_a_number_to_a_matter_whose_caller_is_not_theirs_to_know(desk: Desk) -> None:
    mine, hidden = desk.in_progress(), desk.in_progress(confidentiality=INTAKE_ONLY)

    def by_number(who: str) -> set[str]:
        helped = desk.do(who, assist, AskAssist(phone="13897001234"))
        return {each.number for each in helped.earlier} | {each.ticket.number for each in helped.duplicates}

    assert by_number("agent1") == {mine, hidden}
    assert by_number("dispatcher1") == {mine}
    found = desk.do("lawyer1", find_tickets, FindQuery(phone_last4="1234"))
    assert [hit.row.number for hit in found.hits] == [mine]
    for who, compared in (("agent1", True), ("dispatcher1", False)):
        reasons = [reason.code for each in desk.do(who, companions, hidden).duplicates for reason in each.reasons]
        assert ("same_caller" in reasons) is compared


def test_raising_hides_the_caller_from_then_on_and_in_what_the_ticket_says(desk: Desk) -> None:
    number = desk.in_progress(title="马小明反映欠薪", body="我是马小明,电话13897001234")
    assert desk.ticket(number).body == "我是马**,电话138****1234"

    told = RaiseConfidentiality(number=number, level=FROM_UNIONS, note="马小明要求保密")
    desk.do(HANDLER, raise_confidentiality, told)

    ticket = desk.ticket(number)
    assert (ticket.title, ticket.body) == ("***反映欠薪", "我是***,电话***********")
    with pytest.raises(IdentityIsHidden):
        reveal(desk, HANDLER, number)
    [event] = desk.rows("select note, data from ticket_event where kind = 'ticket:confidentiality_raised'")
    assert (event.note, event.data["confidentiality"]) == ("**要求保密", "from_unions")
    with pytest.raises(ConfidentialityNotRaised):
        desk.do("agent1", raise_confidentiality, told)


def test_only_the_centre_lowers_it_and_how_the_worker_agreed_is_on_record(desk: Desk) -> None:
    number = desk.in_progress(confidentiality=INTAKE_ONLY)
    agreed = LowerConfidentiality(number=number, level=FROM_UNIONS, agreed="今日电话中同意")

    with pytest.raises(NotTheCentre):
        desk.do(HANDLER, lower_confidentiality, agreed)
    with pytest.raises(CallerHiddenFromMost):  # who does not see the caller shows them to nobody
        desk.do("lawyer1", lower_confidentiality, agreed)
    desk.do("agent1", lower_confidentiality, agreed)

    assert reveal(desk, "lawyer1", number) == "13897001234"
    [row] = desk.rows("select before, after from audit_event where action like '%caller:confidentiality'")
    assert row.before == {"confidentiality": "intake_only"}
    assert row.after == {"confidentiality": "from_unions", "reason": "今日电话中同意"}
    with pytest.raises(ConfidentialityNotLowered):
        desk.do("agent1", lower_confidentiality, LowerConfidentiality(number=number, level=INTAKE_ONLY, agreed="同意"))


def test_a_step_is_offered_only_where_there_is_a_level_left(desk: Desk) -> None:
    number = desk.in_progress()
    assert Step.raise_confidentiality in desk.do("agent1", ticket_view, number).possible_steps
    assert Step.lower_confidentiality not in desk.do("agent1", ticket_view, number).possible_steps
    number = desk.in_progress(confidentiality=INTAKE_ONLY)
    assert Step.raise_confidentiality not in desk.do("agent1", ticket_view, number).possible_steps
    assert Step.lower_confidentiality in desk.do("agent1", ticket_view, number).possible_steps


def test_the_flag_of_the_version_before_and_the_level_say_the_same(desk: Desk) -> None:
    number = desk.in_progress()
    with desk.by_hand() as owner:
        columns = "query_code_sealed, state, kind, channel, category_code, place_code, title, body, urgent, anonymous,"
        columns += " people_count, received_at, holder_code, cycle, bounces, due_at, half_at, provisional, suspended,"
        columns += " row_version, created_at, tier, accepted_at"
        owner.execute(
            text(
                f"insert into ticket (number, identity_hidden, {columns}) select 'OLD', true, {columns} from ticket"  # noqa: S608
            )
        )
    assert desk.ticket("OLD").confidentiality == "from_unions"
    desk.do("agent1", raise_confidentiality, RaiseConfidentiality(number=number, level=FROM_UNIONS))
    assert desk.ticket(number).identity_hidden
    desk.do("agent1", lower_confidentiality, LowerConfidentiality(number=number, level=OPEN, agreed="电话同意"))
    assert not desk.ticket(number).identity_hidden
