"""One's own notices."""

from typing import Annotated

from fastapi import Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import PageCursor, PageLimit
from service.api.schemas.people import Digest, Inbox
from service.escalations.digests import digest_page
from service.identity.permissions import Permission
from service.notifications.inbox import inbox_page, mark_read

router = room("inbox", "/inbox")


@router.get(
    "", name="inbox", summary=both("我的消息", "My notices"), response_model=Inbox, responses=refusals(401, 422, 503)
)
def notices(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """未读在前。/ Unread ones first, newest first, then those read last."""
    with work.reading() as unit:
        return answer(Inbox.of(inbox_page(unit, limit=limit, cursor=cursor)))


@router.get(
    "/digests/{digest_id}",
    name="digest",
    summary=both("合并提醒的清单", "What a digest stands for"),
    response_model=Digest,
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=needs(Permission.ticket_read),
)
def digest(
    work: Working,
    digest_id: Annotated[int, Path(ge=1, lt=2**31, examples=[1])],
    limit: PageLimit = 50,
    cursor: PageCursor = None,
) -> Response:
    """短时间内提醒过多时合并为一条,这里逐条列出,最早在前。
    / Beyond so many notices at once the rest is one digest; here are its escalations, the oldest first."""
    with work.reading(Permission.ticket_read) as unit:
        return answer(Digest.of(digest_page(unit, digest_id, limit=limit, cursor=cursor)))


@router.post(
    "/{notice_id}/read",
    status_code=204,
    name="notice_read",
    summary=both("标为已读", "Mark as read"),
    responses=refusals(401, 404, 422, 503),
)
def read(work: Working, notice_id: Annotated[int, Path(ge=1, lt=2**31, examples=[1])]) -> Response:
    """重复标记不改变首次阅读时间。/ The first reading counts; a repeat changes nothing."""
    with work.writing() as unit:
        mark_read(unit, notice_id)
    return Response(status_code=204)
