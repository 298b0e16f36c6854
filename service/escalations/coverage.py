"""The alarm while next year's calendar is missing: into the log, the gauges and the administrators' inboxes."""

from service.core.errors import Bilingual
from service.core.logging import log
from service.core.unit import Unit
from service.notifications.audience import administrators
from service.notifications.telling import tell
from service.sla.coverage import WHAT_TO_DO, measure_coverage, provisional_now
from sla_rules import CoverageAlarm


def warn_of_missing_year(unit: Unit) -> CoverageAlarm | None:
    """Tell every active administrator which year is missing: once a week in November, once a day from 1 December
    on, whoever asks and however often. None, and silence, while the calendar reaches far enough.

    Raises NoRulesPublished.
    """
    alarm = measure_coverage(unit)
    if alarm is None:
        return None
    waiting, targets = provisional_now(unit), administrators(unit)
    log.warning(
        "calendar_year_missing",
        missing_year=alarm.missing_year,
        covered_until=alarm.covered_until.isoformat(),
        days_left=alarm.days_left,
        provisional_clocks=waiting.clocks,
        provisional_tickets=waiting.tickets,
        administrators=len(targets),
    )
    tell(
        unit,
        targets,
        Bilingual(
            f"{alarm.zh}目前 {waiting.tickets} 个工单的 {waiting.clocks} 项期限为暂定。{WHAT_TO_DO.zh}",
            f"{alarm.en} {waiting.clocks} running deadline(s) on {waiting.tickets} ticket(s) are provisional now. "
            f"{WHAT_TO_DO.en}",
        ),
        key=f"calendar:{alarm.missing_year}:{alarm.occasion}",
    )
    return alarm
