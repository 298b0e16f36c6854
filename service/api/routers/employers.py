"""The employer register."""

from typing import Annotated

from fastapi import Body, Path, Query, Response

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.intake import (
    EmployerAddName,
    EmployerAmend,
    EmployerList,
    EmployerMerge,
    EmployerOut,
    EmployerUnionIn,
)
from service.identity.permissions import Permission
from service.tickets.employer_unions import EmployerUnionChange, add_employer_union, remove_employer_union
from service.tickets.employers import (
    MOST_FOUND,
    AddEmployerName,
    AmendEmployer,
    FindEmployers,
    MergeEmployers,
    add_employer_name,
    amend_employer,
    employer_view,
    find_employers,
    merge_employers,
)

router = room("employers", "/employers")

Number = Annotated[int, Path(ge=1, lt=2**31, description="用人单位编号 / Number in the register", examples=[1])]
_CHANGES = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)
AMEND_EXAMPLES = {
    "code": {"summary": "登记信用代码 / Credit code", "value": {"credit_code": "91630000MA75ABCD15"}},
}
NAME_EXAMPLES = {"short": {"summary": "简称 / Short name", "value": {"name": "某建"}}}
UNION_EXAMPLES = {
    "own": {
        "summary": "企业工会 / A union of the firm",
        "value": {"org_code": "632857", "reason": "该单位的企业工会,经省总组织部核实"},
    }
}
MERGE_EXAMPLES = {"same": {"summary": "同一单位 / The same employer", "value": {"into": 2}}}


@router.get(
    "",
    name="employer_list",
    summary=both("查找用人单位", "Find employers"),
    response_model=EmployerList,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=needs(Permission.employer_read),
)
def listing(
    work: Working,
    part: Annotated[
        str, Query(alias="q", max_length=200, description="名称的一部分或信用代码的开头 / Part of a name, or the code")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=MOST_FOUND, description="最多条数 / At most so many")] = 10,
) -> Response:
    """按任一名称查找,以此开头的在前。/ By any of its names; those that begin so come first."""
    with work.reading(Permission.employer_read) as unit:
        found = find_employers(unit, FindEmployers(part=part, limit=limit))
        return answer(EmployerList(items=[EmployerOut.of(view) for view in found]))


@router.get(
    "/{employer_id}",
    name="employer_get",
    summary=both("一个用人单位", "One employer"),
    response_model=EmployerOut,
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=needs(Permission.employer_read),
)
def one(work: Working, employer_id: Number) -> Response:
    """别名的编号也指向该单位。/ The number of one of its other names leads here as well."""
    with work.reading(Permission.employer_read) as unit:
        return answer(EmployerOut.of(employer_view(unit, employer_id)))


@router.patch(
    "/{employer_id}",
    name="employer_amend",
    summary=both("更正用人单位", "Put an employer right"),
    response_model=EmployerOut,
    responses=_CHANGES,
    openapi_extra=needs(Permission.employer_manage),
)
def amend(
    work: Working, employer_id: Number, body: Annotated[EmployerAmend, Body(openapi_examples=AMEND_EXAMPLES)]
) -> Response:
    """登记统一社会信用代码(校验位须正确)或规范名称,原名称保留为别名。

    Its credit code, whose check character must fit, or its name; the name it had stays as another name.
    """
    with work.writing() as unit:
        view = amend_employer(unit, AmendEmployer(id=employer_id, name=body.name, credit_code=body.credit_code))
    return answer(EmployerOut.of(view))


@router.post(
    "/{employer_id}/names",
    name="employer_add_name",
    summary=both("增加别名", "Add another name"),
    response_model=EmployerOut,
    responses=_CHANGES,
    openapi_extra=needs(Permission.employer_manage),
)
def add_name(
    work: Working, employer_id: Number, body: Annotated[EmployerAddName, Body(openapi_examples=NAME_EXAMPLES)]
) -> Response:
    """此后以该名称登记的工单归入本单位。/ Whoever says that name at intake means this employer."""
    with work.writing() as unit:
        view = add_employer_name(unit, AddEmployerName(id=employer_id, name=body.name))
    return answer(EmployerOut.of(view))


@router.post(
    "/{employer_id}/merge",
    name="employer_merge",
    summary=both("合并用人单位", "Merge two entries"),
    response_model=EmployerOut,
    responses=_CHANGES,
    openapi_extra=needs(Permission.employer_manage),
)
def merge(
    work: Working, employer_id: Number, body: Annotated[EmployerMerge, Body(openapi_examples=MERGE_EXAMPLES)]
) -> Response:
    """本条目成为另一单位的别名,其工单一并归入;信用代码不同的不能合并。

    This entry becomes another name of the other, and its tickets go over. Two credit codes are two employers.
    """
    with work.writing() as unit:
        view = merge_employers(unit, MergeEmployers(id=employer_id, into=body.into))
    return answer(EmployerOut.of(view))


@router.post(
    "/{employer_id}/unions",
    name="employer_add_union",
    summary=both("登记内部工会", "Say that a union belongs to it"),
    response_model=EmployerOut,
    responses=_CHANGES,
    openapi_extra=needs(Permission.union_manage),
)
def add_union(
    work: Working, employer_id: Number, body: Annotated[EmployerUnionIn, Body(openapi_examples=UNION_EXAMPLES)]
) -> Response:
    """此后该工会及其下级的人员看不到反映该单位的来电人,也不能查看;派单给它时提醒。

    From now on its people, and those of the unions below it, see nothing of who complained of the employer, and
    whoever gives it such a matter is warned.
    """
    with work.writing(Permission.union_manage) as unit:
        view = add_employer_union(unit, EmployerUnionChange(id=employer_id, **dict(body)))
    return answer(EmployerOut.of(view))


@router.post(
    "/{employer_id}/unions/remove",
    name="employer_remove_union",
    summary=both("取消内部工会", "Say that a union does not belong to it"),
    response_model=EmployerOut,
    responses=_CHANGES,
    openapi_extra=needs(Permission.union_manage),
)
def remove_union(
    work: Working, employer_id: Number, body: Annotated[EmployerUnionIn, Body(openapi_examples=UNION_EXAMPLES)]
) -> Response:
    """取消后其人员与其他工会的人员看到的一样。/ Its people then see what those of other unions see."""
    with work.writing(Permission.union_manage) as unit:
        view = remove_employer_union(unit, EmployerUnionChange(id=employer_id, **dict(body)))
    return answer(EmployerOut.of(view))
