"""How fast somebody who is logged in may go. A diligent hand never meets these; a stolen token that is to bring home
everything does, at the first minute."""

from service.bootstrap import Application
from service.core.unit import Unit

_MINUTE = 60
# What gives much at once: times a minute, by what is asked for.
HEAVY = {"file": 60, "export": 10, "callers": 3, "reveal": 30, "report": 30}

# The addresses of the API by their names, and the pages by their templates.
ASKS_FOR = {
    "attachment_fetch": "file",
    "tickets_bulk_export": "export",
    "tickets_bulk_export_clear": "callers",
    "caller_reveal": "reveal",
    "report_breaches": "report",
    "report_outcomes": "report",
    "report_suggestions": "report",
    "/console/tickets/{number}/attachments/{id}": "file",
    "/console/tickets/{number}/caller": "reveal",
    "/console/search/bulk": "export",
    "/console/search/callers": "callers",
    "/console/reports/breaches": "report",
    "/console/reports/breaches.{kind}": "report",
    "/console/reports/outcomes": "report",
    "/console/reports/outcomes.csv": "report",
}


def check_pace(application: Application, unit: Unit, address: str) -> None:
    """Count one request of the unit's actor at an address. A peer system has a pace of its own. Raises TooOften."""
    who = unit.actor.id
    if who is None:
        return
    limiter, most = application.limiter, application.settings.requests_per_minute
    limiter.check("requests", str(who), limit=most, seconds=_MINUTE, now=unit.now)
    heavy = ASKS_FOR.get(address)
    if heavy is not None:
        limiter.check(heavy, str(who), limit=HEAVY[heavy], seconds=_MINUTE, now=unit.now)
