"""The lawyers' own queue."""

from fastapi import Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.consults import ConsultQueue
from service.api.schemas.fields import PageCursor, PageLimit
from service.identity.permissions import Permission
from service.tickets.consulting import consult_queue

router = room("queues", "/consults")


@router.get(
    "",
    name="consult_queue",
    summary=both("法律咨询队列", "Questions to the lawyers"),
    response_model=ConsultQueue,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.consult_answer),
)
def queue(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """待答复的法律咨询,期限最近的在前。/ Questions that wait for an answer, the nearest deadline first."""
    with work.reading(Permission.consult_answer) as unit:
        return answer(ConsultQueue.of(consult_queue(unit, limit=limit, cursor=cursor)))
