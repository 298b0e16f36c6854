"""Logins, people and their notices as the API gives them out."""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field

from service.api.schemas.tickets import Coded, ResponseBody, Words
from service.escalations.digests import DigestPage, DigestRow
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
    """Something one was told; with `digest_id` it is a digest of many escalations."""

    id: int
    ticket_number: str
    digest_id: int | None
    urgent: bool
    text: Words
    created_at: datetime
    read_at: datetime | None

    @classmethod
    def of(cls, notice: NoticeView) -> Self:
        return cls(
            id=notice.id,
            ticket_number=notice.ticket_number,
            digest_id=notice.digest_id,
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


class DigestRowOut(ResponseBody):
    """An escalation that is told by a digest."""

    ticket_number: str
    title: str
    urgent: bool
    org: Coded
    clock: Coded
    rung: Coded
    planned_at: datetime
    fired_at: datetime

    @classmethod
    def of(cls, row: DigestRow) -> Self:
        return cls(
            ticket_number=row.ticket_number,
            title=row.title,
            urgent=row.urgent,
            org=Coded(code=row.org_code, zh=row.org.zh, en=row.org.en),
            clock=Coded(code=row.clock, zh=row.clock_name.zh, en=row.clock_name.en),
            rung=Coded(code=row.rung, zh=row.rung_name.zh, en=row.rung_name.en),
            planned_at=row.planned_at,
            fired_at=row.fired_at,
        )


class Digest(ResponseBody):
    """A page of a digest, the oldest first. `out_of_sight`: so many are on tickets that one does not see any more."""

    id: int
    urgent: bool
    total: int
    out_of_sight: int
    items: list[DigestRowOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: DigestPage) -> Self:
        return cls(
            id=page.id,
            urgent=page.urgent,
            total=page.total,
            out_of_sight=page.out_of_sight,
            items=[DigestRowOut.of(row) for row in page.rows],
            next_cursor=page.next_cursor,
        )
