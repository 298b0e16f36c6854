"""What waits for a quality check."""

from fastapi import Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import PageCursor, PageLimit
from service.api.schemas.quality import QualityList
from service.identity.permissions import Permission
from service.tickets.quality_checks import quality_queue

router = room("queues", "/quality-checks")


@router.get(
    "",
    name="quality_queue",
    summary=both("待质检清单", "Waiting quality checks"),
    response_model=QualityList,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.ticket_redo),
)
def queue(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """抽中而未质检的工单,抽中最早的在前。/ Tickets drawn for a quality check that waits, the oldest first."""
    with work.reading(Permission.ticket_redo) as unit:
        return answer(QualityList.of(quality_queue(unit, limit=limit, cursor=cursor)))
