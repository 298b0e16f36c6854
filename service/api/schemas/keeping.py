"""People over the API, as an administrator keeps them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints

from service.api.schemas.fields import Code, Name, Username, fit
from service.api.schemas.tickets import RequestBody, ResponseBody, Words
from service.identity.keeping import PeoplePage, PersonRow
from service.tickets.leaving import HandedOver, OpenWork, StandIn
from service.tickets.why import Why

RoleName = Literal["agent", "lawyer", "dispatcher", "handler", "reviewer", "supervisor", "admin", "auditor"]


class PersonOut(ResponseBody):
    """Somebody: `last_used_at` of their logins (to a few minutes); with `password_given_at` they have not yet chosen a
    password of their own."""

    username: str
    display_name: str
    org_code: str
    roles: list[str]
    active: bool
    created_at: datetime
    last_used_at: datetime | None
    password_given_at: datetime | None

    @classmethod
    def of(cls, row: PersonRow) -> Self:
        return cls(
            username=row.username,
            display_name=row.name,
            org_code=row.org_code,
            roles=[role.value for role in row.roles],
            active=row.active,
            created_at=row.created_at,
            last_used_at=row.last_used_at,
            password_given_at=row.password_given_at,
        )


class PeopleOut(ResponseBody):
    """A page of people by user name; `next_after` sent back as `after` continues it."""

    items: list[PersonOut]
    total: int
    next_after: str | None

    @classmethod
    def of(cls, page: PeoplePage) -> Self:
        return cls(items=[PersonOut.of(row) for row in page.rows], total=page.total, next_after=page.next_after)


class PersonAdd(RequestBody):
    """新增人员 / Somebody to be added"""

    username: Username = Field(description="小写字母、数字或 . _ - / Lower-case letters, digits or . _ -")
    display_name: Name = Field(description="姓名 / The name shown")
    org_code: Code = Field(description="工会代码 / The union's code")
    roles: frozenset[RoleName] = Field(description="岗位 / Roles", max_length=8)


class PersonChange(RequestBody):
    """变更人员;不填的不变 / What becomes different; what is left out stays"""

    display_name: Name | None = Field(None, description="姓名 / The name shown")
    org_code: Code | None = Field(None, description="工会代码 / The union's code")
    roles: frozenset[RoleName] | None = Field(None, description="全部岗位 / All roles from then on", max_length=8)


class IdentityEnter(RequestBody):
    """身份认证账号 / An account at the identity provider"""

    account: Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(fit)] = Field(
        description="所设声明(默认 sub)的值 / The value of the claim in the settings (`sub` unless set)"
    )


class GivenPassword(ResponseBody):
    """A password for one login within seven days, shown this once."""

    username: str
    password: str


class TicketLeft(ResponseBody):
    """A ticket in hand by name."""

    number: str
    state: Words
    org_code: str


class DutyLeft(ResponseBody):
    """A turn of duty that lasts or is to come."""

    id: int
    starts_at: datetime
    ends_at: datetime


class AbsenceLeft(ResponseBody):
    """Somebody's absence; both days belong to it."""

    id: int
    username: str
    starts_on: date
    ends_on: date


class OpenWorkOut(ResponseBody):
    """What hangs on somebody: tickets in hand, questions taken on by a lawyer, duties, absences of others for whom they
    stand in, their own absences. Nothing of what a ticket is about."""

    tickets: list[TicketLeft]
    consults: list[str]
    duties: list[DutyLeft]
    stands_in: list[AbsenceLeft]
    absences: list[AbsenceLeft]

    @classmethod
    def of(cls, work: OpenWork) -> Self:
        return cls(
            tickets=[
                TicketLeft(number=each.number, state=Words.of(each.state), org_code=each.org_code)
                for each in work.tickets
            ],
            consults=list(work.consults),
            duties=[DutyLeft(id=each.id, starts_at=each.starts_at, ends_at=each.ends_at) for each in work.duties],
            stands_in=_absences(work.stands_in),
            absences=_absences(work.absences),
        )


def _absences(found: Sequence[StandIn]) -> list[AbsenceLeft]:
    return [
        AbsenceLeft(id=each.id, username=each.username, starts_on=each.starts_on, ends_on=each.ends_on)
        for each in found
    ]


class HandOverTo(RequestBody):
    """由谁接手 / Who takes it over"""

    to: Username = Field(description="接手人用户名 / Who takes it over")


class LeftOver(ResponseBody):
    """What could not be handed over, and why."""

    what: str
    why: Words


class HandedOverOut(ResponseBody):
    """What was handed over, by kind, and what was not."""

    tickets: int
    consults: int
    duties: int
    stands_in: int
    left: list[LeftOver]

    @classmethod
    def of(cls, done: HandedOver) -> Self:
        return cls(
            tickets=done.tickets,
            consults=done.consults,
            duties=done.duties,
            stands_in=done.stands_in,
            left=[LeftOver(what=what, why=Words.of(why)) for what, why in done.left],
        )


class ReasonOut(ResponseBody):
    """One thing that is asked, whether it speaks for seeing the ticket, and how it is."""

    code: Literal["active", "role", "held", "given", "free"]
    holds: bool
    text: Words


class StepAnswerOut(ResponseBody):
    """A step of the ticket's state; `refusal` says why this person may not take it, and is empty where they may."""

    step: str
    name: Words
    refusal: Words | None


class WhyOut(ResponseBody):
    """Whether somebody sees a ticket, and why. Nothing of what the ticket is about."""

    username: str
    number: str
    state: Words
    sees: bool
    reasons: list[ReasonOut]
    steps: list[StepAnswerOut]

    @classmethod
    def of(cls, found: Why) -> Self:
        return cls(
            username=found.username,
            number=found.number,
            state=Words.of(found.state),
            sees=found.sees,
            reasons=[
                ReasonOut.model_validate({"code": each.code, "holds": each.holds, "text": Words.of(each.text)})
                for each in found.reasons
            ],
            steps=[
                StepAnswerOut(
                    step=each.step.value,
                    name=Words.of(each.name),
                    refusal=Words.of(each.refusal) if each.refusal else None,
                )
                for each in found.steps
            ],
        )
