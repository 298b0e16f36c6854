"""Many callers of one matter under one name (群体诉求), each keeping their own ticket."""

from typing import Annotated

from fastapi import Body, Response
from fastapi.openapi.models import Example

from service.api.deps import Working, answer
from service.api.documentation import STEP_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import A_TICKET_NUMBER, TicketNumber
from service.api.schemas.groups import GroupIn, GroupOut
from service.identity.permissions import Permission
from service.tickets.together import GroupTickets, NotGrouped, group_of, group_tickets, leave_group

router = room("groups")


@router.post(
    "/groups",
    name="group_tickets",
    summary=both("归组", "Group tickets"),
    response_model=GroupOut,
    responses=STEP_REFUSALS,
    openapi_extra=needs(Permission.ticket_group),
)
def group(
    work: Working,
    body: Annotated[
        GroupIn,
        Body(openapi_examples={"site": Example(value={"numbers": [A_TICKET_NUMBER], "title": "某工地欠薪"})}),
    ],
) -> Response:
    """把多件工单归入同一事项;已在组内的工单带入其组。合计达到群体性人数时预警。

    Put tickets under one matter; one that is grouped already brings its group along. Together they may reach the
    collective threshold, and the province hears of it.
    """
    with work.writing() as unit:
        found = group_tickets(unit, GroupTickets(numbers=tuple(body.numbers), title=body.title))
        return answer(GroupOut.of(found))


@router.get(
    "/tickets/{number}/group",
    name="ticket_group",
    summary=both("所在的组", "The group of a ticket"),
    response_model=GroupOut,
    responses=refusals(401, 403, 404, 409, 422, 503),
    openapi_extra=needs(Permission.ticket_read),
)
def show(work: Working, number: TicketNumber) -> Response:
    """工单所在的组中本单位可见的工单。/ Those tickets of its group that one's union sees."""
    with work.reading(Permission.ticket_read) as unit:
        found = group_of(unit, number)
        if found is None:
            raise NotGrouped(number=number)
        return answer(GroupOut.of(found))


@router.post(
    "/tickets/{number}/leave-group",
    name="ticket_leave_group",
    summary=both("移出所在的组", "Take a ticket out of its group"),
    status_code=204,
    responses=STEP_REFUSALS,
    openapi_extra=needs(Permission.ticket_group),
)
def leave(work: Working, number: TicketNumber) -> Response:
    """工单移出所在的组,其余不变。/ The ticket leaves its group; nothing else changes."""
    with work.writing() as unit:
        leave_group(unit, number)
    return Response(status_code=204)
