"""The relay and worker that carry a replay's messages: real processes beside a real Redis, restarted if they die."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from service.bootstrap import Application
from service.core.errors import Unavailable
from service.core.settings import Settings
from service.outbox.relay import pending_count

MEMBERS = ("workers.relay", "workers.worker")
STOP_SECONDS = 10.0


class MessagesNotDelivered(Unavailable):
    """The outbox did not run dry in time."""

    zh = "仍有 {count} 条消息未送达,请查看 {logs} 下的日志。"
    en = "{count} messages are still not delivered; see the logs in {logs}."


class Crew:
    """One relay and one worker. `keep_up` is called now and then and restarts whoever died."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self._logs = logs
        logs.mkdir(parents=True, exist_ok=True)
        self._environment = {
            **os.environ,
            "HOTLINE_DATABASE_URL": settings.database_url,
            "HOTLINE_REDIS_URL": settings.redis_url,
            "HOTLINE_MASTER_KEY": settings.master_key.get_secret_value() if settings.master_key else "",
            # A lost job comes back soon: nobody waits for a replay's messages on another machine.
            "HOTLINE_RELAY_LEASE_SECONDS": "5",
        }
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.restarts = 0

    def keep_up(self) -> None:
        """Start whoever is not running."""
        for member in MEMBERS:
            process = self.processes.get(member)
            if process is not None and process.poll() is None:
                continue
            self.restarts += process is not None
            with (self._logs / f"{member}.log").open("ab") as log:
                self.processes[member] = subprocess.Popen(
                    [sys.executable, "-m", member],
                    env=self._environment,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )

    def wait_until_delivered(
        self, application: Application, *, seconds: float, on_wait: Callable[[int], None] = lambda _: None
    ) -> None:
        """Wait for an empty outbox. Raises MessagesNotDelivered."""
        deadline = time.monotonic() + seconds
        while True:
            self.keep_up()
            with application.reading() as unit:
                left = pending_count(unit.session)
            on_wait(left)
            if left == 0:
                return
            if time.monotonic() > deadline:
                raise MessagesNotDelivered(count=left, logs=self._logs)
            time.sleep(0.1)

    def stop(self) -> None:
        """End both; the job in hand is finished."""
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def crew_at_work(settings: Settings, logs: Path) -> Iterator[Crew]:
    """A crew for the length of the block."""
    crew = Crew(settings, logs)
    crew.keep_up()
    try:
        yield crew
    finally:
        crew.stop()
