"""The lawyers' queue; each question is answered on its ticket's page."""

from starlette.responses import Response

from service.console.visit import Visit
from service.tickets.consulting import consult_queue

PAGE_LENGTH = 30


def show_consults(visit: Visit) -> Response:
    """Questions that wait, the nearest deadline first."""
    with visit.reading() as unit:
        page = consult_queue(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
        now = unit.now
    return visit.page("consults.html", page=page, now=now, first_page=not visit.query("cursor"))
