"""The API over a fresh database for each test; one event loop for them all."""

from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from service.app import create_app
from service.bootstrap import Application
from tests.api.clients import Api, InProcess


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def app(application: Application) -> FastAPI:
    return create_app(application)


@pytest.fixture
def api(app: FastAPI, application: Application, portal: BlockingPortal) -> Iterator[Api]:
    with httpx.Client(transport=InProcess(app, portal), base_url="http://hotline") as client:
        yield Api(application, client)
