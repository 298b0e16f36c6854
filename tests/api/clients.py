"""Ways to talk to the application: in-process through ASGI, and over a socket to a real uvicorn."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import uvicorn
from anyio.from_thread import BlockingPortal
from starlette.types import ASGIApp

from service.bootstrap import Application
from service.identity.models import LoginToken
from service.identity.people import actor_of_username, digest

API = "/api/v1"


class InProcess(httpx.BaseTransport):
    """Runs an ASGI application on the test session's event loop. Starlette's own test client wants a package that
    nothing else here needs."""

    def __init__(self, app: ASGIApp, portal: BlockingPortal) -> None:
        self._asgi = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        body = b"".join([part async for part in _parts(request)])
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=body)
        response = await self._asgi.handle_async_request(sent)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content, request=request)


async def _parts(request: httpx.Request) -> Any:
    for part in request.stream:  # type: ignore[union-attr]
        yield part


@dataclass
class Api:
    """A client that can be anybody: `api.as_("agent1").post("/tickets", …)`. Paths are below /api/v1."""

    application: Application
    client: httpx.Client
    headers: dict[str, str] = field(default_factory=dict)

    def as_(self, username: str) -> "Api":
        """The same client with a fresh token of this person, without the password's slow check."""
        return self.with_token(token_of(self.application, username))

    def with_token(self, token: str) -> "Api":
        return Api(self.application, self.client, {**self.headers, "Authorization": f"Bearer {token}"})

    def speaking(self, lang: str) -> "Api":
        return Api(self.application, self.client, {**self.headers, "Accept-Language": lang})

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = {**self.headers, **options.pop("headers", {})}
        return self.client.request(method, API + path, headers=headers, **options)

    def step(self, number: str, action: str, **body: Any) -> httpx.Response:
        return self.post(f"/tickets/{number}/{action}", json=body)


def token_of(application: Application, username: str) -> str:
    """A valid token for somebody."""
    token = f"token-of-{username}-{time.monotonic_ns()}"
    with application.unit() as unit:
        actor = actor_of_username(unit, username)
        unit.session.add(
            LoginToken(
                digest=digest(token),
                person_id=actor.id,
                created_at=unit.now,
                expires_at=unit.now + timedelta(days=365),
            )
        )
    return token


@contextmanager
def serving(app: ASGIApp | Callable[..., Any]) -> Iterator[str]:
    """A real uvicorn on a free loopback port, in a thread of its own; yields its address."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("uvicorn did not start")
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(timeout=20)
