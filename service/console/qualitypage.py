"""What waits for a quality check; each is judged on its ticket's page."""

from starlette.responses import Response

from service.console.visit import Visit
from service.tickets.quality_checks import quality_queue

PAGE_LENGTH = 30


def show_quality(visit: Visit) -> Response:
    """Tickets that were drawn, the oldest first."""
    with visit.reading() as unit:
        page = quality_queue(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
    return visit.page("quality.html", page=page, first_page=not visit.query("cursor"))
