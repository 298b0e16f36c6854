"""The web application: the factory that uvicorn calls (`uvicorn --factory service.app:create_app`).

The pages for staff and workers are mounted beside the API, as sub-applications with their own errors.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from service.api import documentation
from service.api.errors import add_error_handlers
from service.api.guarding import Guard
from service.api.live import Live, stop_with_the_process
from service.api.middleware import BodyGate, FileGate, RequestNames, RequestSlots
from service.api.routers import (
    API,
    absences,
    account,
    attachments,
    audit,
    auth,
    catalogue,
    channels,
    consults,
    duties,
    employers,
    events,
    exclusions,
    finding,
    gateways,
    groups,
    health,
    inbox,
    intake,
    knowledge,
    peers,
    people,
    quality,
    queues,
    reply_templates,
    reports,
    retention,
    rules,
    steps,
    supervisions,
    tasks,
    tickets,
    worker,
)
from service.api.routers.health import Readings
from service.bootstrap import Application, build
from service.console import mount_pages, refusals_before_pages
from service.core.logging import configure_logging, log
from service.core.settings import load_settings
from service.core.tracing import configure_tracing, stop_tracing, watch_app
from service.org.tree import org_tree
from service.sla.rules import current_rules
from service.tickets.taxonomy import leaves

# Addresses whose bodies carry a file.
TAKES_FILES = re.compile(r"(/api/v1/tickets|/api/v1/worker/matters|/console/tickets|/w/my)/[^/]+/attachments")


def create_app(application: Application | None = None) -> FastAPI:
    """The web application over these parts; without them they are built from the environment's settings.

    Raises SettingsMissing. Opens no connection.
    """
    parts = application or _from_settings()
    app = FastAPI(
        title=documentation.TITLE,
        version="1",
        description=documentation.DESCRIPTION,
        openapi_tags=documentation.TAGS,
        openapi_url=f"{API}/openapi.json",
        # The page FastAPI ships loads its scripts from a network that a county office may not reach.
        docs_url=None,
        redoc_url=None,
        # An address with a slash too many is not there; a redirect would carry a body to wherever the proxy thinks.
        redirect_slashes=False,
        lifespan=_lifespan,
    )
    app.state.application = parts
    app.state.readings = Readings()
    app.state.live = Live(parts)
    add_error_handlers(app)
    documentation.describe(app, parts.clock)
    queued = (queues, consults, supervisions, exclusions, quality, tasks, inbox, events)
    kept = (absences, channels, duties, peers, knowledge, reply_templates, reports, rules, catalogue)
    beside = (intake, employers, *queued, *kept, retention, audit, auth, account, people, worker, gateways, health)
    for group in (finding, tickets, attachments, steps, groups, *beside):
        # The routes themselves, not a router inside a router: a request is matched once, and by its whole address.
        app.router.routes.extend(group.router.routes)
    mount_pages(app, parts, app.state.live)
    _stand_in_front(app, parts)
    watch_app(app)
    return app


def _stand_in_front(app: FastAPI, parts: Application) -> None:
    """Middleware runs from the last added to the first."""
    settings = parts.settings
    app.add_middleware(RequestSlots, slots=min(settings.request_slots, settings.pool_size))
    # Around the file stand its form and the other fields of it.
    files = FileGate(takes=TAKES_FILES, limit=settings.file_limit + settings.body_limit)
    answer = refusals_before_pages(parts)
    app.add_middleware(BodyGate, limit=settings.body_limit, answer=answer, files=files)
    app.add_middleware(Guard, public_url=settings.public_url, hosts=settings.own_hosts, answer=answer)
    app.add_middleware(RequestNames)


def _from_settings() -> Application:
    settings = load_settings()
    settings.require_servers()
    configure_logging(as_json=settings.log_json)
    configure_tracing(settings, "api")
    return build(settings)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    parts: Application = app.state.application
    await run_in_threadpool(_warm_up, parts)
    stop_with_the_process(app.state.live)
    try:
        yield
    finally:
        app.state.live.stop()
        parts.database.dispose()
        stop_tracing()


def _warm_up(parts: Application) -> None:
    """Read what every process reads once, so that the first caller need not wait for it. The service starts
    without a database all the same, and says at /readyz what is missing."""
    try:
        with parts.reading() as unit:
            org_tree(unit.session)
            leaves(unit.session)
            current_rules(unit.session)
    except Exception as error:
        log.warning("not_warmed_up", error=type(error).__name__)
