"""Groups of tickets on the wire."""

from typing import Annotated

from pydantic import Field

from service.api.schemas.fields import A_TICKET_NUMBER, MentionedTicket, Title
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.tickets.together import Group


class GroupIn(RequestBody):
    """Which tickets are of one matter, and what it is called."""

    numbers: Annotated[
        list[MentionedTicket],
        Field(min_length=1, max_length=200, examples=[[A_TICKET_NUMBER, "QH12351-20261120-000002"]]),
    ]
    title: Title = Field(description="事项名称 / What the matter is called", examples=["某工地欠薪"])


class GroupOut(ResponseBody):
    """The tickets of a matter that one sees, with the people they concern together."""

    id: int
    title: str
    numbers: list[str]
    people: int

    @classmethod
    def of(cls, group: Group) -> "GroupOut":
        """The group as it is shown."""
        return cls(id=group.id, title=group.title, numbers=list(group.numbers), people=group.people)
