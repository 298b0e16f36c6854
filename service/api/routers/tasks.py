"""What assisting unions are asked to do."""

from fastapi import Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import PageCursor, PageLimit
from service.api.schemas.tasks import TaskQueue
from service.identity.permissions import Permission
from service.tickets.assisting import task_queue

router = room("queues", "/tasks")


@router.get(
    "",
    name="task_queue",
    summary=both("协办任务队列", "Tasks of assisting unions"),
    response_model=TaskQueue,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.ticket_read),
)
def queue(work: Working, limit: PageLimit = 50, cursor: PageCursor = None) -> Response:
    """本单位及下级单位待答复的协办任务,期限最近的在前。

    What one's own union and those below it are asked to do and have not answered, the nearest date first.
    """
    with work.reading(Permission.ticket_read) as unit:
        return answer(TaskQueue.of(task_queue(unit, limit=limit, cursor=cursor)))
