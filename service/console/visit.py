"""One request to a page: who asks, in which language, what was typed, and the way to a unit of work."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from service.api.deps import NOBODY, NotPermitted, note_login
from service.api.errors import correlation_id_of, route_of
from service.api.pace import check_pace
from service.bootstrap import Application
from service.console.masthead import Masthead, masthead_of
from service.console.rendering import render
from service.console.security import LANGUAGE_COOKIE, SESSION_COOKIE, cookie_name, form_mark
from service.core.unit import Unit
from service.identity.people import actor_of_token, holder_of_token
from service.identity.permissions import Permission
from service.tickets.file_kinds import ACCEPTED

LANGUAGES = ("zh", "en")
# The first page of each set of pages.
STAFF_HOME, WORKER_HOME = "/", "/track"

_ID_DIGITS = 9
# A token has 43 characters; a longer cookie is not worth hashing.
_LONGEST_TOKEN = 200
_SHOWN_LANGUAGE = {"zh": "zh-CN", "en": "en"}


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with a form: on the disk unless it is small, and gone after the visit."""

    name: str
    file: BinaryIO

    @property
    def raw(self) -> bytes:
        """All of it, for a file known to be small."""
        self.file.seek(0)
        return self.file.read()


@dataclass
class Visit:
    """A request, read whole. `typed` holds the form's fields, each with all its values; `home` tells whose pages
    these are; `files` are those that came with a form that takes them; `needs` are the rights one of which the page
    demands of who is logged in."""

    request: Request
    application: Application
    typed: Mapping[str, tuple[str, ...]]
    home: str
    masthead: Masthead | None = None
    files: Mapping[str, Attached] = field(default_factory=dict)
    needs: tuple[Permission, ...] = ()
    asked: bool = False

    @property
    def root(self) -> str:
        """Where this set of pages is mounted, e.g. `/console`."""
        return str(self.request.scope.get("root_path", ""))

    @property
    def path(self) -> str:
        """The address of this page, with where it is mounted."""
        return self.request.url.path

    @property
    def token(self) -> str:
        """The login token, or '' when there is none."""
        token = self.cookie(SESSION_COOKIE)
        return token if len(token) <= _LONGEST_TOKEN else ""

    @property
    def lang(self) -> str:
        """Chinese unless the reader switched."""
        asked = self.request.query_params.get("lang") or self.cookie(LANGUAGE_COOKIE)
        return asked if asked in LANGUAGES else LANGUAGES[0]

    @property
    def correlation_id(self) -> str:
        """The name of this request in logs and events."""
        return correlation_id_of(self.request.scope)

    @property
    def form_mark(self) -> str:
        """What every form of a page carries, to be known again as ours."""
        return form_mark(self.application.vault, self.token)

    def remember(
        self,
        response: Response,
        name: str,
        value: str,
        *,
        path: str,
        seconds: int | None = None,
        same_site: Literal["lax", "strict"] = "lax",
    ) -> None:
        """A cookie for the server's eyes only; it lives as long as the browser unless `seconds` says longer.

        Where the service is published under an https address a cookie is this host's alone, on all of its paths;
        `path` is where it goes else. Secure also where the reader came over TLS and nobody said so.
        """
        settings = self.application.settings
        response.set_cookie(
            cookie_name(name, settings),
            value,
            max_age=seconds,
            path="/" if settings.over_tls else path,
            httponly=True,
            samesite=same_site,
            secure=settings.over_tls or self.request.url.scheme == "https",
        )

    def forget(self, response: Response, name: str, *, path: str) -> None:
        """Take back what `remember` gave."""
        self.remember(response, name, "", path=path, seconds=0)

    def cookie(self, name: str) -> str:
        """What was remembered; '' when nothing was."""
        return self.request.cookies.get(cookie_name(name, self.application.settings), "")

    def remember_strictly(self, response: Response, name: str, value: str, *, path: str, seconds: int) -> None:
        """As `remember`, and it does not come along from another site."""
        self.remember(response, name, value, path=path, seconds=seconds, same_site="strict")

    def query(self, name: str) -> str:
        """A parameter of the address, without blanks around it; '' when it is missing."""
        return self.request.query_params.get(name, "").strip()

    def value(self, name: str) -> str:
        """A field of the form; '' when it is missing."""
        return self.typed.get(name, ("",))[0]

    def row_id(self, name: str) -> int | None:
        """The id of a row in a field of the form; None when the field is missing. Raises HTTPException 404 for what
        can be none."""
        text = self.value(name)
        if not text:
            return None
        if not text.isascii() or not text.isdecimal() or len(text) > _ID_DIGITS:
            raise HTTPException(404)
        return int(text)

    @property
    def file_limit_mb(self) -> int:
        """The largest file in whole MB."""
        return self.application.settings.file_limit // 1_048_576

    @property
    def files_accepted(self) -> str:
        """What a browser lets somebody choose."""
        return ACCEPTED

    @contextmanager
    def reading(self) -> Iterator[Unit]:
        """A READ ONLY unit for who is logged in, and the masthead of the page. Raises NotLoggedIn, NotPermitted."""
        with self.application.reading(NOBODY, correlation_id=self.correlation_id) as unit:
            unit.actor = actor_of_token(unit, self.token)
            check_pace(self.application, unit, route_of(self.request.scope))
            self.masthead = masthead_of(unit)
            self._ask_for_right(unit)
            yield unit
        note_login(self.application, unit)

    @contextmanager
    def writing(self) -> Iterator[Unit]:
        """A unit that commits when the block ends well. Raises NotLoggedIn, NotPermitted."""
        with self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            unit.actor = actor_of_token(unit, self.token)
            check_pace(self.application, unit, route_of(self.request.scope))
            self._ask_for_right(unit)
            yield unit
        note_login(self.application, unit)

    def ask_for_right(self) -> None:
        """Whether who is logged in may have this page at all, unless that was asked. Raises NotLoggedIn,
        NotPermitted."""
        if self.needs and not self.asked:
            with self.reading():
                pass

    def _ask_for_right(self, unit: Unit) -> None:
        self.asked = True
        if self.needs and not any(unit.actor.may(permission) for permission in self.needs):
            raise NotPermitted(permission=self.needs[0].value)

    @contextmanager
    def own_account(self) -> Iterator[Unit]:
        """A unit that commits when the block ends well, for what somebody does to their own account, with a given
        password as well, and the masthead of the page. Raises NotLoggedIn."""
        with self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            unit.actor = holder_of_token(unit, self.token)
            self.masthead = masthead_of(unit)
            yield unit

    def page(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """A page. The transaction that gave `facts` need not be open any more."""
        body = render(template, visit=self, lang=self.lang, root=self.root, masthead=self.masthead, **facts)
        headers = {"Content-Language": _SHOWN_LANGUAGE[self.lang], "Cache-Control": "no-store"}
        return Response(body, status_code=status, media_type="text/html; charset=utf-8", headers=headers)

    def goto(self, path: str, **parameters: str) -> Response:
        """Another page of this set, to be fetched by GET (303): reloading it repeats nothing."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        return RedirectResponse(f"{self.root}{path}{query}", status_code=303, headers={"Cache-Control": "no-store"})

    def address_in(self, lang: str) -> str:
        """This page in another language."""
        kept = [(name, value) for name, value in self.request.query_params.multi_items() if name != "lang"]
        return f"{self.path}?{urlencode([*kept, ('lang', lang)])}"

    def here(self, **changes: str | None) -> str:
        """This page with some parameters changed; None takes one away."""
        kept = {name: value for name, value in self.request.query_params.items() if name != "lang"}
        wanted = {name: value for name, value in {**kept, **changes}.items() if value}
        return f"{self.path}?{urlencode(wanted)}" if wanted else self.path
