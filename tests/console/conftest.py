"""The pages over a fresh database for each test."""

from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from service.app import create_app
from service.bootstrap import Application
from tests.api.clients import InProcess
from tests.console.browser import Reader


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for all in-process requests."""
    with start_blocking_portal() as portal:
        yield portal


@pytest.fixture
def reader(application: Application, portal: BlockingPortal) -> Iterator[Reader]:
    with httpx.Client(transport=InProcess(create_app(application), portal), base_url="http://hotline") as client:
        yield Reader(application, client)
