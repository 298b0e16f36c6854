"""The API over a fresh database for each test, or for a module of tests that only look or are all refused."""

import uuid
from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from service.app import create_app
from service.bootstrap import Application, build
from service.core.clock import SimulatedClock
from service.notifications.gateways import MemoryGateway
from tests.api.clients import Api, InProcess
from tests.conftest import START, Servers, drop, settings_for
from tests.desk import Desk


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for all in-process requests."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def app(application: Application) -> FastAPI:
    return create_app(application)


@pytest.fixture
def api(app: FastAPI, application: Application, portal: BlockingPortal) -> Iterator[Api]:
    with httpx.Client(transport=InProcess(app, portal), base_url="http://hotline") as client:
        yield Api(application, client)


@pytest.fixture(scope="module")
def shared_desk(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk over one database for a whole module."""
    name = f"hotline_{uuid.uuid4().hex[:12]}"
    with servers.admin() as admin:
        admin.execute(f'create database "{name}" template "{servers.template}" strategy file_copy')
    clock = SimulatedClock(START)
    settings = settings_for(servers.url_of(name), servers.redis_url, files_dir=tmp_path_factory.mktemp("files"))
    application = build(settings, clock=clock, gateway=MemoryGateway())
    yield Desk(application, clock)
    application.database.dispose()
    drop(servers, name)


@pytest.fixture(scope="module")
def shared_api(shared_desk: Desk, portal: BlockingPortal) -> Iterator[Api]:
    """The API over the module's database."""
    app = create_app(shared_desk.application)
    with httpx.Client(transport=InProcess(app, portal), base_url="http://hotline") as client:
        yield Api(shared_desk.application, client)
