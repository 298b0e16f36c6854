"""One's own account: where one is logged in, and the password."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, refusals
from service.api.login_door import may_try_password
from service.api.routers import room
from service.api.schemas.account import LoginList, LoginOut, LoginsEnded, PasswordChange
from service.identity.logins import ChangePassword, change_password, end_other_logins, end_own_login, own_logins

router = room("auth", "/me")

PASSWORD_EXAMPLES = {
    "sentence": {
        "summary": "一句自己的话 / A sentence of one's own",
        "value": {"present": "<HOTLINE_DEMO_PASSWORD>", "new": "八月的湖边没有一个人影子"},
    }
}


@router.get(
    "/logins",
    name="own_logins",
    summary=both("我的登录", "Where I am logged in"),
    response_model=LoginList,
    responses=refusals(401, 403, 503),
)
def logins(work: Working) -> Response:
    """本人仍然有效的登录:时间、地址、程序、最近使用;最近使用的在前。

    One's logins that last: since when, from which address, by which program, when last used (to a few minutes).
    """
    with work.reading() as unit:
        return answer(LoginList(items=[LoginOut.of(view) for view in own_logins(unit)]))


@router.post(
    "/logins/{login_id}/end",
    status_code=204,
    name="own_login_end",
    summary=both("注销一次登录", "End a login"),
    responses=refusals(401, 403, 404, 422, 503),
)
def end(work: Working, login_id: Annotated[int, Path(ge=1, lt=2**31, examples=[1])]) -> Response:
    """该登录的令牌立即失效。/ Its token ends at once."""
    with work.writing() as unit:
        end_own_login(unit, login_id)
    return Response(status_code=204)


@router.post(
    "/logins/end-others",
    name="own_logins_end_others",
    summary=both("注销其他所有登录", "Log out everywhere else"),
    response_model=LoginsEnded,
    responses=refusals(401, 403, 503),
)
def end_others(work: Working) -> Response:
    """除本次外的全部登录立即失效。/ Every login but the present one ends at once."""
    with work.writing() as unit:
        ended = end_other_logins(unit)
    return answer(LoginsEnded(ended=ended))


@router.post(
    "/password",
    status_code=204,
    name="own_password",
    summary=both("更改密码", "Change the password"),
    responses=refusals(400, 401, 403, 413, 415, 422, 429, 503),
)
def password(work: Working, body: Annotated[PasswordChange, Body(openapi_examples=PASSWORD_EXAMPLES)]) -> Response:
    """至少 12 个字符,可以用空格和汉字,不要求字符种类;常见、已泄露、含姓名或本热线用语、重复或连续的不接受。
    其他登录全部失效。

    12 characters and more of any kind, spaces and Chinese too; refused are common and breached ones, those that hold
    a name or the hotline's own words, repetitions and rows. Every other login ends.
    """
    with work.own_account() as unit:
        may_try_password(work.application, unit)
        change_password(unit, ChangePassword(present=body.present, new=body.new))
    return Response(status_code=204)
