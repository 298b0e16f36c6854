"""Who is away and who stands in (AB角), and who keeps out of a matter (回避)."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.absences import AbsenceList, AbsenceOut, AbsenceRecord, AbsenceRecorded, Recuse
from service.api.schemas.fields import TicketNumber
from service.identity.absences import RecordAbsence, absences, cancel_absence, record_absence
from service.identity.permissions import Permission
from service.tickets.recusing import RecusePerson, recuse

router = room("absences")

ABSENCE_EXAMPLES = {
    "leave": {
        "summary": "年休假 / Leave",
        "value": {"starts_on": "2026-12-07", "ends_on": "2026-12-11", "deputy": "agent2", "reason": "年休假"},
    }
}
RECUSAL_EXAMPLES = {
    "relative": {"summary": "亲属关系 / A relative", "value": {"reason": "被投诉单位负责人为本人近亲属"}}
}


@router.get(
    "/absences",
    name="absence_list",
    summary=both("请假与代理", "Absences"),
    response_model=AbsenceList,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(Permission.absence_record),
)
def listing(work: Working) -> Response:
    """本单位及下级当前和将来的请假;原因只对本人和负责人显示。

    Of one's union and those below it, present and to come. The reason is shown to the person and to who leads them.
    """
    with work.reading(Permission.absence_record) as unit:
        return answer(AbsenceList(items=[AbsenceOut.of(view) for view in absences(unit)]))


@router.post(
    "/absences",
    status_code=201,
    name="absence_record",
    summary=both("登记请假", "Record an absence"),
    response_model=AbsenceRecorded,
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 503),
    openapi_extra=needs(Permission.absence_record, Permission.absence_manage),
)
def register(work: Working, body: Annotated[AbsenceRecord, Body(openapi_examples=ABSENCE_EXAMPLES)]) -> Response:
    """请假期间发给本人的消息同时发给代理人。负责人和管理员可代他人登记。

    As long as it lasts, whatever the person is told the deputy is told as well. Leaders and administrators record
    for others.
    """
    with work.writing(Permission.absence_record, Permission.absence_manage) as unit:
        absence_id = record_absence(unit, RecordAbsence(**{**dict(body), "username": body.username or ""}))
    return answer(AbsenceRecorded(id=absence_id), status=201)


@router.post(
    "/absences/{absence_id}/cancel",
    status_code=204,
    name="absence_cancel",
    summary=both("取消请假", "Cancel an absence"),
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=needs(Permission.absence_record, Permission.absence_manage),
)
def cancel(work: Working, absence_id: Annotated[int, Path(ge=1, lt=2**31, examples=[1])]) -> Response:
    """提前返岗或不再请假;重复取消不改变记录。/ Back early, or staying after all. A repeat changes nothing."""
    with work.writing(Permission.absence_record, Permission.absence_manage) as unit:
        cancel_absence(unit, absence_id)
    return Response(status_code=204)


@router.post(
    "/tickets/{number}/recusals",
    status_code=204,
    name="ticket_recuse",
    summary=both("申报回避", "Keep out of a matter"),
    responses=refusals(400, 401, 403, 404, 413, 415, 422, 503),
    openapi_extra=needs(Permission.recusal_declare, Permission.recusal_manage),
)
def keep_out(
    work: Working, number: TicketNumber, body: Annotated[Recuse, Body(openapi_examples=RECUSAL_EXAMPLES)]
) -> Response:
    """此后本人看不到该工单,不能办理,也收不到其消息;同岗人员接手,无人时告知上级工会。

    From then on the person neither sees the ticket nor acts on it nor hears of it. Colleagues take over; where there
    is none, the union above is told.
    """
    with work.writing(Permission.recusal_declare, Permission.recusal_manage) as unit:
        recuse(unit, RecusePerson(number=number, reason=body.reason, username=body.username or ""))
    return Response(status_code=204)
