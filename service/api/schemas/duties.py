"""Duty rosters over the API."""

from datetime import datetime
from typing import Self

from pydantic import Field

from service.api.schemas.fields import Instant, Username
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.identity.duties import DutyView


class DutyRecord(RequestBody):
    """值班安排 / A turn of duty"""

    username: Username = Field(description="值班人用户名 / Who is on duty")
    starts_at: Instant = Field(description="开始 / From")
    ends_at: Instant = Field(description="结束,不含该时刻 / To, not included")


class DutyRecorded(ResponseBody):
    """The id of what was recorded."""

    id: int


class DutyOut(ResponseBody):
    """Who is on duty, from when to when."""

    id: int
    username: str
    name: str
    org_code: str
    starts_at: datetime
    ends_at: datetime
    may_cancel: bool

    @classmethod
    def of(cls, view: DutyView) -> Self:
        return cls(
            id=view.id,
            username=view.username,
            name=view.name,
            org_code=view.org_code,
            starts_at=view.starts_at,
            ends_at=view.ends_at,
            may_cancel=view.may_cancel,
        )


class DutyList(ResponseBody):
    """Turns of duty that last or are to come, the earliest first."""

    items: list[DutyOut]
