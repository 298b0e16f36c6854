"""A union's queue: what is open, by deadline."""

from typing import Annotated, Literal

from fastapi import Path, Query, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs
from service.api.routers import room
from service.api.schemas.fields import Code, PageCursor, PageLimit, StateName
from service.api.schemas.tickets import TicketPage
from service.identity.permissions import Permission
from service.tickets.queries import QueueQuery, queue_page

router = room("queues", "/queues")


@router.get(
    "/{org}",
    name="queue",
    summary=both("待办队列", "A union's queue"),
    response_model=TicketPage,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def queue(
    work: Working,
    org: Annotated[Code, Path(description="工会代码 / Code of the union", examples=["632801"])],
    state: Annotated[StateName | None, Query(description="状态 / State")] = None,
    own_only: Annotated[bool, Query(description="不含下级工会 / Without the unions below")] = False,
    mine: Annotated[bool, Query(description="由本人承办或代理 / In one's own hands, or stood in for")] = False,
    sort: Annotated[Literal["due_at"], Query(description="按期限 / By deadline")] = "due_at",  # noqa: ARG001
    limit: PageLimit = 50,
    cursor: PageCursor = None,
) -> Response:
    """未办结工单,期限最近者在前;翻页期间新增工单不影响顺序。

    Open tickets, the nearest deadline first. Paged by keyset: what arrives meanwhile shifts nothing.
    """
    query = QueueQuery(org=org, state=state, own_only=own_only, mine=mine, limit=limit, cursor=cursor)
    with work.reading(Permission.ticket_read) as unit:
        return answer(TicketPage.of(queue_page(unit, query)))
