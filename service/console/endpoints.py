"""From functions on a visit to the endpoints of an application.

As in the API, a page is a plain function that runs in one hop into the thread pool: it opens the transaction, does
its work, commits, and only then is the response made. So a COMMIT that fails can't have been answered with a page
that says it is done, and no connection is held while a request waits for a thread.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.bootstrap import Application
from service.console import errors
from service.console.security import LANGUAGE_COOKIE
from service.console.visit import LANGUAGES, Attached, Visit
from service.identity.permissions import Permission

_LANGUAGE_LASTS = 365 * 24 * 3600
PLAIN_FORMS = ("application/x-www-form-urlencoded",)
FORMS_WITH_FILES = (*PLAIN_FORMS, "multipart/form-data")

PageMaker = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class Endpoints(Protocol):
    """Makes an endpoint of a page, for those who hold one of the rights that it needs."""

    def __call__(self, make: PageMaker, *needs: Permission) -> Endpoint: ...


def pages(
    application: Application,
    *,
    home: str,
    before: Callable[[Visit], None] | None = None,
    forms: tuple[str, ...] = PLAIN_FORMS,
    open_to_all: bool = False,
) -> Endpoints:
    """Turns functions on a visit into endpoints. `before` refuses a visit before its page runs; `forms` are the
    content types that a form may come as. Each page says which rights it needs, unless the set is one that is open to
    all: one's own account, the login, the worker's pages.

    The endpoint function raises ValueError for a page that says nothing.
    """

    def endpoint_of(make: PageMaker, *needs: Permission) -> Endpoint:
        if bool(needs) == open_to_all:
            raise ValueError(f"{make.__module__}.{make.__name__}: say which right it needs, or put it among the open")

        async def endpoint(request: Request) -> Response:
            async with _sent(request, forms) as (typed, files):
                visit = Visit(
                    request=request, application=application, typed=typed, home=home, files=files, needs=needs
                )
                response = await run_in_threadpool(_answer, visit, make, before)
            _remember_language(visit, response)
            return response

        endpoint.needs = needs  # type: ignore[attr-defined]
        return endpoint

    return endpoint_of


def _answer(visit: Visit, make: PageMaker, before: Callable[[Visit], None] | None) -> Response:
    try:
        if before is not None:
            before(visit)
        try:
            return make(visit)
        finally:
            # What is refused or answered without a look at the database tells nothing to who may not know.
            visit.ask_for_right()
    except Exception as error:
        return errors.answer(visit, error)


@asynccontextmanager
async def _sent(
    request: Request, forms: tuple[str, ...]
) -> AsyncIterator[tuple[Mapping[str, tuple[str, ...]], Mapping[str, Attached]]]:
    """The fields and the files of a POST; the files are there until the block ends."""
    if request.method != "POST":
        yield {}, {}
        return
    if not request.headers.get("content-type", "").startswith(forms):
        raise HTTPException(415)
    typed: dict[str, list[str]] = {}
    files: dict[str, Attached] = {}
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, str):
                # Browsers send every line break of a text field as two characters (HTML, form submission).
                typed.setdefault(name, []).append(value.replace("\r\n", "\n"))
            elif value.filename:
                files[name] = Attached(name=value.filename, file=value.file)
        yield {name: tuple(values) for name, values in typed.items()}, files


def _remember_language(visit: Visit, response: Response) -> None:
    if visit.request.query_params.get("lang") in LANGUAGES:
        visit.remember(response, LANGUAGE_COOKIE, visit.lang, path="/", seconds=_LANGUAGE_LASTS)
