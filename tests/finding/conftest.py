"""Tickets to be found, over a fresh database for each test or one for a module of tests that only look."""

from tests.api.conftest import api, app, portal, shared_api, shared_desk
from tests.console.conftest import reader

__all__ = ["api", "app", "portal", "reader", "shared_api", "shared_desk"]
