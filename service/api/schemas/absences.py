"""Absences and recusals over the API."""

from datetime import date
from typing import Self

from pydantic import Field

from service.api.schemas.fields import Day, Reason, Username
from service.api.schemas.tickets import RequestBody, ResponseBody
from service.identity.absences import AbsenceView


class AbsenceRecord(RequestBody):
    """请假登记,首尾两天都算 / An absence; both days belong to it."""

    starts_on: Day = Field(description="第一天 / First day")
    ends_on: Day = Field(description="最后一天 / Last day")
    deputy: Username = Field(description="代理人(B角)用户名,须为同一单位 / Deputy, of the same union")
    reason: Reason = Field(description="原因 / Why")
    username: Username | None = Field(None, description="代他人登记时填写 / For somebody else; oneself if left out")


class AbsenceRecorded(ResponseBody):
    """The id of what was recorded."""

    id: int


class AbsenceOut(ResponseBody):
    """Who is away, from when to when, and who stands in. The reason only to those whom it concerns."""

    id: int
    username: str
    name: str
    org_code: str
    deputy: str
    deputy_name: str
    starts_on: date
    ends_on: date
    reason: str
    may_cancel: bool

    @classmethod
    def of(cls, view: AbsenceView) -> Self:
        return cls(
            id=view.id,
            username=view.username,
            name=view.name,
            org_code=view.org_code,
            deputy=view.deputy,
            deputy_name=view.deputy_name,
            starts_on=view.starts_on,
            ends_on=view.ends_on,
            reason=view.reason,
            may_cancel=view.may_cancel,
        )


class AbsenceList(ResponseBody):
    """Absences that last or are to come, the earliest first."""

    items: list[AbsenceOut]


class Recuse(RequestBody):
    """回避申报 / Keeping out of a matter"""

    reason: Reason = Field(description="利害关系 / The interest")
    username: Username | None = Field(None, description="代他人登记时填写 / For somebody else; oneself if left out")
