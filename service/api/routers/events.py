"""Live notices as server-sent events."""

from typing import Annotated

from fastapi import Header, Request, Response
from starlette.responses import StreamingResponse

from service.api import live
from service.api.deps import Working
from service.api.documentation import both, refusals
from service.api.routers import room

router = room("inbox", "/events")

_EXAMPLE = (
    'retry: 3000\n\nevent: unread\ndata: {"count": 3}\n\nid: 812\nevent: notice\n'
    'data: {"ticket_number": "QH12351-20261120-000001", "urgent": false, "zh": "…", "en": "…", "created_at": "…"}\n\n'
)


@router.get(
    "",
    name="events",
    summary=both("实时消息", "Live notices"),
    response_class=StreamingResponse,
    responses={
        200: {"content": {"text/event-stream": {"schema": {"type": "string"}, "example": _EXAMPLE}}},
        **refusals(401, 422, 503),
    },
)
async def events(
    request: Request,
    work: Working,
    last_event_id: Annotated[
        int | None, Header(ge=0, lt=2**63, description="上次收到的编号 / The number of the last notice that was seen")
    ] = None,
) -> Response:
    """本人的新消息,随到随发;断线后带 Last-Event-ID 续传。

    One's own notices as they come (text/event-stream): `notice` for each, `unread` with the count, `logged_out` at the
    end of the login. With `Last-Event-ID` what came meanwhile is sent first. A comment every 15 seconds keeps the line.
    """
    bells: live.Live = request.app.state.live
    person = await live.who(work.application, bells, work.token)
    frames = live.stream(work.application, bells, work.token, person, last_event_id)
    return StreamingResponse(frames, media_type=live.MEDIA_TYPE, headers=live.HEADERS)
