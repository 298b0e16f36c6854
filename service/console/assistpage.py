"""Open tasks of assisting unions; each is answered on its ticket's page."""

from starlette.responses import Response

from service.console.visit import Visit
from service.tickets.assisting import task_queue

PAGE_LENGTH = 30


def show_tasks(visit: Visit) -> Response:
    """What one's own union and those below it are asked to do, the nearest date first."""
    with visit.reading() as unit:
        page = task_queue(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
        now = unit.now
    return visit.page("tasks.html", page=page, now=now, first_page=not visit.query("cursor"))
