"""Logins, people and their notices as the API gives them out."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from service.api.schemas.tickets import ResponseBody, Words
from service.notifications.inbox import InboxPage, NoticeView


class Token(ResponseBody):
    """RFC 6749, 5.1."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token, not one
    expires_in: int = Field(description="秒 / seconds")


class Me(ResponseBody):
    """Who is logged in. `scope` is the prefix of the union codes whose tickets are visible."""

    username: str
    display_name: str
    org_code: str
    org_zh: str
    org_en: str
    scope: str
    roles: list[str]
    permissions: list[str]


class NoticeOut(ResponseBody):
    """Something one was told."""

    id: int
    ticket_number: str
    urgent: bool
    text: Words
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, notice: NoticeView) -> Self:
        return cls(
            id=notice.id,
            ticket_number=notice.ticket_number,
            urgent=notice.urgent,
            text=Words.of(notice.text),
            created_at=notice.created_at,
            read_at=notice.read_at,
        )


class Inbox(ResponseBody):
    """A page of notices: unread ones first, then those read last."""

    items: list[NoticeOut]
    unread: int
    next_cursor: str | None

    @classmethod
    def of(cls, page: InboxPage) -> Self:
        return cls(
            items=[NoticeOut.of(notice) for notice in page.notices], unread=page.unread, next_cursor=page.next_cursor
        )
