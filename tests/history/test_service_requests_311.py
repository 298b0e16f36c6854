"""Ten thousand real requests of another line come in whole, and are as late as their publisher says."""

from collections import Counter
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from service.bootstrap import Application
from service.checks import run_checks
from service.history.importing import BATCH
from service.history.outcome import import_outcome
from service.reports.breaches import BreachQuery, breach_report
from tests.conftest import SHARED
from tests.desk import Desk
from tests.embedded.processes import ROOT
from tests.history.helpers import take_in

FILE = SHARED / "data" / "service_requests_311.csv"
MAPPING = ROOT / "docs" / "examples" / "service_requests_311.toml"
AS_OF = datetime(2019, 2, 13, 16, 18, 56, tzinfo=ZoneInfo("America/New_York"))

pytestmark = pytest.mark.skipif(not FILE.is_file(), reason="the shared data is not here")


def test_all_of_it_comes_in_and_is_as_late_as_it_was(application: Application, desk: Desk) -> None:
    run = take_in(application, FILE, MAPPING, batch=BATCH)
    with application.reading() as unit:
        outcome = import_outcome(unit, run.id, as_of=AS_OF)
        findings = run_checks(unit, tick=10.0)
    assert (outcome.rows, outcome.imported, outcome.refused) == (10_000, 10_000, 0)
    assert (outcome.late, outcome.in_time, outcome.undated) == (1_702, 8_012, 286)

    remarked = Counter({(line.field, line.en): line.rows for line in outcome.remarks})
    assert remarked["StatusDate", "the status is older than the request"] == 37
    assert remarked["Latitude", "there are no coordinates"] == 590
    assert outcome.warned == 622, "two more fall into the hour that summer time leaves out; seven have two remarks"

    assert not [finding.name for finding in findings if not finding.holds]
    assert desk.sweep().fired == 0, "nothing of the past fires"

    query = BreachQuery(start=date(2014, 1, 1), end=date(2020, 1, 1), org="630000")
    with application.reading(now=AS_OF) as unit:
        report = breach_report(unit, query)
    assert len(report.rows) == report.total.late == outcome.late
    assert report.total.due - report.total.late == outcome.in_time
    assert sum(union.late for union in report.by_union) == outcome.late
