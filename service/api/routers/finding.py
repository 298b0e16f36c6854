"""Finding tickets, keeping searches, and one step on many tickets."""

from typing import Annotated, Any

from fastapi import Body, Path, Query, Response
from starlette.responses import StreamingResponse

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, STEP_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.finding import (
    BulkAssign,
    BulkDispatch,
    BulkExport,
    BulkResults,
    BulkUrge,
    FindParams,
    FoundTickets,
    SavedViewOut,
    SavedViews,
    ViewBody,
)
from service.identity.permissions import Permission
from service.reports.ticket_export import ExportTickets, TicketFile, export_tickets, export_with_callers
from service.tickets.bulk import (
    AssignTickets,
    DispatchTickets,
    UrgeTickets,
    assign_tickets,
    dispatch_tickets,
    urge_tickets,
)
from service.tickets.finding import find_tickets
from service.tickets.saved_views import KeepView, forget_view, keep_view, saved_views

router = room("tickets")

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX}

_SOME = [{"number": "QH12351-20261120-000001"}, {"number": "QH12351-20261120-000002", "version": 3}]
URGE_EXAMPLES = {"again": {"summary": "催办 / Urging", "value": {"tickets": _SOME, "note": "请于今日内联系职工"}}}
ASSIGN_EXAMPLES = {
    "colleague": {"summary": "交由同事 / To a colleague", "value": {"tickets": _SOME, "username": "handler-632801"}}
}
DISPATCH_EXAMPLES = {
    "golmud": {
        "summary": "派往格尔木 / To Golmud",
        "value": {"tickets": _SOME, "org_code": "632801", "note": "请核实欠薪情况"},
    }
}
EXPORT_EXAMPLES = {
    "wages": {
        "summary": "欠薪工单 / Unpaid wages",
        "value": {
            "format": "xlsx",
            "reason": "三季度欠薪专项核对",
            "filters": {"q": "拖欠工资", "state": "in_progress"},
        },
    }
}
CLEAR_EXAMPLES = {
    "callback": {
        "summary": "回访名单 / A list to ring people back",
        "value": {"format": "csv", "reason": "集中回访欠薪职工", "filters": {"state": "to_callback"}},
    }
}
VIEW_EXAMPLES = {
    "urgent": {
        "summary": "办理中的欠薪 / Unpaid wages in progress",
        "value": {"name": "办理中的欠薪", "filters": {"q": "拖欠工资", "state": "in_progress"}, "shared": True},
    }
}

_BulkRefusals = refusals(400, 401, 403, 413, 415, 422, 503)
_ViewId = Annotated[int, Path(ge=1, le=2**31 - 1, description="编号 / Id", examples=[1])]


@router.get(
    "/tickets",
    name="ticket_list",
    summary=both("查询工单", "Find tickets"),
    response_model=FoundTickets,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def listing(work: Working, params: Annotated[FindParams, Query()]) -> Response:
    """本单位范围内的工单,条件同时满足。有 `q` 时命中工单号者在前,其次为标题命中较多者,再按来件时间;否则最新来件在前。

    Tickets in one's own subtree that fit all filters. With `q` the number asked for comes first, then those whose title
    says more of it, then the newest; without it the newest first. Instants with their offset, or a local day.
    """
    with work.reading(Permission.ticket_read) as unit:
        return answer(FoundTickets.of(find_tickets(unit, params.to_query(limit=params.limit, cursor=params.cursor))))


@router.post(
    "/tickets/bulk/urge",
    name="tickets_bulk_urge",
    summary=both("批量催办", "Urge many"),
    response_model=BulkResults,
    responses=_BulkRefusals,
    openapi_extra=needs(Permission.ticket_urge),
)
def bulk_urge(work: Working, body: Annotated[BulkUrge, Body(openapi_examples=URGE_EXAMPLES)]) -> Response:
    """逐张催办,每张单独判断并给出结果。/ Each ticket is judged on its own and has a result of its own."""
    command = UrgeTickets(tickets=tuple(each.chosen() for each in body.tickets), note=body.note)
    with work.writing() as unit:
        outcomes = urge_tickets(unit, command)
    return answer(BulkResults.of(outcomes))


@router.post(
    "/tickets/bulk/assign",
    name="tickets_bulk_assign",
    summary=both("批量指定承办人", "Assign many"),
    response_model=BulkResults,
    responses=_BulkRefusals,
    openapi_extra=needs(Permission.ticket_assign),
)
def bulk_assign(work: Working, body: Annotated[BulkAssign, Body(openapi_examples=ASSIGN_EXAMPLES)]) -> Response:
    """逐张交由本单位同一承办人,每张单独判断并给出结果。/ All to one handler; each ticket is judged on its own."""
    command = AssignTickets(
        tickets=tuple(each.chosen() for each in body.tickets), username=body.username, note=body.note
    )
    with work.writing() as unit:
        outcomes = assign_tickets(unit, command)
    return answer(BulkResults.of(outcomes))


@router.post(
    "/tickets/bulk/dispatch",
    name="tickets_bulk_dispatch",
    summary=both("批量派单", "Dispatch many"),
    response_model=BulkResults,
    responses=_BulkRefusals,
    openapi_extra=needs(Permission.ticket_dispatch),
)
def bulk_dispatch(work: Working, body: Annotated[BulkDispatch, Body(openapi_examples=DISPATCH_EXAMPLES)]) -> Response:
    """逐张派往同一工会,每张单独判断并给出结果。/ All to one union; each ticket is judged on its own."""
    command = DispatchTickets(
        tickets=tuple(each.chosen() for each in body.tickets),
        org_code=body.org_code,
        assisting=tuple(body.assisting),
        note=body.note,
    )
    with work.writing() as unit:
        outcomes = dispatch_tickets(unit, command)
    return answer(BulkResults.of(outcomes))


_FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "文件 / The file",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            XLSX: {"schema": {"type": "string", "format": "binary"}},
        },
    },
    **STEP_REFUSALS,
}


@router.post(
    "/tickets/bulk/export",
    name="tickets_bulk_export",
    summary=both("导出工单", "Export tickets"),
    responses=_FILE,
    openapi_extra=needs(Permission.ticket_export),
)
def bulk_export(work: Working, body: Annotated[BulkExport, Body(openapi_examples=EXPORT_EXAMPLES)]) -> Response:
    """与查询相同条件的全部工单(不限于一页),不含来电人;导出人、时间、理由记入审计和文件。

    All tickets that the same search finds, without who called. Who took them, when and why: in the audit and the file.
    """
    command = ExportTickets(
        query=body.filters.to_query(), kind=body.format, reason=body.reason, numbers=tuple(body.numbers)
    )
    with work.writing() as unit:
        file = export_tickets(unit, command)
    return file_answer(file, MEDIA_TYPES[body.format])


@router.post(
    "/tickets/bulk/export-clear",
    name="tickets_bulk_export_clear",
    summary=both("导出工单(含来电人明文)", "Export tickets with who called"),
    responses=_FILE,
    openapi_extra=needs(Permission.ticket_export_clear),
)
def bulk_export_clear(work: Working, body: Annotated[BulkExport, Body(openapi_examples=CLEAR_EXAMPLES)]) -> Response:
    """含姓名和电话。只有您可以查看其来电人的工单给明文,其余脱敏或不显示,文件注明各多少条及原因。每个明文计为一次查看,记入时间线和
    审计;次数异常时提醒管理员。每次最多 200 张。

    With name and phone: in clear for tickets whose caller you may see, else masked or left out, and the file says of
    how many and why. Each in clear counts as a look. At most 200 tickets.
    """
    command = ExportTickets(
        query=body.filters.to_query(), kind=body.format, reason=body.reason, numbers=tuple(body.numbers)
    )
    with work.writing(Permission.ticket_export_clear) as unit:
        file = export_with_callers(unit, command)
    return file_answer(file, MEDIA_TYPES[body.format])


def file_answer(file: TicketFile, media_type: str) -> Response:
    """A finished file, sent piece by piece."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return StreamingResponse(file.chunks(), media_type=media_type, headers=headers)


@router.get(
    "/views",
    name="view_list",
    summary=both("常用查询", "Saved searches"),
    response_model=SavedViews,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def views(work: Working) -> Response:
    """本人的常用查询,以及本单位共用的。/ One's own searches, and those shared in one's union."""
    with work.reading(Permission.ticket_read) as unit:
        return answer(SavedViews(items=[SavedViewOut.of(view) for view in saved_views(unit)]))


@router.post(
    "/views",
    status_code=201,
    name="view_create",
    summary=both("保存常用查询", "Keep a search"),
    response_model=SavedViewOut,
    responses=refusals(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=needs(Permission.ticket_read),
)
def create_view(work: Working, body: Annotated[ViewBody, Body(openapi_examples=VIEW_EXAMPLES)]) -> Response:
    """以名称保存查询条件,可与本单位共用。/ Keep filters under a name; one's union may share them."""
    with work.writing() as unit:
        view = keep_view(unit, _kept(body))
    return answer(SavedViewOut.of(view), status=201)


@router.put(
    "/views/{view_id}",
    name="view_change",
    summary=both("修改常用查询", "Change a saved search"),
    response_model=SavedViewOut,
    responses=STEP_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def change_view(
    work: Working, view_id: _ViewId, body: Annotated[ViewBody, Body(openapi_examples=VIEW_EXAMPLES)]
) -> Response:
    """只能修改本人保存的。/ Only one's own."""
    with work.writing() as unit:
        view = keep_view(unit, _kept(body, view_id=view_id))
    return answer(SavedViewOut.of(view))


@router.delete(
    "/views/{view_id}",
    status_code=204,
    name="view_delete",
    summary=both("删除常用查询", "Delete a saved search"),
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=needs(Permission.ticket_read),
)
def delete_view(work: Working, view_id: _ViewId) -> Response:
    """只能删除本人保存的。/ Only one's own."""
    with work.writing() as unit:
        forget_view(unit, view_id)
    return Response(status_code=204)


def _kept(body: ViewBody, *, view_id: int | None = None) -> KeepView:
    return KeepView(name=body.name, filters=body.filters.to_document(), shared=body.shared, id=view_id)
