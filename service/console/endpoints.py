"""From functions on a visit to the endpoints of an application.

As in the API, a page is a plain function that runs in one hop into the thread pool: it opens the transaction, does
its work, commits, and only then is the response made. So a COMMIT that fails can't have been answered with a page
that says it is done, and no connection is held while a request waits for a thread.
"""

from collections.abc import Awaitable, Callable

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.bootstrap import Application
from service.console import errors
from service.console.security import LANGUAGE_COOKIE
from service.console.visit import LANGUAGES, Visit

_LANGUAGE_LASTS = 365 * 24 * 3600
_FORM = "application/x-www-form-urlencoded"

PageMaker = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]
Endpoints = Callable[[PageMaker], Endpoint]


def pages(application: Application, *, home: str, before: Callable[[Visit], None] | None = None) -> Endpoints:
    """Turns functions on a visit into endpoints. `before` refuses a visit before its page runs."""

    def endpoint_of(make: PageMaker) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = Visit(request=request, application=application, typed=await _typed(request), home=home)
            response = await run_in_threadpool(_answer, visit, make, before)
            _remember_language(visit, response)
            return response

        return endpoint

    return endpoint_of


def _answer(visit: Visit, make: PageMaker, before: Callable[[Visit], None] | None) -> Response:
    try:
        if before is not None:
            before(visit)
        return make(visit)
    except Exception as error:
        return errors.answer(visit, error)


async def _typed(request: Request) -> dict[str, tuple[str, ...]]:
    """The form of a POST. Files are not taken: no page here asks for one."""
    if request.method != "POST":
        return {}
    if not request.headers.get("content-type", "").startswith(_FORM):
        raise HTTPException(415)
    typed: dict[str, list[str]] = {}
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str):
            # Browsers send every line break of a text field as two characters (HTML, form submission).
            typed.setdefault(name, []).append(value.replace("\r\n", "\n"))
    return {name: tuple(values) for name, values in typed.items()}


def _remember_language(visit: Visit, response: Response) -> None:
    if visit.request.query_params.get("lang") in LANGUAGES:
        visit.remember(response, LANGUAGE_COOKIE, visit.lang, path="/", seconds=_LANGUAGE_LASTS)
