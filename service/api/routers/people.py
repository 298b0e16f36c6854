"""The people of one's union and those below it, as an administrator keeps them."""

from typing import Annotated

from fastapi import Body, Path, Query, Response
from pydantic import AfterValidator

from service.api.deps import Working, answer
from service.api.documentation import both, needs, refusals
from service.api.routers import room
from service.api.schemas.account import IdentityList, IdentityOut, LoginList, LoginOut, LoginsEnded
from service.api.schemas.fields import TicketNumber, fit
from service.api.schemas.keeping import (
    GivenPassword,
    HandedOverOut,
    HandOverTo,
    IdentityEnter,
    OpenWorkOut,
    PeopleOut,
    PersonAdd,
    PersonChange,
    PersonOut,
    RoleName,
    WhyOut,
)
from service.identity.errors import ProviderNotSet
from service.identity.identities import EnterIdentity, identities_of, unlink_identity
from service.identity.keeping import (
    AddPerson,
    ChangePerson,
    FindPeople,
    disable_person,
    enable_person,
    find_people,
    person_row,
    reset_password,
)
from service.identity.logins import end_logins_of, logins_of
from service.identity.permissions import Permission, Role
from service.identity.providers import provider_settings
from service.notifications.account_notices import (
    add_person_and_tell,
    change_person_and_tell,
    enter_identity_and_tell,
    reset_second_factor_and_tell,
)
from service.tickets.leaving import HandOver, hand_over, open_work
from service.tickets.why import why

router = room("people", "/people")

Who = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[a-z0-9._-]+$", examples=["handler-632801"])]
_KEEPS = Permission.person_manage
_NEEDS = needs(_KEEPS)
_READS = refusals(401, 403, 404, 422, 503)
_CHANGES = refusals(400, 401, 403, 404, 409, 413, 415, 422, 503)
ADD_EXAMPLES = {
    "handler": {
        "summary": "县总工会承办人 / A county's handler",
        "value": {
            "username": "handler2-632801",
            "display_name": "格尔木承办人二",
            "org_code": "632801",
            "roles": ["handler"],
        },
    }
}
CHANGE_EXAMPLES = {
    "roles": {"summary": "兼任审核人 / Reviewer as well", "value": {"roles": ["handler", "reviewer"]}},
}
IDENTITY_EXAMPLES = {"number": {"summary": "工号 / A staff number", "value": {"account": "20261120"}}}
HAND_EXAMPLES = {"colleague": {"summary": "同事接手 / A colleague", "value": {"to": "handler-632801"}}}


@router.get(
    "",
    name="people_list",
    summary=both("人员", "People"),
    response_model=PeopleOut,
    responses=refusals(401, 403, 422, 503),
    openapi_extra=_NEEDS,
)
def listing(
    work: Working,
    q: Annotated[
        str, AfterValidator(fit), Query(max_length=64, description="姓名或用户名的一部分 / Part of a name")
    ] = "",
    org: Annotated[
        str, AfterValidator(fit), Query(max_length=12, description="工会代码,含下级 / A union and those below")
    ] = "",
    role: Annotated[RoleName | None, Query(description="岗位 / A role")] = None,
    active: Annotated[bool | None, Query(description="是否在用 / Here still or not")] = None,
    after: Annotated[
        str, AfterValidator(fit), Query(max_length=64, description="上一页的 `next_after` / Of the page before")
    ] = "",
    limit: Annotated[int, Query(ge=1, le=200, description="每页条数 / Rows of a page")] = 50,
) -> Response:
    """本单位及下级的人员,按用户名排列。/ Of one's union and those below it, by user name."""
    command = FindPeople(
        text=q, org_code=org, role=Role(role) if role else None, active=active, after=after, limit=limit
    )
    with work.reading(_KEEPS) as unit:
        return answer(PeopleOut.of(find_people(unit, command)))


@router.post(
    "",
    status_code=201,
    name="person_add",
    summary=both("新增人员", "Add somebody"),
    response_model=GivenPassword,
    responses=_CHANGES,
    openapi_extra=_NEEDS,
)
def add(work: Working, body: Annotated[PersonAdd, Body(openapi_examples=ADD_EXAMPLES)]) -> Response:
    """返回只显示一次的初始密码,首次登录必须更改,七天内有效。岗位须与所在工会的层级相符。

    Answers a password that is shown this once, has to be changed at the first login, and lapses after seven days. A
    role has its place: agents, lawyers, dispatchers and auditors at the centre, supervisors at a city or above.
    """
    with work.writing(_KEEPS) as unit:
        password = add_person_and_tell(
            unit,
            AddPerson(
                username=body.username,
                display_name=body.display_name,
                org_code=body.org_code,
                roles=frozenset(map(Role, body.roles)),
            ),
        )
    return answer(GivenPassword(username=body.username, password=password), status=201)


@router.get(
    "/{username}",
    name="person",
    summary=both("一名人员", "Somebody"),
    response_model=PersonOut,
    responses=_READS,
    openapi_extra=_NEEDS,
)
def one(work: Working, username: Who) -> Response:
    """单位、岗位、是否在用、最近使用。/ Union, roles, here still or not, and when last seen."""
    with work.reading(_KEEPS) as unit:
        return answer(PersonOut.of(person_row(unit, username)))


@router.post(
    "/{username}/change",
    name="person_change",
    summary=both("变更人员", "Change somebody"),
    response_model=PersonOut,
    responses=_CHANGES,
    openapi_extra=_NEEDS,
)
def change(
    work: Working, username: Who, body: Annotated[PersonChange, Body(openapi_examples=CHANGE_EXAMPLES)]
) -> Response:
    """变更姓名、单位或岗位,从其下一次请求起生效;不能变更本人。/ It holds from their next request on; nobody does it to
    themselves."""
    with work.writing(_KEEPS) as unit:
        change_person_and_tell(
            unit,
            ChangePerson(
                username=username,
                display_name=body.display_name,
                org_code=body.org_code,
                roles=None if body.roles is None else frozenset(map(Role, body.roles)),
            ),
        )
        row = person_row(unit, username)
    return answer(PersonOut.of(row))


@router.post(
    "/{username}/reset-password",
    name="person_reset_password",
    summary=both("重置密码", "Reset a password"),
    response_model=GivenPassword,
    responses=refusals(401, 403, 404, 409, 422, 503),
    openapi_extra=_NEEDS,
)
def reset(work: Working, username: Who) -> Response:
    """返回只显示一次的初始密码;其全部登录立即失效。/ A password shown this once; every login of theirs ends."""
    with work.writing(_KEEPS) as unit:
        password = reset_password(unit, username)
    return answer(GivenPassword(username=username, password=password))


@router.post(
    "/{username}/disable",
    name="person_disable",
    summary=both("停用人员", "Disable a leaver"),
    response_model=OpenWorkOut,
    responses=refusals(401, 403, 404, 409, 422, 503),
    openapi_extra=_NEEDS,
)
def disable(work: Working, username: Who) -> Response:
    """不能再登录,现有登录立即失效;返回其未了事项,以便交接。

    No more logins, and every one of theirs ends. Answers what hangs on them still, to be handed over.
    """
    with work.writing(_KEEPS) as unit:
        disable_person(unit, username)
        left = open_work(unit, username)
    return answer(OpenWorkOut.of(left))


@router.post(
    "/{username}/enable",
    name="person_enable",
    summary=both("恢复人员", "Enable somebody again"),
    response_model=GivenPassword,
    responses=refusals(401, 403, 404, 422, 503),
    openapi_extra=_NEEDS,
)
def enable(work: Working, username: Who) -> Response:
    """岗位不变,返回只显示一次的初始密码。/ With the roles of before, and a password shown this once."""
    with work.writing(_KEEPS) as unit:
        password = enable_person(unit, username)
    return answer(GivenPassword(username=username, password=password))


@router.get(
    "/{username}/open-work",
    name="person_open_work",
    summary=both("未了事项", "What hangs on somebody"),
    response_model=OpenWorkOut,
    responses=_READS,
    openapi_extra=_NEEDS,
)
def what_is_open(work: Working, username: Who) -> Response:
    """在手工单(只有编号和状态)、法律咨询、值班、代理、请假。

    Tickets in hand (number and state alone), questions taken on, duties, absences.
    """
    with work.reading(_KEEPS) as unit:
        return answer(OpenWorkOut.of(open_work(unit, username)))


@router.post(
    "/{username}/hand-over",
    name="person_hand_over",
    summary=both("批量交接", "Hand everything over"),
    response_model=HandedOverOut,
    responses=_CHANGES,
    openapi_extra=_NEEDS,
)
def hand(work: Working, username: Who, body: Annotated[HandOverTo, Body(openapi_examples=HAND_EXAMPLES)]) -> Response:
    """未了事项交给同事;交不了的留下并说明原因,可再交给他人。

    To a colleague, as far as they may have it; what stays is told with the reason, and can go to somebody else.
    """
    with work.writing(_KEEPS) as unit:
        done = hand_over(unit, HandOver(username=username, to=body.to))
    return answer(HandedOverOut.of(done))


@router.get(
    "/{username}/logins",
    name="person_logins",
    summary=both("某人的登录", "Where somebody is logged in"),
    response_model=LoginList,
    responses=_READS,
    openapi_extra=_NEEDS,
)
def logins(work: Working, username: Who) -> Response:
    """仍然有效的登录,最近使用的在前。/ Logins that last, the one used last first."""
    with work.reading(_KEEPS) as unit:
        return answer(LoginList(items=[LoginOut.of(view) for view in logins_of(unit, username)]))


@router.post(
    "/{username}/logins/end",
    name="person_logins_end",
    summary=both("注销某人的全部登录", "End every login of somebody"),
    response_model=LoginsEnded,
    responses=_READS,
    openapi_extra=_NEEDS,
)
def end_logins(work: Working, username: Who) -> Response:
    """立即失效。/ They end at once."""
    with work.writing(_KEEPS) as unit:
        ended = end_logins_of(unit, username)
    return answer(LoginsEnded(ended=ended))


@router.post(
    "/{username}/second-factor/reset",
    status_code=204,
    name="person_second_factor_reset",
    summary=both("重置动态验证码", "Reset somebody's second factor"),
    responses=refusals(401, 403, 404, 409, 422, 503),
    openapi_extra=_NEEDS,
)
def reset_factor(work: Working, username: Who) -> Response:
    """用于手机丢失等情况;其登录全部失效,并告知本人。请先核实身份。

    For a lost device: every login of theirs ends, and they are told. Make sure first that it is they who ask.
    """
    with work.writing(_KEEPS) as unit:
        reset_second_factor_and_tell(unit, username)
    return Response(status_code=204)


@router.get(
    "/{username}/identity",
    name="person_identity",
    summary=both("某人的身份认证账号", "Somebody's account at the identity provider"),
    response_model=IdentityList,
    responses=_READS,
    openapi_extra=_NEEDS,
)
def identity(work: Working, username: Who) -> Response:
    """已关联或已登记的账号。/ The one that is linked, or was entered and waits for its first use."""
    with work.reading(_KEEPS) as unit:
        return answer(IdentityList(items=[IdentityOut.of(view) for view in identities_of(unit, username)]))


@router.post(
    "/{username}/identity",
    status_code=204,
    name="person_identity_enter",
    summary=both("登记身份认证账号", "Enter somebody's account"),
    responses=_CHANGES,
    openapi_extra=_NEEDS,
)
def enter(
    work: Working, username: Who, body: Annotated[IdentityEnter, Body(openapi_examples=IDENTITY_EXAMPLES)]
) -> Response:
    """此后该账号即可登录为此人,并告知本人;一个账号只属于一人。不按邮箱或手机号关联。

    From now on that account opens their login, and they are told. An account is one person's; none is found by an
    address of mail or a phone.
    """
    provider = provider_settings(work.application.settings)
    with work.writing(_KEEPS) as unit:
        if provider is None:
            raise ProviderNotSet
        enter_identity_and_tell(unit, EnterIdentity(username=username, account=body.account), provider=provider)
    return Response(status_code=204)


@router.post(
    "/{username}/identity/unlink",
    status_code=204,
    name="person_identity_unlink",
    summary=both("解除身份认证账号", "Unlink somebody's account"),
    responses=_READS,
    openapi_extra=_NEEDS,
)
def unlink(work: Working, username: Who) -> Response:
    """用它登录的地方立即注销。/ Logins that it opened end at once."""
    with work.writing(_KEEPS) as unit:
        unlink_identity(unit, username)
    return Response(status_code=204)


@router.get(
    "/{username}/tickets/{number}/why",
    name="person_why",
    summary=both("能否看到某工单及原因", "Why somebody sees a ticket, or does not"),
    response_model=WhyOut,
    responses=_READS,
    openapi_extra=_NEEDS,
)
def why_(work: Working, username: Who, number: TicketNumber) -> Response:
    """账号、岗位、工单所在与派过的工会、回避,以及该状态下各操作能否办理;不含工单内容。

    The account, the roles, where the ticket is and was given, recusal, and which steps of its state they may take.
    Nothing of what the ticket is about.
    """
    with work.reading(_KEEPS) as unit:
        return answer(WhyOut.of(why(unit, username, number)))
