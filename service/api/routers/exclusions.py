"""What waits to be left out of a score, and what of a ticket was."""

from fastapi import Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.exclusions import ExclusionList, ExclusionQueue
from service.api.schemas.fields import PageCursor, PageLimit, TicketNumber
from service.identity.permissions import Permission
from service.ratings.excluding import exclusion_queue, exclusions_of

router = room("queues")


@router.get(
    "/exclusions",
    name="exclusion_queue",
    summary=both("待我决定的剔除申请", "Exclusions that wait for my word"),
    response_model=ExclusionQueue,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.exclusion_decide),
)
def queue(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """待本人同意或确认的剔除申请,最早的在前。/ Exclusions that wait for one's own word, the oldest first."""
    with work.reading(Permission.exclusion_decide) as unit:
        return answer(ExclusionQueue.of(exclusion_queue(unit, limit=limit, cursor=cursor)))


@router.get(
    "/tickets/{number}/exclusions",
    name="ticket_exclusions",
    summary=both("工单的剔除申请", "The exclusions of a ticket"),
    response_model=ExclusionList,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def show(work: Working, number: TicketNumber) -> Response:
    """申请、同意和决定的人及理由。/ Who asked, who supported, who decided, and why."""
    with work.reading(Permission.ticket_read) as unit:
        return answer(ExclusionList.of(exclusions_of(unit, number)))
