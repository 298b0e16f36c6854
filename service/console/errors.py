"""What a reader is told when something can't be done: one sentence, and what to do next. Never a traceback."""

from urllib.parse import urlencode

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from service.api.errors import Problem, framework_problem, problem_of, problem_of_database, route_of
from service.api.sentences import FAMILIES
from service.console.security import FORM_MARK
from service.console.visit import STAFF_HOME, Visit
from service.core.errors import HotlineError
from service.core.logging import log
from service.identity.errors import NotLoggedIn, PasswordToBeChanged, SecondFactorToBeSet

_ANOTHER_PAGE_FIRST = (NotLoggedIn, PasswordToBeChanged, SecondFactorToBeSet)
_FRAMEWORK_CODES = {400: "body_unreadable", 404: "no_such_address", 405: "method_not_allowed", 415: "not_a_form"}

# Fields of a form that nobody typed.
_NOT_WORDS = frozenset({FORM_MARK, "step", "version", "key", "next"})

# What to do next, by status; the texts are in the catalogue.
_ADVICE = frozenset({403, 404, 405, 409, 413, 429, 503})


def answer(visit: Visit, error: Exception) -> Response:
    """The page for what a page's function raised."""
    if isinstance(error, NotLoggedIn):
        return _to_login(visit)
    if isinstance(error, PasswordToBeChanged):
        return visit.goto("/account/password")
    if isinstance(error, SecondFactorToBeSet):
        return visit.goto("/account/second-factor")
    return error_page(visit, problem_for(visit, error))


def problem_for(visit: Visit, error: Exception) -> Problem:
    """What an error means for the reader; what nobody meant to happen goes to the log. Raises the error itself where
    another page comes first."""
    if isinstance(error, _ANOTHER_PAGE_FIRST):
        raise error
    if isinstance(error, HotlineError):
        return problem_of(error)
    if isinstance(error, (DBAPIError, PoolExhausted, StaleDataError)):
        if isinstance(error, DBAPIError):
            error.hide_parameters = True  # they may be a caller's words, and this goes to the log
        problem = problem_of_database(error)
        log.warning("database_error", code=problem.code, error=type(error).__name__, route=_route(visit))
        if problem.status == 500:
            log.error("database_error", exc_info=error)
        return problem
    if isinstance(error, HTTPException):
        code = _FRAMEWORK_CODES.get(error.status_code)
        if code == "not_a_form":
            return Problem(
                status=415, code=code, zh="请通过页面上的表单提交。", en="Please send it by the form of a page."
            )
        if code is not None:
            return framework_problem(code, headers=error.headers)
        title = FAMILIES.get(error.status_code, FAMILIES[500])
        return Problem(status=error.status_code, code="refused", zh=title.zh + "。", en=title.en + ".")
    log.error("unexpected_error", method=visit.request.method, route=_route(visit), exc_info=error)
    return framework_problem("internal_error")


def _route(visit: Visit) -> str:
    return route_of(visit.request.scope)


def error_page(visit: Visit, problem: Problem) -> Response:
    """The page of a refusal."""
    advice = f"advice.{problem.status}" if problem.status in _ADVICE else "advice.other"
    if visit.home != STAFF_HOME:
        advice = "advice.worker"
    response = visit.page(
        "error.html",
        status=problem.status,
        title=FAMILIES.get(problem.status, FAMILIES[500]),
        problem=problem,
        advice=advice,
        correlation_id=visit.correlation_id,
    )
    response.headers.update({name: value for name, value in problem.headers.items() if name != "WWW-Authenticate"})
    return response


def _to_login(visit: Visit) -> Response:
    """To the login page and back here afterwards.

    A form sent after the login ran out is given back to be copied: half an hour's writing is not thrown away. The
    form's mark has been checked before, so this repeats nobody else's words.
    """
    wanted = urlencode({"next": visit.path if visit.request.method == "POST" else visit.here()})
    login = f"{visit.root}/login?{wanted}"
    words = [text for name, texts in visit.typed.items() if name not in _NOT_WORDS for text in texts if text.strip()]
    if visit.request.method == "POST":
        return visit.page("expired.html", status=401, login=login, typed=words)
    return RedirectResponse(login, 303, headers={"Cache-Control": "no-store"})
