"""Tickets as the API takes them in and gives them out. Money in yuan, instants in UTC, names in both languages."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from service.api.schemas.fields import (
    Address,
    Body,
    ChannelName,
    Code,
    ContactTime,
    ContactWay,
    Count,
    DraftKey,
    EmployerName,
    Flag,
    IdentityGroup,
    Instant,
    KindName,
    Membership,
    MentionedTicket,
    Name,
    OtherChannel,
    Phone,
    Reason,
    ShortText,
    Title,
    Unknowable,
    Yuan,
)
from service.core.errors import Bilingual
from service.tickets.assisting import TaskView
from service.tickets.confidentiality import Confidentiality
from service.tickets.materials import MaterialView
from service.tickets.models import Ticket
from service.tickets.states import STATE_NAMES, TABLE, State, Step
from service.tickets.taxonomy import TIER_NAMES
from service.tickets.views import (
    AssignmentView,
    ClockView,
    OpenRequest,
    Page,
    ReplyView,
    TicketRow,
    TicketView,
    TimelineEntry,
)
from sla_rules import Tier


class RequestBody(BaseModel):
    """What a caller sends: fields this service does not know are refused, not ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TicketCreate(RequestBody):
    """登记一件诉求 / A matter taken down by an agent."""

    title: Title = Field(description="标题 / Title")
    body: Body = Field(description="诉求内容 / What the worker says")
    kind: KindName = Field(description="诉求性质 / Kind of matter")
    channel: ChannelName = Field(description="来源渠道 / How it came in")
    category_code: Code = Field(description="诉求类别代码 / Code of the category")
    place_code: Code = Field(description="事发地行政区划代码 / Code of the place")
    phone: Phone | None = Field(None, description="联系电话,任意写法 / Phone number in any form")
    caller_name: Name | None = Field(None, description="职工姓名 / The worker's name")
    id_number: ShortText | None = Field(
        None, description="身份证号,仅在事项需要时;单独加密 / Only where the matter needs it; sealed apart"
    )
    address: Address | None = Field(
        None, description="住址,仅在事项需要时;单独加密 / The caller's address, where the matter needs it; sealed apart"
    )
    employer: EmployerName | None = Field(None, description="用人单位 / The employer")
    people_count: Count | None = Field(
        None, description="涉及人数,10 人及以上为群体性 / People concerned; 10 and more are collective; one if left out"
    )
    amount_owed: Yuan | None = Field(None, description="涉及金额(元) / Amount in yuan")
    membership: Membership = Field("unknown", description="是否工会会员 / Whether a union member")
    identity_group: IdentityGroup | None = Field(None, description="职工身份 / Group of workers")
    contact_way: ContactWay | None = Field(None, description="希望的联系方式 / How the worker wants to be reached")
    contact_time: ContactTime | None = Field(None, description="方便联系的时间 / When the worker can be reached")
    other_channels: tuple[OtherChannel, ...] = Field(
        (), max_length=5, description="此前已向何处反映 / Where it was told before"
    )
    not_known: tuple[Unknowable, ...] = Field(
        (),
        max_length=3,
        description="来电人说不清、但此类诉求必填的项目 / Demanded by the category and not known to the caller",
    )
    urgent: Flag = Field(False, description="紧急 / Urgent")
    anonymous: Flag = Field(False, description="匿名 / Anonymous")
    confidentiality: Confidentiality = Field(
        Confidentiality.open,
        description="保密级别:不保密、对承办单位保密、仅受理人员可见 / From whom the caller is hidden: nobody, "
        "the unions that handle it, all but the intake",
    )
    same_as: tuple[ShortText, ...] = Field(
        (), max_length=20, description="同一诉求的其他工单号 / Numbers of tickets about the same matter"
    )
    follows: MentionedTicket | None = Field(
        None, description="重新反映的已办结工单号 / The closed ticket whose matter is taken up anew"
    )
    draft: DraftKey | None = Field(
        None, description="由此登记的草稿,登记后删除 / The draft this was; it is thrown away"
    )
    received_at: Instant | None = Field(None, description="来件时间,默认为现在 / When it came in; now if left out")


class ResponseBody(BaseModel):
    """What this service sends."""

    model_config = ConfigDict(frozen=True)


class Words(ResponseBody):
    """A phrase in both languages."""

    zh: str
    en: str

    @classmethod
    def of(cls, phrase: Bilingual) -> Self:
        return cls(zh=phrase.zh, en=phrase.en)


class Coded(Words):
    """A stable code with its name in both languages."""

    code: str


class Reveal(RequestBody):
    """为什么要看来电人 / Why somebody needs to see who called."""

    reason: Reason = Field(description="理由,将记录在案 / Put on record")


class NumberOut(ResponseBody):
    """工单文字中的一个号码 / A number that stood in the ticket's texts."""

    masked: str = Field(description="文字中显示的样子 / As it is shown there")
    clear: str


class CallerOut(ResponseBody):
    """来电人 / Who called, in clear."""

    number: str
    name: str | None
    phone: str | None = Field(description="匿名来电可能没有 / None for who told none")
    id_number: str | None = Field(description="身份证号,事项需要时才登记 / Taken down only where the matter needs it")
    address: str | None
    numbers: list[NumberOut] = Field(
        description="工单文字中遮盖的号码 / The numbers that are masked in the ticket's texts"
    )


class TicketRegistered(ResponseBody):
    """The registered ticket as it was at that moment: a repeated request is answered with the same document."""

    number: str
    query_code: str = Field(description="查询码,请告知来电人 / Query code, to be told to the caller")
    state: Coded
    row_version: int
    kind: str
    channel: str
    category_code: str
    place_code: str
    urgent: bool
    received_at: datetime
    registered_at: datetime

    @classmethod
    def of(cls, ticket: Ticket, *, query_code: str) -> Self:
        return cls(
            number=ticket.number,
            query_code=query_code,
            state=_state(State.registered),
            row_version=1,
            kind=ticket.kind,
            channel=ticket.channel,
            category_code=ticket.category_code,
            place_code=ticket.place_code,
            urgent=ticket.urgent,
            received_at=ticket.received_at,
            registered_at=ticket.created_at,
        )


class PossibleStep(Words):
    """A step this caller may take now: POST to `/tickets/{number}/{action}`, for `decide` with request and verdict."""

    action: str
    request: str | None = None
    verdict: str | None = None


class AssignmentOut(ResponseBody):
    """A union that has or had the ticket: `lead` (主办) or `assist` (协办)."""

    org: Coded
    role: str
    cycle: int
    adjudicated: bool
    dispatched_at: datetime
    signed_at: datetime | None
    signed_by_silence: bool
    ended_at: datetime | None
    end_reason: str | None

    @classmethod
    def of(cls, view: AssignmentView) -> Self:
        return cls(
            org=_coded(view.org_code, view.org),
            role=view.role,
            cycle=view.cycle,
            adjudicated=view.adjudicated,
            dispatched_at=view.dispatched_at,
            signed_at=view.signed_at,
            signed_by_silence=view.signed_by_silence,
            ended_at=view.ended_at,
            end_reason=view.end_reason,
        )


class ReplyOut(ResponseBody):
    """A union's answer (反馈)."""

    cycle: int
    org_code: str
    text: str
    basis: str
    contacted_at: datetime
    contact_way: str
    outcome: str
    recovered: Decimal
    helped: int
    worker_confirmed: bool
    replied_at: datetime
    verdict: str | None
    review_note: str | None

    @classmethod
    def of(cls, view: ReplyView) -> Self:
        return cls(
            cycle=view.cycle,
            org_code=view.org_code,
            text=view.text,
            basis=view.basis,
            contacted_at=view.contacted_at,
            contact_way=view.contact_way,
            outcome=view.outcome,
            recovered=view.recovered,
            helped=view.helped,
            worker_confirmed=view.worker_confirmed,
            replied_at=view.replied_at,
            verdict=view.verdict,
            review_note=view.review_note,
        )


class RequestOut(ResponseBody):
    """A request that waits for a decision."""

    request: str
    level: str
    reason: str
    data: dict[str, Any]
    asked_at: datetime

    @classmethod
    def of(cls, view: OpenRequest) -> Self:
        return cls(request=view.kind, level=view.level, reason=view.reason, data=view.data, asked_at=view.asked_at)


class LinkedOut(ResponseBody):
    """Another ticket about the same matter (`duplicate`) or a `related` one."""

    number: str
    kind: str
    linked_at: datetime


class MaterialOut(ResponseBody):
    """A piece of material asked of the worker. `state`: asked, received, not_needed; `late`: open after its day."""

    piece: str
    due_on: date
    asked_at: datetime
    state: str
    settled_at: datetime | None
    late: bool

    @classmethod
    def of(cls, view: MaterialView) -> Self:
        return cls(
            piece=view.piece,
            due_on=view.due_on,
            asked_at=view.asked_at,
            state=view.state,
            settled_at=view.settled_at,
            late=view.late,
        )


class TaskOut(ResponseBody):
    """An assisting union's part. `state`: open, answered, called_off; `late`: open at or after its date."""

    org_code: str
    org: Words
    ask: str
    set_at: datetime
    due_at: datetime
    state: str
    late: bool
    answer: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, view: TaskView) -> Self:
        return cls(
            org_code=view.org_code,
            org=Words.of(view.org),
            ask=view.ask,
            set_at=view.set_at,
            due_at=view.due_at,
            state=view.state,
            late=view.late,
            answer=view.answer,
            answered_at=view.answered_at,
        )


class TicketRowOut(ResponseBody):
    """A line of a queue or list. `light`: green, yellow (half the time gone), red (overdue), blue (suspended), none."""

    number: str
    title: str
    state: Coded
    tier: Coded | None
    kind: str
    channel: str
    urgent: bool
    category: Coded
    place_code: str
    holder: Coded
    people_count: int
    received_at: datetime
    accepted_at: datetime | None
    due_at: datetime | None = Field(
        description="期限(不含该时刻);仅已办结且来源未定期限的导入工单为空 / The deadline, exclusive; null only for an "
        "ended ticket that was imported without one"
    )
    provisional: bool = Field(description="跨入尚未公布日历的年份,暂定 / Counted beyond the published calendar")
    suspended: bool
    cycle: int
    row_version: int = Field(description="操作时以 version 传回 / Send it back as `version` with a step")
    light: str
    handler: str | None = Field(description="承办人姓名 / Name of who has it in hand")

    @classmethod
    def of(cls, row: TicketRow) -> Self:
        return cls(**row_values(row))


class TicketOut(TicketRowOut):
    """A ticket as this caller may see it. Name and phone of the worker are masked."""

    handler_absent_until: date | None = Field(description="承办人请假至(含) / Last day that the handler is away")
    handler_deputy: str | None = Field(description="代理人姓名 / Name of who stands in")
    body: str
    employer: str | None
    amount_owed: Decimal | None
    membership: str
    identity_group: str | None
    contact_way: str | None
    contact_time: str | None
    other_channels: list[str]
    not_known: list[str] = Field(description="来电人说不清的项目 / What the caller did not know")
    linked: list[LinkedOut]
    anonymous: bool
    confidentiality: Confidentiality
    unions_inside: list[Words] = Field(
        description="持有本工单的被反映单位内部工会,其人员看不到来电人 / Unions inside the employer that have it; "
        "their people see no caller"
    )
    caller_name: str | None = Field(
        description="脱敏;保密工单对中心以外为空 / Masked; outside the centre null when confidential"
    )
    caller_phone: str | None = Field(
        description="仅后四位;保密工单对中心以外为空 / The last four digits; outside the centre null when confidential"
    )
    tier_reason: str | None
    replied_at: datetime | None
    ended_at: datetime | None
    rejection_reason: str | None
    answer: str | None
    bounces: int
    assignments: list[AssignmentOut]
    replies: list[ReplyOut]
    open_requests: list[RequestOut]
    materials: list[MaterialOut]
    tasks: list[TaskOut]
    possible_steps: list[PossibleStep]

    @classmethod
    def of_view(cls, view: TicketView) -> Self:
        return cls(
            **row_values(view.row),
            handler_absent_until=view.handler.absent_until if view.handler else None,
            handler_deputy=view.handler.deputy if view.handler else None,
            body=view.body,
            employer=view.employer,
            amount_owed=view.amount_owed,
            membership=view.membership,
            identity_group=view.identity_group,
            contact_way=view.contact_way,
            contact_time=view.contact_time,
            other_channels=list(view.other_channels),
            not_known=list(view.not_known),
            linked=[
                LinkedOut(number=entry.number, kind=entry.kind, linked_at=entry.linked_at) for entry in view.linked
            ],
            anonymous=view.anonymous,
            confidentiality=view.confidentiality,
            unions_inside=[Words.of(name) for name in view.inside],
            caller_name=view.caller_name,
            caller_phone=view.caller_phone,
            tier_reason=view.tier_reason,
            replied_at=view.replied_at,
            ended_at=view.ended_at,
            rejection_reason=view.rejection_reason,
            answer=view.answer,
            bounces=view.bounces,
            assignments=[AssignmentOut.of(entry) for entry in view.assignments],
            replies=[ReplyOut.of(entry) for entry in view.replies],
            open_requests=[RequestOut.of(entry) for entry in view.open_requests],
            materials=[MaterialOut.of(entry) for entry in view.materials],
            tasks=[TaskOut.of(entry) for entry in view.tasks],
            possible_steps=[possible_step(step) for step in view.possible_steps],
        )


class TicketPage(ResponseBody):
    """A page. `next_cursor` is null on the last one."""

    items: list[TicketRowOut]
    next_cursor: str | None

    @classmethod
    def of(cls, page: Page) -> Self:
        return cls(items=[TicketRowOut.of(row) for row in page.rows], next_cursor=page.next_cursor)


class TimelineEntryOut(ResponseBody):
    """One step of the story."""

    id: int
    at: datetime
    kind: str
    name: Words
    from_state: str | None
    to_state: str
    cycle: int
    actor: str
    actor_org: str
    note: str
    data: dict[str, Any]

    @classmethod
    def of(cls, entry: TimelineEntry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            kind=entry.kind,
            name=Words.of(entry.name),
            from_state=entry.from_state,
            to_state=entry.to_state,
            cycle=entry.cycle,
            actor=entry.actor,
            actor_org=entry.actor_org,
            note=entry.note,
            data=entry.data,
        )


class Timeline(ResponseBody):
    """The whole story of a ticket, oldest first."""

    number: str
    items: list[TimelineEntryOut]


class PauseOut(ResponseBody):
    """An interval in which a clock did not count."""

    starts_at: datetime
    ends_at: datetime | None
    review_at: datetime
    reason: str


class ClockOut(ResponseBody):
    """One clock. `used_seconds` is counted time; `due_at` is exclusive."""

    kind: str
    leg: str
    cycle: int
    org_code: str
    tier: str | None
    promise: dict[str, Any]
    started_at: datetime
    due_at: datetime
    first_due_at: datetime
    stopped_at: datetime | None
    breached_at: datetime | None
    provisional: bool
    status: str
    used_seconds: int
    remaining: Words
    extension_days: int
    fired: list[str]
    pauses: list[PauseOut]
    policy_version: str
    calendar_version: str

    @classmethod
    def of(cls, view: ClockView) -> Self:
        return cls(
            kind=view.kind,
            leg=view.leg,
            cycle=view.cycle,
            org_code=view.org_code,
            tier=view.tier,
            promise=view.promise,
            started_at=view.started_at,
            due_at=view.due_at,
            first_due_at=view.first_due_at,
            stopped_at=view.stopped_at,
            breached_at=view.breached_at,
            provisional=view.provisional,
            status=str(view.status),
            used_seconds=view.used_seconds,
            remaining=Words.of(view.remaining),
            extension_days=view.extension_days,
            fired=list(view.fired),
            pauses=[
                PauseOut(starts_at=p.starts_at, ends_at=p.ends_at, review_at=p.review_at, reason=p.reason)
                for p in view.pauses
            ],
            policy_version=view.policy_version,
            calendar_version=view.calendar_version,
        )


class Clocks(ResponseBody):
    """Every clock of a ticket in the order they started."""

    number: str
    items: list[ClockOut]


class ExplanationOut(ResponseBody):
    """A deadline with the whole of its counting, and the same in sentences."""

    number: str
    explanation: dict[str, Any]
    sentences_zh: list[str]
    sentences_en: list[str]


# The address of a step is its name; the steps that decide a request share one address.
_DECISIONS: dict[Step, tuple[str, str]] = {
    Step.grant_rejection: ("rejection", "grant"),
    Step.refuse_rejection: ("rejection", "refuse"),
    Step.grant_return: ("return", "grant"),
    Step.refuse_return: ("return", "refuse"),
    Step.grant_extension: ("extension", "grant"),
    Step.pass_extension_up: ("extension", "grant"),
    Step.refuse_extension: ("extension", "refuse"),
    Step.grant_suspension: ("suspension", "grant"),
    Step.refuse_suspension: ("suspension", "refuse"),
}


def possible_step(step: Step) -> PossibleStep:
    """How to take a step through this API."""
    row = TABLE[step]
    request, verdict = _DECISIONS.get(step, (None, None))
    return PossibleStep(
        action="decide" if request else step.value, request=request, verdict=verdict, zh=row.name_zh, en=row.name_en
    )


def _coded(code: str, name: Bilingual) -> Coded:
    return Coded(code=code, zh=name.zh, en=name.en)


def _state(state: State) -> Coded:
    zh, en = STATE_NAMES[state]
    return Coded(code=state.value, zh=zh, en=en)


def row_values(row: TicketRow) -> dict[str, Any]:
    """A line of a list, for the schemas that have one."""
    return {
        "number": row.number,
        "title": row.title,
        "state": _state(row.state),
        "tier": _coded(row.tier, TIER_NAMES[Tier(row.tier)]) if row.tier else None,
        "kind": row.kind,
        "channel": row.channel,
        "urgent": row.urgent,
        "category": _coded(row.category_code, row.category),
        "place_code": row.place_code,
        "holder": _coded(row.holder_code, row.holder),
        "people_count": row.people_count,
        "received_at": row.received_at,
        "accepted_at": row.accepted_at,
        "due_at": row.due_at,
        "provisional": row.provisional,
        "suspended": row.suspended,
        "cycle": row.cycle,
        "row_version": row.row_version,
        "light": row.light,
        "handler": row.handler,
    }
