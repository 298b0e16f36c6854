"""The tables are brought up to date while the processes of the previous version still run, so that version's code must
go on working on them. It is taken from the history of this repository: the state before the newest migration came."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from service.bootstrap import Application
from service.checks import run_checks
from tests.conftest import MASTER_KEY
from tests.embedded.processes import ROOT

MIGRATIONS = "service/migrations/versions"
# Typed by the old version's own code: a matter from the call to the union's hands, its clock swept, its people told.
WORK = """
from decimal import Decimal

from service.bootstrap import build
from service.core.settings import load_settings
from service.escalations.firing import sweep
from service.identity.people import actor_of_username
from service.tickets.closing import AddNote, add_note
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.handling import SignTicket, sign_ticket
from service.tickets.intake import AcceptTicket, RegisterTicket, accept_ticket, register_ticket

application = build(load_settings())

def do(who, use_case, command):
    with application.unit() as unit:
        unit.actor = actor_of_username(unit, who)
        return use_case(unit, command)

number = do("agent1", register_ticket, RegisterTicket(
    title="拖欠工资", body="三个月没有发工资", kind="complaint", channel="phone", category_code="0101",
    place_code="632801", people_count=1, amount_owed=Decimal(30000),
    phone="13897001234", caller_name="马小明", employer="某建筑公司")).ticket.number
do("agent1", accept_ticket, AcceptTicket(number=number))
do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code="632801"))
do("handler-632801", sign_ticket, SignTicket(number=number))
do("handler-632801", add_note, AddNote(number=number, note="已联系"))
with application.unit() as unit:
    sweep(unit, limit=100)
print(number)
"""


def git(*arguments: str) -> bytes:
    """What git says of this repository; the test is skipped where there is none, or not all of it."""
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, check=False)
    if done.returncode or not done.stdout.strip():
        pytest.skip("the previous version is in the history, and there is none here")
    return done.stdout


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages as they were before the newest migration."""
    newest = git("log", "-1", "--diff-filter=A", "--format=%H", "--", MIGRATIONS).decode().strip()
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(git("archive", f"{newest}^", "service", "sla_rules", "workers"))) as archive:
        archive.extractall(folder, filter="data")
    return folder


def environment(application: Application, previous: Path) -> dict[str, str]:
    """The previous version's code before this one's, on this one's tables."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("HOTLINE_")},
        "PYTHONPATH": str(previous),
        "HOTLINE_DATABASE_URL": application.settings.database_url,
        "HOTLINE_REDIS_URL": application.settings.redis_url,
        "HOTLINE_MASTER_KEY": MASTER_KEY,
        "HOTLINE_SWEEP_SECONDS": "0.3",
    }


def test_the_previous_version_works_on_these_tables(application: Application, previous: Path) -> None:
    where = [sys.executable, "-c", "import service; print(service.__path__[0])"]
    values = environment(application, previous)
    at = subprocess.run(where, env=values, cwd=previous, capture_output=True, text=True, check=True)
    assert Path(at.stdout.strip()).is_relative_to(previous), "another version's code would prove nothing"
    command = [sys.executable, "-c", WORK]
    work = subprocess.run(command, env=values, cwd=previous, capture_output=True, text=True, check=False)
    assert work.returncode == 0, work.stderr
    with application.reading() as unit:
        broken = [finding for finding in run_checks(unit, tick=5) if not finding.holds]
    # Nobody relays here, and what an older version writes into the audit has to be adopted.
    expected = {"no_message_waits_unpublished", "the_audit_is_as_it_was_written"}
    assert {finding.name for finding in broken} <= expected, broken
