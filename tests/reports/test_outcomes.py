"""The ledger of outcomes: a ticket once, sums that trace to tickets, and what nothing proves is marked."""

import csv
import io
from datetime import date
from decimal import Decimal

import pytest

from service.identity.people import actor_of_username
from service.reports.outcomes import OutcomeLedger, OutcomeQuery, outcome_ledger, to_csv
from service.tickets.attachments import AttachFile, AttachmentNotFound, attach_file, withdraw_file
from service.tickets.closing import ReviewReply, approve_reply
from service.tickets.file_kinds import Examined
from service.tickets.queries import QueueNotVisible
from tests.desk import GOLMUD, HAIXI, Desk

HANDLER, LEADER = f"handler-{GOLMUD}", f"leader-{GOLMUD}"
PERIOD = {"start": date(2026, 11, 1), "end": date(2026, 12, 1)}


def ledger(desk: Desk, who: str = "supervisor1", org: str = "630000") -> OutcomeLedger:
    with desk.application.reading() as unit:
        unit.actor = actor_of_username(unit, who)
        return outcome_ledger(unit, OutcomeQuery(org=org, **PERIOD))


def attached(desk: Desk, number: str) -> int:
    file = Examined(sha256="ab" * 32, size=10, media_type="application/pdf")
    return desk.do(HANDLER, attach_file, AttachFile(number=number, file=file, name="调解协议.pdf")).id


def approved(desk: Desk, **changes: object) -> str:
    number = desk.in_progress()
    desk.reply(number, **changes)
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    return number


def test_money_without_a_proof_is_in_the_ledger_and_marked(desk: Desk) -> None:
    bare = approved(desk, recovered=Decimal("356000.50"), helped=12)
    agreed = approved(desk, outcome="mediation_agreement", recovered=Decimal(0), helped=1)
    spoken = approved(desk, outcome="spoken_answer", recovered=Decimal(0), helped=0)
    found = ledger(desk)

    assert [(row.number, row.proof) for row in found.rows] == [
        (bare, "unverified"),
        (agreed, "unverified"),
        (spoken, "not_needed"),
    ]
    assert (found.total.tickets, found.total.recovered, found.total.unverified, found.total.helped) == (
        3,
        Decimal("356000.50"),
        Decimal("356000.50"),
        13,
    )


def test_a_file_that_the_reply_names_proves_it_until_it_is_taken_back(desk: Desk) -> None:
    number = desk.in_progress()
    file = attached(desk, number)
    with pytest.raises(AttachmentNotFound):
        desk.reply(number, evidence=(file, 4711))
    desk.reply(number, evidence=(file,))
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    (row,) = ledger(desk).rows
    assert (row.proof, row.evidence) == ("evidence", 1)
    with desk.application.unit() as unit:
        unit.actor = actor_of_username(unit, HANDLER)
        withdraw_file(unit, number, id=file)
    (row,) = ledger(desk).rows
    assert (row.proof, row.evidence) == ("unverified", 0)


def test_another_tickets_file_proves_nothing(desk: Desk) -> None:
    file = attached(desk, desk.in_progress())
    with pytest.raises(AttachmentNotFound):
        desk.reply(desk.in_progress(), evidence=(file,))


def test_what_the_worker_confirms_at_the_callback_is_verified(desk: Desk) -> None:
    number = approved(desk)
    desk.rate(number)

    assert [row.proof for row in ledger(desk).rows] == ["worker"]
    assert ledger(desk).total.unverified == 0


def test_a_later_round_takes_the_place_of_the_one_before(desk: Desk) -> None:
    number = approved(desk, recovered=Decimal(100000))
    desk.rate(number, resolved=False, satisfaction=1, reason="not_resolved")
    desk.reply(number, recovered=Decimal(356000))
    desk.do(LEADER, approve_reply, ReviewReply(number=number))
    found = ledger(desk)

    assert [(row.cycle, row.recovered) for row in found.rows] == [(2, Decimal(356000))]


def test_sums_are_those_of_the_rows_and_of_ones_own_subtree(desk: Desk) -> None:
    approved(desk, recovered=Decimal(1000))
    xining = desk.in_progress("630102")
    desk.reply(xining, "630102", recovered=Decimal(70))
    desk.do("leader-630102", approve_reply, ReviewReply(number=xining))
    waiting = desk.in_progress()
    desk.reply(waiting)
    whole = ledger(desk)

    for dimension in (whole.by_union, whole.by_outcome):
        assert sum(each.recovered for each in dimension) == whole.total.recovered == Decimal(1070)
        assert sum(each.tickets for each in dimension) == len(whole.rows) == 2
    assert [row.org_code for row in ledger(desk, f"leader-{HAIXI}", HAIXI).rows] == [GOLMUD]
    with pytest.raises(QueueNotVisible):
        ledger(desk, f"leader-{HAIXI}", "630102")


def test_the_file_has_the_rows_of_the_screen(desk: Desk) -> None:
    number = approved(desk, recovered=Decimal("356000.5"))
    rows = list(csv.DictReader(io.StringIO(to_csv(ledger(desk)).decode("utf-8-sig"))))

    assert [(row["工单号"], row["追回金额(元)"], row["证明"]) for row in rows] == [(number, "356000.50", "unverified")]
