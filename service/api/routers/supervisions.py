"""What stands under supervision."""

from fastapi import Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import PageCursor, PageLimit
from service.api.schemas.supervisions import SupervisionList
from service.identity.permissions import Permission
from service.tickets.supervising import open_supervisions

router = room("queues", "/supervisions")


@router.get(
    "",
    name="open_supervisions",
    summary=both("督办清单", "Open supervisions"),
    response_model=SupervisionList,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.ticket_read),
)
def listed(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """本单位及下级工会未办结的督办,含已办结工单上的,答复期限最近的在前。/ Open supervisions of the tickets one may see,
    of closed tickets as well, the nearest date first."""
    with work.reading(Permission.ticket_read) as unit:
        return answer(SupervisionList.of(open_supervisions(unit, limit=limit, cursor=cursor)))
