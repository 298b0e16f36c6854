"""The lawyers' queue over the API."""

from datetime import datetime
from typing import Self

from service.api.schemas.tickets import ResponseBody, Words
from service.tickets.consulting import ConsultPage, ConsultView


class ConsultOut(ResponseBody):
    """A question that waits. `taken_by` is the name of the lawyer who took it on."""

    id: int
    number: str
    title: str
    org_code: str
    org: Words
    question: str
    asked_at: datetime
    due_at: datetime
    late: bool
    taken_by: str | None

    @classmethod
    def of(cls, view: ConsultView) -> Self:
        return cls(
            id=view.id,
            number=view.number,
            title=view.title,
            org_code=view.org_code,
            org=Words.of(view.org),
            question=view.question,
            asked_at=view.asked_at,
            due_at=view.due_at,
            late=view.late,
            taken_by=view.taken_by,
        )


class ConsultQueue(ResponseBody):
    """Questions by deadline."""

    items: list[ConsultOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: ConsultPage) -> Self:
        return cls(items=[ConsultOut.of(view) for view in page.consults], next_cursor=page.next_cursor)
