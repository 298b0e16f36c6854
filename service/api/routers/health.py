"""Is the process alive, can it work, what does it count."""

import threading
import time
from dataclasses import dataclass, field
from typing import Literal

from anyio import move_on_after
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.api.deps import answer
from service.api.documentation import both
from service.api.schemas.tickets import ResponseBody, Words
from service.bootstrap import Application
from service.core.errors import Bilingual, HotlineError
from service.sla.coverage import WHAT_TO_DO, measure_coverage

router = APIRouter(tags=["health"], generate_unique_id_function=lambda route: route.name)

# Anybody may ask for readiness, as often as they like: the servers are asked at most this often.
_ASK_EVERY_SECONDS = 1.0
# A scrape waits no longer for the figures that need a server: it has others to tell, and is needed most just then.
_SCRAPE_SECONDS = 1.0

_FINE = Bilingual("正常", "working")
_NO_DATABASE = Bilingual("数据库无法连接或尚未建库", "the database cannot be reached or was not migrated")
_NO_REDIS = Bilingual(
    "Redis 无法连接:可继续受理和办理,提醒由轮询送达,略有延迟",
    "Redis cannot be reached: tickets can be taken and handled; reminders are delivered by polling, a little later",
)


class Part(ResponseBody):
    """One thing this service stands on."""

    name: str
    ok: bool
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
                self.last, self.at = _look(application), time.monotonic()
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
    """数据库不可用时为 503;仅 Redis 不可用时为 200、degraded。

    503 when the database is missing. Without Redis it is degraded and still 200: tickets can be taken.
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


def _look(application: Application) -> Readiness:
    database, redis_ = _database_answers(application), _redis_answers(application)
    status: Literal["ready", "degraded", "down"] = "down" if not database else "ready" if redis_ else "degraded"
    return Readiness(
        status=status,
        parts=[
            Part(name="database", ok=database, detail=Words.of(_FINE if database else _NO_DATABASE)),
            Part(name="redis", ok=redis_, detail=Words.of(_FINE if redis_ else _NO_REDIS)),
        ],
        warnings=_warnings(application) if database else [],
    )


def _database_answers(application: Application) -> bool:
    try:
        with application.database.reading() as session:
            return bool(session.scalar(text("select count(*) = 1 from alembic_version")))
    except SQLAlchemyError:
        return False


def _redis_answers(application: Application) -> bool:
    try:
        return bool(application.redis.ping())
    except (RedisError, OSError, ValueError):
        return False


def _warnings(application: Application) -> list[Words]:
    try:
        with application.reading() as unit:
            alarm = measure_coverage(unit)
    except HotlineError as error:
        return [Words(zh=error.sentence("zh"), en=error.sentence("en"))]
    except SQLAlchemyError:
        return []  # it was there a moment ago; the next look says so
    return [] if alarm is None else [Words(zh=alarm.zh + WHAT_TO_DO.zh, en=f"{alarm.en} {WHAT_TO_DO.en}")]
