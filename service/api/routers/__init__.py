"""The addresses of the API, a file for each group."""

from fastapi import APIRouter

API = "/api/v1"


def room(tag: str, prefix: str = "") -> APIRouter:
    """A router of addresses below /api/v1 that are named in the published description as in the code."""
    return APIRouter(prefix=f"{API}{prefix}", tags=[tag], generate_unique_id_function=lambda route: route.name)
