"""Reports as documents and files."""

import json
from typing import Annotated, Literal

from fastapi import Query, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs
from service.api.routers import room
from service.api.schemas.fields import Code, Day
from service.api.schemas.intake import SuggestionReport
from service.core.unit import PROVINCE_CODE
from service.identity.permissions import Permission
from service.reports.breaches import BreachQuery, breach_report
from service.reports.export import to_csv, to_xlsx
from service.reports.outcomes import OutcomeQuery, outcome_ledger
from service.reports.outcomes import to_csv as outcomes_csv
from service.reports.suggestions import SuggestionQuery, suggestion_figures
from service.reports.taking_away import take_away

router = room("reports", "/reports")

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get(
    "/breaches",
    name="report_breaches",
    summary=both("逾期报告", "Breach report"),
    responses={
        200: {
            "description": "报告 / The report",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/csv": {"schema": {"type": "string"}},
                _XLSX: {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **READ_REFUSALS,
    },
    openapi_extra=needs(Permission.report_read),
)
def breaches(
    work: Working,
    first: Annotated[Day, Query(alias="from", description="起始日(含) / First day", examples=["2026-11-01"])],
    end: Annotated[Day, Query(alias="to", description="截止日(不含) / Day after the last", examples=["2026-12-01"])],
    org: Annotated[Code | None, Query(description="工会代码,默认本单位 / Union; one's own if left out")] = None,
    as_: Annotated[Literal["json", "csv", "xlsx"], Query(alias="format", description="格式 / Format")] = "json",
) -> Response:
    """期限落在该期间且未守时的每一项承诺,以及按单位、分级、类别的合计(合计等于明细之和)。

    Every promise whose deadline fell in the period and was not kept, with totals that equal the rows.
    """
    with work.reading(Permission.report_read) as unit:
        query = BreachQuery(start=first, end=end, org=org or unit.actor.org_code or PROVINCE_CODE)
        report = breach_report(unit, query)
    if as_ == "json":
        return Response(json.dumps(report.to_document(), ensure_ascii=False), media_type="application/json")
    name = f"breaches-{query.org}-{query.start}-{query.end}.{as_}"
    with work.writing() as unit:
        taken = take_away(unit, name, rows=len(report.rows))
    content, media_type = (
        (to_csv(report, taken), "text/csv; charset=utf-8") if as_ == "csv" else (to_xlsx(report, taken), _XLSX)
    )
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get(
    "/outcomes",
    name="report_outcomes",
    summary=both("处理结果台账", "Ledger of outcomes"),
    responses={
        200: {
            "description": "台账 / The ledger",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/csv": {"schema": {"type": "string"}},
            },
        },
        **READ_REFUSALS,
    },
    openapi_extra=needs(Permission.report_read),
)
def outcomes(
    work: Working,
    first: Annotated[Day, Query(alias="from", description="起始日(含) / First day", examples=["2026-11-01"])],
    end: Annotated[Day, Query(alias="to", description="截止日(不含) / Day after the last", examples=["2026-12-01"])],
    org: Annotated[Code | None, Query(description="工会代码,默认本单位 / Union; one's own if left out")] = None,
    as_: Annotated[Literal["json", "csv"], Query(alias="format", description="格式 / Format")] = "json",
) -> Response:
    """该期间审核通过的处理结果:追回金额、帮助人数及其证明,合计等于明细之和;无证明的标为未核实。

    What replies approved in the period brought: money, workers helped, and the proof; sums equal the rows, and what
    nothing proves is marked as unverified.
    """
    with work.reading(Permission.report_read) as unit:
        query = OutcomeQuery(start=first, end=end, org=org or unit.actor.org_code or PROVINCE_CODE)
        ledger = outcome_ledger(unit, query)
    if as_ == "json":
        return Response(json.dumps(ledger.to_document(), ensure_ascii=False), media_type="application/json")
    name = f"outcomes-{query.org}-{query.start}-{query.end}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    with work.writing() as unit:
        taken = take_away(unit, name, rows=len(ledger.rows))
    return Response(outcomes_csv(ledger, taken), media_type="text/csv; charset=utf-8", headers=headers)


@router.get(
    "/suggestions",
    name="report_suggestions",
    summary=both("建议的采纳与更正", "How suggestions fared"),
    response_model=SuggestionReport,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.report_read),
)
def suggestions(
    work: Working,
    first: Annotated[Day, Query(alias="from", description="起始日(含) / First day", examples=["2026-11-01"])],
    end: Annotated[Day, Query(alias="to", description="截止日(不含) / Day after the last", examples=["2026-12-01"])],
) -> Response:
    """登记时的分级和承办工会建议,按月统计被采纳、后来被更正和最终正确的比例。

    The tier and union suggested at intake: taken, corrected later, and right in the end, by month.
    """
    with work.reading(Permission.report_read) as unit:
        return answer(SuggestionReport.of(suggestion_figures(unit, SuggestionQuery(start=first, end=end))))
