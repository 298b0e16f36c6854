"""Generated requests on every address as everybody: no 5xx, no status or content that the document does not know, and
no word of a ticket to anybody outside its scope. `make fuzz` is the long form."""

import os

import pytest
from anyio.from_thread import BlockingPortal
from structlog.testing import capture_logs

from service.app import create_app
from service.identity.permissions import Role
from tests.desk import Desk
from tests.fuzz.fuzzing import Fuzzing, Report
from tests.fuzz.ground import OFFICES, Ground, canaries_in

CASES = int(os.environ.get("CASES") or 450)
SEED = int(os.environ.get("SEED") or 12351)


@pytest.fixture(scope="module")
def ground(shared_desk: Desk) -> Ground:
    return Ground.made(shared_desk)


@pytest.fixture(scope="module")
def report(ground: Ground, portal: BlockingPortal) -> Report:
    app = create_app(ground.desk.application)
    with capture_logs() as logged:
        made = Fuzzing(ground, app, portal, cases=CASES, seed=SEED).run()
    print(f"\n{made}")
    made.logged = [repr(entry) for entry in logged]
    return made


def test_nothing_is_found(report: Report) -> None:
    assert not report.found, str(report)


def test_no_line_of_the_log_holds_what_a_ticket_says(report: Report) -> None:
    assert len(report.logged) >= report.by_operation.total() * 0.9
    assert not [line for line in report.logged if canaries_in(line.encode())]


def test_everybody_asked_and_every_address_was_asked(report: Report) -> None:
    assert report.by_operation.total() >= CASES * 0.9
    assert {f"{role}-at-{office}" for role in Role for office in OFFICES} <= report.by_asker.keys()
    assert {"worker", "nobody", "leaver"} <= report.by_asker.keys()
    assert sum(report.succeeded.values()) > report.by_operation.total() / 20
