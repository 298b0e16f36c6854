"""Nobody sweeps for three days, other rules are published meanwhile, and then two schedulers begin at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.bootstrap import build
from service.core.clock import SimulatedClock
from service.sla.publishing import PublishRules
from service.tickets.dispatching import DispatchTicket, dispatch_ticket
from service.tickets.recounting import apply_rules
from tests.desk import GOLMUD, Desk
from tests.faults.checker import Checker, still_due
from tests.faults.clients import Journal
from tests.faults.ground import Ground, short_policy

pytestmark = pytest.mark.timeout(300)


def test_after_three_days_without_a_scheduler_each_rung_is_in_the_ledger_once(tmp_path: Path) -> None:
    with Ground(tmp_path) as ground:
        ground.start_postgres()
        ground.start_redis()
        ground.prepare()
        clock = SimulatedClock(datetime.now(UTC) - timedelta(days=4))
        parts = ground.application()
        desk = Desk(build(parts.settings, clock=clock), clock)
        numbers = [desk.accepted(phone=f"1389700{serial:04d}") for serial in range(12)]
        for number in numbers[:6]:
            desk.do("dispatcher1", dispatch_ticket, DispatchTicket(number=number, org_code=GOLMUD))
        desk.wait(days=2)
        desk.do("admin1", apply_rules, PublishRules(policy=short_policy("later", minutes=5), reason="tests"))
        numbers += [desk.accepted(phone=f"1389701{serial:04d}") for serial in range(6)]

        ground.start("api-1", "worker-1", "worker-2", "scheduler-1", "scheduler-2")
        assert ground.until(lambda: ground.ready("api-1"), seconds=120) is not None
        by = datetime.now(UTC)
        assert ground.until(lambda: not still_due(ground, by), seconds=200) is not None

        verdict = Checker(ground, Journal(), by).look()
        assert not verdict.faults, "\n".join(verdict.faults)
        # Dispatch of twelve, resolving of all, signing of six; what was signed by silence goes on from there.
        assert verdict.figures["rungs"] >= 3 * 12 + 3 * 18 + 2 * 6
        desk.application.database.dispose()
        parts.database.dispose()
