"""Retention as it is met over the API and on its page."""

from tests.api.conftest import api, app, portal
from tests.console.conftest import reader

__all__ = ["api", "app", "portal", "reader"]
