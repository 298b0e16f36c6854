"""Who is on duty (值班)."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.duties import DutyList, DutyOut, DutyRecord, DutyRecorded
from service.identity.duties import RecordDuty, cancel_duty, duties, record_duty
from service.identity.permissions import Permission

router = room("absences", "/duties")

DUTY_EXAMPLES = {
    "night": {
        "summary": "夜间值班 / A night",
        "value": {
            "username": "agent1",
            "starts_at": "2026-12-07T18:00:00+08:00",
            "ends_at": "2026-12-08T08:30:00+08:00",
        },
    }
}


@router.get(
    "",
    name="duty_list",
    summary=both("值班表", "The duty roster"),
    response_model=DutyList,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(Permission.absence_record),
)
def listing(work: Working) -> Response:
    """本单位及下级当前和将来的值班,最早在前。/ Of one's union and those below it, present and to come."""
    with work.reading(Permission.absence_record) as unit:
        return answer(DutyList(items=[DutyOut.of(view) for view in duties(unit)]))


@router.post(
    "",
    status_code=201,
    name="duty_record",
    summary=both("安排值班", "Put somebody on duty"),
    response_model=DutyRecorded,
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=needs(Permission.duty_manage),
)
def register(work: Working, body: Annotated[DutyRecord, Body(openapi_examples=DUTY_EXAMPLES)]) -> Response:
    """值班期间,本单位紧急事项的消息除告知承办人员外,同时告知值班人;不紧急的消息等到静默时段结束。

    While it lasts, what is urgent at the union is told to whoever is on duty as well; what is not urgent waits for the
    end of the quiet hours.
    """
    with work.writing(Permission.duty_manage) as unit:
        duty_id = record_duty(unit, RecordDuty(**dict(body)))
    return answer(DutyRecorded(id=duty_id), status=201)


@router.post(
    "/{duty_id}/cancel",
    status_code=204,
    name="duty_cancel",
    summary=both("取消值班", "Take somebody off duty"),
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=needs(Permission.duty_manage),
)
def cancel(work: Working, duty_id: Annotated[int, Path(ge=1, lt=2**31, examples=[1])]) -> Response:
    """重复取消不改变记录。/ A repeat changes nothing."""
    with work.writing(Permission.duty_manage) as unit:
        cancel_duty(unit, duty_id)
    return Response(status_code=204)
