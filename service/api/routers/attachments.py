"""Files on a ticket: send, list, fetch, take back."""

from typing import Annotated, Any

from fastapi import File, Form, Path, Query, Response, UploadFile

from service.api.deps import Parts, Working, answer
from service.api.documentation import READ_REFUSALS, STEP_REFUSALS, both, needs
from service.api.downloads import download
from service.api.routers import room
from service.api.schemas.attachments import AttachmentOut, Attachments
from service.api.schemas.fields import Note, TicketNumber
from service.identity.permissions import Permission
from service.tickets.attachments import (
    AttachFile,
    FetchFile,
    attach_file,
    attachments_of,
    check_may_attach,
    fetch_file,
    keep_file,
    withdraw_file,
)
from service.tickets.file_kinds import MEDIA_TYPES

router = room("tickets", "/tickets/{number}/attachments")

_FORM: dict[str, Any] = {
    "requestBody": {
        "content": {"multipart/form-data": {"example": {"file": "(工资条.pdf)", "note": "五月至七月的工资条"}}}
    }
}
_Id = Annotated[int, Path(ge=1, le=2**31 - 1, description="附件编号 / Id", examples=[1])]


@router.post(
    "",
    status_code=201,
    name="attachment_add",
    summary=both("上传附件", "Attach a file"),
    response_model=AttachmentOut,
    responses=STEP_REFUSALS,
    openapi_extra={**needs(Permission.ticket_note), **_FORM},
)
def add(
    work: Working,
    parts: Parts,
    number: TicketNumber,
    file: Annotated[UploadFile, File(description="照片、PDF、Word、Excel、文本、录音、mp4 / the file")],
    note: Annotated[Note, Form()] = "",
) -> Response:
    """类型按内容判定,不看文件名;默认上限 20 MB(设置 `HOTLINE_FILE_LIMIT`)。同一内容重复上传返回同一附件。

    The kind is told by the content, whatever the name says; 20 MiB unless set otherwise. The same content twice is
    the same attachment.
    """
    with work.reading(Permission.ticket_note) as unit:
        check_may_attach(unit, number)
    kept = keep_file(parts.files, file.file, most=parts.settings.file_limit, scanner=parts.scanner)
    command = AttachFile(number=number, file=kept, name=file.filename or "", note=note)
    with work.writing() as unit:
        view = attach_file(unit, command)
    return answer(AttachmentOut.of(view), status=201)


@router.get(
    "",
    name="attachment_list",
    summary=both("附件列表", "The files of a ticket"),
    response_model=Attachments,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def listing(work: Working, number: TicketNumber) -> Response:
    """按上传先后,不含已撤回的。/ Oldest first, without those taken back."""
    with work.reading(Permission.ticket_read) as unit:
        return answer(Attachments.of(attachments_of(unit, number)))


@router.get(
    "/{attachment_id}",
    name="attachment_fetch",
    summary=both("下载附件", "Fetch a file"),
    response_class=Response,
    responses={
        200: {
            "description": "文件 / The file",
            "content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in MEDIA_TYPES},
        },
        **READ_REFUSALS,
    },
    openapi_extra=needs(Permission.ticket_read),
)
def fetch(
    work: Working,
    parts: Parts,
    number: TicketNumber,
    attachment_id: _Id,
    reason: Annotated[Note, Query(description="职工要求保密时必填 / needed where the caller is confidential")] = "",
) -> Response:
    """下载记入审计。职工要求保密的工单,职工提供的材料只有省级热线中心凭理由可看。

    Who fetched what is audited. Where the worker asked for confidentiality, what they sent is for the centre alone,
    with a reason that goes on the timeline.
    """
    with work.reading(Permission.ticket_read):
        pass
    with work.writing() as unit:
        file = fetch_file(unit, FetchFile(number=number, id=attachment_id, reason=reason))
    return download(file, parts.files.read(file.sha256))


@router.delete(
    "/{attachment_id}",
    status_code=204,
    name="attachment_withdraw",
    summary=both("撤回附件", "Take a file back"),
    response_class=Response,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_note),
)
def withdraw(work: Working, number: TicketNumber, attachment_id: _Id) -> Response:
    """只有上传人可以撤回;记录保留在时间线上。/ Only who uploaded it; that it was there stays on the timeline."""
    with work.reading(Permission.ticket_note):
        pass
    with work.writing() as unit:
        withdraw_file(unit, number, id=attachment_id)
    return Response(status_code=204)
