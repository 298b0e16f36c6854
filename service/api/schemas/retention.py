"""Periods, previews and holds over the API."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StrictInt

from service.api.schemas.fields import Day, Name, Note, Reason, ShortText
from service.api.schemas.tickets import RequestBody, ResponseBody, Words
from service.retention.holds import HoldView
from service.retention.policies import LONGEST, PERIODS, PolicyView
from service.retention.runs import CallerErasure, RunView

Months = Annotated[StrictInt, Field(ge=1, le=LONGEST)]


class PolicyIn(RequestBody):
    """保存期限,单位为月,自工单结束起 / Periods in months from a ticket's end"""

    files: Months = Field(description=f"{PERIODS['files'].zh} / {PERIODS['files'].en}")
    caller: Months = Field(description=f"{PERIODS['caller'].zh} / {PERIODS['caller'].en}")
    matter: Months = Field(description=f"{PERIODS['matter'].zh} / {PERIODS['matter'].en}")
    matter_long: Months = Field(description=f"{PERIODS['matter_long'].zh} / {PERIODS['matter_long'].en}")
    reason: Reason = Field(description="理由和依据 / Why, and on what basis")


class PolicyOut(ResponseBody):
    """The periods in force; `published_by` is none where they are as installed."""

    id: int
    months: dict[str, int]
    reason: str
    published_at: datetime
    published_by: str | None

    @classmethod
    def of(cls, view: PolicyView) -> Self:
        return cls(
            id=view.id,
            months=dict(view.months),
            reason=view.reason,
            published_at=view.published_at,
            published_by=view.published_by,
        )


class ClassOut(ResponseBody):
    """What a run has of a class, and how much of it is done or was left."""

    name: str = Field(description="files、caller 或 matter / The class")
    words: Words
    tickets: int
    done: int
    skipped: int
    oldest: date | None


class RunOut(ResponseBody):
    """A preview and what became of it. `held` counts tickets past their time that a hold keeps."""

    id: int
    state: Literal["previewed", "asked", "approved", "finished", "replaced"]
    previewed_at: datetime
    previewed_by: str | None
    classes: list[ClassOut]
    held: int
    asked_by: str | None
    reason: str
    approved_by: str | None
    approved_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, view: RunView) -> Self:
        plain = ("id", "state", "previewed_at", "previewed_by", "held", "asked_by", "reason", "approved_by")
        classes = [
            ClassOut(
                name=each.name,
                words=Words.of(PERIODS[each.name]),
                tickets=each.tickets,
                done=each.done,
                skipped=each.skipped,
                oldest=each.oldest,
            )
            for each in view.classes
        ]
        return cls(
            **{name: getattr(view, name) for name in (*plain, "approved_at", "finished_at")},
            classes=classes,
        )


class RetentionOut(ResponseBody):
    """The periods in force and the newest run, if there was one."""

    policy: PolicyOut
    run: RunOut | None


class Ask(RequestBody):
    """提出清理的理由 / Why it is to be erased"""

    reason: Reason = Field(description="理由 / Why")


class HoldIn(RequestBody):
    """冻结一张工单,或其来电人的全部工单 / Hold a ticket, or all of its caller's"""

    about: Literal["ticket", "caller"] = Field("ticket", description="冻结工单还是来电人 / The ticket or its caller")
    reason: Reason = Field(description="理由,如案号 / Why, such as the number of a case")
    until: Day | None = Field(None, description="截止日(含),不填则直到解除 / Last day; until lifted if left out")


class HoldOut(ResponseBody):
    """A hold in force and the tickets it keeps, as far as the reader sees them."""

    id: int
    about: Literal["ticket", "caller"]
    numbers: list[str]
    reason: str
    until: date | None
    set_by: str
    set_at: datetime

    @classmethod
    def of(cls, view: HoldView) -> Self:
        return cls(
            id=view.id,
            about=view.about,
            numbers=list(view.numbers),
            reason=view.reason,
            until=view.until,
            set_by=view.set_by,
            set_at=view.set_at,
        )


class HoldList(ResponseBody):
    """Holds in force, the newest first."""

    items: list[HoldOut]


class PersonFileIn(RequestBody):
    """向职工提供其个人信息 / Take away what is held of a worker, for handing over"""

    reason: Reason = Field(description="理由,如职工申请 / Why, such as the worker's request")
    format: Literal["json", "html"] = Field("html", description="供程序读取或供人阅读 / For a program or for a reader")


class CorrectionIn(RequestBody):
    """更正职工信息,未填的不变 / Put right what is held of a worker; what is left out stays"""

    name: Name | None = Field(None, description="姓名 / Name")
    id_number: ShortText | None = Field(None, description="身份证号 / ID number")
    address: Note | None = Field(None, description="住址 / Address")
    reason: Reason = Field(description="理由和核对的证件 / Why, and what was shown")


class ErasureOut(ResponseBody):
    """What becomes of the request: where it goes once it is approved, where it can't go now (`open`, `held`), and until
    when the words of each are kept by law."""

    run: int
    going: list[str]
    staying: dict[str, str]
    words_until: dict[str, date]

    @classmethod
    def of(cls, erasure: CallerErasure) -> Self:
        return cls(
            run=erasure.run.id,
            going=list(erasure.going),
            staying=erasure.staying,
            words_until={number: date.fromisoformat(day) for number, day in erasure.words_until.items()},
        )
