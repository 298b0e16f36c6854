"""Is the process alive, can it work, what does it count."""

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from anyio import move_on_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.api.deps import answer
from service.api.documentation import both
from service.api.schemas.tickets import ResponseBody, Words
from service.bootstrap import Application
from service.vitals import Health, Vitals, look

router = APIRouter(tags=["health"], generate_unique_id_function=lambda route: route.name)

# Anybody may ask for readiness, as often as they like: the servers are asked at most this often.
_ASK_EVERY_SECONDS = 1.0
# A scrape waits no longer for the figures that need a server: it has others to tell, and is needed most just then.
_SCRAPE_SECONDS = 1.0


class Part(ResponseBody):
    """One thing this service stands on. `code`: what docs/operations.md says what to do about."""

    name: str
    ok: bool
    state: Health
    code: str
    detail: Words


class Readiness(ResponseBody):
    """`degraded`: tickets can be taken although something is missing. `down`: they cannot.

    `warnings`: what an administrator should see to; none of them makes the service less ready.
    """

    status: Literal["ready", "degraded", "down"]
    parts: list[Part]
    warnings: list[Words]


@dataclass
class Readings:
    """The last answer, kept for a moment. One thread asks at a time."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    at: float = float("-inf")
    last: Readiness | None = None

    def ask(self, application: Application) -> Readiness:
        """How the servers are now, or were a moment ago."""
        with self.lock:
            if self.last is None or time.monotonic() - self.at > _ASK_EVERY_SECONDS:
                self.last, self.at = _readiness(look(application)), time.monotonic()
            return self.last


@router.get("/healthz", name="healthz", summary=both("进程存活", "Alive"))
async def alive() -> Response:
    """进程在运行,不检查外部服务。/ The process runs; nothing else is asked."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.get(
    "/readyz",
    name="readyz",
    summary=both("可否服务", "Ready"),
    response_model=Readiness,
    responses={503: {"description": "不能服务 / Down", "model": Readiness}},
)
def ready(request: Request) -> Response:
    """数据库不可用或结构过旧时为 503;其余问题为 200、degraded。

    503 when the database is missing or older than the program: no user should be sent here. Anything else that is
    wrong is degraded and still 200: tickets can be taken.
    下一年日历缺失只列入 warnings。/ A missing calendar of the next year is only a warning.
    """
    state = request.app.state
    readiness = state.readings.ask(state.application)
    return answer(readiness, status=503 if readiness.status == "down" else 200)


@router.get("/metrics", name="metrics", summary=both("指标", "Metrics"), response_class=Response)
async def metrics(request: Request) -> Response:
    """Prometheus 文本格式。/ In the text format of Prometheus."""
    state = request.app.state
    with move_on_after(_SCRAPE_SECONDS):
        await run_sync(state.readings.ask, state.application, abandon_on_cancel=True)
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _readiness(vitals: Vitals) -> Readiness:
    return Readiness(
        status="ready" if vitals.health is Health.ok else vitals.health.value,
        parts=[
            Part(
                name=part.name,
                ok=part.health is Health.ok,
                state=part.health,
                code=part.code,
                detail=Words.of(part.words),
            )
            for part in vitals.parts
        ],
        warnings=[Words.of(warning) for warning in vitals.warnings],
    )
