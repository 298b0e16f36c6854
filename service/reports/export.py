"""The breach report as files: CSV for any spreadsheet (UTF-8 with BOM), XLSX with a sheet of totals."""

import io
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from service.core.clock import local
from service.core.spreadsheet import as_csv, workbook
from service.reports.breaches import BreachReport, BreachRow, Excluded, Total
from service.reports.taking_away import Facts

# Header, and how a row gives the value. Times are local, with their offset in the header.
_COLUMNS: tuple[tuple[str, Callable[[BreachRow], Any]], ...] = (
    ("工单号", lambda r: r.number),
    ("时限", lambda r: r.clock),
    ("环节", lambda r: r.leg),
    ("轮次", lambda r: r.cycle),
    ("分级", lambda r: r.tier or ""),
    ("类别代码", lambda r: r.category_code),
    ("类别", lambda r: r.category),
    ("单位代码", lambda r: r.org_code),
    ("单位", lambda r: r.org),
    ("承办人", lambda r: r.held_by or ""),
    ("起算 (+08:00)", lambda r: _shown(r.started_at)),
    ("期限 (+08:00)", lambda r: _shown(r.due_at)),
    ("办毕 (+08:00)", lambda r: _shown(r.stopped_at)),
    ("逾期(工作秒)", lambda r: r.late_seconds),
    ("逾期(工作日)", lambda r: r.late_working_days),
    ("延期(工作日)", lambda r: r.extension_days),
    ("暂定", lambda r: "是" if r.provisional else ""),
    ("状态", lambda r: r.state),
    ("触发升级", lambda r: " ".join(f"{rung.rung}@{_shown(rung.fired_at)}" for rung in r.rungs)),
    ("评价", lambda r: r.rating_result or ""),
    ("满意度", lambda r: "" if r.satisfaction is None else r.satisfaction),
    ("剔除", lambda r: _excluded(r.excluded)),
    ("评价剔除", lambda r: _excluded(r.rating_excluded)),
)

_TOTAL_HEADER = ("维度", "代码", "名称", "到期", "按时", "逾期", "其中未办毕", "未到期或挂起", "其中已剔除", "考核逾期")


def to_csv(report: BreachReport, taken: Facts = ()) -> bytes:
    """The rows as CSV. The same query as the screen, so file and screen can't differ."""
    return as_csv([name for name, _ in _COLUMNS], map(_values, report.rows), taken)


def to_xlsx(report: BreachReport, taken: Facts = ()) -> bytes:
    """Three sheets: rows, totals, and what the figures mean. The same report gives the same bytes."""
    out = io.BytesIO()
    book = workbook(out, in_memory=True)
    book.set_properties({"created": datetime(2000, 1, 1), "title": "12351 逾期报告"})  # noqa: DTZ001 - a fixed stamp
    bold = book.add_format({"bold": True})
    rows = book.add_worksheet("逾期工单")
    rows.write_row(0, 0, [name for name, _ in _COLUMNS], bold)
    rows.freeze_panes(1, 1)
    for index, row in enumerate(report.rows, start=1):
        rows.write_row(index, 0, _values(row))
    rows.autofilter(0, 0, max(1, len(report.rows)), len(_COLUMNS) - 1)
    rows.autofit()
    totals = book.add_worksheet("合计")
    totals.write_row(0, 0, _TOTAL_HEADER, bold)
    for index, (dimension, total) in enumerate(_totals(report), start=1):
        totals.write_row(
            index,
            0,
            (
                dimension,
                total.key,
                total.name_zh,
                total.due,
                total.on_time,
                total.late,
                total.late_still_open,
                total.open,
                total.excluded,
                total.late_counted,
            ),
        )
    totals.autofit()
    about = book.add_worksheet("说明")
    facts = (
        ("定义", report.definition),
        ("单位", f"{report.org_code} {report.org}"),
        ("期限落在", f"{report.start} 至 {report.end}(不含)"),
        ("截至 (+08:00)", _shown(report.as_of)),
        ("日历版本", report.calendar_version),
        ("规则版本", report.policy_version),
        ("逾期条数", len(report.rows)),
        ("其中已剔除", report.total.excluded),
        ("考核逾期条数", report.total.late_counted),
    )
    for index, fact in enumerate((*facts, *taken)):
        about.write_row(index, 0, fact)
    about.autofit()
    book.close()
    return out.getvalue()


def _values(row: BreachRow) -> list[Any]:
    return [value(row) for _, value in _COLUMNS]


def _totals(report: BreachReport) -> Iterator[tuple[str, Total]]:
    yield "合计", report.total
    for dimension, totals in (
        ("时限", report.by_clock),
        ("单位", report.by_union),
        ("分级", report.by_tier),
        ("类别", report.by_category),
    ):
        for total in totals:
            yield dimension, total


def _excluded(said: Excluded | None) -> str:
    """由甲、乙于何时同意剔除, and why."""
    if said is None:
        return ""
    return f"{said.supported_by}、{said.decided_by} {_shown(said.decided_at)}:{said.reason}"


def _shown(instant: datetime | None) -> str:
    return f"{local(instant):%Y-%m-%d %H:%M:%S}" if instant else ""
