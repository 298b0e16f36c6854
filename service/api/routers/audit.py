"""The audit: who did what, who looked at what, and whether it is as it was written."""

from typing import Annotated

from fastapi import Body, Query, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.audit import (
    AuditEvents,
    AuditExport,
    AuditParams,
    ChainOut,
    LookOut,
    Looks,
    VerifiedOut,
)
from service.api.schemas.fields import TicketNumber
from service.identity.permissions import Permission
from service.reports.audit_search import chain_state, export_audit, search_audit, verify_newest
from service.tickets.looks import looks_of

router = room("audit")

CSV = "text/csv; charset=utf-8"
EXPORT_EXAMPLES = {
    "reads": {
        "summary": "某人本月的查看记录 / What somebody looked at",
        "value": {"filters": {"who": "handler-632801", "group": "reads"}, "reason": "季度检查"},
    }
}


@router.get(
    "/audit",
    name="audit_list",
    summary=both("查询审计记录", "Search the audit"),
    response_model=AuditEvents,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.audit_read, Permission.look_read),
)
def listing(work: Working, params: Annotated[AuditParams, Query()]) -> Response:
    """谁在何时做了什么、看了谁的工单,最新在前。审计员看全部(市州审计员看本地区人员的),督办员只看本单位范围内工单的查看
    记录。不含来电人信息。查询本身也记入审计。

    Who did what and looked at whose matter, the newest first. Auditors see everything, below the centre what people of
    their subtree did; who watches over tickets sees the looks at those in scope. No caller's data. The search itself
    is on record.
    """
    with work.reading(Permission.audit_read, Permission.look_read) as unit:
        return answer(AuditEvents.of(search_audit(unit, params.to_query(limit=params.limit, cursor=params.cursor))))


@router.post(
    "/audit/export",
    name="audit_export",
    summary=both("导出审计记录", "Export the audit"),
    responses={
        200: {"description": "文件 / The file", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **refusals(400, 401, 403, 409, 413, 415, 422, 503),
    },
    openapi_extra=needs(Permission.audit_read, Permission.look_read),
)
def export(work: Working, body: Annotated[AuditExport, Body(openapi_examples=EXPORT_EXAMPLES)]) -> Response:
    """与查询相同条件的全部记录(最多 10 万条)。导出人、时间、理由记入审计和文件。

    All events that the same search finds, 100,000 at most. Who took them, when and why: in the audit and the file.
    """
    with work.writing(Permission.audit_read, Permission.look_read) as unit:
        content = export_audit(unit, body.filters.to_query(), reason=body.reason)
    headers = {"Content-Disposition": 'attachment; filename="audit-events.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type=CSV, headers=headers)


@router.get(
    "/audit/chain",
    name="audit_chain",
    summary=both("审计链状态", "How the chain stands"),
    response_model=ChainOut,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(Permission.audit_read),
)
def chain(work: Working) -> Response:
    """链头、待入链条数、最近一次存档和核对。/ The head, what waits, the last anchor, the last verification."""
    with work.reading(Permission.audit_read) as unit:
        return answer(ChainOut.of(chain_state(unit)))


@router.post(
    "/audit/verify",
    name="audit_verify",
    summary=both("核对审计链", "Verify the chain"),
    response_model=VerifiedOut,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(Permission.audit_read),
)
def verify(work: Working) -> Response:
    """核对最近两万环,指出被改动、删除或塞入的记录;结果记入审计。全链核对用 `hotline audit verify`。

    The newest 20,000 links: which event was edited, deleted or put in. The result is on record. All of the chain is
    looked at by `hotline audit verify`.
    """
    with work.writing(Permission.audit_read) as unit:
        found = verify_newest(unit)
    return answer(VerifiedOut.of(found))


@router.get(
    "/tickets/{number}/looks",
    name="ticket_looks",
    summary=both("谁看过", "Who looked"),
    response_model=Looks,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.look_read),
)
def looks(work: Working, number: TicketNumber) -> Response:
    """打开、查到、导出过该工单的人,看过来电人或下载过附件的人,最新在前。同一人十分钟内重复打开记一次。

    Who opened the ticket, met it in a search, exported it, saw its caller or fetched its files, the newest first. The
    same person within ten minutes is one look.
    """
    with work.reading(Permission.look_read) as unit:
        return answer(Looks(items=[LookOut.of(look) for look in looks_of(unit, number)]))
