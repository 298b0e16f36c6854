"""What each step of a ticket's life asks for. `version` is the `row_version` that the caller saw (optional)."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, StrictInt

from service.api.schemas.fields import (
    CallbackResult,
    Code,
    Day,
    Dissatisfaction,
    Flag,
    Helped,
    Instant,
    MentionedTicket,
    Note,
    OutcomeName,
    Piece,
    Reason,
    RejectionReason,
    ReplyText,
    RowVersion,
    Score,
    ShortText,
    SuspensionReason,
    TierName,
    Username,
    Yuan,
)
from service.api.schemas.tickets import RequestBody
from service.tickets.confidentiality import Confidentiality
from service.tickets.materials import MOST_PIECES

KnownInside = Annotated[
    Flag,
    Field(description="已知悉是被反映单位内部工会 / It is known to be a union inside the employer complained of"),
]
Pieces = Annotated[tuple[Piece, ...], Field(min_length=1, max_length=MOST_PIECES)]


class StepBody(RequestBody):
    """What every step takes."""

    version: RowVersion | None = Field(
        None, description="您看到的 row_version;已被他人更新则返回 409 / The row version you saw; 409 when it is stale"
    )


class Accept(StepBody):
    """受理"""

    tier: TierName | None = Field(
        None, description="难易分级,默认按类别建议 / Tier; the category's suggestion if left out"
    )
    tier_reason: Note = Field("", description="与建议不同时必填 / Needed when it differs from the suggestion")


class Answer(StepBody):
    """直接答复"""

    answer: ReplyText


class Reject(StepBody):
    """申请不予受理"""

    reason: RejectionReason
    note: Reason = Field(description="已告知来电人的渠道 / What the caller was told")


class Dispatch(StepBody):
    """派单"""

    org_code: Code = Field(description="主办工会代码 / Code of the lead union")
    assisting: Annotated[tuple[Code, ...], Field(max_length=54)] = Field(
        (), description="协办工会代码 / Assisting unions"
    )
    assist_ask: Note = Field("", description="请协办工会做什么,默认协助办理 / What they are asked; to help if left out")
    assist_by: Instant | None = Field(
        None, description="协办答复期限,默认三个工作日 / They answer by; three working days by default"
    )
    adjudicated: Flag = Field(False, description="裁定派单,不可再退 / Adjudicated: cannot be returned")
    known_inside: KnownInside = False
    note: Note = ""


class Sign(StepBody):
    """签收"""


class Return(StepBody):
    """申请退单"""

    reason: Reason


class Assign(StepBody):
    """指定承办人"""

    username: Username = Field(description="本单位承办人的用户名 / User name of a handler of one's own union")
    note: Note = ""


class Contact(StepBody):
    """联系职工"""

    way: ShortText = Field(description="方式,例如 phone / How, for example phone")
    note: Reason


class Extend(StepBody):
    """申请延期"""

    days: Annotated[StrictInt, Field(ge=1, le=60, description="工作日 / Working days")]
    reason: Reason


class Suspend(StepBody):
    """申请挂起"""

    reason: SuspensionReason
    review_at: Instant = Field(description="复核时间,届时自动恢复 / The clocks run again from then")
    note: Note = ""


class Resume(StepBody):
    """恢复办理"""

    note: Note = ""


class AskMaterial(StepBody):
    """请求补充材料"""

    pieces: Pieces = Field(
        description="所需材料,每项一条,职工可见 / What is needed, piece by piece; the worker reads it"
    )
    due_on: Day = Field(description="最后一天,当天有效 / The last day, included")


class SettleMaterial(StepBody):
    """收到补充材料、不再需要补充材料"""

    pieces: Pieces = Field(description="请求时所写的材料 / The pieces, as they were asked for")
    note: Note = ""


class SetTask(StepBody):
    """交办协办任务"""

    org_code: Code = Field(description="协办工会代码 / Code of the assisting union")
    ask: Reason = Field(description="请其做什么 / What it is asked to do")
    due_at: Instant | None = Field(
        None, description="答复期限,默认三个工作日 / Answer by; three working days by default"
    )
    known_inside: KnownInside = False


class AnswerTask(StepBody):
    """答复协办任务"""

    answer: ReplyText = Field(description="协办情况 / What was done and found")


class CallOffTask(StepBody):
    """撤销协办任务"""

    org_code: Code = Field(description="协办工会代码 / Code of the assisting union")
    note: Note = ""


class Retier(StepBody):
    """改级"""

    tier: TierName
    reason: Reason


class Reply(StepBody):
    """反馈"""

    text: ReplyText = Field(description="答复内容 / The answer")
    basis: Reason = Field(description="依据 / The legal or policy basis")
    contacted_at: Instant = Field(description="联系职工的时间 / When the worker was contacted")
    contact_way: ShortText
    outcome: OutcomeName
    recovered: Yuan = Field(Decimal(0), description="追回金额(元) / Wages recovered in yuan")
    helped: Helped = Field(0, description="帮助人数 / Workers helped")
    worker_confirmed: Flag = Field(False, description="职工已确认 / The worker confirmed it")
    evidence: Annotated[tuple[Annotated[int, Field(ge=1, lt=2**31)], ...], Field(max_length=100)] = Field(
        (), description="证明处理结果的附件编号 / Ids of the attachments that prove the outcome"
    )


class Approve(StepBody):
    """审核通过"""

    note: Note = ""


class SendBack(StepBody):
    """审核退回"""

    note: Reason = Field(description="退回原因 / Why")


class AnswersIn(RequestBody):
    """三问与话务满意 / The three questions and the agent's own service. 1 very dissatisfied … 5 very satisfied."""

    contacted: Flag = Field(description="是否联系 / Was the worker contacted")
    resolved: Flag = Field(description="是否解决 / Was it resolved")
    satisfaction: Score = Field(description="是否满意 / Satisfaction")
    reason: Dissatisfaction | None = Field(None, description="满意度 1-2 时必填 / Needed for 1 and 2")
    agent_score: Score | None = Field(None, description="话务满意 / The agent's service")
    comment: Note = ""


class Callback(StepBody):
    """回访"""

    result: CallbackResult
    answers: AnswersIn | None = Field(None, description="接通时必填 / Needed when answered")


class Close(StepBody):
    """多次无法接通后办结"""

    note: Note = ""


class WithReason(StepBody):
    """重办、重新办理、拆单、撤回、终止办理"""

    reason: Reason


class WithNote(StepBody):
    """催办、备注"""

    note: Reason


class Supervise(StepBody):
    """督办"""

    note: Reason = Field(description="督办要求 / The instruction")
    due_at: Instant | None = Field(
        None, description="答复期限,默认三个工作日 / Answer by; three working days by default"
    )


class AskExclusion(StepBody):
    """申请剔除"""

    about: Literal["rating", "sign", "first_contact", "resolve", "leg"] = Field(
        description="评价或逾期的时限 / The rating, or the clock that was late"
    )
    cycle: Annotated[StrictInt, Field(ge=1, le=1000)] | None = Field(
        None, description="第几轮办理,默认最近一次 / Which round; the latest by default"
    )
    reason: Reason


class SupportExclusion(StepBody):
    """同意剔除、确认剔除"""

    note: Note = ""


class KeepCounted(StepBody):
    """不同意剔除"""

    note: Reason


class AskConsult(StepBody):
    """法律咨询"""

    question: ReplyText = Field(description="咨询的问题 / What the lawyers are asked")


class TakeConsult(StepBody):
    """承接法律咨询"""


class AnswerConsult(StepBody):
    """答复法律咨询"""

    answer: ReplyText = Field(description="法律意见 / What the lawyer says")


class AnswerSupervision(StepBody):
    """答复督办"""

    text: ReplyText = Field(description="答复内容 / What was done")


class ReturnSupervision(StepBody):
    """督办答复退回"""

    note: Reason


class CloseSupervision(StepBody):
    """督办办结"""

    note: Note = ""


class FinalAnswer(StepBody):
    """出具最终答复"""

    text: ReplyText = Field(description="最终答复内容 / The answer for good")
    basis: Reason = Field(description="依据 / The legal or policy basis")


class PassQuality(StepBody):
    """质检合格"""

    note: Note = ""


class FailQuality(StepBody):
    """质检不合格"""

    note: Reason


class PassDown(StepBody):
    """下派"""

    org_code: Code = Field(description="下级工会 / The county below")
    known_inside: KnownInside = False
    note: Note = ""


class RaiseConfidentiality(StepBody):
    """提高保密级别"""

    level: Confidentiality = Field(description="须高于现级别 / Above the present one")
    note: Note = Field("", description="职工怎么说 / What the worker said")


class LowerConfidentiality(StepBody):
    """降低保密级别"""

    level: Confidentiality = Field(description="须低于现级别 / Below the present one")
    agreed: Reason = Field(
        description="职工何时、以何种方式、向谁表示同意 / When, in what way and to whom the worker agreed"
    )


class OptionalNote(StepBody):
    """收回自办、不同意退回"""

    note: Note = ""


class Merge(StepBody):
    """并单"""

    master: MentionedTicket = Field(description="主单编号 / Number of the master")
    reason: Reason


class Link(StepBody):
    """关联工单"""

    other: MentionedTicket = Field(description="另一工单编号 / Number of the other ticket")
    kind: Literal["duplicate", "appeal", "related"] = Field(
        description="同一事项、办结后再反映、其他 / The same matter, taken up after closing, otherwise related"
    )
    note: Note = ""


class Unlink(StepBody):
    """解除关联"""

    other: MentionedTicket = Field(description="另一工单编号 / Number of the other ticket")
    reason: Reason


class TransferOut(StepBody):
    """转出"""

    peer: Literal["12345", "national", "labour_inspection", "court", "other"] = Field(
        description="接收单位 / Who takes it over"
    )
    peer_number: ShortText | None = Field(None, description="对方编号 / Its number there")
    note: Note = ""


class Decide(StepBody):
    """审批一项申请"""

    request: Literal["rejection", "return", "extension", "suspension"]
    verdict: Literal["grant", "refuse"]
    note: Note = ""
