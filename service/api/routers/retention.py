"""How long what is held is held: periods, previews, erasure by two people, and holds."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import READ_REFUSALS, both, needs, refusals
from service.api.routers import room
from service.api.schemas.fields import TicketNumber
from service.api.schemas.retention import (
    Ask,
    CorrectionIn,
    ErasureOut,
    HoldIn,
    HoldList,
    HoldOut,
    PersonFileIn,
    PolicyIn,
    PolicyOut,
    RetentionOut,
    RunOut,
)
from service.core.spreadsheet import as_csv
from service.core.unit import Unit
from service.identity.permissions import Permission
from service.retention.holds import LiftHold, SetHold, holds, lift_hold, set_hold
from service.retention.persons import (
    CorrectCaller,
    PersonFile,
    TakePersonFile,
    correct_caller,
    forget_caller,
    take_person_file,
)
from service.retention.policies import PERIODS, PublishRetention, policy_in_force, publish_retention
from service.retention.runs import (
    approve_erasure,
    ask_erasure,
    check_reader,
    newest_run,
    numbers_of_run,
    preview_retention,
    run_view,
)

router = room("retention")

_MANAGE, _APPROVE, _HOLD = Permission.retention_manage, Permission.retention_approve, Permission.hold_manage
_ON_ONE = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)
_RunId = Annotated[int, Path(ge=1, le=2**31 - 1, description="编号 / Id", examples=[1])]
POLICY_EXAMPLES = {
    "default": {
        "summary": "附件两年,身份五年,工单十年,群体性和督办三十年 / As installed",
        "value": {"files": 24, "caller": 60, "matter": 120, "matter_long": 360, "reason": "省总工会档案管理规定"},
    }
}
ASK_EXAMPLES = {"year": {"summary": "年度清理 / Once a year", "value": {"reason": "年度到期清理"}}}
HOLD_EXAMPLES = {
    "case": {
        "summary": "仲裁案件 / A case in arbitration",
        "value": {"about": "ticket", "reason": "劳动人事争议仲裁案,须保存至结案", "until": "2030-12-31"},
    }
}
CORRECTION_EXAMPLES = {
    "name": {"summary": "姓名写错 / A name", "value": {"name": "马晓明", "reason": "职工出示身份证,姓名有误"}}
}
FORGET_EXAMPLES = {"asked": {"summary": "职工申请 / The worker asked", "value": {"reason": "职工书面申请删除"}}}
PERSON_EXAMPLES = {
    "request": {
        "summary": "职工本人申请 / The worker asked",
        "value": {"reason": "职工本人来访申请查阅,已核对身份", "format": "html"},
    }
}
LIFT_EXAMPLES = {"closed": {"summary": "结案 / The case is closed", "value": {"reason": "仲裁已结案"}}}


@router.get(
    "/retention",
    name="retention",
    summary=both("保存期限", "Retention"),
    response_model=RetentionOut,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(_MANAGE, _APPROVE),
)
def state(work: Working) -> Response:
    """现行期限和最近一次清理。/ The periods in force and the newest run."""
    with work.reading(_MANAGE, _APPROVE) as unit:
        check_reader(unit)
        run = newest_run(unit)
        policy = PolicyOut.of(policy_in_force(unit))
        return answer(RetentionOut(policy=policy, run=RunOut.of(run) if run else None))


@router.post(
    "/retention/policy",
    status_code=201,
    name="retention_publish",
    summary=both("公布保存期限", "Publish periods"),
    response_model=PolicyOut,
    responses=refusals(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=needs(_MANAGE),
)
def publish(work: Working, body: Annotated[PolicyIn, Body(openapi_examples=POLICY_EXAMPLES)]) -> Response:
    """新的一版,此后的预览按它计算。/ A new version, by which previews are made from then on."""
    months = {name: getattr(body, name) for name in PERIODS}
    with work.writing(_MANAGE) as unit:
        view = publish_retention(unit, PublishRetention(months=months, reason=body.reason))
    return answer(PolicyOut.of(view), status=201)


@router.post(
    "/retention/runs",
    status_code=201,
    name="retention_preview",
    summary=both("清理预览", "Preview an erasure"),
    response_model=RunOut,
    responses=refusals(401, 403, 409, 503),
    openapi_extra=needs(_MANAGE),
)
def preview(work: Working) -> Response:
    """列出已过期限、未冻结、已结束的工单,按类别计数;不清理任何内容。

    What has ended, is past its time and not held, by class. Nothing is erased.
    """
    with work.writing(_MANAGE) as unit:
        view = preview_retention(unit)
    return answer(RunOut.of(view), status=201)


@router.get(
    "/retention/runs/{run_id}",
    name="retention_run",
    summary=both("一次清理", "A run"),
    response_model=RunOut,
    responses=READ_REFUSALS,
    openapi_extra=needs(_MANAGE, _APPROVE),
)
def one(work: Working, run_id: _RunId) -> Response:
    """预览的数字和进度。/ The figures of the preview, and how far it is."""
    with work.reading(_MANAGE, _APPROVE) as unit:
        check_reader(unit)
        return answer(RunOut.of(run_view(unit, run_id)))


@router.get(
    "/retention/runs/{run_id}/tickets",
    name="retention_tickets",
    summary=both("清理清单", "The tickets of a run"),
    responses={
        200: {"description": "文件 / The file", "content": {"text/csv": {"schema": {"type": "string"}}}},
        **READ_REFUSALS,
    },
    openapi_extra=needs(_MANAGE, _APPROVE),
)
def tickets(work: Working, run_id: _RunId) -> Response:
    """工单号、类别和结束日期,最早在前。/ Number, class and the day of the end, the oldest first."""
    with work.reading(_MANAGE, _APPROVE) as unit:
        check_reader(unit)
        content = numbers_as_csv(unit, run_id)
    headers = {"Content-Disposition": f'attachment; filename="retention-{run_id}.csv"', "Cache-Control": "no-store"}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def numbers_as_csv(unit: Unit, run_id: int) -> bytes:
    """What a run lists, as a file. Raises RunNotFound."""
    listed = ((number, PERIODS[name].zh, day) for number, name, day in numbers_of_run(unit, run_id))
    return as_csv(("工单号", "清理的部分", "结束日期"), listed)


@router.post(
    "/retention/runs/{run_id}/ask",
    name="retention_ask",
    summary=both("提出清理", "Ask for the erasure"),
    response_model=RunOut,
    responses=_ON_ONE,
    openapi_extra=needs(_MANAGE),
)
def ask(work: Working, run_id: _RunId, body: Annotated[Ask, Body(openapi_examples=ASK_EXAMPLES)]) -> Response:
    """由一人提出,另一人批准。/ One person asks, another approves."""
    with work.writing(_MANAGE) as unit:
        view = ask_erasure(unit, run_id, reason=body.reason)
    return answer(RunOut.of(view))


@router.post(
    "/retention/runs/{run_id}/approve",
    name="retention_approve",
    summary=both("批准清理", "Approve the erasure"),
    response_model=RunOut,
    responses=refusals(401, 403, 404, 409, 422, 503),
    openapi_extra=needs(_APPROVE),
)
def approve(work: Working, run_id: _RunId) -> Response:
    """批准后由系统分批清理,不可恢复;届时已冻结或重新办理的跳过,统计数字不变。

    From then on it is erased in batches, for good. What is held or open again by then is left; figures stay.
    """
    with work.writing(_APPROVE) as unit:
        view = approve_erasure(unit, run_id)
    return answer(RunOut.of(view))


@router.get(
    "/holds",
    name="hold_list",
    summary=both("冻结保存", "Holds"),
    response_model=HoldList,
    responses=refusals(401, 403, 503),
    openapi_extra=needs(_HOLD),
)
def hold_list(work: Working) -> Response:
    """本单位范围内有效的冻结,最新在前。/ Those in force within one's scope, the newest first."""
    with work.reading(_HOLD) as unit:
        return answer(HoldList(items=[HoldOut.of(view) for view in holds(unit)]))


@router.post(
    "/tickets/{number}/holds",
    status_code=201,
    name="hold_set",
    summary=both("冻结工单", "Hold a ticket"),
    response_model=HoldOut,
    responses=_ON_ONE,
    openapi_extra=needs(_HOLD),
)
def hold(
    work: Working, number: TicketNumber, body: Annotated[HoldIn, Body(openapi_examples=HOLD_EXAMPLES)]
) -> Response:
    """冻结期间不清理任何内容,无论是否已过期限。/ While it lasts nothing of it is erased, whatever its period."""
    with work.writing(_HOLD) as unit:
        view = set_hold(unit, SetHold(number=number, **dict(body)))
    return answer(HoldOut.of(view), status=201)


@router.post(
    "/holds/{hold_id}/lift",
    status_code=204,
    name="hold_lift",
    summary=both("解除冻结", "Lift a hold"),
    responses=_ON_ONE,
    openapi_extra=needs(_HOLD),
)
def lift(
    work: Working,
    hold_id: Annotated[int, Path(ge=1, le=2**31 - 1, description="编号 / Id", examples=[1])],
    body: Annotated[Ask, Body(openapi_examples=LIFT_EXAMPLES)],
) -> Response:
    """须由设置人以外的另一人解除。/ By another person than who set it."""
    with work.writing(_HOLD) as unit:
        lift_hold(unit, LiftHold(id=hold_id, reason=body.reason))
    return Response(status_code=204)


@router.post(
    "/tickets/{number}/person-file",
    name="person_file",
    summary=both("导出职工个人信息", "What is held of a worker"),
    responses={
        200: {
            "description": "文件 / The file",
            "content": {
                "application/json": {"schema": {"type": "object"}},
                "text/html": {"schema": {"type": "string"}},
            },
        },
        **_ON_ONE,
    },
    openapi_extra=needs(Permission.worker_export),
)
def person_file(
    work: Working, number: TicketNumber, body: Annotated[PersonFileIn, Body(openapi_examples=PERSON_EXAMPLES)]
) -> Response:
    """该工单来电人的全部信息,含其全部工单,供依法交给本人(个人信息保护法第四十五条)。只在省级热线中心;理由记入每张工单的时间线和
    审计。

    All that is held of the ticket's caller, over all their tickets, to be handed to them. At the centre alone, with a
    reason that goes onto each ticket's timeline and into the audit.
    """
    with work.writing(Permission.worker_export) as unit:
        file = take_person_file(unit, TakePersonFile(number=number, kind=body.format, reason=body.reason))
    return person_answer(file)


@router.post(
    "/tickets/{number}/person-correction",
    status_code=204,
    name="person_correction",
    summary=both("更正职工信息", "Put right what is held of a worker"),
    responses=_ON_ONE,
    openapi_extra=needs(Permission.worker_export),
)
def correction(
    work: Working, number: TicketNumber, body: Annotated[CorrectionIn, Body(openapi_examples=CORRECTION_EXAMPLES)]
) -> Response:
    """个人信息保护法第四十六条。审计只记更正了哪几项,不记内容。/ On record is which of it, not what it says."""
    with work.writing(Permission.worker_export) as unit:
        correct_caller(unit, CorrectCaller(number=number, **dict(body)))
    return Response(status_code=204)


@router.post(
    "/tickets/{number}/person-erasure",
    status_code=202,
    name="person_erasure",
    summary=both("申请删除职工身份", "Ask that a worker be forgotten"),
    response_model=ErasureOut,
    responses=_ON_ONE,
    openapi_extra=needs(Permission.worker_export),
)
def erasure(
    work: Working, number: TicketNumber, body: Annotated[Ask, Body(openapi_examples=FORGET_EXAMPLES)]
) -> Response:
    """个人信息保护法第四十七条:另一人批准后,从已结束、未冻结的工单去除来电人身份;内容到期后去除,回答说明日期。

    Once another person approves it, who called goes from tickets that have ended and are not held. What was said is
    kept as long as the law wants it, and the answer says until when.
    """
    with work.writing(Permission.worker_export) as unit:
        found = forget_caller(unit, number, reason=body.reason)
    return answer(ErasureOut.of(found), status=202)


def person_answer(file: PersonFile) -> Response:
    """The file, to be kept by nobody on the way."""
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"', "Cache-Control": "no-store"}
    return Response(file.content, media_type=file.media_type, headers=headers)
