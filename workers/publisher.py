"""The relay: from the outbox to Redis, within a second of the commit, and again whenever Redis forgot.

PostgreSQL is the queue. Redis gets ids only, and only as many as the workers can soon take: a long queue there
would outlast the lease, and every message in it would be published again and again.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import chain

import psycopg
from redis import RedisError
from rq import Queue as RqQueue
from sqlalchemy.exc import SQLAlchemyError

from service.bootstrap import Application
from service.core.clock import Clock, SystemClock
from service.core.tracing import span
from service.outbox.emit import CHANNEL
from service.outbox.lanes import Lane, queue_names
from service.outbox.relay import Claimed, claim, give_back
from workers import registry
from workers.connections import dedicated_connection
from workers.patience import Patience

# Ids of one queue in Redis at once. One worker empties that many inside the lease, also on a machine that leaves it
# fifteen a second, and no worker empties them before this relay has looked again; the rest waits in PostgreSQL,
# where waiting costs nothing. What outlasts the lease is published twice, and the second is work for nothing.
DEPTH = 300
# The same before a gateway, which may take a second for each: a longer queue would outlast the lease there.
GATEWAY_DEPTH = 20
# Ids of one queue claimed in one transaction: milliseconds, so that two relays share a backlog evenly.
BATCH = 200
_INSIDE = frozenset(queue_names(Lane.inside))
# While a queue in Redis is full there is work left and nobody rings for it.
_FULL_PAUSE_SECONDS = 0.05
# The longest wait without a look at whether the process is to stop.
_SLICE_SECONDS = 0.25
# Longer than a person looks for a failed job; a message's own story is in its row.
_FAILURE_TTL_SECONDS = 3600


class Publisher:
    """Hands due messages to RQ. Any number may run at once; none ever takes another's row."""

    def __init__(self, application: Application, *, clock: Clock | None = None) -> None:
        self._application = application
        self._settings = application.settings
        self._lease = timedelta(seconds=self._settings.relay_lease_seconds)
        # The real clock: a replay's messages are written in the past and must not wait for it to catch up.
        self._clock = clock or SystemClock()
        self._redis = registry.connect(self._settings)
        self._queues = registry.rq_queues(self._redis)

    def run(self, stop: threading.Event) -> None:
        """Publish until `stop` is set. Neither PostgreSQL nor Redis going away ends it."""
        patience = Patience("relay", stop)
        while not stop.is_set():
            try:
                with dedicated_connection(self._application.database, "relay") as bell:
                    bell.execute(f"listen {CHANNEL}")
                    while not stop.is_set():
                        waiting = self.publish()
                        patience.succeeded()
                        self._wait(bell, stop, _FULL_PAUSE_SECONDS if waiting else None)
            # Whatever it was, a relay that gave up would leave every message lying.
            except Exception as error:
                patience.failed(error)
                patience.wait()
        self._redis.close()

    def publish(self) -> bool:
        """Publish what is due. True when more is due than Redis is to hold now.

        Raises RedisError and SQLAlchemyError; what was claimed by then comes back.
        """
        while True:
            room = self._room()
            limits = {name: min(left, BATCH) for name, left in room.items() if left > 0}
            claimed = self._claim_and_enqueue(limits)
            if not any(claimed[name] == limit for name, limit in limits.items()):
                return len(limits) < len(room)

    def _room(self) -> dict[str, int]:
        """How many ids each queue may still take. Asks Redis first: while it is away nothing is claimed."""
        with self._redis.pipeline(transaction=False) as pipe:
            for queue in self._queues.values():
                pipe.llen(queue.key)
            lengths = pipe.execute()
        return {
            name: max(0, (DEPTH if name in _INSIDE else GATEWAY_DEPTH) - int(length))
            for name, length in zip(self._queues, lengths, strict=True)
        }

    def _claim_and_enqueue(self, limits: dict[str, int]) -> dict[str, int]:
        """One transaction that claims, then, after its COMMIT, one pipeline that enqueues."""
        now = self._clock.now()
        claimed: list[Claimed] = []
        if limits:
            with self._application.database.transaction() as session:
                claimed = claim(session, now=now, lease=self._lease, room=limits)
        batches: dict[str, list[Claimed]] = defaultdict(list)
        for message in claimed:
            batches[message.queue].append(message)
        if claimed:
            try:
                self._enqueue(batches)
            except RedisError:
                ids = [message.id for message in claimed]
                with suppress(SQLAlchemyError), self._application.database.transaction() as session:
                    give_back(session, ids, leased_until=now + self._lease, now=now)
                raise
        return Counter(message.queue for message in claimed)

    def _enqueue(self, batches: Mapping[str, list[Claimed]]) -> None:
        for message in chain.from_iterable(batches.values()):
            if message.traceparent:
                with span("relay", traceparent=message.traceparent):
                    pass  # when it was handed over is all there is to tell
        timeout = registry.job_timeout(self._settings)
        with self._redis.pipeline(transaction=False) as pipe:
            for name, batch in batches.items():
                self._queues[name].enqueue_many(
                    [
                        RqQueue.prepare_data(
                            registry.DELIVER,
                            args=[message.id],
                            timeout=timeout,
                            result_ttl=0,
                            failure_ttl=_FAILURE_TTL_SECONDS,
                            # Without it RQ writes the call with its arguments.
                            description="deliver",
                            job_id=message.job_id,
                        )
                        for message in batch
                    ],
                    pipeline=pipe,
                )
            pipe.execute()

    def _wait(self, bell: psycopg.Connection, stop: threading.Event, pause: float | None) -> None:
        """Until the bell rings, or so many seconds (None: the poll's), or the process is to stop."""
        left = self._settings.relay_poll_seconds if pause is None else pause
        while left > 0 and not stop.is_set():
            step = min(left, _SLICE_SECONDS)
            if any(True for _ in bell.notifies(timeout=step, stop_after=1)):
                # Every commit rings: what has rung by now is answered by one look.
                for _ in bell.notifies(timeout=0):
                    pass
                return
            left -= step
