"""The scheduler process: a clock that only ticks. What is due stands in PostgreSQL.

Run as `python -m workers.scheduler`. Any number of them may run: each relays the outbox, one leads and sweeps.
Neither the length of a tick nor who leads decides what fires: a late sweep finds all that is due, in order, and
writes each rung once.
"""

import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars

from service.bootstrap import Application, build
from service.core.clock import SystemClock, local
from service.core.logging import configure_logging, log
from service.core.metrics import (
    FILES_WAITING,
    INVARIANT_BROKEN,
    LAST_SWEEP,
    LEADS,
    OUTBOX_AGE,
    SWEEP_LAG,
    SWEEP_SECONDS,
    TO_ARCHIVE,
    show_metrics,
)
from service.core.settings import load_settings
from service.core.tracing import configure_tracing, note, span, stop_tracing
from service.escalations.coverage import warn_of_missing_year
from service.escalations.firing import Swept, oldest_due, sweep
from service.outbox.relay import oldest_pending
from workers.chores import AgeAlarm, Archive, Chain, Keep, Scan, Trim, Watch
from workers.leadership import Leadership
from workers.patience import Patience
from workers.publisher import Publisher
from workers.stopping import stop_event

# A leader that is frozen keeps its connection and so the lock. After that many ticks without a sweep the others
# do its work: they can, at any time.
PATIENT_TICKS = 3
# Batches in a row that were full and fired nothing: then whatever sits there can wait for the next tick.
_BARREN_BATCHES = 5
# How often it is looked whether a day has begun: a day missed while this process or PostgreSQL was away is made up
# for so soon after.
_DAY_SECONDS = 60.0
_MINUTE_SECONDS = 60.0
_HOUR_SECONDS = 3600.0
# So long an event stands without its place in the chain.
_CHAIN_SECONDS = 2.0


class Ticker:
    """What happens at each tick. `now` tells the time that a sweep goes by; the application's clock if left out."""

    def __init__(
        self, application: Application, stop: threading.Event, *, now: Callable[[Session], datetime] | None = None
    ) -> None:
        self._application = application
        self._stop = stop
        self._now = now or (lambda _session: application.clock.now())
        self._leadership = Leadership(application.database)
        self._patience = Patience("sweep", stop)
        self.leads = False
        self.last_tick = time.monotonic()

    def tick(self) -> None:
        """Measure, and sweep if it is this process's turn. Never raises: the next tick tries again."""
        self.last_tick = time.monotonic()
        try:
            lag = self._measure()
            leads = self._leadership.is_mine()
            if leads != self.leads:
                log.info("leadership_taken" if leads else "leadership_lost")
                self.leads = leads
                if not leads:
                    # What only the leader looks at, it no longer knows.
                    INVARIANT_BROKEN.clear()
                    for unknown in (TO_ARCHIVE, FILES_WAITING):
                        unknown.forget()
            LEADS.set(float(leads))
            if leads or lag > timedelta(seconds=PATIENT_TICKS * self._application.settings.sweep_seconds):
                with SWEEP_SECONDS.time():
                    self.sweep_all()
                self._measure()
                LAST_SWEEP.set(time.time())
        except Exception as error:
            self.leads = False
            LEADS.set(0)
            for unknown in (SWEEP_LAG, OUTBOX_AGE):
                unknown.forget()
            self._patience.failed(error)
        else:
            self._patience.succeeded()

    def sweep_all(self) -> Swept:
        """Batch after batch, each one transaction, until nothing is due or the process is to stop."""
        total = Swept()
        limit = self._application.settings.sweep_batch
        barren = 0
        while not self._stop.is_set():
            with (
                span("sweep"),
                self._application.unit() as unit,
                bound_contextvars(correlation_id=unit.correlation_id),
            ):
                note(correlation_id=unit.correlation_id)
                unit.now = self._now(unit.session)
                swept = sweep(unit, limit=limit, brake=self._application.brake)
            total.clocks += swept.clocks
            total.fired += swept.fired
            total.failed += swept.failed
            for rung, times in swept.by_rung.items():
                total.by_rung[rung] += times
            barren = 0 if swept.fired or swept.failed else barren + 1
            if barren and (swept.clocks < limit or barren == _BARREN_BATCHES):
                break
        if total.fired or total.failed:
            log.info("swept", clocks=total.clocks, fired=total.fired, failed=total.failed)
        return total

    def _measure(self) -> timedelta:
        """Set the two gauges by which the scheduler's health is judged; returns the lag of the oldest clock."""
        with self._application.reading() as unit:
            unit.now = self._now(unit.session)
            clock, message = oldest_due(unit.session), oldest_pending(unit.session, unit.now)
            lag = max(timedelta(0), unit.now - clock) if clock else timedelta(0)
            age = max(timedelta(0), unit.now - message) if message else timedelta(0)
        SWEEP_LAG.set(lag.total_seconds())
        OUTBOX_AGE.set(age.total_seconds())
        return lag

    def close(self) -> None:
        """Let another lead."""
        self._leadership.let_go()


def database_time(session: Session) -> datetime:
    """PostgreSQL's clock, one for all schedulers: a host whose own is an hour ahead would break promises that are
    kept, and nothing takes a breach back."""
    now: datetime = session.execute(text("select clock_timestamp()")).scalar_one()
    return now


class DailyCheck:
    """What happens once each local day, and when the process starts: is next year's calendar missing?

    Every scheduler asks, whoever leads; the key of the notices tells each administrator once.
    """

    def __init__(self, application: Application, stop: threading.Event) -> None:
        self._application = application
        self._patience = Patience("daily_check", stop)
        self._checked: date | None = None

    def tick(self) -> None:
        """Check if a day has begun since the last check. Never raises: the next tick tries again."""
        try:
            with self._application.unit() as unit:
                today = local(unit.now).date()
                if today == self._checked:
                    return
                warn_of_missing_year(unit)
            # Nobody takes a day to send a file: what is still unfinished was left by a crash.
            self._application.files.tidy(SystemClock().now() - timedelta(days=1))
        except Exception as error:
            self._patience.failed(error)
        else:
            self._checked = today
            self._patience.succeeded()


def run_scheduler(application: Application, stop: threading.Event) -> None:
    """Tick and relay until `stop` is set; the batch in hand is finished first."""
    ticker, daily = Ticker(application, stop, now=database_time), DailyCheck(application, stop)
    watch, archive, alarm, trim, scan, chain, keep = (
        chore(application, stop, leads=lambda: ticker.leads)
        for chore in (Watch, Archive, AgeAlarm, Trim, Scan, Chain, Keep)
    )
    relay = threading.Thread(target=Publisher(application).run, args=[stop], name="relay")
    scheduler = BackgroundScheduler(
        # Named, so that APScheduler does not search the installed packages for what it may use.
        jobstores={"default": MemoryJobStore()},
        # A look at everything takes its time, and no sweep waits for it.
        executors={name: ThreadPoolExecutor(1) for name in ("default", "watch", "chain")},
        # However late a tick comes it is run, once, and never beside another of this process.
        job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        timezone=UTC,
    )
    job = scheduler.add_job(
        ticker.tick,
        "interval",
        seconds=application.settings.sweep_seconds,
        next_run_time=datetime.now(UTC),
    )
    scheduler.add_job(daily.tick, "interval", seconds=_DAY_SECONDS, next_run_time=datetime.now(UTC))
    # Not at once: what waited while nothing ran is no contradiction before the first sweeps are through.
    scheduler.add_job(watch.tick, "interval", seconds=application.settings.check_seconds, executor="watch")
    scheduler.add_job(
        archive.tick,
        "interval",
        seconds=application.settings.archive_seconds,
        # Soon, or a process that is started anew each day would never come to it; not before one of them leads.
        next_run_time=datetime.now(UTC) + timedelta(seconds=_DAY_SECONDS),
        executor="watch",
    )
    # Not at once: what waited while nothing ran is on its way before the first minute is over.
    scheduler.add_job(alarm.tick, "interval", seconds=_MINUTE_SECONDS)
    scheduler.add_job(scan.tick, "interval", seconds=application.settings.scan_seconds, executor="watch")
    scheduler.add_job(trim.tick, "interval", seconds=_HOUR_SECONDS, executor="watch")
    scheduler.add_job(keep.tick, "interval", seconds=_MINUTE_SECONDS, executor="watch")
    scheduler.add_job(chain.tick, "interval", seconds=_CHAIN_SECONDS, executor="chain")
    relay.start()
    scheduler.start()
    patience = PATIENT_TICKS * application.settings.sweep_seconds
    try:
        while not stop.wait(patience):
            # APScheduler goes by the wall clock: one set back by an hour would mean an hour without a tick.
            if time.monotonic() - ticker.last_tick > patience:
                job.modify(next_run_time=datetime.now(UTC))
    finally:
        stop.set()
        scheduler.shutdown(wait=True)
        relay.join()
        ticker.close()
        application.database.dispose()


def main() -> None:
    """The process: settings from the environment."""
    settings = load_settings()
    settings.require_servers()
    configure_logging(as_json=settings.log_json)
    # A sweep longer than a tick is no news at each tick: the lag tells it.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    show_metrics(settings)
    configure_tracing(settings, "scheduler")
    try:
        run_scheduler(build(settings), stop_event())
    finally:
        stop_tracing()


if __name__ == "__main__":
    main()
