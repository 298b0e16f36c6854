"""What stands in front of every route, as plain ASGI: a name for the request, its body, and a slot to work in.

Order from the outside: `RequestNames` → `Guard` → `BodyGate` → `RequestSlots` → FastAPI. A body is read whole before a
slot is taken, so that a slow sender occupies nothing but its own connection.
"""

import asyncio
import hashlib
import re
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import Problem, framework_problem, route_of
from service.core.ids import new_correlation_id
from service.core.logging import log, without_numbers
from service.core.metrics import HTTP_SECONDS
from service.core.tracing import note

_WELL_FORMED = re.compile(rb"[A-Za-z0-9._:-]{8,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# What a refused sender may still push at us before we hang up: enough for a sane client to hear the answer.
_DRAIN_BYTES = 16 * 1024 * 1024
_DRAIN_SECONDS = 5.0

# A body that carries a file is held in memory up to here and on the disk beyond.
_HELD_BYTES = 256 * 1024
_CHUNK_BYTES = 64 * 1024

# Where the SHA-256 of a signed request's body is left for who checks the signature.
BODY_DIGEST = "body_sha256"
_SIGNED = b"x-hotline-key"

# Paths that use no database, or hold no slot because they stay open for hours.
WITHOUT_SLOT = ("/healthz", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/events", "/console/events")
WITHOUT_SLOT_BELOW = ("/console/static/", "/w/static/")
# Asked every few seconds by machines: their lines would hide those of people.
_SMALL_TALK = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestNames:
    """Names each request (X-Request-ID), times it, and turns what nobody caught into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        correlation_id = _given_name(scope) or new_correlation_id()
        scope.setdefault("state", {})["correlation_id"] = correlation_id
        status = 0
        of_the_api = scope["path"].startswith("/api/")

        async def named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message.get("headers", ()), (b"x-request-id", correlation_id.encode())]
                if of_the_api:
                    headers.append((b"cache-control", b"no-store"))
                message = {**message, "headers": headers}
                note(correlation_id=correlation_id, route=route_of(scope))
            await send(message)

        began = time.perf_counter()
        with structlog.contextvars.bound_contextvars(correlation_id=correlation_id):
            try:
                await self.app(scope, receive, named)
            except ClientDisconnect:
                status = status or 499  # nobody is there to be answered; nginx counts it under this number
            except Exception:
                log.exception("unexpected_error", method=_method(scope), route=route_of(scope))
                if status:
                    raise  # half an answer is out: the server has to cut the connection
                status = 500
                await framework_problem("internal_error").response(scope)(scope, receive, named)
            finally:
                method, route, seconds = _method(scope), route_of(scope), time.perf_counter() - began
                HTTP_SECONDS.labels(method, route, status).observe(seconds)
                if not _is_small_talk(scope["path"]):
                    log.info("answered", method=method, route=route, status=status, ms=round(1000 * seconds, 1))


@dataclass(frozen=True, slots=True)
class FileGate:
    """The addresses whose bodies carry a file: up to `limit` bytes within `seconds`, so many at once."""

    takes: re.Pattern[str]
    limit: int
    seconds: float = 180.0
    at_once: int = 16


class BodyGate:
    """Reads a request's body whole, or refuses it when it is larger than `limit` bytes, said or unsaid, or when it
    has not arrived after `seconds`. `answer` makes the refusal: a document, or a page for who came from one.

    Where `files` says so a body may be longer; it waits on the disk, in a file without a name that is gone with the
    process, and is counted while it comes in.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        limit: int,
        seconds: float = 30.0,
        answer: Callable[[Scope, Problem], ASGIApp] = lambda scope, problem: problem.response(scope),
        files: FileGate | None = None,
    ) -> None:
        self.app = app
        self._files = files
        self._sending = 0
        self._limit = limit
        self._seconds = seconds
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0911 - a gate of refusals
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in headers:
            await self.app(scope, receive, send)
            return
        if self._files is not None and scope["method"] == "POST" and self._files.takes.fullmatch(scope["path"]):
            await self._let_file_in(scope, receive, send, self._files)
            return
        said = int(length) if length is not None and length.isdigit() else 0
        if said > self._limit:
            waits_for_leave = b"expect" in headers  # has sent nothing yet and will not when refused
            clean = waits_for_leave or (said <= _DRAIN_BYTES and await _drain(receive, said))
            await self._refuse(scope, receive, send, "body_too_large", clean=clean and not waits_for_leave)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(receive)
        except TimeoutError:
            await self._refuse(scope, receive, send, "body_too_slow", clean=False)
            return
        except ClientDisconnect:
            return
        if body is None:
            clean = await _drain(receive, _DRAIN_BYTES)
            await self._refuse(scope, receive, send, "body_too_large", clean=clean)
            return
        if _SIGNED in headers:
            scope.setdefault("state", {})[BODY_DIGEST] = hashlib.sha256(body).hexdigest()
        waiting = deque([body])

        async def replay() -> Message:
            if waiting:
                return {"type": "http.request", "body": waiting.popleft(), "more_body": False}
            return await receive()

        await self.app(scope, replay, send)

    async def _let_file_in(self, scope: Scope, receive: Receive, send: Send, gate: FileGate) -> None:
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > gate.limit:
            waits_for_leave = b"expect" in dict(scope["headers"])
            clean = not waits_for_leave and int(length) <= _DRAIN_BYTES + gate.limit
            clean = clean and await _drain(receive, _DRAIN_BYTES + gate.limit)
            await self._refuse(scope, receive, send, "file_too_large", clean=clean)
            return
        if self._sending >= gate.at_once:
            await self._refuse(scope, receive, send, "busy", clean=False)
            return
        self._sending += 1
        try:
            with tempfile.SpooledTemporaryFile(max_size=_HELD_BYTES) as held:
                try:
                    async with asyncio.timeout(gate.seconds):
                        whole = await _hold(receive, held, gate.limit)
                except TimeoutError:
                    await self._refuse(scope, receive, send, "body_too_slow", clean=False)
                    return
                except ClientDisconnect:
                    return
                if not whole:
                    clean = await _drain(receive, _DRAIN_BYTES)
                    await self._refuse(scope, receive, send, "file_too_large", clean=clean)
                    return
                if _SIGNED in dict(scope["headers"]):
                    scope.setdefault("state", {})[BODY_DIGEST] = hashlib.file_digest(held, "sha256").hexdigest()
                    held.seek(0)
                await self.app(scope, _replayed(held, receive), send)
        finally:
            self._sending -= 1

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, code: str, *, clean: bool) -> None:
        """Answer before the body has been used; unless all of it was read, the connection cannot be used again."""
        headers = {} if clean else {"Connection": "close"}
        await self._answer(scope, framework_problem(code, headers=headers))(scope, receive, send)

    async def _read(self, receive: Receive) -> bytes | None:
        """The whole body, or None as soon as it is too large."""
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            part = message.get("body", b"")
            size += len(part)
            if size > self._limit:
                return None
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)


class RequestSlots:
    """Lets so many requests work at once and the others wait in line, without a thread or a connection.

    Synchronous routes whose dependencies hold a connection between two hops into the thread pool deadlock under
    load: every thread waits for a connection, and who has one waits for a thread. With no more requests at work
    than there are connections nobody waits for one. A request that got no slot after `patience` seconds is told
    to come back (503).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        slots: int,
        patience: float = 20.0,
        without: Iterable[str] = WITHOUT_SLOT,
        without_below: tuple[str, ...] = WITHOUT_SLOT_BELOW,
    ) -> None:
        self.app = app
        self._free = asyncio.Semaphore(slots)
        self._patience = patience
        self._without = frozenset(without)
        self._without_below = without_below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._needs_none(scope["path"]):
            await self.app(scope, receive, send)
            return
        try:
            if self._free.locked():
                async with asyncio.timeout(self._patience):
                    await self._free.acquire()
            else:
                await self._free.acquire()
        except TimeoutError:
            await framework_problem("busy", headers={"Retry-After": "5"}).response(scope)(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        finally:
            self._free.release()

    def _needs_none(self, path: str) -> bool:
        return path in self._without or path.startswith(self._without_below)


def _given_name(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _WELL_FORMED.fullmatch(value):
            given = str(value, "ascii")
            # It goes into logs, traces and rows: nobody's telephone is a name for a request.
            return given if without_numbers(given) == given else None
    return None


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _is_small_talk(path: str) -> bool:
    return path in _SMALL_TALK or path.startswith(WITHOUT_SLOT_BELOW)


async def _hold(receive: Receive, held: IO[bytes], limit: int) -> bool:
    """Put a body into a file. Whether it came to its end within `limit` bytes. Raises ClientDisconnect."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            return False
        held.write(part)
        if not message.get("more_body", False):
            held.seek(0)
            return True


def _replayed(held: IO[bytes], receive: Receive) -> Receive:
    """The body again, piece by piece, and after it whatever comes."""
    ended = False

    async def replay() -> Message:
        nonlocal ended
        if ended:
            return await receive()
        chunk = held.read(_CHUNK_BYTES)
        ended = len(chunk) < _CHUNK_BYTES
        return {"type": "http.request", "body": chunk, "more_body": not ended}

    return replay


async def _drain(receive: Receive, most: int) -> bool:
    """Read on and forget. Whether the body came to its end within `most` bytes and the time for it."""
    size = 0
    try:
        async with asyncio.timeout(_DRAIN_SECONDS):
            while size <= most:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return False
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return True
    except TimeoutError:
        pass
    return False
