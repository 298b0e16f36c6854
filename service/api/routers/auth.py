"""Logging in and out, and who one is."""

from typing import Annotated, Literal

from fastapi import Form, Request, Response
from pydantic import AfterValidator, StringConstraints

from service.api.deps import Parts, Working, answer
from service.api.documentation import both, refusals
from service.api.login_door import door_of
from service.api.routers import room
from service.api.schemas.account import Code, Password
from service.api.schemas.fields import fit
from service.api.schemas.people import Me, Token
from service.identity.logins import log_out
from service.identity.people import display_name
from service.org.tree import org_tree

router = room("auth")

Username = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(fit)]


@router.post(
    "/auth/token",
    name="login",
    summary=both("登录", "Log in"),
    response_model=Token,
    responses=refusals(400, 401, 413, 422, 429, 503),
    openapi_extra={
        "requestBody": {
            "content": {
                "application/x-www-form-urlencoded": {
                    "example": {"grant_type": "password", "username": "agent1", "password": "<HOTLINE_DEMO_PASSWORD>"}
                }
            }
        }
    },
)
def log_in_(
    request: Request,
    application: Parts,
    username: Annotated[Username, Form(description="用户名 / User name")],
    password: Annotated[Password, Form(description="密码 / Password", json_schema_extra={"format": "password"})],
    otp: Annotated[Code, Form(description="动态验证码或备用码 / A code of the authenticator, or a recovery code")] = "",
    grant_type: Annotated[Literal["password"], Form()] = "password",  # noqa: ARG001 - OAuth2 asks for it
    scope: Annotated[str, Form(max_length=1000, description="不使用 / Not used")] = "",  # noqa: ARG001
) -> Response:
    """OAuth2 密码模式(表单提交);令牌不透明、可吊销,请妥善保存。

    The OAuth2 password form. The token is opaque and can be revoked. Wrong passwords are answered by pauses that
    grow (429): for the place they come from, not for the person they are tried on. Whoever has set up a second factor
    is told after the right password alone that `otp` is needed (`second_factor_needed`).
    """
    login = door_of(application, request).log_in(username, password, code=otp)
    return answer(Token(access_token=login.token, expires_in=int(login.expires_in.total_seconds())))


@router.post(
    "/auth/logout", status_code=204, name="logout", summary=both("退出登录", "Log out"), responses=refusals(401, 503)
)
def log_out_(work: Working) -> Response:
    """吊销当前令牌。/ Revokes the token of this request; it ends everywhere at once."""
    with work.own_account() as unit:
        log_out(unit, work.token)
    return Response(status_code=204)


@router.get("/me", name="me", summary=both("我的身份", "Who am I"), response_model=Me, responses=refusals(401, 503))
def me(work: Working) -> Response:
    """当前登录人的单位、岗位和权限。/ The union, roles and rights of who is logged in."""
    with work.reading() as unit:
        actor = unit.actor
        union = org_tree(unit.session).get(actor.org_code)
        return answer(
            Me(
                username=actor.name,
                display_name=display_name(unit),
                org_code=actor.org_code,
                org_zh=union.name_zh,
                org_en=union.name_en,
                scope=actor.scope,
                roles=sorted(actor.roles),
                permissions=sorted(str(permission) for permission in actor.permissions),
            )
        )
