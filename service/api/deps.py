"""How a route gets at the application: `Work`, one dependency that opens the unit of work with its actor.

A route is a plain function that does everything inside one hop into the thread pool: open the transaction, find
the actor by the token (one statement in the same transaction), call the use-case, commit, and only then make the
response. So a COMMIT that fails can't have been answered 201, and a connection is never held while a request
waits for a thread. FastAPI's `yield` dependencies would cost two hops more and by default commit after the
response has left.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from service.api.errors import correlation_id_of, route_of
from service.api.middleware import BODY_DIGEST
from service.api.pace import check_pace
from service.bootstrap import Application
from service.core.errors import Forbidden, Unauthenticated
from service.core.unit import NOWHERE, Actor, Unit
from service.identity.errors import NotLoggedIn
from service.identity.logins import is_stale, note_use
from service.identity.peer_requests import (
    NAME_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    SignedRequest,
    admit_peer,
    note_peer_use,
)
from service.identity.people import actor_of_token, holder_of_token
from service.identity.permissions import Permission

# Who a request is until its token has been read: nobody, with no scope and no rights.
NOBODY = Actor(id=None, name="nobody", org_code="", scope=NOWHERE, permissions=frozenset())

_NO_BODY = hashlib.sha256(b"").hexdigest()
# Requests with a wrong signature from one address a minute.
MOST_REFUSED = 60

# A token has 43 characters; a longer header is not worth hashing.
_LONGEST_TOKEN = 200

_bearer = OAuth2PasswordBearer(
    tokenUrl="/api/v1/auth/token",
    auto_error=False,
    description="登录后取得的令牌 / The token from POST /api/v1/auth/token",
)


class NotPermitted(Forbidden):
    """The role does not hold the right that an address needs."""

    zh = "您的岗位无权使用此功能(需要权限 {permission})。如确有需要,请联系本单位管理员。"
    en = "Your role does not allow this (it needs the right {permission}). If you need it, ask your administrator."


@dataclass(frozen=True, slots=True)
class Work:
    """One request of somebody who says who they are: by a token, or as the peer system whose signature was checked."""

    application: Application
    token: str
    correlation_id: str
    address: str = ""
    peer: Actor | None = None

    @contextmanager
    def writing(self, *permissions: Permission) -> Iterator[Unit]:
        """A unit that commits when the block ends well, for somebody who holds one of `permissions`; without any the
        use-case itself asks. Raises NotLoggedIn, NotPermitted."""
        with self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            unit.actor = self._who(unit)
            check_pace(self.application, unit, self.address)
            if permissions and not any(unit.actor.may(permission) for permission in permissions):
                raise NotPermitted(permission=permissions[0].value)
            yield unit
        note_login(self.application, unit)

    @contextmanager
    def reading(self, *permissions: Permission) -> Iterator[Unit]:
        """A READ ONLY unit for somebody who holds one of `permissions`, if any are named. Raises NotLoggedIn,
        NotPermitted."""
        with self.application.reading(NOBODY, correlation_id=self.correlation_id) as unit:
            unit.actor = self._who(unit)
            check_pace(self.application, unit, self.address)
            if permissions and not any(unit.actor.may(permission) for permission in permissions):
                raise NotPermitted(permission=permissions[0].value)
            yield unit
        note_login(self.application, unit)

    @contextmanager
    def own_account(self) -> Iterator[Unit]:
        """A unit that commits when the block ends well, for what somebody does to their own account, with a given
        password as well. Raises NotLoggedIn."""
        with self.application.unit(NOBODY, correlation_id=self.correlation_id) as unit:
            unit.actor = holder_of_token(unit, self.token)
            yield unit

    def _who(self, unit: Unit) -> Actor:
        return self.peer or actor_of_token(unit, self.token)


def note_login(application: Application, unit: Unit) -> None:
    """After a request: note that its login was used, every few minutes, in a transaction of its own. Reading stays
    reading, and no request waits for another of the same person."""
    login = unit.actor.login
    if login is not None and is_stale(login, unit.now):
        with application.unit(unit.actor, correlation_id=unit.correlation_id) as noting:
            note_use(noting, login, idle=application.settings.idle)


async def application_of(request: Request) -> Application:
    """The parts of this process. A coroutine, so that it costs no hop into the thread pool."""
    application: Application = request.app.state.application
    return application


async def _work_of(request: Request, token: Annotated[str | None, Depends(_bearer)]) -> Work:
    if NAME_HEADER in request.headers:
        # The signature alone counts; only a peer's request pays for the hop and the transaction of its nonce.
        return await run_in_threadpool(_work_of_peer, request)
    if not token or len(token) > _LONGEST_TOKEN:
        raise NotLoggedIn
    return Work(
        application=request.app.state.application,
        token=token,
        correlation_id=correlation_id_of(request.scope),
        address=getattr(request.scope.get("route"), "name", ""),
    )


def _work_of_peer(request: Request) -> Work:
    """Let a signed request in. What fails is counted by address, what is good by key. Raises what admit_peer raises,
    TooOften."""
    application: Application = request.app.state.application
    scope, headers = request.scope, request.headers
    now, correlation_id = application.clock.now(), correlation_id_of(scope)
    query = scope["query_string"]
    signed = SignedRequest(
        name=headers[NAME_HEADER],
        time=headers.get(TIME_HEADER, ""),
        nonce=headers.get(NONCE_HEADER, ""),
        signature=headers.get(SIGNATURE_HEADER, ""),
        method=request.method,
        target=(scope["raw_path"] + (b"?" + query if query else b"")).decode("latin-1"),
        body=scope["state"].get(BODY_DIGEST) or _NO_BODY,
        address=request.client.host if request.client else "",
    )
    try:
        with application.unit(NOBODY, correlation_id=correlation_id) as unit:
            unit.actor, per_minute = admit_peer(unit, signed)
            note_peer_use(unit, method=request.method, route=route_of(scope))
            peer = unit.actor
    except Unauthenticated:
        application.limiter.check("peer refused", signed.address, limit=MOST_REFUSED, seconds=60, now=now)
        raise
    application.limiter.check("peer", peer.name, limit=per_minute, seconds=60, now=now)
    return Work(application=application, token="", correlation_id=correlation_id, peer=peer)


Parts = Annotated[Application, Depends(application_of)]
Working = Annotated[Work, Depends(_work_of)]


def answer(document: BaseModel, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A document as a finished response, made in the route's own thread: FastAPI neither checks nor copies it again."""
    return Response(
        document.__pydantic_serializer__.to_json(document),
        status_code=status,
        media_type="application/json",
        headers=headers,
    )


Endpoint = Callable[..., Response]
