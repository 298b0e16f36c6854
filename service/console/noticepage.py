"""One's own notices, and what a digest of them stands for."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.console.visit import Visit
from service.core.ids import TICKET_NUMBER
from service.escalations.digests import digest_page
from service.notifications.inbox import inbox_page, mark_read

PAGE_LENGTH = 30
_LARGEST_ID = 2**31


def show_inbox(visit: Visit) -> Response:
    """Unread notices first."""
    with visit.reading() as unit:
        page = inbox_page(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
    return visit.page("inbox.html", page=page, first_page=not visit.query("cursor"))


def take_reading(visit: Visit) -> Response:
    """Mark one notice or all of a page as read; `open` goes on to the notice's ticket, or to its digest's list."""
    ids = visit.typed.get("notice", ())
    if not ids or not all(text.isdecimal() and int(text) < _LARGEST_ID for text in ids):
        raise HTTPException(404)
    with visit.writing() as unit:
        for text in ids:
            mark_read(unit, int(text))
    opened = visit.value("open")
    if TICKET_NUMBER.match(opened):
        return visit.goto(f"/tickets/{opened}")
    return visit.goto(f"/inbox/digests/{opened}" if opened.isascii() and opened.isdecimal() else "/inbox")


def show_digest(visit: Visit) -> Response:
    """Every escalation that a digest stands for, the oldest first."""
    digest_id = visit.request.path_params["digest_id"]
    if digest_id >= _LARGEST_ID:
        raise HTTPException(404)
    with visit.reading() as unit:
        page = digest_page(unit, digest_id, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
    return visit.page("digest.html", page=page, first_page=not visit.query("cursor"))
