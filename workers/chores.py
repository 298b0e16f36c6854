"""What the leading scheduler does now and then beside the sweep. None of it is due to the second, and each is taken up
by whoever leads then."""

import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from service.audit.anchoring import head_to_anchor, record_anchor
from service.audit.chain import known_since, link_events
from service.audit.sinks import AnchorSink
from service.bootstrap import Application
from service.checks import run_checks, tell_of_contradictions
from service.core.files import FileMissing
from service.core.logging import log
from service.core.metrics import ARCHIVED, FILES_WAITING, TO_ARCHIVE
from service.core.scanning import Scanned, Verdict
from service.identity.logins import forget_logins
from service.notifications.age_alarm import warn_of_old_messages
from service.outbox.trimming import forget_delivered
from service.retention.erasing import erase_all
from service.retention.runs import preview_each_month
from service.tickets.endings import archive_ended, waiting_for_the_archive
from service.tickets.reveals import tell_of_unusual_reveals
from service.tickets.scans import count_waiting, forget_scan, settle_scan, waiting_files
from workers.patience import Patience

# In one transaction: a fraction of a second.
_TRIMMED_AT_ONCE = 1000
_LINKED_AT_ONCE = 1000
_SCANNED_AT_ONCE = 100
_ANCHOR_AGAIN_SECONDS = 60.0


class Chore(ABC):
    """Work of the leader. What a process that was cut off has done of it stays done."""

    name: ClassVar[str]

    def __init__(self, application: Application, stop: threading.Event, leads: Callable[[], bool]) -> None:
        self._application = application
        self._stop = stop
        self._leads = leads
        self._patience = Patience(self.name, stop)

    def tick(self) -> None:
        """Do it, if this process leads. Never raises: the next tick goes on."""
        if not self._leads():
            return
        try:
            self.work()
        except Exception as error:
            self._patience.failed(error)
        else:
            self._patience.succeeded()

    @abstractmethod
    def work(self) -> None:
        """What is to be done."""


class Watch(Chore):
    """Every quarter of an hour: does the data contradict itself, and does somebody look at too many callers?"""

    name = "watch"

    def work(self) -> None:
        """Ask every invariant and tell of what does not hold, and of who looked too often."""
        with self._application.reading() as unit:
            findings = run_checks(unit, tick=self._application.settings.sweep_seconds)
        with self._application.unit() as unit:
            tell_of_contradictions(unit, findings)
        with self._application.unit() as unit:
            tell_of_unusual_reveals(unit, ceiling=self._application.settings.reveals_ceiling)


class AgeAlarm(Chore):
    """Every minute: does a message lie undelivered?"""

    name = "age_alarm"

    def work(self) -> None:
        """Look, and tell of what is too old."""
        with self._application.unit() as unit:
            warn_of_old_messages(unit, limit=timedelta(seconds=self._application.settings.outbox_alarm_seconds))


class Trim(Chore):
    """Each hour: messages delivered long ago are deleted, as far as their keys may be forgotten, and logins that ended
    long ago."""

    name = "trim"

    def work(self) -> None:
        """Batch after batch, each one transaction."""
        settings = self._application.settings
        self._forget_messages(timedelta(days=settings.outbox_keep_days))
        kept, forgotten = timedelta(days=settings.logins_keep_days), _TRIMMED_AT_ONCE
        while forgotten == _TRIMMED_AT_ONCE and not self._stop.is_set():
            with self._application.unit() as unit:
                forgotten = forget_logins(unit, before=unit.now - kept, limit=_TRIMMED_AT_ONCE)

    def _forget_messages(self, keep: timedelta) -> None:
        last: int | None = 0
        while last is not None and not self._stop.is_set():
            with self._application.unit() as unit:
                last = forget_delivered(unit.session, before=unit.now - keep, after_id=last, limit=_TRIMMED_AT_ONCE)


class Archive(Chore):
    """Each hour: tickets that ended long ago are put away."""

    name = "archive"

    def work(self) -> None:
        """Batch after batch, each one transaction."""
        settings, total = self._application.settings, 0
        try:
            while not self._stop.is_set():
                with self._application.unit() as unit:
                    done = archive_ended(unit, limit=settings.sweep_batch, after_days=settings.archive_after_days)
                total += done
                ARCHIVED.inc(done)
                if not done:
                    break
            with self._application.reading() as unit:
                TO_ARCHIVE.set(waiting_for_the_archive(unit, after_days=settings.archive_after_days))
        finally:
            if total:
                log.info("archived", tickets=total)


class Scan(Chore):
    """Every minute: files that the antivirus could not be asked about when they came."""

    name = "scan"

    def work(self) -> None:
        """One after the other, each verdict its own transaction. A file that the scanner gives none on, such as one too
        long for it, keeps no other waiting."""
        application = self._application
        with application.reading() as unit:
            waiting = waiting_files(unit, limit=_SCANNED_AT_ONCE)
        for sha256 in waiting if waiting and application.scanner.answers() else ():
            if self._stop.is_set():
                return
            try:
                scanned = self._scanned(sha256)
            except FileMissing:
                with application.unit() as unit:
                    forget_scan(unit, sha256)
                continue
            with application.unit() as unit:
                settle_scan(unit, sha256, scanned)
        with application.reading() as unit:
            FILES_WAITING.set(count_waiting(unit))

    def _scanned(self, sha256: bytes) -> Scanned:
        with tempfile.TemporaryFile() as held:
            for piece in self._application.files.read(sha256.hex()):
                held.write(piece)
            return self._application.scanner.scan(held) or Scanned(Verdict.waiting)


class Chain(Chore):
    """Every few seconds: audit events get their places in the chain. Once a local day its head is anchored, wherever
    the settings say; a place that can't be reached is tried again in a minute and keeps the others waiting for nothing.
    """

    name = "audit_chain"

    def __init__(self, application: Application, stop: threading.Event, leads: Callable[[], bool]) -> None:
        super().__init__(application, stop, leads)
        self._not_before: dict[str, float] = {}

    def work(self) -> None:
        """Batch after batch, each one transaction."""
        while not self._stop.is_set():
            with self._application.unit() as unit:
                if link_events(unit, limit=_LINKED_AT_ONCE) < _LINKED_AT_ONCE:
                    break
        for sink in self._application.anchor_sinks:
            if time.monotonic() >= self._not_before.get(sink.name, 0.0):
                self._anchor(sink)

    def _anchor(self, sink: AnchorSink) -> None:
        with self._application.reading() as unit:
            head, now = head_to_anchor(unit, sink.name), unit.now
        if head is None:
            return
        # No transaction is open while somebody outside takes it.
        try:
            sink.put(known_since(head, now))
        except OSError as error:
            log.error("audit_anchor_failed", sink=sink.name, error=type(error).__name__)
            self._not_before[sink.name] = time.monotonic() + _ANCHOR_AGAIN_SECONDS
            return
        with self._application.unit() as unit:
            record_anchor(unit, head, sink.name)


class Keep(Chore):
    """Each minute: is a month's preview of what is past its time to be made, and was one approved?"""

    name = "retention"

    def work(self) -> None:
        """Preview once a month; erase what was approved, batch after batch."""
        with self._application.unit() as unit:
            preview_each_month(unit)
        erased = erase_all(
            self._application.unit, self._application.files, go_on=lambda: self._leads() and not self._stop.is_set()
        )
        if erased is not None:
            log.info("retention_erased", done=erased.done, skipped=erased.skipped, finished=erased.finished)
