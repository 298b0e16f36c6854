"""Live notices on an open console page. Without them the count is that of when the page was opened."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.api import live
from service.bootstrap import Application
from service.console.security import SESSION_COOKIE, cookie_name
from service.identity.errors import NotLoggedIn


def live_notices(application: Application, bells: live.Live) -> Callable[[Request], Awaitable[Response]]:
    """The stream for who is logged in; 204 otherwise, upon which a browser does not come back."""

    async def endpoint(request: Request) -> Response:
        token = request.cookies.get(cookie_name(SESSION_COOKIE, application.settings), "")
        try:
            person = await live.who(application, bells, token)
        except NotLoggedIn:
            return Response(status_code=204)
        seen = request.headers.get("last-event-id", "")
        last_seen = int(seen) if seen.isdecimal() and len(seen) < 19 else None
        frames = live.stream(application, bells, token, person, last_seen)
        return StreamingResponse(frames, media_type=live.MEDIA_TYPE, headers=live.HEADERS)

    return endpoint
