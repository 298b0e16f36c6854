"""Reply templates."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import TicketNumber
from service.api.schemas.reply_templates import TemplateIn, TemplateList, TemplateOut, TemplatePublished
from service.identity.permissions import Permission
from service.tickets.reply_templates import (
    PublishTemplate,
    publish_template,
    templates,
    templates_for,
    withdraw_template,
)

router = room("knowledge")

TemplateId = Annotated[int, Path(ge=1, lt=2**31, description="模板编号 / Id of the template", examples=[1])]
_WRITE = needs(Permission.template_write)
_EXAMPLES = {
    "settled": {
        "summary": "已协调支付 / Settled",
        "value": {
            "title": "欠薪已协调支付",
            "body": "您反映的“{title}”(工单 {number}),经{union}协调,用人单位已足额支付。{date}",
            "category_code": "0101",
        },
    }
}


@router.get(
    "/reply-templates",
    name="reply_templates",
    summary=both("答复模板", "Reply templates"),
    response_model=TemplateList,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.knowledge_read),
)
def all_templates(work: Working) -> Response:
    """本单位及上级工会的模板。/ Those of one's own union and of the unions above it."""
    with work.reading(Permission.knowledge_read) as unit:
        return answer(TemplateList(items=[TemplateOut.of(view) for view in templates(unit)]))


@router.post(
    "/reply-templates",
    status_code=201,
    name="reply_template_publish",
    summary=both("新建答复模板", "Write a reply template"),
    response_model=TemplatePublished,
    responses=refusals(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=_WRITE,
)
def publish(work: Working, body: Annotated[TemplateIn, Body(openapi_examples=_EXAMPLES)]) -> Response:
    """归本单位所有,下级工会也可使用。/ It is one's own union's; the unions below it may use it."""
    with work.writing() as unit:
        template_id = publish_template(unit, PublishTemplate(**dict(body)))
    return answer(TemplatePublished(id=template_id), status=201)


@router.post(
    "/reply-templates/{template_id}/versions",
    status_code=201,
    name="reply_template_revise",
    summary=both("修改答复模板", "Revise a reply template"),
    response_model=TemplatePublished,
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=_WRITE,
)
def revise(
    work: Working, template_id: TemplateId, body: Annotated[TemplateIn, Body(openapi_examples=_EXAMPLES)]
) -> Response:
    """旧版本保留不改。/ Earlier versions stay as they were."""
    with work.writing() as unit:
        publish_template(unit, PublishTemplate(**dict(body), template_id=template_id))
    return answer(TemplatePublished(id=template_id), status=201)


@router.post(
    "/reply-templates/{template_id}/withdraw",
    status_code=204,
    name="reply_template_withdraw",
    summary=both("撤回答复模板", "Withdraw a reply template"),
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=_WRITE,
)
def withdraw(work: Working, template_id: TemplateId) -> Response:
    """不再能选用。/ It can't be chosen any more."""
    with work.writing() as unit:
        withdraw_template(unit, template_id)
    return Response(status_code=204)


@router.get(
    "/tickets/{number}/reply-templates",
    name="ticket_reply_templates",
    summary=both("工单可用的答复模板", "Reply templates for a ticket"),
    response_model=TemplateList,
    responses=READ_REFUSALS,
    openapi_extra=needs(Permission.ticket_read),
)
def of_ticket(work: Working, number: TicketNumber) -> Response:
    """同类别在前,占位符已按工单填好。/ The ticket's category first, with the placeholders filled."""
    with work.reading(Permission.ticket_read) as unit:
        return answer(TemplateList(items=[TemplateOut.of(view) for view in templates_for(unit, number)]))
