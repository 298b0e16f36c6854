"""The pages over a fresh database for each test, or for a module of tests that only look or are all refused."""

from collections.abc import Iterator

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from service.app import create_app
from service.bootstrap import Application
from tests.api.clients import InProcess
from tests.api.conftest import portal, shared_desk
from tests.console.browser import Reader
from tests.desk import Desk

__all__ = ["portal", "shared_desk"]


@pytest.fixture
def reader(application: Application, portal: BlockingPortal) -> Iterator[Reader]:
    """Somebody before a screen."""
    with httpx.Client(transport=InProcess(create_app(application), portal), base_url="http://hotline") as client:
        yield Reader(application, client)


@pytest.fixture(scope="module")
def _visitor(shared_desk: Desk, portal: BlockingPortal) -> Iterator[Reader]:
    app = create_app(shared_desk.application)
    with httpx.Client(transport=InProcess(app, portal), base_url="http://hotline") as client:
        yield Reader(shared_desk.application, client)


@pytest.fixture
def visitor(_visitor: Reader) -> Reader:
    """Somebody before a screen over the module's database, with no cookies yet."""
    _visitor.client.cookies.clear()
    return _visitor
