"""Waiting for what has no event to wait on: a lock set free, a server that answers."""

from __future__ import annotations

import time
from collections.abc import Callable

_POLL_SECONDS = 0.02


def came_true(condition: Callable[[], bool], *, within: float) -> bool:
    """Whether the condition comes true within so many seconds; it is asked at least once, then every 20 ms."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
