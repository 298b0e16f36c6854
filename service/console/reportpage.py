"""The breach report on a screen and as files."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.console.forms import of_unions
from service.console.names import display_names
from service.console.visit import Visit
from service.console.when import shown_span
from service.core.clock import local
from service.core.errors import Bilingual, Malformed
from service.core.unit import Unit
from service.org.tree import OrgTree, org_tree
from service.reports.breaches import BreachQuery, BreachReport, BreachRow, Total, breach_report
from service.reports.export import to_csv, to_xlsx
from service.reports.taking_away import take_away
from service.tickets.taxonomy import Leaf, leaves

FILE_KINDS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The screen is for reading, the file for counting: beyond so many rows the page says where the rest is.
MOST_ROWS = 200
BAR_LENGTH = 100


class DayUnreadable(Malformed):
    """A day that is no day."""

    zh = "日期无法识别,请按 2026-11-20 的格式填写。"
    en = "The day cannot be read; write it like 2026-11-20."


@dataclass(frozen=True, slots=True)
class UnionBar:
    """A union's promises due in the period as parts of the longest bar: kept, broken, not yet decided."""

    total: Total
    on_time: float
    late: float
    open: float


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A broken promise, by how much, and the name of who held it (`silence` for nobody)."""

    row: BreachRow
    late: Bilingual
    union: Bilingual
    category: Bilingual
    held_by: str


def show_report(visit: Visit) -> Response:
    """The report for a period (both days included) and a subtree."""
    with visit.reading() as unit:
        query = _query(unit, visit)
        report = breach_report(unit, query)
        tree = org_tree(unit.session)
        unions = of_unions(tree, scope=unit.actor.scope)
        shown = report.rows[:MOST_ROWS]
        names = display_names(unit, (row.held_by for row in shown if row.held_by))
        categories = leaves(unit.session)
    return visit.page(
        "report.html",
        report=report,
        first=query.start,
        last=query.end - timedelta(days=1),
        org=query.org,
        union=tree.get(query.org).name,
        unions=unions,
        bars=_bars(report),
        lines=tuple(_line(row, names, tree, categories) for row in shown),
        left_out=max(0, len(report.rows) - MOST_ROWS),
    )


def show_report_file(visit: Visit) -> Response:
    """The same report as CSV or XLSX."""
    kind = visit.request.path_params["kind"]
    if kind not in FILE_KINDS:
        raise HTTPException(404)
    with visit.reading() as unit:
        query = _query(unit, visit)
        report = breach_report(unit, query)
    name = f"breaches-{query.org}-{query.start}-{query.end}.{kind}"
    with visit.writing() as unit:
        taken = take_away(unit, name, rows=len(report.rows))
    content, media = (
        (to_csv(report, taken), "text/csv; charset=utf-8") if kind == "csv" else (to_xlsx(report, taken), XLSX)
    )
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media, headers=headers)


def _query(unit: Unit, visit: Visit) -> BreachQuery:
    start, end, org = period_of(unit, visit)
    return BreachQuery(start=start, end=end, org=org)


def period_of(unit: Unit, visit: Visit) -> tuple[date, date, str]:
    """The present month until today unless days are given, and the union, one's own unless it is given. People name
    the last day they mean; the period ends before a day. Raises DayUnreadable."""
    today = local(unit.now).date()
    first = _day(visit.query("from")) or today.replace(day=1)
    last = _day(visit.query("to")) or max(first, today)
    return first, last + timedelta(days=1), visit.query("org") or unit.actor.org_code


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise DayUnreadable from None
    # Years that PostgreSQL and the calendar can both turn into instants.
    if not 1900 <= day.year <= 9998:
        raise DayUnreadable
    return day


def _bars(report: BreachReport) -> tuple[UnionBar, ...]:
    longest = max((total.due for total in report.by_union), default=1)
    return tuple(
        UnionBar(
            total=total,
            on_time=round(BAR_LENGTH * total.on_time / longest, 2),
            late=round(BAR_LENGTH * total.late / longest, 2),
            open=round(BAR_LENGTH * total.open / longest, 2),
        )
        for total in sorted(report.by_union, key=lambda total: (-total.late, -total.due, total.key))
    )


def _line(row: BreachRow, names: Mapping[str, str], tree: OrgTree, categories: Mapping[str, Leaf]) -> ReportLine:
    held_by = row.held_by or ""
    return ReportLine(
        row=row,
        late=_late(row),
        union=tree.get(row.org_code).name,
        category=categories[row.category_code].whole,
        held_by=names.get(held_by, held_by),
    )


def _late(row: BreachRow) -> Bilingual:
    if row.late_working_days:
        days = row.late_working_days
        return Bilingual(f"{days} 个工作日", f"{days} working day{'' if days == 1 else 's'}")
    span = timedelta(seconds=row.late_seconds)
    return Bilingual(shown_span(span, "zh"), shown_span(span, "en"))
