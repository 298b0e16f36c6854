"""Registering tickets and reading them: one, a list, its timeline, its clocks and how a deadline was counted."""

from typing import Annotated

from fastapi import Body, Header, Query, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import (
    ClockName,
    TicketNumber,
)
from service.api.schemas.receipts import MessageList, MessageOut
from service.api.schemas.tickets import (
    CallerOut,
    ClockOut,
    Clocks,
    ExplanationOut,
    NumberOut,
    Reveal,
    TicketCreate,
    TicketOut,
    TicketRegistered,
    Timeline,
    TimelineEntryOut,
)
from service.identity.permissions import Permission
from service.tickets.disclosure import RevealCaller, reveal_caller
from service.tickets.intake import RegisterTicket, register_ticket
from service.tickets.queries import clock_views, explain_clock, ticket_view, timeline
from service.tickets.receipts import messages_of

router = room("tickets", "/tickets")

CREATE_EXAMPLES = {
    "wages": {
        "summary": "欠薪投诉 / Unpaid wages",
        "value": {
            "title": "格尔木某工地拖欠工资",
            "body": "在工地干了三个月,工资一直没有发,共3万元。",
            "kind": "complaint",
            "channel": "phone",
            "category_code": "0101",
            "place_code": "632801",
            "phone": "138 9700 1234",
            "caller_name": "马小明",
            "employer": "某建筑有限公司",
            "people_count": 1,
            "amount_owed": "30000.00",
            "membership": "not_member",
            "identity_group": "migrant_worker",
            "contact_way": "phone",
            "contact_time": "evening",
            "other_channels": ["labour_inspection"],
        },
    },
    "collective": {
        "summary": "群体性、紧急 / Many workers, urgent",
        "value": {
            "title": "二十五名农民工讨薪",
            "body": "年底工程完工,二十五名工人的工资没有结清。",
            "kind": "complaint",
            "channel": "visit",
            "category_code": "0102",
            "place_code": "630102",
            "people_count": 25,
            "not_known": ["employer", "amount_owed"],
            "urgent": True,
        },
    },
    "anonymous": {
        "summary": "匿名咨询 / An anonymous question",
        "value": {
            "title": "咨询加班费",
            "body": "节假日加班费按多少倍计算?",
            "kind": "consultation",
            "channel": "web",
            "category_code": "0103",
            "place_code": "630100",
            "anonymous": True,
        },
    },
}

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[\x20-\x7e]{8,200}$",
        description=(
            "8 至 200 个可打印 ASCII 字符;同一键、同一内容重复提交返回首次结果,内容不同则 409。"
            " / A repeat with the same key and content is answered with the first ticket, with other content by 409."
        ),
        examples=["4b5c2c1e-9f0a-4e0e-8b57-3f1f5f8f7a10"],
    ),
]


@router.post(
    "",
    status_code=201,
    name="ticket_register",
    summary=both("登记工单", "Register a ticket"),
    response_model=TicketRegistered,
    responses={
        201: {
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "工单地址 / Where the ticket is"},
                "Idempotency-Replayed": {
                    "schema": {"type": "string", "enum": ["true"]},
                    "description": "重复提交时返回 / Present when a repeat was answered with the first ticket",
                },
            }
        },
        **refusals(400, 401, 403, 409, 413, 415, 422, 503),
    },
    openapi_extra=needs(Permission.ticket_create),
)
def register(
    work: Working,
    body: Annotated[TicketCreate, Body(openapi_examples=CREATE_EXAMPLES)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """登记诉求,返回工单号和查询码(请一并告知来电人)。电话和来访的投诉、求助、举报按类别必填用人单位、涉及人数或
    涉及金额;来电人说不清的列入 `not_known`。

    Registers a matter and answers with its number and query code, both to be told to the caller. By phone or in
    person a category may demand employer, people and amount; what the caller does not know goes into `not_known`.
    """
    command = RegisterTicket(**dict(body), idempotency_key=idempotency_key)
    with work.writing() as unit:
        registered = register_ticket(unit, command)
        document = TicketRegistered.of(registered.ticket, query_code=registered.query_code)
    headers = {"Location": f"/api/v1/tickets/{document.number}"}
    if registered.repeated:
        headers["Idempotency-Replayed"] = "true"
    return answer(document, status=201, headers=headers)


@router.get(
    "/{number}",
    name="ticket_get",
    summary=both("工单详情", "One ticket"),
    response_model=TicketOut,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def one(work: Working, number: TicketNumber) -> Response:
    """工单现状、派单与反馈记录,以及当前登录人可执行的操作。

    How the ticket stands, who has had it, what was replied, and the steps the caller may take now.
    """
    with work.reading(Permission.ticket_read) as unit:
        return answer(TicketOut.of_view(ticket_view(unit, number)))


@router.get(
    "/{number}/timeline",
    name="ticket_timeline",
    summary=both("办理过程", "Timeline"),
    response_model=Timeline,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def story(work: Working, number: TicketNumber) -> Response:
    """全部办理、升级和评价记录,按时间先后。/ Every step, escalation and rating, oldest first."""
    with work.reading(Permission.ticket_read) as unit:
        items = [TimelineEntryOut.of(entry) for entry in timeline(unit, number)]
        return answer(Timeline(number=number, items=items))


@router.get(
    "/{number}/messages",
    name="ticket_messages",
    summary=both("发给职工的短信", "Messages to the worker"),
    response_model=MessageList,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def messages(work: Working, number: TicketNumber) -> Response:
    """已发出的短信及其回执,由近到远;不含号码和内容。

    Each SMS that left and what became of it, the newest first; neither the phone nor the text.
    """
    with work.reading(Permission.ticket_read) as unit:
        return answer(MessageList(items=[MessageOut.of(sent) for sent in messages_of(unit, number)]))


@router.get(
    "/{number}/clocks",
    name="ticket_clocks",
    summary=both("时限", "Clocks"),
    response_model=Clocks,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def clocks(work: Working, number: TicketNumber) -> Response:
    """各项时限、已用时间、剩余时间、暂停与升级。/ Every clock with what is used and left, its pauses and rungs."""
    with work.reading(Permission.ticket_read) as unit:
        items = [ClockOut.of(view) for view in clock_views(unit, number)]
        return answer(Clocks(number=number, items=items))


@router.get(
    "/{number}/clocks/{kind}/explain",
    name="clock_explain",
    summary=both("期限如何算出", "How a deadline was counted"),
    response_model=ExplanationOut,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def explained(
    work: Working,
    number: TicketNumber,
    kind: ClockName,
    cycle: Annotated[
        int | None, Query(ge=1, le=1000, description="轮次,默认最近一次 / Cycle; the latest if left out")
    ] = None,
) -> Response:
    """逐日说明计入与不计入及其原因。/ Each day, counted or skipped and why, with the pauses and the rules' versions."""
    with work.reading(Permission.ticket_read) as unit:
        explanation = explain_clock(unit, number, kind, cycle=cycle)
        return answer(
            ExplanationOut(
                number=number,
                explanation=explanation.to_document(),
                sentences_zh=list(explanation.sentences("zh")),
                sentences_en=list(explanation.sentences("en")),
            )
        )


REVEAL_EXAMPLES = {"contact": {"summary": "首次联系 / First contact", "value": {"reason": "首次联系职工核实情况"}}}


@router.post(
    "/{number}/reveal",
    name="caller_reveal",
    summary=both("查看来电人", "See who called"),
    response_model=CallerOut,
    responses=refusals(400, 401, 403, 404, 413, 415, 422, 503),
    openapi_extra=needs(Permission.caller_reveal),
)
def reveal(
    work: Working, number: TicketNumber, body: Annotated[Reveal, Body(openapi_examples=REVEAL_EXAMPLES)]
) -> Response:
    """查看来电人登记的信息,以及工单文字中遮盖的号码,须说明理由;每次查看都记入时间线和审计。保密工单只对省级热线中心开放,
    仅受理人员可见的只对其坐席开放;被反映单位内部的工会一律不能查看。

    What the caller told of themselves and the numbers masked in the texts, in clear, for a reason that is put on the
    timeline and into the audit. Never for a union inside the employer complained of.
    """
    with work.writing() as unit:
        details = reveal_caller(unit, RevealCaller(number=number, reason=body.reason))
    numbers = [NumberOut(masked=masked, clear=clear) for masked, clear in details.numbers]
    return answer(
        CallerOut(
            number=number,
            name=details.name,
            phone=details.phone,
            id_number=details.id_number,
            address=details.address,
            numbers=numbers,
        )
    )
