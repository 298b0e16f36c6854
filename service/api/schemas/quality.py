"""Quality checks over the API."""

from datetime import datetime
from typing import Self

from service.api.schemas.tickets import ResponseBody, Words
from service.tickets.quality_checks import QualityPage, QualityView
from service.tickets.states import State


class QualityOut(ResponseBody):
    """A ticket that waits for its quality check. `cycle` is the round that was drawn."""

    id: int
    number: str
    title: str
    state: State
    cycle: int
    org_code: str
    org: Words
    drawn_at: datetime

    @classmethod
    def of(cls, view: QualityView) -> Self:
        return cls(
            id=view.id,
            number=view.number,
            title=view.title,
            state=view.state,
            cycle=view.cycle,
            org_code=view.org_code,
            org=Words.of(view.org),
            drawn_at=view.drawn_at,
        )


class QualityList(ResponseBody):
    """Quality checks in the order they were drawn."""

    items: list[QualityOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: QualityPage) -> Self:
        return cls(items=[QualityOut.of(view) for view in page.checks], next_cursor=page.next_cursor)
