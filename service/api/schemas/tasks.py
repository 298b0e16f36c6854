"""Tasks of assisting unions over the API."""

from typing import Self

from service.api.schemas.tickets import ResponseBody, TaskOut, Words
from service.tickets.assisting import QueuedTask, TaskPage


class QueuedTaskOut(ResponseBody):
    """An open task with its ticket. `lead` is the union that has the ticket."""

    number: str
    title: str
    lead: Words
    task: TaskOut

    @classmethod
    def of(cls, view: QueuedTask) -> Self:
        return cls(number=view.number, title=view.title, lead=Words.of(view.lead), task=TaskOut.of(view.task))


class TaskQueue(ResponseBody):
    """Open tasks by date."""

    items: list[QueuedTaskOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: TaskPage) -> Self:
        return cls(items=[QueuedTaskOut.of(view) for view in page.tasks], next_cursor=page.next_cursor)
