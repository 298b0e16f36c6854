"""How far the published calendar reaches, and what is provisional because it ends."""

from dataclasses import dataclass

from sqlalchemy import func, select

from service.core.clock import local
from service.core.errors import Bilingual
from service.core.metrics import CALENDAR_ALARM, CALENDAR_COVERED_DAYS
from service.core.unit import Unit
from service.sla.models import SlaClock
from service.sla.rules import current_rules
from sla_rules import CoverageAlarm, coverage_alarm

WHAT_TO_DO = Bilingual(
    "国务院办公厅的放假通知发布后,请运行 hotline calendar import FILE,或在控制台的“规则”页载入。",
    "Once the State Council's notice is out, run hotline calendar import FILE, or load it on the console's rules page.",
)


@dataclass(frozen=True, slots=True)
class Provisional:
    """How many running clocks may still move when a notice appears, and on how many tickets."""

    clocks: int
    tickets: int


def measure_coverage(unit: Unit) -> CoverageAlarm | None:
    """The alarm by the published calendar on the local day of `unit.now`; sets the two gauges by the way.

    One statement. Raises NoRulesPublished.
    """
    calendar = current_rules(unit.session).calendar
    today = local(unit.now).date()
    alarm = coverage_alarm(calendar, today)
    CALENDAR_COVERED_DAYS.set((calendar.covered_until - today).days)
    CALENDAR_ALARM.set(0 if alarm is None else 1)
    return alarm


def provisional_now(unit: Unit) -> Provisional:
    """What runs with a provisional deadline. One statement over the open clocks: not for every request."""
    statement = select(func.count(), func.count(SlaClock.ticket_id.distinct())).where(
        SlaClock.provisional, SlaClock.stopped_at.is_(None)
    )
    clocks, tickets = unit.session.execute(statement).one()
    return Provisional(clocks=clocks, tickets=tickets)
