"""The worker process: takes ids from Redis, urgent first, and delivers the messages in this process.

Run as `python -m workers.worker`. Why it does not fork for each job: docs/adr/0004.
"""

import signal
import threading
import time
from types import FrameType
from typing import Any

from redis import Redis, RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from service.bootstrap import build
from service.core.logging import configure_logging
from service.core.metrics import show_metrics
from service.core.settings import Settings, load_settings
from workers import jobs, registry
from workers.patience import Patience

_BEAT_SECONDS = 5.0


class MessageWorker(SimpleWorker):
    """RQ's worker without the fork, and with a stop that touches nothing but a flag."""

    # RQ waits up to a minute between its tries to reach Redis; a message should not wait for that.
    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def __init__(self, connection: Redis, stop: threading.Event, patience: Patience) -> None:
        super().__init__(
            list(registry.rq_queues(connection).values()),
            connection=connection,
            serializer=JSONSerializer,
            worker_ttl=registry.BLOCKING_SECONDS + 15,  # RQ blocks for fifteen seconds less than this
            log_job_description=False,
        )
        self._stop = stop
        self._patience = patience
        self._listening = False
        self._next_beat = 0.0

    def _install_signal_handlers(self) -> None:
        """None: RQ's write to Redis from inside the handler, over a connection that a job may be using."""

    def end_soon(self) -> None:
        """Stop after the job in hand; called from the signal handler. Raises StopRequested when there is none.

        An id that was just taken from Redis and is lost by that comes back with its lease.
        """
        self._stop_requested = True
        if self._listening:
            raise StopRequested

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for an id, unless the process is to stop."""
        self._listening = True
        try:
            if self._stop.is_set():
                raise StopRequested
            return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
        finally:
            self._listening = False

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Say that this worker lives. RQ asks for it three times a job, three commands each; once in five seconds
        is enough for a record that lasts ninety. It is also where Redis is seen to have gone or come back.
        """
        if pipeline is not None:
            super().heartbeat(timeout, pipeline)
            return
        if self._patience.failures == 0 and time.monotonic() < self._next_beat:
            return
        try:
            super().heartbeat(timeout)
        except RedisError as error:
            self._patience.failed(error)
            raise
        self._next_beat = time.monotonic() + _BEAT_SECONDS
        self._patience.succeeded()

    def set_state(self, state: str, pipeline: Any = None) -> None:
        """Tell RQ's monitors whether this worker is idle or busy, where that is news."""
        if pipeline is not None or state != self.get_state():
            super().set_state(state, pipeline)


def run_worker(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM; the job in hand is finished first, a second signal gives it up.

    Without Redis it waits for Redis. Call from the main thread.
    """
    show_metrics(settings)
    stop = threading.Event()
    patience = Patience("worker", stop)
    connection = registry.connect(settings)
    at_work: list[MessageWorker] = []

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise SystemExit(1)
        stop.set()
        for worker in at_work:
            worker.end_soon()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    try:
        while not stop.is_set():
            try:
                worker = MessageWorker(connection, stop, patience)
                at_work[:] = [worker]
                # RQ says a line each time it tries Redis; `patience` says one in all.
                worker.work(logging_level="CRITICAL")
            except RedisError as error:
                patience.failed(error)
            at_work.clear()
            # It also ends by itself when Redis fails in the middle of a job.
            patience.wait()
    finally:
        jobs.close()
        connection.close()


def main() -> None:
    """The process: settings from the environment."""
    settings = load_settings()
    settings.require_servers()
    configure_logging(as_json=settings.log_json)
    jobs.use(build(settings))
    run_worker(settings)


if __name__ == "__main__":
    main()
