"""A bell rings in Redis when somebody was told something, so that an open page shows it at once.

The bell says whose inbox it is and nothing else. One that nobody hears is no loss: what was told stands in the inbox,
and an open page looks there by itself after a while.
"""

import hashlib
from collections.abc import Callable
from functools import partial

import redis
from redis.exceptions import RedisError

from service.core.logging import log
from service.outbox.handlers import Payload


def channel(database_url: str) -> str:
    """Where the bells of one hotline ring; several may share a Redis."""
    return "hotline:notices:" + hashlib.sha256(database_url.encode()).hexdigest()[:16]


def ringer(redis_url: str, database_url: str) -> Callable[[Payload], None]:
    """Rings for the person of a notice. Never raises, and never waits long: the notice is written already."""
    client = redis.Redis.from_url(redis_url, socket_connect_timeout=0.5, socket_timeout=0.5)
    return partial(_ring, client, channel(database_url))


def _ring(client: "redis.Redis", where: str, payload: Payload) -> None:
    try:
        client.publish(where, payload["person_id"])
    except RedisError as error:
        log.info("bell_not_rung", error=type(error).__name__)
