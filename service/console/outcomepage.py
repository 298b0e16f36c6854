"""The ledger of outcomes on a screen and as a file."""

from datetime import timedelta

from starlette.responses import Response

from service.console.forms import of_unions
from service.console.reportpage import MOST_ROWS, period_of
from service.console.visit import Visit
from service.core.unit import Unit
from service.org.tree import org_tree
from service.reports.outcomes import OutcomeLedger, OutcomeQuery, outcome_ledger, to_csv
from service.reports.taking_away import take_away


def show_outcomes(visit: Visit) -> Response:
    """The ledger of a period (both days included) and a subtree."""
    with visit.reading() as unit:
        ledger = _ledger(unit, visit)
        unions = of_unions(org_tree(unit.session), scope=unit.actor.scope)
    return visit.page(
        "outcomes.html",
        ledger=ledger,
        first=ledger.query.start,
        last=ledger.query.end - timedelta(days=1),
        org=ledger.query.org,
        unions=unions,
        rows=ledger.rows[:MOST_ROWS],
        left_out=max(0, len(ledger.rows) - MOST_ROWS),
    )


def show_outcomes_file(visit: Visit) -> Response:
    """The same ledger as CSV."""
    with visit.reading() as unit:
        ledger = _ledger(unit, visit)
    query = ledger.query
    name = f"outcomes-{query.org}-{query.start}-{query.end}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    with visit.writing() as unit:
        taken = take_away(unit, name, rows=len(ledger.rows))
    return Response(to_csv(ledger, taken), media_type="text/csv; charset=utf-8", headers=headers)


def _ledger(unit: Unit, visit: Visit) -> OutcomeLedger:
    start, end, org = period_of(unit, visit)
    return outcome_ledger(unit, OutcomeQuery(start=start, end=end, org=org))
