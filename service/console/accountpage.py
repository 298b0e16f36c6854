"""One's own account: where one is logged in, and the password."""

from starlette.responses import Response

from service.api.login_door import may_try_password
from service.api.schemas.account import PasswordChange
from service.console.errors import problem_for
from service.console.forms import Wrong, checked
from service.console.visit import Visit
from service.core.errors import Bilingual, HotlineError
from service.identity.logins import ChangePassword, change_password, end_other_logins, end_own_login, own_logins
from service.identity.passwords import LONGEST_PASSWORD, SHORTEST_PASSWORD
from service.identity.providers import provider_settings

_DIFFERENT = Bilingual("两次输入的新密码不一致。", "The two new passwords are not the same.")
_EMPTY = Bilingual("请填写当前密码和新密码。", "Type the present password and the new one.")


def show_account(visit: Visit) -> Response:
    """Who one is here, and the logins that last."""
    with visit.reading() as unit:
        logins = own_logins(unit)
    provider = provider_settings(visit.application.settings)
    return visit.page("account.html", logins=logins, done=visit.query("done"), provider=provider)


def take_account(visit: Visit) -> Response:
    """End one login, or all the others."""
    login_id = visit.row_id("end")
    with visit.writing() as unit:
        if login_id is not None:
            end_own_login(unit, login_id)
        else:
            end_other_logins(unit)
    return visit.goto("/account", done="ended")


def show_password(visit: Visit) -> Response:
    """The form for another password. Who was given one is led here until they have chosen their own."""
    with visit.own_account():
        return _password_page(visit)


def take_password(visit: Visit) -> Response:
    """Change it; every other login ends."""
    try:
        body = checked(PasswordChange, {"present": visit.value("present"), "new": visit.value("new")})
    except Wrong:
        return _refused(visit, _EMPTY)
    if visit.value("again") != body["new"]:
        return _refused(visit, _DIFFERENT)
    try:
        with visit.own_account() as unit:
            may_try_password(visit.application, unit)
            change_password(unit, ChangePassword(**body))
    except HotlineError as error:
        problem = problem_for(visit, error)
        return _refused(visit, problem.words, status=problem.status)
    return visit.goto("/account", done="password")


def _refused(visit: Visit, refusal: Bilingual, *, status: int = 422) -> Response:
    with visit.own_account():
        return _password_page(visit, refusal=refusal, status=status)


def _password_page(visit: Visit, *, refusal: Bilingual | None = None, status: int = 200) -> Response:
    return visit.page(
        "account_password.html", status=status, refusal=refusal, least=SHORTEST_PASSWORD, most=LONGEST_PASSWORD
    )
