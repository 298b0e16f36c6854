"""What is said when a request is refused: RFC 9457 problem documents in Chinese and English.

Every refusal leaves through `Problem`. Nothing of an exception that this service did not mean for people
(a traceback, SQL, a value sent) is ever in one; the correlation id leads from the answer to the log.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from service.api.sentences import FAMILIES, FRAMEWORK, Sentence, of_validation
from service.core.crypto import SealBroken
from service.core.errors import (
    Bilingual,
    Conflict,
    Forbidden,
    Gone,
    HotlineError,
    Malformed,
    NotFound,
    TooMany,
    Unauthenticated,
    Unavailable,
)
from service.core.logging import log, places_of, without_literals
from service.core.unreadable import note_unreadable
from service.identity.errors import LoginFailed, LoginLocked
from service.tickets.errors import FIELD_NAMES, RequiredFieldsMissing

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:hotline:problem:"

# A form has some thirty fields; a body with thousands of wrong ones is told of the first fifty.
MOST_ERRORS_SHOWN = 50

STATUS_OF_FAMILY: dict[type[HotlineError], int] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Malformed: 422,
    Unauthenticated: 401,
    Gone: 410,
    TooMany: 429,
    Unavailable: 503,
}

# SQLSTATE classes after which the same request may well succeed, and in how many seconds to try:
# serialization failure, deadlock, lock_timeout; statement_timeout; no room; shutting down or starting.
_RETRY_AFTER: dict[str, tuple[str, int]] = {
    "40001": ("busy", 1),
    "40P01": ("busy", 1),
    "55P03": ("busy", 1),
    "57014": ("too_slow", 5),
    "53": ("database_unavailable", 10),
    "57P": ("database_unavailable", 5),
    "08": ("database_unavailable", 5),
    "25P03": ("busy", 1),
}

# Unique and exclusion constraints are the last judge of a race.
_LOST_RACE = frozenset({"23505", "23P01"})


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal. `extra` holds members of its own; `headers` go with the response."""

    status: int
    code: str
    zh: str
    en: str
    headers: Mapping[str, str] = field(default_factory=dict)
    errors: Sequence[Mapping[str, Any]] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> Bilingual:
        """What is wrong and what to do, in both languages."""
        return Bilingual(self.zh, self.en)

    def response(self, scope: Scope) -> Response:
        """The document in the caller's language, with both languages beside it."""
        lang = language(scope)
        correlation_id = correlation_id_of(scope)
        title = FAMILIES.get(self.status, FAMILIES[500])
        document: dict[str, Any] = {
            "type": TYPE_PREFIX + self.code,
            "title": title.zh if lang == "zh" else title.en,
            "status": self.status,
            "detail": self.zh if lang == "zh" else self.en,
            "detail_zh": self.zh,
            "detail_en": self.en,
            "code": self.code,
            "instance": f"urn:hotline:request:{correlation_id}",
            "correlation_id": correlation_id,
            **self.extra,
        }
        if self.errors:
            document["errors"] = [
                {"detail": error["detail_zh" if lang == "zh" else "detail_en"], **error} for error in self.errors
            ]
        return Response(
            json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers={"Content-Language": lang, **self.headers},
        )


def language(scope: Scope) -> str:
    """ "en" when the caller prefers it to Chinese, else "zh"."""
    weights = {"zh": 0.0, "en": 0.0}
    for name, value in scope.get("headers", ()):
        if name == b"accept-language":
            for entry in value.decode("latin-1")[:200].split(","):
                tag, _, weight = entry.partition(";")
                primary = tag.strip().lower().split("-")[0]
                if primary in weights:
                    weights[primary] = max(weights[primary], _weight(weight))
    return "en" if weights["en"] > weights["zh"] else "zh"


def _weight(text: str) -> float:
    _, _, number = text.partition("=")
    try:
        return min(1.0, float(number)) if number.strip() else 1.0
    except ValueError:
        return 0.0


def correlation_id_of(scope: Scope) -> str:
    """The name of this request in logs and events, given by the outermost middleware."""
    return str(scope.get("state", {}).get("correlation_id", ""))


def route_of(scope: Scope) -> str:
    """The template of the address: metrics do not grow with the tickets, and no log shows what somebody typed into it
    or the token in a worker's link."""
    template = getattr(scope.get("route"), "path", None)
    return str(scope.get("root_path", "") + template) if template else "none"


def problem_of(error: HotlineError) -> Problem:
    """A refusal of the domain."""
    if isinstance(error, SealBroken):
        note_unreadable(error)
    status = next((code for family, code in STATUS_OF_FAMILY.items() if isinstance(error, family)), 400)
    headers: dict[str, str] = {}
    extra: dict[str, Any] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer" if isinstance(error, LoginFailed) else 'Bearer error="invalid_token"'
    if isinstance(error, LoginFailed):
        extra["error"] = "invalid_grant"  # what an OAuth2 client library looks for (RFC 6749, 5.2)
    if isinstance(error, LoginLocked):
        headers["Retry-After"] = str(60 * int(error.facts["minutes"]))
    elif status in {429, 503}:
        headers["Retry-After"] = "5"
    return Problem(
        status=status,
        code=error.code,
        zh=error.sentence("zh"),
        en=error.sentence("en"),
        headers=headers,
        errors=[_missing(name) for name in error.fields] if isinstance(error, RequiredFieldsMissing) else (),
        extra=extra,
    )


def _missing(field_name: str) -> dict[str, Any]:
    name, required = FIELD_NAMES[field_name], of_validation({"type": "missing"})
    return {
        "in": "body",
        "pointer": f"#/{field_name}",
        "code": "missing",
        "detail_zh": f"{name.zh}:{required.zh}",
        "detail_en": f"{name.en}: {required.en}",
    }


def framework_problem(code: str, *, headers: Mapping[str, str] | None = None) -> Problem:
    """A refusal of the frame around the domain, by its code in `sentences.FRAMEWORK`."""
    status, sentence = FRAMEWORK[code]
    return Problem(status=status, code=code, zh=sentence.zh, en=sentence.en, headers=headers or {})


def problem_of_database(error: DBAPIError | PoolExhausted | StaleDataError) -> Problem:
    """What a failure of the database means for the caller: to try again, to read again, or nothing they can help."""
    code, seconds = _meaning(error)
    return framework_problem(code, headers={"Retry-After": str(seconds)} if seconds else None)


def _meaning(error: DBAPIError | PoolExhausted | StaleDataError) -> tuple[str, int]:
    """A code of `sentences.FRAMEWORK`, and the seconds after which to try again (0: trying again is no use)."""
    if not isinstance(error, DBAPIError):
        return ("busy", 2) if isinstance(error, PoolExhausted) else ("changed_meanwhile", 0)
    state = str(getattr(error.orig, "sqlstate", None) or "")
    for prefix, meaning in _RETRY_AFTER.items():
        if state.startswith(prefix):
            return meaning
    if state in _LOST_RACE:
        return "changed_meanwhile", 0
    if isinstance(error, DataError):
        return "value_not_storable", 0
    if isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and not state):
        return "database_unavailable", 5
    return "internal_error", 0


def add_error_handlers(app: FastAPI) -> None:
    """Let every refusal of `app` leave as a problem document."""
    app.add_exception_handler(HotlineError, _refused)
    app.add_exception_handler(RequestValidationError, _not_valid)
    app.add_exception_handler(HTTPException, _framework_refused)
    app.add_exception_handler(DBAPIError, _database_failed)
    app.add_exception_handler(PoolExhausted, _database_failed)
    app.add_exception_handler(StaleDataError, _database_failed)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HotlineError)  # noqa: S101 - registered for this class only
    return problem_of(error).response(request.scope)


async def _not_valid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return _problem_of_validation(error).response(request.scope)


async def _framework_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = {400: "body_unreadable", 404: "no_such_address", 405: "method_not_allowed", 413: "body_too_large"}.get(
        error.status_code
    )
    if code is not None:
        return framework_problem(code, headers=error.headers).response(request.scope)
    status = HTTPStatus(error.status_code)
    title = FAMILIES.get(status, FAMILIES[500])
    return Problem(
        status=status, code=status.name.lower(), zh=title.zh + "。", en=title.en + ".", headers=error.headers or {}
    ).response(request.scope)


async def _database_failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, (DBAPIError, PoolExhausted, StaleDataError))  # noqa: S101
    problem = problem_of_database(error)
    if problem.status == 500:
        log.error("database_error", code=problem.code, **_facts_of(request, error))
    elif problem.status != 409:
        log.warning("database_error", code=problem.code, **_facts_of(request, error))
    return problem.response(request.scope)


def _facts_of(request: Request, error: Exception) -> dict[str, Any]:
    """What the log may know. The parameters of a statement and PostgreSQL's DETAIL ("Failing row contains …") are a
    caller's words, so the error's own text stays out of it."""
    diagnosis = getattr(getattr(error, "orig", None), "diag", None)
    statement = getattr(error, "statement", None)
    return {
        "error": type(error).__name__,
        "sqlstate": getattr(diagnosis, "sqlstate", None),
        "constraint": getattr(diagnosis, "constraint_name", None),
        "statement": without_literals(statement) if statement else None,
        "route": route_of(request.scope),
        "where": places_of(error),
    }


def _problem_of_validation(error: RequestValidationError) -> Problem:
    found = error.errors()
    if any(entry["type"] == "json_invalid" for entry in found):
        return framework_problem("json_invalid")
    if isinstance(error.body, bytes):
        # FastAPI hands the raw bytes on when the content type is not JSON; the model then refuses them.
        return framework_problem("not_json", headers={"Accept": "application/json"})
    status, sentence = FRAMEWORK["input_invalid"]
    return Problem(
        status=status,
        code="input_invalid",
        zh=sentence.zh,
        en=sentence.en,
        errors=[_field_error(entry) for entry in found[:MOST_ERRORS_SHOWN]],
    )


def _field_error(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Where a field is and what is wrong with it. The value sent is not repeated: it may be a caller's number."""
    place, *path = entry["loc"] or ("body",)
    sentence: Sentence = of_validation(entry)
    where: dict[str, Any] = {"in": str(place)}
    if place == "body":
        where["pointer"] = "#" + "".join(f"/{_pointer_part(part)}" for part in path)
    else:
        where["parameter"] = _shown(path[0]) if path else ""
    return {**where, "code": entry["type"], "detail_zh": sentence.zh, "detail_en": sentence.en}


def _pointer_part(part: object) -> str:
    return _shown(part).replace("~", "~0").replace("/", "~1")


def _shown(part: object) -> str:
    """A name that came from outside, fit to be sent back: short, and without half a surrogate pair."""
    return str(part)[:80].encode("utf-8", "replace").decode()
