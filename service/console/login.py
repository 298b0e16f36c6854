"""Logging in and out."""

from typing import Annotated

from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from service.api.deps import NOBODY
from service.api.errors import problem_of
from service.api.login_door import BROWSER_KNOWN, LoginDoor, door_of
from service.api.routers.auth import Username
from service.api.schemas.account import Password, SecondFactorCode
from service.console.forms import Wrong, checked
from service.console.security import (
    BROWSER_COOKIE,
    FORM_MARK,
    PROOF_COOKIE,
    SESSION_COOKIE,
    VISITOR_COOKIE,
    check_form_mark,
    form_mark,
    new_visitor,
)
from service.console.visit import STAFF_HOME, Visit
from service.core.errors import Bilingual, HotlineError
from service.identity.errors import (
    LoginFailed,
    LoginLocked,
    SecondFactorNeeded,
    SecondFactorUnreadable,
    SecondFactorWrong,
)
from service.identity.logins import PROOF_LASTS, Login, Way, log_out
from service.identity.providers import provider_settings


class Credentials(BaseModel):
    """What somebody types to log in."""

    username: Annotated[Username, StringConstraints(strip_whitespace=True)]
    password: Password


def show_login(visit: Visit) -> Response:
    """The login form."""
    return _login_page(visit)


def take_login(visit: Visit) -> Response:
    """Check the password; the token goes into a cookie that no script reads."""
    check_form_mark(visit.application.vault, visit.cookie(VISITOR_COOKIE), visit.value(FORM_MARK))
    try:
        credentials = checked(Credentials, {"username": visit.value("username"), "password": visit.value("password")})
    except Wrong:
        return _login_page(visit, refusal=LoginFailed())
    door = door_of(visit.application, visit.request, cookie=visit.cookie(BROWSER_COOKIE))
    try:
        login = door.log_in(**credentials)
    except SecondFactorNeeded as needed:
        response = _code_page(visit, credentials["username"])
        seconds = int(PROOF_LASTS.total_seconds())
        path = f"{visit.root}/login"
        visit.remember_strictly(response, PROOF_COOKIE, str(needed.facts["proof"]), path=path, seconds=seconds)
        return response
    except (LoginFailed, LoginLocked) as refusal:
        return _login_page(visit, refusal=refusal)
    return inside_with(visit, door, login, wanted=visit.value("next"))


def take_code(visit: Visit) -> Response:
    """Check the code of the authenticator, after the password was right."""
    check_form_mark(visit.application.vault, visit.cookie(VISITOR_COOKIE), visit.value(FORM_MARK))
    door = door_of(visit.application, visit.request, cookie=visit.cookie(BROWSER_COOKIE))
    proof, username = visit.cookie(PROOF_COOKIE), visit.value("username")[:100]
    try:
        code = checked(SecondFactorCode, {"otp": visit.value("otp")})["otp"]
        login = door.log_in(username, "", code=code, proof=proof or "none")
    except Wrong:
        return _code_page(visit, username, refusal=SecondFactorWrong())
    except (SecondFactorWrong, SecondFactorUnreadable) as refusal:
        return _code_page(visit, username, refusal=refusal)
    except (LoginFailed, LoginLocked) as refusal:
        # Too long ago, or the password was changed meanwhile: from the beginning.
        return _login_page(visit, refusal=refusal)
    response = inside_with(visit, door, login, wanted=visit.value("next"))
    visit.forget(response, PROOF_COOKIE, path=f"{visit.root}/login")
    return response


def inside_with(visit: Visit, door: LoginDoor, login: Login, *, wanted: str) -> Response:
    """To the page that somebody wanted, logged in."""
    response = visit.goto(_inside(wanted, visit.root))
    visit.remember(response, SESSION_COOKIE, login.token, path=visit.root or "/")
    seconds = int(BROWSER_KNOWN.total_seconds())
    visit.remember(response, BROWSER_COOKIE, door.known_by(login), path=f"{visit.root}/login", seconds=seconds)
    return response


def take_logout(visit: Visit) -> Response:
    """The token ends everywhere at once."""
    with visit.application.unit(NOBODY, correlation_id=visit.correlation_id) as unit:
        way = log_out(unit, visit.token)
    response = visit.goto("/login", **({"left": "provider"} if way is Way.oidc else {}))
    visit.forget(response, SESSION_COOKIE, path=visit.root or "/")
    return response


def _code_page(visit: Visit, username: str, *, refusal: HotlineError | None = None) -> Response:
    problem = problem_of(refusal) if refusal is not None else None
    return visit.page(
        "login_code.html",
        to="/login/code",
        status=problem.status if problem else 200,
        refusal=Bilingual(problem.zh, problem.en) if problem else None,
        username=username,
        next=visit.value("next"),
        mark=form_mark(visit.application.vault, visit.cookie(VISITOR_COOKIE)),
    )


def _login_page(visit: Visit, *, refusal: HotlineError | None = None) -> Response:
    visitor = visit.cookie(VISITOR_COOKIE) or new_visitor()
    problem = problem_of(refusal) if refusal is not None else None
    response = visit.page(
        "login.html",
        status=problem.status if problem else 200,
        refusal=Bilingual(problem.zh, problem.en) if problem else None,
        username=visit.value("username"),
        next=visit.query("next") or visit.value("next"),
        mark=form_mark(visit.application.vault, visitor),
        provider=provider_settings(visit.application.settings),
        left=visit.query("left") == "provider",
    )
    visit.remember(response, VISITOR_COOKIE, visitor, path=visit.root or "/")
    return response


def _inside(wanted: str, root: str) -> str:
    """The page to go to after a login, if it is one of ours: an address from outside leads nowhere else."""
    inside = wanted.startswith(f"{root}/") and not wanted.startswith(f"{root}//") and wanted.isprintable()
    return wanted.removeprefix(root) if inside and "\\" not in wanted else STAFF_HOME
