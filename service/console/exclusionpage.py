"""What waits for one's word on a score; each is decided on its ticket's page."""

from starlette.responses import Response

from service.console.visit import Visit
from service.ratings.excluding import exclusion_queue

PAGE_LENGTH = 30


def show_exclusions(visit: Visit) -> Response:
    """Exclusions that this reader can support or grant, the oldest first."""
    with visit.reading() as unit:
        page = exclusion_queue(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
    return visit.page("exclusions.html", page=page, first_page=not visit.query("cursor"))
