"""The application of the API's tests and the readers of the console's, over one database for a module."""

from tests.api.conftest import api, app, portal, shared_api, shared_desk
from tests.console.conftest import _visitor, reader, visitor

__all__ = ["_visitor", "api", "app", "portal", "reader", "shared_api", "shared_desk", "visitor"]
