"""Supervisions over the API."""

from datetime import datetime
from typing import Self

from service.api.schemas.tickets import ResponseBody, Words
from service.tickets.states import State
from service.tickets.supervising import SupervisionPage, SupervisionView


class SupervisionOut(ResponseBody):
    """An open supervision. `late` while no answer has come and its date has passed; `answered_at` while an answer
    waits for the supervisor."""

    id: int
    number: str
    title: str
    state: State
    org_code: str
    org: Words
    instruction: str
    opened_at: datetime
    due_at: datetime
    late: bool
    answered_at: datetime | None

    @classmethod
    def of(cls, view: SupervisionView) -> Self:
        return cls(
            id=view.id,
            number=view.number,
            title=view.title,
            state=view.state,
            org_code=view.org_code,
            org=Words.of(view.org),
            instruction=view.instruction,
            opened_at=view.opened_at,
            due_at=view.due_at,
            late=view.late,
            answered_at=view.answered_at,
        )


class SupervisionList(ResponseBody):
    """Supervisions by the date of their answer."""

    items: list[SupervisionOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: SupervisionPage) -> Self:
        return cls(items=[SupervisionOut.of(view) for view in page.supervisions], next_cursor=page.next_cursor)
