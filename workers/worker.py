"""The worker process: takes ids from Redis, urgent first, and delivers the messages in this process.

Run as `python -m workers.worker [--lanes inside,sms]`. Why it does not fork for each job: docs/adr/0004; why each
gateway has a thread of its own: docs/adr/0017.
"""

import argparse
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from redis import Redis, RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from service.bootstrap import build
from service.core.logging import configure_logging, log
from service.core.metrics import show_metrics
from service.core.settings import Settings, load_settings
from service.core.tracing import configure_tracing, stop_tracing
from service.outbox.lanes import Lane, LaneUnknown, lanes_named
from workers import jobs, registry
from workers.patience import Patience

_BEAT_SECONDS = 5.0
# How soon a thread, which no signal reaches, sees that the process is to stop.
_LOOK_SECONDS = 1


class MessageWorker(SimpleWorker):
    """RQ's worker without the fork, and with a stop that touches nothing but a flag."""

    # RQ waits up to a minute between its tries to reach Redis; a message should not wait for that.
    max_connection_wait_time = 2.0
    log_result_lifespan = False

    def __init__(self, connection: Redis, lane: Lane, stop: threading.Event, patience: Patience) -> None:
        super().__init__(
            list(registry.rq_queues(connection, [lane]).values()),
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


class ThreadWorker(MessageWorker):
    """The same in a thread, where neither a signal nor an alarm arrives.

    A job that takes too long gets its exception at its next step in Python: a call that hangs below has to have a
    time-out of its own, and each gateway's has.
    """

    death_penalty_class = TimerDeathPenalty

    @property
    def dequeue_timeout(self) -> int:
        """Seconds of one wait for an id."""
        return _LOOK_SECONDS

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Wait for an id, with a look after each wait at whether the process is to stop."""
        while not self._stop.is_set():
            found = super().dequeue_job_and_maintain_ttl(timeout, max_idle_time or timeout)
            if found is not None:
                return found
        raise StopRequested


class LaneWork:
    """One lane of this process, emptied until the process is to stop. Without Redis it waits for Redis."""

    def __init__(self, settings: Settings, lane: Lane, stop: threading.Event, patience: Patience) -> None:
        self.lane = lane
        self._connection = registry.connect(settings)
        self._stop = stop
        self._patience = patience
        self._at_work: MessageWorker | None = None

    def run(self, kind: type[MessageWorker]) -> None:
        """Work until the process is to stop; the job in hand is finished first."""
        while not self._stop.is_set():
            try:
                self._at_work = kind(self._connection, self.lane, self._stop, self._patience)
                # RQ says a line each time it tries Redis; `patience` says one in all.
                self._at_work.work(logging_level="CRITICAL")
            except RedisError as error:
                self._patience.failed(error)
            self._at_work = None
            # It also ends by itself when Redis fails in the middle of a job.
            self._patience.wait()
        self._connection.close()

    def end_soon(self) -> None:
        """Called from the signal handler, for the lane that runs in the main thread. Raises StopRequested."""
        if self._at_work is not None:
            self._at_work.end_soon()


def run_worker(settings: Settings, lanes: Sequence[Lane] = tuple(Lane)) -> None:
    """Work on these lanes until SIGINT or SIGTERM; the job in hand in each is finished first, a second signal gives
    them up. Call from the main thread: the first lane runs in it, the others in threads of their own.

    A gateway that does not answer keeps the process no longer than a job may take; its message comes back.
    """
    show_metrics(settings)
    stop = threading.Event()
    patience = Patience("worker", stop)
    first, *others = (LaneWork(settings, lane, stop, patience) for lane in lanes)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise SystemExit(1)
        stop.set()
        first.end_soon()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    # Daemons: a thread that hangs in a gateway does not keep the process that has waited for it long enough.
    threads = [threading.Thread(target=each.run, args=[ThreadWorker], name=each.lane, daemon=True) for each in others]
    for thread in threads:
        thread.start()
    try:
        first.run(MessageWorker)
        deadline = time.monotonic() + registry.job_timeout(settings)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("lane_given_up", lane=thread.name)
    finally:
        jobs.close()


def main() -> None:
    """The process: settings from the environment."""
    options = argparse.ArgumentParser(description="Deliver messages.")
    options.add_argument("--lanes", default="", help="which lanes, with commas between; all when it is not given")
    try:
        lanes = lanes_named(options.parse_args().lanes)
    except LaneUnknown as error:
        raise SystemExit(f"{error.sentence('zh')}\n{error.sentence('en')}") from None
    settings = load_settings()
    settings.require_servers()
    configure_logging(as_json=settings.log_json)
    configure_tracing(settings, "worker")
    application = build(settings)
    # Built before the threads come: the guard before a gateway is one for all that use it.
    _ = application.courier
    jobs.use(application)
    try:
        run_worker(settings, lanes)
    finally:
        stop_tracing()


if __name__ == "__main__":
    main()
