"""The audit as it is met over the API and on the pages."""

from tests.api.conftest import api, app, portal
from tests.console.conftest import reader

__all__ = ["api", "app", "portal", "reader"]
