"""The worker's own way: what a worker sends and is told. Nothing of the case, and nobody's name."""

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints

from service.api.schemas.actions import AnswersIn
from service.api.schemas.fields import (
    A_TICKET_NUMBER,
    Body,
    Code,
    Count,
    EmployerName,
    Flag,
    KindName,
    Name,
    Note,
    Phone,
    Reason,
    Yuan,
)
from service.api.schemas.tickets import Coded, RequestBody, ResponseBody, Words
from service.api.worker_door import STAYS
from service.tickets.confidentiality import Confidentiality
from service.tickets.materials import LONGEST_PIECE, MOST_PIECES
from service.tickets.worker_codes import VALID
from service.tickets.worker_way import Progress

Typed = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Pieces = Annotated[
    tuple[Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_PIECE)], ...], Field(max_length=MOST_PIECES)
]


WorkerReason = Literal[
    "not_contacted", "not_resolved", "attitude", "late", "untrue_reply", "policy_does_not_allow"
]  # fmt: skip


class WorkerSubmit(RequestBody):
    """职工自己写的诉求 / What a worker writes. The phone is needed: without it nobody could answer."""

    kind: KindName = Field(description="诉求性质 / Kind of matter")
    category_code: Code = Field(description="诉求类别代码 / Code of the category")
    place_code: Code = Field(description="事发地行政区划代码 / Code of the place")
    body: Body = Field(description="诉求内容 / What happened and what is asked for")
    employer: EmployerName | None = Field(None, description="用人单位 / The employer")
    people_count: Count | None = Field(None, description="涉及人数 / People concerned")
    amount_owed: Yuan | None = Field(None, description="涉及金额(元) / Amount in yuan")
    caller_name: Name | None = Field(None, description="姓名 / Name")
    phone: Phone = Field(description="联系电话,任意写法 / Phone number in any form")
    confidentiality: Confidentiality = Field(
        Confidentiality.open,
        description="保密级别:不保密、对办理的工会保密、仅热线受理人员知道 / From whom you are hidden: nobody, "
        "the unions that handle it, all but those who take it down",
    )
    consent: Flag = Field(False, description="已阅读并同意个人信息告知,必须为 true / Read and agreed to; must be true")


class WorkerPhone(RequestBody):
    """要验证码的手机号 / The phone that a code is sent to."""

    phone: Phone = Field(description="手机号 / The phone")


class WorkerByNumber(RequestBody):
    """工单号和查询码 / Number and query code, in any width, case and spacing."""

    number: Typed = Field(description="工单号 / Ticket number", examples=[A_TICKET_NUMBER])
    query_code: Typed = Field(description="查询码 / Query code")


class WorkerByCode(RequestBody):
    """手机号和短信验证码 / The phone and the code that was sent to it."""

    phone: Phone = Field(description="手机号 / The phone")
    code: Typed = Field(description="短信中的六位验证码 / The six digits of the message")


class WorkerWords(RequestBody):
    """补充的情况 / What the worker adds in words."""

    words: Reason = Field(description="补充的情况 / What is to be added")
    pieces: Pieces = Field((), description="工会所请求、随此补上的材料 / Of what was asked for, what comes with it")


class WorkerWithdraw(RequestBody):
    """撤回 / Withdrawing."""

    reason: Note = Field("", description="原因,可不填 / Why, if the worker likes to say")


class WorkerAnswers(AnswersIn):
    """职工的评价;承办单位的说法不由职工选 / What a worker answers; what a union may say of a demand is not for them."""

    reason: WorkerReason | None = Field(None, description="满意度 1-2 时必填 / Needed for 1 and 2")


class WorkerCodeSent(ResponseBody):
    """Said to everybody alike."""

    valid_seconds: int = Field(
        int(VALID.total_seconds()),
        description="登记过事项的号码会收到短信 / Sent if the phone has a matter",
    )


class WorkerAccess(ResponseBody):
    """What opens one's own matters, as `Authorization: Bearer …`, and which they are."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - the kind of token, as OAuth 2 calls it
    expires_in: int = Field(int(STAYS.total_seconds()), description="秒 / seconds")
    numbers: list[str]


class WorkerSubmitted(WorkerAccess):
    """The new matter, told this once; number and code go to the phone as well."""

    number: str
    query_code: str = Field(description="查询码,请妥善保存 / Query code, to be kept")


class ToldOut(Words):
    """One line of what happened."""

    at: datetime


class AskedOut(ResponseBody):
    """A piece of material that the union asks for."""

    piece: str
    due_on: date = Field(description="最后一天,当天有效 / The last day, included")


class ProgressOut(ResponseBody):
    """Where a matter stands in plain words, what happened, and what the worker can do now."""

    number: str
    state: Coded
    holder: Words = Field(description="办理单位 / Who has it")
    received_at: datetime
    due_at: datetime | None = Field(description="承诺的期限,不含该时刻 / The promise while it runs, exclusive")
    provisional: bool
    suspended: bool
    cycle: int
    next: Words | None = Field(description="接下来 / What comes next")
    told: list[ToldOut] = Field(description="办理经过,由早到晚 / What happened, oldest first")
    asked: list[AskedOut] = Field(description="请您补充的材料 / Material that is asked for")
    over: bool = Field(description="已结束 / Ended")
    may_urge: bool
    may_rate: bool

    @classmethod
    def of(cls, progress: Progress) -> Self:
        now = progress.now
        return cls(
            number=now.number,
            state=Coded(code=now.state, zh=now.in_plain_words.zh, en=now.in_plain_words.en),
            holder=Words.of(now.holder),
            received_at=now.received_at,
            due_at=now.due_at,
            provisional=now.provisional,
            suspended=now.suspended,
            cycle=now.cycle,
            next=Words.of(progress.next) if progress.next else None,
            told=[ToldOut(at=line.at, zh=line.what.zh, en=line.what.en) for line in progress.told],
            asked=[AskedOut(piece=each.piece, due_on=each.due_on) for each in progress.asked],
            over=progress.over,
            may_urge=progress.may_urge,
            may_rate=progress.may_rate,
        )
