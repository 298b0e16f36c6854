"""How often something may be done: so many times in a window, counted in Redis for all processes together."""

import hashlib
import threading
import time
from collections.abc import Callable
from datetime import datetime

import redis

from service.core.errors import TooMany
from service.core.logging import log

# A store that did not answer is not asked again for so long: who waits on it would be the visitor.
_REST_SECONDS = 15.0
_MOST_KEPT = 20_000


class TooOften(TooMany):
    zh = "操作过于频繁,请稍后再试;着急请直接拨打 12351。"
    en = "That was too often. Please try again later, or call 12351."


class RateLimiter:
    """Fixed windows. Without Redis each process counts for itself and allows half: never no limit, never a refusal
    of everybody. Keys are hashed, so no address or phone stands in Redis."""

    def __init__(self, connect: Callable[[], "redis.Redis"], *, prefix: str) -> None:
        self._connect = connect
        self._prefix = prefix
        self._away_until = 0.0
        self._own: dict[str, int] = {}
        self._lock = threading.Lock()

    def check(self, what: str, who: str, *, limit: int, seconds: int, now: datetime) -> None:
        """Count once more. Raises TooOften beyond `limit` times in a window of `seconds`."""
        named = self._named(what, who, seconds=seconds, now=now)
        count = self._counted(f"limit:{named}", seconds)
        if count is None:
            count, limit = self._counted_here(named), max(1, limit // 2)
        if count > limit:
            raise TooOften

    def take_back(self, what: str, who: str, *, seconds: int, now: datetime) -> None:
        """Count once less: what was checked turned out to be none of what is limited."""
        named = self._named(what, who, seconds=seconds, now=now)
        if self._counted(f"limit:{named}", seconds, by=-1) is None:
            with self._lock:
                self._own[named] = self._own.get(named, 1) - 1

    def _named(self, what: str, who: str, *, seconds: int, now: datetime) -> str:
        window = int(now.timestamp()) // seconds
        return hashlib.sha256(f"{self._prefix}|{what}|{who}|{window}".encode("utf-8", "replace")).hexdigest()

    def _counted(self, key: str, seconds: int, *, by: int = 1) -> int | None:
        if time.monotonic() < self._away_until:
            return None
        try:
            pipeline = self._connect().pipeline()
            pipeline.incrby(key, by)
            pipeline.expire(key, seconds)
            return int(pipeline.execute()[0])
        except redis.RedisError as error:
            self._away_until = time.monotonic() + _REST_SECONDS
            log.warning("rate_limit_without_redis", error=type(error).__name__)
            return None

    def _counted_here(self, key: str) -> int:
        with self._lock:
            if len(self._own) >= _MOST_KEPT:
                self._own.clear()
            self._own[key] = self._own.get(key, 0) + 1
            return self._own[key]
