"""What stands before a gateway: it is not asked faster than it was agreed, and not while it fails.

Each worker process keeps its own count; with two of them a gateway meets twice the pace that is set for one.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from time import monotonic, sleep

from service.core.logging import log
from service.core.metrics import GATEWAY_RESTING
from service.notifications.gateways import Gateway, Letter
from service.outbox.handlers import NotNow, Refused

# So many failures in a row, and nothing is sent for so long; then one message tries it.
FAILURES = 5
REST = timedelta(seconds=30)
# A worker sleeps at most so long for its turn; what would wait longer goes back into the outbox.
_LONGEST_WAIT_SECONDS = 0.5


class Guarded:
    """A gateway behind a circuit breaker and a pace of `per_second` messages.

    While the breaker is open a message comes back with NotNow at once and has lost none of its attempts: a gateway
    that hangs keeps nobody but itself waiting.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        per_second: float,
        now: Callable[[], float] = monotonic,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self.name = gateway.name
        self._gateway = gateway
        self._gap = 1 / per_second
        self._now, self._wait = now, wait
        self._lock = threading.Lock()
        self._failures = 0
        self._rests_until = 0.0
        self._next = 0.0

    def send(self, letter: Letter, *, key: str) -> None:
        """Raises what the gateway raises, and NotNow while it rests or its pace is used up."""
        self._take_turn()
        try:
            self._gateway.send(letter, key=key)
        except (Refused, NotNow):
            self._answered()  # it spoke, so it lives
            raise
        except Exception:
            self._failed()
            raise
        self._answered()

    def _take_turn(self) -> None:
        with self._lock:
            now = self._now()
            if now < self._rests_until:
                raise NotNow(timedelta(seconds=self._rests_until - now))
            if self._failures >= FAILURES:
                self._rests_until = now + REST.total_seconds()  # until the one that tries it has come back
            turn = max(now, self._next)
            if turn - now > _LONGEST_WAIT_SECONDS:
                raise NotNow(timedelta(seconds=turn - now))
            self._next = turn + self._gap
        if turn > now:
            self._wait(turn - now)

    def _answered(self) -> None:
        with self._lock:
            if self._failures >= FAILURES:
                log.info("gateway_works_again", gateway=self.name)
            self._failures, self._rests_until = 0, 0.0
            GATEWAY_RESTING.labels(self.name).set(0)

    def _failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._rests_until = self._now() + REST.total_seconds()
                GATEWAY_RESTING.labels(self.name).set(1)
                log.warning("gateway_rests", gateway=self.name, seconds=REST.total_seconds())
