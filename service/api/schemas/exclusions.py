"""Exclusions over the API."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from service.api.schemas.tickets import ResponseBody, Words
from service.ratings.excluding import ExclusionPage, ExclusionView


class ExclusionOut(ResponseBody):
    """A rating or breach that is, or is asked to be, left out of a score. `verdict` is null while it waits."""

    id: int
    number: str
    title: str
    about: str
    cycle: int
    org_code: str
    org: Words
    reason: str
    asked_by: str
    asked_at: datetime
    supported_by: str | None
    supported_at: datetime | None
    support_note: str
    verdict: str | None
    decided_by: str | None
    decided_at: datetime | None
    decision_note: str

    @classmethod
    def of(cls, view: ExclusionView) -> Self:
        return cls(
            id=view.id,
            number=view.number,
            title=view.title,
            about=view.about,
            cycle=view.cycle,
            org_code=view.org_code,
            org=Words.of(view.org),
            reason=view.reason,
            asked_by=view.asked_by,
            asked_at=view.asked_at,
            supported_by=view.supported_by,
            supported_at=view.supported_at,
            support_note=view.support_note,
            verdict=view.verdict,
            decided_by=view.decided_by,
            decided_at=view.decided_at,
            decision_note=view.decision_note,
        )


class ExclusionQueue(ResponseBody):
    """Those that wait, the oldest first."""

    items: list[ExclusionOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: ExclusionPage) -> Self:
        return cls(items=[ExclusionOut.of(view) for view in page.exclusions], next_cursor=page.next_cursor)


class ExclusionList(ResponseBody):
    """All of a ticket, the oldest first."""

    items: list[ExclusionOut]

    @classmethod
    def of(cls, views: Sequence[ExclusionView]) -> Self:
        return cls(items=[ExclusionOut.of(view) for view in views])
