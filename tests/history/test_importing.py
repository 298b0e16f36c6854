"""What becomes of a row: ended matters stay ended, open ones go on here, and nothing of the past fires."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from service.bootstrap import Application
from service.checks import run_checks
from service.console.story import story_of
from service.history.importing import BATCH, ImportBatch, ImportedByAnother, import_batch
from service.history.models import ImportRun
from service.history.outcome import import_outcome
from service.org.tree import org_tree
from service.reports.breaches import BreachQuery, breach_report
from service.sla.publishing import PublishRules
from service.tickets.closing import ReopenTicket, reopen_ticket
from service.tickets.dispatching import RetierTicket, retier_ticket
from service.tickets.errors import TicketNotFound
from service.tickets.finding import highest_ticket, reindex_tickets
from service.tickets.queries import clock_views, explain_clock, ticket_view, timeline
from service.tickets.recounting import apply_rules, recount_next
from sla_rules import Tier
from tests.desk import GOLMUD, Desk, at
from tests.history.conftest import CLOSED, LATE, MAPPING, OPEN, Sheet
from tests.history.helpers import CutOff, take_in
from tests.tickets.test_recounting import with_days

TakeIn = Callable[..., ImportRun]


@pytest.fixture
def taken_in(application: Application, sheet: Sheet, mapping: Path) -> TakeIn:
    """Imports these rows."""
    return lambda *rows, **how: take_in(application, sheet(*rows), mapping, **how)


def number_of(desk: Desk, foreign: str) -> str:
    sql = "select t.number from ticket t join ticket_alias a on a.ticket_id = t.id where a.number = :foreign"
    return str(desk.rows(sql, foreign=foreign)[0].number)


def clocks_of(desk: Desk, foreign: str) -> dict[str, object]:
    sql = "select c.* from sla_clock c join ticket_alias a using (ticket_id) where a.number = :foreign"
    return {row.kind: row for row in desk.rows(sql, foreign=foreign)}


def fired(desk: Desk) -> list[str]:
    return [row.rung for row in desk.rows("select rung from escalation order by id")]


def holds(desk: Desk) -> bool:
    """Whether every invariant does, but for the messages that no relay runs for here."""
    with desk.application.reading() as unit:
        return not [f.name for f in run_checks(unit, tick=10.0) if not f.holds and "message" not in f.name]


def test_what_was_taken_in_is_in_the_index_as_if_made_anew(desk: Desk, taken_in: TakeIn) -> None:
    taken_in(CLOSED, LATE, OPEN)
    sql = "select ticket_id, document::text, facets from ticket_search order by 1"
    before = desk.rows(sql)
    with desk.application.unit() as unit:
        unit.session.execute(text("update ticket_search set document = '', facets = '{}'"))
        reindex_tickets(unit, first=1, last=highest_ticket(unit))
    assert before == desk.rows(sql)
    assert len(before) == 3


class TestEndedMatters:
    def test_their_clocks_are_born_closed_with_the_promise_of_the_file(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED)
        resolve = clocks_of(desk, "A1")["resolve"]
        assert (resolve.started_at, resolve.stopped_at) == (at("2024-01-08 09:00"), at("2024-01-12 10:00"))
        assert resolve.due_at == at("2024-01-15 18:01"), "the file's 18:00 was the last minute allowed"
        assert (resolve.breached_at, resolve.next_check_at) == (None, None)
        assert len(clocks_of(desk, "A1")) == 1

    def test_a_late_one_is_late_for_ever_and_never_escalates(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED, LATE)
        assert clocks_of(desk, "A2")["resolve"].breached_at == at("2024-01-15 18:01")
        desk.go_to("2025-01-01 09:00")
        assert desk.sweep().clocks == 0
        assert fired(desk) == []

    def test_closing_in_the_last_minute_allowed_is_in_time(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*CLOSED[:7], "2024-01-15 18:00", *CLOSED[8:]), ("A9", *CLOSED[1:7], "2024-01-15 18:01", "", ""))
        assert clocks_of(desk, "A1")["resolve"].breached_at is None
        assert clocks_of(desk, "A9")["resolve"].breached_at is not None

    def test_one_without_a_promise_has_no_clock_and_no_deadline(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*CLOSED[:6], "", *CLOSED[7:]))
        assert clocks_of(desk, "A1") == {}
        with desk.application.reading() as unit:
            row = ticket_view(unit, number_of(desk, "A1")).row
        assert (row.due_at, row.light) == (None, "none")

    def test_one_without_a_promise_gets_one_when_it_is_reopened(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*CLOSED[:6], "", *CLOSED[7:]))
        desk.do("supervisor1", reopen_ticket, ReopenTicket(number=number_of(desk, "A1"), reason="有新情况"))
        assert desk.ticket(number_of(desk, "A1")).due_at > desk.clock.now()
        assert holds(desk)

    def test_a_promise_of_less_than_a_minute_is_kept_exactly(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*CLOSED[:6], CLOSED[5], *CLOSED[7:]))
        with desk.application.reading() as unit:
            explained = explain_clock(unit, number_of(desk, "A1"), "resolve")
        assert explained.due_at == clocks_of(desk, "A1")["resolve"].due_at == at("2024-01-08 09:01")


class TestOpenMatters:
    def test_one_goes_on_where_it_was_with_the_files_deadline(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(OPEN)
        number = number_of(desk, "A3")
        assert desk.ticket(number).due_at == clocks_of(desk, "A3")["resolve"].due_at == at("2024-02-09 18:01")
        desk.reply(number)
        assert desk.ticket(number).state == "replied"
        assert holds(desk)

    def test_only_rungs_after_the_import_fire(self, desk: Desk, taken_in: TakeIn) -> None:
        desk.go_to("2024-02-08 09:00")
        taken_in((*OPEN[:3], "欠薪", *OPEN[4:]))
        desk.sweep()
        assert fired(desk) == [], "half of the time, and four fifths, had passed elsewhere"
        desk.go_to("2024-03-08 09:00")
        desk.sweep()
        assert fired(desk) == ["breach", "late_1", "late_3"]

    def test_what_is_late_already_is_noted_and_fires_only_what_is_ahead(self, desk: Desk, taken_in: TakeIn) -> None:
        desk.go_to("2024-02-09 20:00")
        taken_in((*OPEN[:3], "欠薪", *OPEN[4:]))
        assert clocks_of(desk, "A3")["resolve"].breached_at == at("2024-02-09 18:01")
        desk.sweep()
        assert fired(desk) == []
        desk.go_to("2024-03-08 09:00")
        desk.sweep()
        assert fired(desk) == ["late_1", "late_3"]

    def test_what_is_late_for_long_fires_nothing_and_its_union_is_told_once(self, desk: Desk, taken_in: TakeIn) -> None:
        desk.go_to("2024-06-03 09:00")
        taken_in(OPEN, ("A4", *OPEN[1:]), CLOSED)
        desk.go_to("2024-09-02 09:00")
        desk.sweep()
        assert fired(desk) == []
        told = desk.rows("select payload ->> 'text_en' as words from outbox_message where kind = 'notice'")
        assert len(told) == 2, "the handler and the leader"
        assert "2 open tickets of it, 2 of them late already" in told[0].words
        assert holds(desk)

    def test_one_to_which_nothing_was_promised_is_promised_it_from_now_on(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*OPEN[:6], "", *OPEN[7:]))
        resolve = clocks_of(desk, "A3")["resolve"]
        assert (resolve.started_at, resolve.given) == (desk.clock.now(), False)
        assert resolve.due_at == at("2024-02-03 00:00"), "an ordinary matter, by the end of the day"

    @pytest.mark.parametrize(
        ("word", "state", "kinds"),
        [
            ("待派", "accepted", {"resolve", "dispatch"}),
            ("待签", "to_sign", {"resolve", "sign"}),
            ("在办", "in_progress", {"resolve"}),
        ],
    )
    def test_the_clocks_of_its_state_run(
        self, desk: Desk, taken_in: TakeIn, word: str, state: str, kinds: set[str]
    ) -> None:
        taken_in((*OPEN[:2], word, *OPEN[3:]))
        assert desk.ticket(number_of(desk, "A3")).state == state
        assert set(clocks_of(desk, "A3")) == kinds
        assert all(row.due_at > desk.clock.now() for row in clocks_of(desk, "A3").values())
        assert holds(desk)

    def test_what_is_not_signed_for_here_is_signed_by_silence(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*OPEN[:2], "待签", *OPEN[3:]))
        desk.go_to("2024-02-06 09:00")
        desk.sweep()
        assert desk.ticket(number_of(desk, "A3")).state == "in_progress"

    def test_no_new_policy_moves_a_given_deadline(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in((*OPEN[:3], "欠薪", *OPEN[4:]))
        change = desk.do("admin1", apply_rules, PublishRules(policy=with_days(60), reason="试验"))
        with desk.application.unit() as unit:
            recount_next(unit, change.id)
        resolve = clocks_of(desk, "A3")["resolve"]
        assert (resolve.due_at, resolve.policy_version_id) == (at("2024-02-09 18:01"), change.policy_version_id)
        with desk.application.reading() as unit:
            assert [view.policy_version for view in clock_views(unit, number_of(desk, "A3"))] == ["imported"]
        assert holds(desk)

    def test_a_change_of_tier_is_a_promise_of_ours(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(OPEN)
        retier = RetierTicket(number=number_of(desk, "A3"), tier=Tier.complex, reason="需要调查")
        desk.do("dispatcher1", retier_ticket, retier)
        resolve = clocks_of(desk, "A3")["resolve"]
        assert (resolve.given, resolve.due_at) == (False, at("2024-02-19 00:00")), "a Sunday worked in exchange"


class TestPromisesOfOurs:
    """`by = "policy"`: the file says nothing of deadlines, so they are counted from acceptance."""

    @pytest.fixture
    def by_policy(self, application: Application, sheet: Sheet, tmp_path: Path) -> TakeIn:
        by = tmp_path / "policy.toml"
        words = MAPPING.replace('by = "file"\nlast_moment = "minute"', 'by = "policy"')
        words = words.replace('due_at = { column = "截止" }\n', "").replace(
            '"待派" = "accepted"', '"待派" = "registered"'
        )
        by.write_text(words, encoding="utf-8")
        return lambda *rows: take_in(application, sheet(*rows), by)

    def test_an_ended_matter_is_judged_by_the_policy(self, desk: Desk, by_policy: TakeIn) -> None:
        by_policy((*LATE[:3], "欠薪", *LATE[4:]), (*CLOSED[:5], "2024-01-08 09:00", "", "2024-01-15 23:59", "", ""))
        assert clocks_of(desk, "A2")["resolve"].breached_at == at("2024-01-16 00:00"), "the sixth working day"
        assert clocks_of(desk, "A1")["resolve"].breached_at is None, "the last minute of the fifth"

    def test_an_open_one_fires_only_what_is_ahead(self, desk: Desk, by_policy: TakeIn) -> None:
        desk.go_to("2024-02-06 09:00")
        by_policy((*OPEN[:3], "欠薪", *OPEN[4:]))
        desk.go_to("2024-02-07 09:00")
        desk.sweep()
        assert fired(desk) == ["breach"], "half the time and four fifths of it had passed before"

    def test_what_was_not_accepted_waits_for_it_here(self, desk: Desk, by_policy: TakeIn) -> None:
        run = by_policy((*OPEN[:2], "待派", *OPEN[3:]))
        ticket = desk.ticket(number_of(desk, "A3"))
        assert (ticket.state, ticket.tier, ticket.accepted_at, ticket.holder_code) == (
            "registered",
            None,
            None,
            "630000",
        )
        assert set(clocks_of(desk, "A3")) == {"dispatch"}
        with desk.application.reading() as unit:
            assert import_outcome(unit, run.id, as_of=unit.now).undated == 1
        assert holds(desk)

    def test_a_time_before_every_calendar_is_refused_in_words(self, desk: Desk, by_policy: TakeIn) -> None:
        assert by_policy((*CLOSED[:5], "2009-05-04 09:00", "", "2009-05-05 09:00", "", "")).refused == 1
        [remark] = desk.rows("select * from import_remark")
        assert (remark.field, "2009" in remark.zh, "2009" in remark.en) == ("due_at", True, True)


class TestRows:
    def test_every_clock_is_what_the_rules_make_of_it(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED, LATE, OPEN, ("A5", *OPEN[1:6], "", *OPEN[7:]))
        with desk.application.reading() as unit:
            for foreign in ("A1", "A2", "A3", "A5"):
                number = number_of(desk, foreign)
                for view in clock_views(unit, number):
                    assert explain_clock(unit, number, view.kind).due_at == view.due_at

    def test_the_timeline_says_where_it_came_from(self, desk: Desk, taken_in: TakeIn) -> None:
        run = taken_in(CLOSED)
        with desk.application.reading() as unit:
            [entry] = timeline(unit, number_of(desk, "A1"))
            [line] = story_of([entry], org_tree(unit.session), {})
        assert (entry.kind, entry.to_state, entry.data["import_run"]) == ("ticket:imported", "closed", run.id)
        assert line.title.zh == "导入"
        assert [fact.zh for fact in line.facts] == ["原编号:A1", "来自文件 old.csv 第 2 行", "状态 办结"]

    def test_a_number_bears_the_day_the_matter_was_received(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED)
        assert number_of(desk, "A1").startswith("QH12351-20240108-")

    def test_six_digits_that_came_round_are_passed_over(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED)
        last = int(number_of(desk, "A1")[-6:])
        with desk.by_hand() as owner:
            owner.exec_driver_sql(f"select setval('ticket_number_seq', {1_000_000 + last - 1})")
        taken_in(LATE)
        assert number_of(desk, "A2")[-6:] == f"{last + 1:06}"

    def test_callers_are_sealed_and_one_phone_is_one_caller(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(OPEN, ("A6", *OPEN[1:8], "+86 138-9700-1234", ""), ("A7", *OPEN[1:8], "12", ""))
        assert [row.phone_last4 for row in desk.rows("select * from caller")] == ["1234"]
        assert desk.rows("select count(*) from ticket where caller_id is not null")[0].count == 2
        tables = ("ticket_event", "audit_event", "import_remark", "import_run")
        stored = [tuple(row) for table in tables for row in desk.rows(f"select * from {table}")]  # noqa: S608 - names above
        assert "13897001234" not in str(stored)

    def test_a_run_is_audited_and_its_rows_are_not(self, desk: Desk, taken_in: TakeIn) -> None:
        before = desk.rows("select count(*) from audit_event")[0].count
        taken_in(CLOSED, LATE, OPEN)
        actions = [row.action for row in desk.rows("select action from audit_event order by id")][before:]
        assert actions == ["system:history:import", "system:history:imported"]

    def test_a_union_sees_its_own_of_them(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED, (*LATE[:4], "630102", *LATE[5:]))
        assert desk.do(f"handler-{GOLMUD}", ticket_view, number_of(desk, "A1"))
        with pytest.raises(TicketNotFound):
            desk.do(f"handler-{GOLMUD}", ticket_view, number_of(desk, "A2"))

    def test_the_breach_report_says_the_same(self, desk: Desk, taken_in: TakeIn) -> None:
        run = taken_in(CLOSED, LATE, OPEN, ("A5", *CLOSED[1:6], "", *CLOSED[7:]))
        with desk.application.reading() as unit:
            outcome = import_outcome(unit, run.id, as_of=unit.now)
            query = BreachQuery(start=at("2024-01-01 00:00").date(), end=at("2025-01-01 00:00").date(), org="630000")
            total = breach_report(unit, query).total
        assert (outcome.late, outcome.in_time, outcome.undated) == (1, 2, 1)
        assert (total.late, total.on_time + total.open) == (outcome.late, outcome.in_time)

    def test_lateness_is_judged_at_any_moment(self, desk: Desk, taken_in: TakeIn) -> None:
        run = taken_in(CLOSED, LATE, OPEN)
        with desk.application.reading() as unit:
            late = [
                import_outcome(unit, run.id, as_of=at(moment)).late
                for moment in ("2024-01-15 18:00", "2024-01-15 18:01", "2024-02-09 18:01")
            ]
        assert late == [0, 1, 2]


class TestOnceOnly:
    def test_the_same_file_twice_changes_nothing(self, desk: Desk, taken_in: TakeIn) -> None:
        first = taken_in(CLOSED, LATE, OPEN)
        second = taken_in(CLOSED, LATE, OPEN)
        assert (second.id, second.imported) == (first.id, 3)
        assert desk.rows("select count(*) from ticket")[0].count == 3

    def test_a_longer_file_brings_only_what_is_new(self, desk: Desk, taken_in: TakeIn) -> None:
        taken_in(CLOSED, LATE)
        run = taken_in(CLOSED, LATE, OPEN)
        assert (run.imported, run.known, run.refused) == (1, 2, 0)

    def test_a_known_number_is_known_under_another_mapping(
        self, desk: Desk, application: Application, taken_in: TakeIn, sheet: Sheet, tmp_path: Path
    ) -> None:
        taken_in(CLOSED)
        other = tmp_path / "other.toml"
        other.write_text(MAPPING.replace('"complaint"', '"help"'), encoding="utf-8")
        assert take_in(application, sheet(CLOSED, LATE), other).known == 1

    @pytest.mark.parametrize("batch", [2, BATCH])
    def test_a_number_twice_in_one_file_names_one_ticket(self, desk: Desk, taken_in: TakeIn, batch: int) -> None:
        run = taken_in(CLOSED, LATE, ("A1", *OPEN[1:]), batch=batch)
        assert (run.imported, run.refused) == (2, 1)
        [remark] = desk.rows("select * from import_remark")
        assert (remark.line, remark.field, remark.en) == (4, "number", "has the number of line 2")

    def test_a_run_that_was_cut_off_goes_on_exactly_there(self, desk: Desk, taken_in: TakeIn) -> None:
        rows = [(f"A{n}", *(CLOSED if n % 3 else OPEN)[1:9], "0" if n % 5 == 0 else "") for n in range(1, 12)]
        for batches in (1, 2):
            with pytest.raises(CutOff):
                taken_in(*rows, stop_after=batches)
        run = taken_in(*rows)
        assert (run.cursor, run.imported, run.refused) == (11, 9, 2)
        lines = desk.rows("select line from imported_ticket union all select line from import_remark order by 1")
        assert [row.line for row in lines] == list(range(2, 13)), "each row once"
        assert holds(desk)

    def test_two_processes_do_not_bring_the_same_rows(self, desk: Desk, taken_in: TakeIn) -> None:
        run = taken_in(CLOSED)
        with pytest.raises(ImportedByAnother), desk.application.unit() as unit:
            import_batch(unit, ImportBatch(run_id=run.id, after=0, verdicts=()))
