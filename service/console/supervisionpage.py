"""What stands under supervision; each is answered and reviewed on its ticket's page."""

from starlette.responses import Response

from service.console.visit import Visit
from service.tickets.supervising import open_supervisions

PAGE_LENGTH = 30


def show_supervisions(visit: Visit) -> Response:
    """Open supervisions, the nearest date first."""
    with visit.reading() as unit:
        page = open_supervisions(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
        now = unit.now
    return visit.page("supervisions.html", page=page, now=now, first_page=not visit.query("cursor"))
