"""One's own account: where one is logged in, and the password."""

from typing import Annotated

from fastapi import Body, Path, Response

from service.api.deps import Working, answer
from service.api.documentation import both, refusals
from service.api.login_door import may_try_password
from service.api.routers import room
from service.api.schemas.account import (
    IdentityList,
    IdentityOut,
    LoginList,
    LoginOut,
    LoginsEnded,
    PasswordChange,
    PresentPassword,
    RecoveryCodes,
    SecondFactorCode,
    SecondFactorOut,
    SecondFactorSetup,
)
from service.identity.identities import own_identities, unlink_own
from service.identity.logins import ChangePassword, change_password, end_other_logins, end_own_login, own_logins
from service.identity.second_factors import (
    begin_second_factor,
    confirm_second_factor,
    own_second_factor,
    remove_second_factor,
    renew_recovery_codes,
)

router = room("auth", "/me")

PASSWORD_EXAMPLES = {
    "sentence": {
        "summary": "一句自己的话 / A sentence of one's own",
        "value": {"present": "<HOTLINE_DEMO_PASSWORD>", "new": "八月的湖边没有一个人影子"},
    }
}
OTP_EXAMPLES = {"code": {"summary": "验证器中的 6 位数字 / Six digits", "value": {"otp": "123456"}}}
PRESENT_EXAMPLES = {
    "password": {"summary": "当前密码 / The present one", "value": {"present": "<HOTLINE_DEMO_PASSWORD>"}}
}
CodeBody = Annotated[SecondFactorCode, Body(openapi_examples=OTP_EXAMPLES)]
_CODE_REFUSALS = refusals(400, 401, 409, 413, 415, 422, 429, 503)


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


@router.get(
    "/second-factor",
    name="own_second_factor",
    summary=both("我的动态验证码", "My second factor"),
    response_model=SecondFactorOut,
    responses=refusals(401, 503),
)
def second_factor(work: Working) -> Response:
    """是否启用、剩余备用码、岗位是否必须使用。/ Whether it is set, the codes left, whether it is compulsory."""
    required = work.application.settings.second_factor_required
    with work.own_account() as unit:
        view, compulsory = own_second_factor(unit), bool(unit.actor.roles & required)
    return answer(SecondFactorOut(confirmed_at=view.confirmed_at, codes_left=view.codes_left, compulsory=compulsory))


@router.post(
    "/second-factor/begin",
    name="own_second_factor_begin",
    summary=both("开始设置动态验证码", "Begin to set up a second factor"),
    response_model=SecondFactorSetup,
    responses=refusals(401, 409, 503),
)
def begin(work: Working) -> Response:
    """返回密钥,录入验证器后以一个验证码确认。/ A secret for the authenticator (RFC 6238), confirmed by a code of it."""
    with work.own_account() as unit:
        setup = begin_second_factor(unit)
    return answer(SecondFactorSetup(secret=setup.secret, uri=setup.uri))


@router.post(
    "/second-factor/confirm",
    name="own_second_factor_confirm",
    summary=both("确认动态验证码", "Confirm the second factor"),
    response_model=RecoveryCodes,
    responses=_CODE_REFUSALS,
)
def confirm(work: Working, body: CodeBody) -> Response:
    """启用动态验证码,返回十个只显示一次的备用码;其他登录全部失效。

    It counts from now on. Answers ten recovery codes, shown this once; one's other logins end.
    """
    with work.own_account() as unit:
        may_try_password(work.application, unit)
        codes = confirm_second_factor(unit, body.otp)
    return answer(RecoveryCodes(codes=list(codes)))


@router.post(
    "/second-factor/codes",
    name="own_recovery_codes",
    summary=both("更换备用码", "New recovery codes"),
    response_model=RecoveryCodes,
    responses=_CODE_REFUSALS,
)
def codes(work: Working, body: CodeBody) -> Response:
    """旧备用码全部作废。/ Those of before are good for nothing any more."""
    with work.own_account() as unit:
        may_try_password(work.application, unit)
        made = renew_recovery_codes(unit, body.otp)
    return answer(RecoveryCodes(codes=list(made)))


@router.post(
    "/second-factor/remove",
    status_code=204,
    name="own_second_factor_remove",
    summary=both("停用动态验证码", "Remove the second factor"),
    responses=_CODE_REFUSALS,
)
def remove(work: Working, body: CodeBody) -> Response:
    """岗位必须使用的不能停用。/ Not where one's role requires it."""
    with work.own_account() as unit:
        may_try_password(work.application, unit)
        remove_second_factor(unit, body.otp, compulsory=work.application.settings.second_factor_required)
    return Response(status_code=204)


@router.get(
    "/identity",
    name="own_identity",
    summary=both("我的身份认证账号", "My account at the identity provider"),
    response_model=IdentityList,
    responses=refusals(401, 503),
)
def identity(work: Working) -> Response:
    """已关联的账号;关联须在网页“我的账号”中进行。/ The one that is linked. It is linked on the page "My account"."""
    with work.own_account() as unit:
        return answer(IdentityList(items=[IdentityOut.of(view) for view in own_identities(unit)]))


@router.post(
    "/identity/unlink",
    status_code=204,
    name="own_identity_unlink",
    summary=both("解除我的身份认证账号", "Unlink my account"),
    responses=refusals(400, 401, 404, 413, 415, 422, 429, 503),
)
def unlink(work: Working, body: Annotated[PresentPassword, Body(openapi_examples=PRESENT_EXAMPLES)]) -> Response:
    """须再次输入密码;用它登录的其他地方立即注销。/ With the password again; other logins that it opened end."""
    with work.own_account() as unit:
        may_try_password(work.application, unit)
        unlink_own(unit, body.present)
    return Response(status_code=204)
