"""The commands of `hotline`, each as a user types it."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner, Result

from service.bootstrap import Application
from service.checks import INVARIANTS, nothing_lies_buried
from service.cli import app
from service.core.clock import SimulatedClock
from service.core.settings import Settings
from service.outbox.relay import buried_count
from service.tickets.assigning import AssignTicket, assign_ticket
from tests.api.clients import token_of
from tests.conftest import MASTER_KEY
from tests.desk import GOLMUD, Desk, at
from tests.embedded.processes import ROOT
from tests.workers.conftest import Outbox

Run = Callable[..., Result]


@pytest.fixture
def clock() -> SimulatedClock:
    """A Friday that lies in the past wherever the tests run; the Sunday after it was worked in exchange."""
    return SimulatedClock(at("2024-02-02 09:00"))


@pytest.fixture
def run(settings: Settings) -> Run:
    """`hotline` with the settings of a server installation."""
    environment = {
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_REDIS_URL": settings.redis_url,
        "HOTLINE_MASTER_KEY": MASTER_KEY,
    }
    return lambda *words, **more: CliRunner().invoke(app, [str(word) for word in words], env=environment, **more)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """`hotline` on a machine without any setting."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL", "MASTER_KEY"):
        monkeypatch.delenv(f"HOTLINE_{name}", raising=False)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


class TestDeadlines:
    def test_a_deadline_is_told_without_any_server(self, alone: Run) -> None:
        result = alone("sla", "due", "--tier", "difficult", "--at", "2024-02-02T09:00", "--json")
        document = json.loads(result.stdout)
        assert result.exit_code == 0
        assert document["due_at"] == "2024-02-09T00:00:00+08:00", "the Sunday worked in exchange counts"
        assert document["last_day"] == "2024-02-08"
        assert document["provisional"] is False

    def test_the_published_rules_are_used_where_there_is_a_database(self, run: Run) -> None:
        result = run("sla", "due", "--tier", "difficult", "--at", "2024-02-02 09:00")
        assert result.exit_code == 0, result.output
        assert "2024-02-09 00:00" in result.stdout

    @pytest.mark.parametrize(
        ("words", "code", "says"),
        [
            (("--tier", "hard", "--at", "2024-02-02"), 1, "未知分级"),
            (("--tier", "difficult", "--at", "yesterday"), 1, "not a time"),
            (("--tier", "difficult", "--at", "9999-12-31T23:59"), 1, "超出日历范围"),
            (("--tier", "difficult", "--at", "0001-01-01"), 1, "outside the calendar"),
            (("--tier", "difficult"), 2, "--tier T --at TIME"),
            (("--batch", "nowhere.csv", "--out", "out.csv"), 2, "nowhere.csv"),
            (("--batch", "in.csv"), 2, "--out"),
        ],
    )
    def test_what_cannot_be_answered_gets_a_sentence(
        self, alone: Run, words: tuple[str, ...], code: int, says: str
    ) -> None:
        result = alone("sla", "due", *words)
        assert result.exit_code == code
        assert says in result.output
        assert "Traceback" not in result.output

    def test_a_batch_answers_row_by_row_and_says_which_are_wrong(self, alone: Run, tmp_path: Path) -> None:
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        source.write_text(
            "id,tier,accepted_at\n"
            "1,ordinary,2026-11-20T09:00\n"
            '"2\nb",difficult,2026-12-30T09:00+08:00\n'
            "3,hard,2026-11-20\n"
            "4,complex\n"
            "5,complex,9999-12-31T23:59:59\n"
        )
        result = alone("sla", "due", "--batch", source, "--out", target)
        rows = list(csv.DictReader(io.StringIO(target.read_text())))
        assert result.exit_code == 0, result.output
        assert "5 行,其中 3 行有误" in result.output
        assert [row["due_at"] for row in rows] == ["2026-11-21T00:00:00+08:00", "2027-01-08T00:00:00+08:00", "", "", ""]
        assert [row["provisional"] for row in rows] == ["false", "true", "", "", ""]
        assert [bool(row["error"]) for row in rows] == [False, False, True, True, True]
        assert list(rows[0]) == ["id", "tier", "accepted_at", "due_at", "provisional", "error"]

    def test_a_batch_written_by_a_chinese_excel_is_read(self, alone: Run, tmp_path: Path) -> None:
        source, target = tmp_path / "in.csv", tmp_path / "out.csv"
        source.write_bytes("编号,tier,accepted_at\r\n西宁一,ordinary,2026-11-20 09:00\r\n".encode("gb18030"))
        assert alone("sla", "due", "--batch", source, "--out", target).exit_code == 0
        (row,) = csv.DictReader(io.StringIO(target.read_text(encoding="utf-8-sig")))
        assert row["编号"] == "西宁一"
        assert row["due_at"] == "2026-11-21T00:00:00+08:00"

    def test_a_batch_without_its_columns_leaves_nothing_behind(self, alone: Run, tmp_path: Path) -> None:
        source = tmp_path / "in.csv"
        source.write_text("tier,when\nordinary,2026-11-20\n")
        result = alone("sla", "due", "--batch", source, "--out", tmp_path / "out.csv")
        assert result.exit_code == 2
        assert "accepted_at" in result.output
        assert list(tmp_path.iterdir()) == [source]

    def test_a_tickets_deadline_is_explained_day_by_day(self, run: Run, desk: Desk) -> None:
        number = desk.accepted()
        document = json.loads(run("sla", "explain", number, "--json").stdout)
        assert document["last_day"] == "2024-02-08"
        assert [line["date"] for line in document["lines"] if not line["counted"]] == ["2024-02-02", "2024-02-03"]
        both = run("sla", "explain", number)
        assert "2024-02-08" in both.stdout
        unknown = run("sla", "explain", "QH12351-20990101-000001")
        assert (unknown.exit_code, "Traceback" in unknown.output) == (1, False)

    def test_the_calendar_shows_holidays_and_days_worked_in_exchange_with_their_notice(self, alone: Run) -> None:
        document = json.loads(alone("calendar", "show", "--year", "2024", "--json").stdout)
        days = {day["date"]: day for day in document["days"]}
        assert days["2024-02-04"]["kind"] == "work"
        assert days["2024-10-01"]["source"].startswith("https://www.gov.cn/")
        assert document["working_days"] == 251
        assert "国庆节" in alone("calendar", "show", "--year", "2024").stdout
        assert alone("calendar", "show", "--year", "1066").exit_code == 1

    def test_the_calendars_reach_is_told(self, run: Run) -> None:
        result = run("calendar", "status", "--json")
        assert json.loads(result.stdout)["covered_until"] == "2026-12-31"
        assert json.loads(result.stdout)["published"] is True


class TestPeople:
    def test_somebody_is_added_listed_and_disabled(self, run: Run) -> None:
        words = (
            "user",
            "add",
            "zhang.san",
            "--name",
            "张三",
            "--org",
            GOLMUD,
            "--role",
            "handler",
            "--role",
            "reviewer",
        )
        added = run(*words, "--password-stdin", input="a long enough password\n")
        assert added.exit_code == 0, added.output
        (person,) = [
            entry
            for entry in json.loads(run("user", "list", "--org", GOLMUD, "--json").stdout)
            if entry["username"] == "zhang.san"
        ]
        assert person["roles"] == ["handler", "reviewer"]
        assert run("user", "disable", "zhang.san").exit_code == 0
        assert "zhang.san" in run("user", "list", "--org", GOLMUD).stdout

    @pytest.mark.parametrize(
        ("change", "code", "says"),
        [
            ({"name": "agent1"}, 1, "已存在"),
            ({"org": "999999"}, 1, "999999"),
            ({"role": "king"}, 2, "king"),
            ({"password": "short"}, 1, "至少"),
            ({"name": "Zhang San"}, 1, "用户名"),
        ],
    )
    def test_who_cannot_be_added_is_told_why(self, run: Run, change: dict[str, str], code: int, says: str) -> None:
        given = {"name": "li.si", "org": GOLMUD, "role": "handler", "password": "a long enough password"} | change
        result = run(
            *("user", "add", given["name"], "--name", "李四", "--org", given["org"], "--role", given["role"]),
            "--password-stdin",
            input=given["password"] + "\n",
        )
        assert (result.exit_code, says in result.output) == (code, True), result.output

    def test_nobody_cannot_be_disabled(self, run: Run) -> None:
        result = run("user", "disable", "nobody")
        assert result.exit_code == 1
        assert "nobody" in result.output

    def test_a_leaver_is_handed_over_and_a_newcomer_gets_a_password_for_one_login(self, run: Run, desk: Desk) -> None:
        added = run("user", "add", "li.si", "--name", "李四", "--org", GOLMUD, "--role", "handler", "--one-time")
        assert added.exit_code == 0
        number = desk.in_progress()
        desk.do(f"leader-{GOLMUD}", assign_ticket, AssignTicket(number=number, username=f"handler-{GOLMUD}"))
        assert run("user", "disable", f"handler-{GOLMUD}").exit_code == 0
        work = json.loads(run("user", "open-work", f"handler-{GOLMUD}", "--json").stdout)
        assert [entry["which"] for entry in work] == [number]
        done = run("user", "hand-over", f"handler-{GOLMUD}", "--to", "li.si")
        assert "tickets 1" in done.stdout
        enabled = run("user", "enable", f"handler-{GOLMUD}").stdout.strip().rsplit(" ", 1)[-1]
        reset = run("user", "reset", f"handler-{GOLMUD}").stdout.strip().rsplit(" ", 1)[-1]
        assert len({added.stdout.strip().rsplit(" ", 1)[-1], enabled, reset}) == 3
        assert run("user", "change", "li.si", "--role", "handler", "--role", "reviewer").exit_code == 0
        why = json.loads(run("user", "why", "li.si", number, "--json").stdout)
        assert why["sees"]
        assert why["steps"]["reply"]

    def test_what_does_not_fit_the_place_is_refused_in_both_languages(self, run: Run, desk: Desk) -> None:
        for words in (
            ("user", "add", "li.si", "--name", "李四", "--org", GOLMUD, "--role", "agent", "--one-time"),
            ("user", "change", "admin1", "--role", "handler"),
            ("user", "reset-second-factor", "agent1"),
            ("user", "why", "agent1", "QH12351-20240101-999999"),
        ):
            result = run(*words)
            assert result.exit_code == 1, words
            assert result.output.count("\n") == 2, words

    def test_an_account_at_the_identity_provider_is_entered_and_taken_away(
        self, run: Run, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        off = run("user", "link-identity", "agent1", "--account", "20261120")
        assert (off.exit_code, "HOTLINE_OIDC_ISSUER" in off.output) == (1, True)
        monkeypatch.setenv("HOTLINE_OIDC_ISSUER", "https://id.example")
        half = run("check", "--no-files")
        assert half.exit_code == 2
        assert "缺少 HOTLINE_OIDC_CLIENT_ID" in half.output
        assert "without HOTLINE_OIDC_CLIENT_ID" in half.output
        monkeypatch.setenv("HOTLINE_OIDC_CLIENT_ID", "hotline")
        monkeypatch.setenv("HOTLINE_OIDC_CLIENT_SECRET", "s3cret")
        assert run("user", "link-identity", "agent1", "--account", "20261120").exit_code == 0
        assert [row.subject for row in desk.rows("select subject from linked_identity")] == ["20261120"]
        assert run("user", "unlink-identity", "agent1").exit_code == 0
        assert run("user", "unlink-identity", "agent1").exit_code == 1

    def test_logins_are_listed_and_ended(self, run: Run, desk: Desk) -> None:
        desk.go_to(datetime.now(UTC))
        token_of(desk.application, "agent1")
        assert len(json.loads(run("user", "logins", "agent1", "--json").stdout)) == 1
        assert "1 logins ended" in run("user", "log-out", "agent1").stdout
        assert json.loads(run("user", "logins", "agent1", "--json").stdout) == []


class TestOutbox:
    def test_buried_messages_are_listed_without_their_contents_and_tried_again(
        self, run: Run, desk: Desk, outbox: Outbox, application: Application
    ) -> None:
        outbox.ask(3, phone="13897001234")
        with application.unit() as unit:
            unit.session.execute(
                text(
                    "update outbox_message set attempts = 8, buried_at = now(), last_error = 'Gone'"
                    " where key <> 'count:0'"
                )
            )
        assert "13897001234" not in run("outbox", "list", "--state", "buried").stdout
        listed = json.loads(run("outbox", "list", "--state", "buried", "--json").stdout)
        assert [row["last_error"] for row in listed] == ["Gone", "Gone"]
        assert len(json.loads(run("outbox", "list", "--json").stdout)) == 1

        assert run("outbox", "retry", listed[0]["id"]).exit_code == 0
        again = run("outbox", "retry", listed[0]["id"])
        assert (again.exit_code, "没有失败的消息" in again.output) == (1, True)
        assert run("outbox", "retry", "--all").exit_code == 0
        assert run("outbox", "retry").exit_code == 2
        assert desk.rows("select count(*) as n from outbox_message where attempts = 0 and buried_at is null")[0].n == 3
        assert desk.rows("select count(*) as n from audit_event where action like '%outbox:retry'")[0].n == 2

    def test_a_message_is_given_up_by_hand_with_a_reason_and_nobody_has_to_look_any_more(
        self, run: Run, desk: Desk, outbox: Outbox, application: Application
    ) -> None:
        outbox.ask(2)
        first, second = (row.id for row in desk.rows("select id from outbox_message order by id"))
        with application.unit() as unit:
            unit.session.execute(
                text("update outbox_message set attempts = 8, buried_at = now() where id = :id"), {"id": first}
            )
        assert run("outbox", "bury", first).exit_code == 2  # no reason

        done = run("outbox", "bury", first, second, "--reason", "号码错误")
        assert (done.exit_code, "2 条" in done.output) == (0, True)
        assert run("outbox", "bury", first, "--reason", "再来").exit_code == 1
        audit = desk.rows("select subject, after from audit_event where action like '%outbox:bury' order by subject")
        assert [(row.subject, row.after["reason"]) for row in audit] == [
            (str(first), "号码错误"),
            (str(second), "号码错误"),
        ]
        with application.reading() as unit:
            assert nothing_lies_buried(unit, timedelta(seconds=5)) == []
            assert buried_count(unit.session) == 0
        assert "0 条" in run("outbox", "retry", "--all").output
        assert run("outbox", "retry", second).exit_code == 0


class TestReport:
    def test_breaches_come_as_json_csv_and_xlsx(self, run: Run, desk: Desk, tmp_path: Path) -> None:
        number = desk.accepted()
        desk.go_to("2024-03-01 09:00")
        desk.sweep()
        period = ("report", "breaches", "--from", "2024-02-01", "--to", "2024-03-01", "--org", "630000")
        before = json.loads(run(*period).stdout)
        assert {row["clock"] for row in before["rows"]} == {"dispatch", "resolve"}
        assert {row["number"] for row in before["rows"]} == {number}
        names = {}
        for form in ("json", "csv", "xlsx"):
            target = tmp_path / f"report.{form}"
            result = run(*period, "--format", form, "--out", target)
            assert result.exit_code == 0, result.output
            names[form] = target.read_bytes()
        assert json.loads(names["json"])["rows"] == before["rows"]
        assert names["csv"].startswith(b"\xef\xbb\xbf")
        assert names["xlsx"].startswith(b"PK")
        assert run("report", "breaches", "--from", "2026-11-02", "--to", "2026-11-01").exit_code == 1
        assert run("report", "breaches", "--from", "soon", "--to", "2026-11-01").exit_code == 2
        assert run(*period[:-1], "999999").exit_code == 1


class TestChecks:
    def test_all_invariants_hold_on_tickets_in_every_state(self, run: Run, desk: Desk) -> None:
        desk.registered()
        desk.accepted()
        desk.dispatched()
        desk.in_progress()
        desk.reply(desk.in_progress())
        desk.to_callback()
        desk.closed()
        with desk.application.unit() as unit:
            unit.session.execute(text("update outbox_message set done_at = now()"))
            unit.session.execute(
                text("update sla_clock set next_check_at = now() + interval '1 hour' where stopped_at is null")
            )
        result = run("check", "--json")
        of_files = ["every_attachment_has_its_file", "every_file_is_an_attachment"]
        assert [(finding["name"], finding["examples"]) for finding in json.loads(result.stdout)] == [
            (name, []) for name in [*(invariant.name for invariant in INVARIANTS), *of_files]
        ]
        assert result.exit_code == 0
        assert "通过" in run("check").stdout

    @pytest.mark.parametrize(
        ("harm", "name"),
        [
            ("update sla_clock set stopped_at = now(), next_check_at = null", "open_ticket_has_its_clock"),
            ("update ticket set due_at = due_at + interval '1 second'", "ticket_repeats_its_clock"),
            ("update ticket set suspended = true", "ticket_repeats_its_clock"),
            ("update sla_clock set next_check_at = started_at", "no_clock_waits_for_its_sweep"),
            ("update sla_clock set check_failures = 2", "no_clock_keeps_failing"),
            (
                "update sla_clock set stopped_at = due_at + interval '1 second', next_check_at = null",
                "broken_promise_is_noted",
            ),
            (
                "alter table sla_clock disable trigger sla_clock_due_is_recorded;"
                "update sla_clock set due_at = due_at + interval '1 day'",
                "deadlines_follow_their_record",
            ),
            (
                "insert into sla_due_change (clock_id, at, cause, reason, due_before, due_after, provisional_before,"
                " provisional_after, policy_version_id, calendar_version_id, actor_name)"
                " select id, now(), 'pause', '', due_at, due_at + interval '1 day', false, false, policy_version_id,"
                " calendar_version_id, 'x' from sla_clock",
                "deadlines_follow_their_record",
            ),
            (
                "update policy_version set active = false;"
                "insert into policy_version (version, content, reason, published_at, active)"
                " select 'x', content, '', now(), true from policy_version limit 1;"
                "insert into rule_change (at, actor_name, reason, policy_before_id, policy_version_id,"
                " calendar_before_id, calendar_version_id, cursor, steps, failures, looked_at, moved, kept,"
                " newly_late, no_longer_late, settled, finished_at)"
                " select now(), 'x', 'x', 1, 1, 1, 1, 0, 0, '{}', 0, 0, 0, 0, 0, 0, now() - interval '1 hour'",
                "open_clocks_are_under_the_rules_in_force",
            ),
            ("update sla_clock set fired = array['half']", "ledger_and_clocks_agree"),
            ("update outbox_message set available_at = now() - interval '1 hour'", "no_message_waits_unpublished"),
            ("update outbox_message set publishes = 9", "no_message_is_published_in_vain"),
            ("update outbox_message set buried_at = now()", "nothing_lies_buried"),
            ("delete from ticket_search", "every_ticket_can_be_found"),
            ("update ticket_search set facets = '{}'", "every_ticket_can_be_found"),
        ],
    )
    def test_each_invariant_sees_what_contradicts_it(self, run: Run, desk: Desk, harm: str, name: str) -> None:
        desk.in_progress()
        with desk.by_hand() as owner:
            owner.execute(text(harm))
        result = run("check", "--json")
        failing = [finding["name"] for finding in json.loads(result.stdout) if not finding["holds"]]
        assert name in failing
        assert result.exit_code == 1

    def test_no_database_is_a_sentence(self, alone: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        result = alone("check")
        assert (result.exit_code, "HOTLINE_DATABASE_URL" in result.output) == (2, True)
        monkeypatch.setenv("HOTLINE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
        monkeypatch.setenv("HOTLINE_REDIS_URL", "redis://127.0.0.1:1")
        monkeypatch.setenv("HOTLINE_MASTER_KEY", MASTER_KEY)
        result = alone("check")
        assert (result.exit_code, "数据库" in result.output, "Traceback" in result.output) == (2, True, False)
        monkeypatch.setenv("HOTLINE_MASTER_KEY", "short")
        result = alone("check")
        assert (result.exit_code, "HOTLINE_MASTER_KEY" in result.output) == (2, True)


class TestPreparing:
    def test_migrating_and_seeding_twice_changes_nothing_and_the_demo_gets_the_new_password(
        self, run: Run, desk: Desk, settings: Settings
    ) -> None:
        from service.identity.passwords import matches

        before = desk.rows("select count(*) as n from person")[0].n
        assert run("migrate").exit_code == 0
        seeded = run("seed", "--demo")
        assert seeded.exit_code == 0
        assert desk.rows("select count(*) as n from person")[0].n == before
        password = seeded.stdout.strip().rsplit(" ", 1)[-1]
        assert matches(desk.rows("select password_hash from person where username = 'agent1'")[0][0], password)

    def test_help_loads_nothing_heavy(self) -> None:
        code = (
            "import sys; from service.cli import app;"
            "print([name for name in ('sqlalchemy', 'pydantic', 'fastapi', 'rich', 'psycopg') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]", "`hotline --help` is quick"

    @pytest.mark.parametrize(("command", "module"), [("worker", "workers.worker"), ("scheduler", "workers.scheduler")])
    def test_a_single_process_becomes_that_process(
        self, run: Run, command: str, module: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        became: list[list[str]] = []
        monkeypatch.setattr("os.execv", lambda _path, argv: became.append(argv))
        assert run(command).exit_code == 0
        assert became == [[sys.executable, "-m", module]]

    def test_the_api_becomes_uvicorn_where_its_settings_are_right(
        self, run: Run, alone: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        became: list[list[str]] = []
        monkeypatch.setattr("os.execv", lambda _path, argv: became.append(argv))
        assert alone("api").exit_code == 2
        assert became == []
        assert run("api").exit_code == 0
        assert "service.app:create_app" in became[0]
