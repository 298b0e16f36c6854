"""Delivering one message, whoever was told its id: safe to call twice, late, or from two workers at once."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from time import perf_counter

from sqlalchemy import select
from structlog.contextvars import bind_contextvars, bound_contextvars

from service.core.logging import log
from service.core.metrics import DELIVERY_SECONDS, MESSAGES
from service.core.tracing import note, span
from service.core.unit import Unit
from service.outbox.handlers import DatabaseHandler, Handler, NetworkHandler, NotNow, Refused
from service.outbox.models import OutboxMessage

# 5 s, 20 s, 80 s, … up to an hour: eight failures span about three hours before somebody has to look.
MAX_ATTEMPTS = 8
FIRST_BACKOFF = timedelta(seconds=5)
LONGEST_BACKOFF = timedelta(hours=1)


class Outcome(StrEnum):
    """What happened to the delivery."""

    done = "done"
    nothing_to_do = "nothing_to_do"
    put_off = "put_off"
    failed = "failed"
    buried = "buried"


@dataclass(frozen=True, slots=True)
class Courier:
    """Delivers messages. `units` opens a unit of work at the time of the message; `now` reads the real clock,
    by which retries wait even while a replay simulates the past."""

    units: Callable[[datetime, str], AbstractContextManager[Unit]]
    handlers: Mapping[str, Handler]
    now: Callable[[], datetime]

    def deliver(self, message_id: int) -> Outcome:
        """Deliver once. A failure is written into the row with the time of the next try; nothing is raised."""
        began = perf_counter()
        # What is logged on the way is found by the name of the request that asked for it.
        with bound_contextvars(message_id=message_id, correlation_id=""), ExitStack() as trace:
            try:
                kind, outcome = self._try(message_id, trace)
            except Exception as error:
                kind, outcome = self._failed(message_id, error)
            seconds = perf_counter() - began
            if outcome is not Outcome.nothing_to_do:
                log.info("handled", kind=kind, outcome=outcome.value, ms=round(1000 * seconds, 1))
        MESSAGES.labels(kind, outcome.value).inc()
        DELIVERY_SECONDS.labels(kind).observe(seconds)
        return outcome

    def _try(self, message_id: int, trace: ExitStack) -> tuple[str, Outcome]:
        with self.units(self.now(), "") as unit:
            message = _lock(unit, message_id)
            if message is None:
                return "none", Outcome.nothing_to_do
            unit.now, unit.correlation_id = message.created_at, message.correlation_id
            trace.enter_context(span(f"deliver {message.kind}", traceparent=message.traceparent))
            note(correlation_id=message.correlation_id)
            handler = self.handlers[message.kind]
            key, kind, payload = message.key, message.kind, dict(message.payload)
            if isinstance(handler, DatabaseHandler):
                handler.run(unit, payload)
                message.done_at = self.now()
            else:
                call = handler.prepare(unit, payload)
        if isinstance(handler, DatabaseHandler):
            if handler.then is not None:
                handler.then(payload)
            return kind, Outcome.done
        return kind, self._over_the_network(message_id, key, payload, handler, call)

    def _over_the_network(
        self,
        message_id: int,
        key: str,
        payload: dict[str, object],
        handler: NetworkHandler,
        call: Callable[[str], None] | None,
    ) -> Outcome:
        if call is not None:
            call(key)
        with self.units(self.now(), "") as unit:
            message = _lock(unit, message_id)
            if message is None:
                return Outcome.nothing_to_do
            unit.now, unit.correlation_id = message.created_at, message.correlation_id
            if call is not None:
                handler.record(unit, key, payload)
            message.done_at = self.now()
        return Outcome.done

    def _failed(self, message_id: int, error: Exception) -> tuple[str, Outcome]:
        with self.units(self.now(), "") as unit:
            message = _lock(unit, message_id)
            if message is None:
                return "none", Outcome.nothing_to_do
            if isinstance(error, NotNow):
                message.available_at = self.now() + error.wait
                return message.kind, Outcome.put_off
            message.attempts += 1
            # The type alone: an exception's text may quote a phone number, and this column is read by operators.
            message.last_error = type(error).__name__
            log.warning("delivery_failed", kind=message.kind, attempts=message.attempts, exc_info=error)
            if isinstance(error, Refused) or message.attempts >= MAX_ATTEMPTS:
                message.buried_at = self.now()
                return message.kind, Outcome.buried
            message.available_at = self.now() + min(FIRST_BACKOFF * 4 ** (message.attempts - 1), LONGEST_BACKOFF)
            return message.kind, Outcome.failed


def _lock(unit: Unit, message_id: int) -> OutboxMessage | None:
    """The message if it still waits; None when it is done, buried or unknown. A second deliverer waits here."""
    message = unit.session.scalars(
        select(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.done_at.is_(None), OutboxMessage.buried_at.is_(None))
        .with_for_update()
    ).one_or_none()
    if message is not None:
        bind_contextvars(correlation_id=message.correlation_id)
    return message
