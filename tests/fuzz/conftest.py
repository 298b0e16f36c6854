"""The application of the API's tests, in process."""

from tests.api.conftest import portal, shared_desk

__all__ = ["portal", "shared_desk"]
