"""One's own notices."""

from starlette.exceptions import HTTPException
from starlette.responses import Response

from service.console.visit import Visit
from service.core.ids import TICKET_NUMBER
from service.notifications.inbox import inbox_page, mark_read

PAGE_LENGTH = 30
_LARGEST_ID = 2**31


def show_inbox(visit: Visit) -> Response:
    """Unread notices first."""
    with visit.reading() as unit:
        page = inbox_page(unit, limit=PAGE_LENGTH, cursor=visit.query("cursor") or None)
    return visit.page("inbox.html", page=page, first_page=not visit.query("cursor"))


def take_reading(visit: Visit) -> Response:
    """Mark one notice or all of a page as read; `open` goes on to the notice's ticket."""
    ids = visit.typed.get("notice", ())
    if not ids or not all(text.isdecimal() and int(text) < _LARGEST_ID for text in ids):
        raise HTTPException(404)
    with visit.writing() as unit:
        for text in ids:
            mark_read(unit, int(text))
    number = visit.value("open")
    return visit.goto(f"/tickets/{number}") if TICKET_NUMBER.match(number) else visit.goto("/inbox")
