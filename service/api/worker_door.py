"""The worker's door: what the worker's pages and the worker's addresses of the API have in common.

Who gives a number and its query code, or a code that was sent to the phone, is given a signed token for half an hour
that names those matters and opens nothing else. What strangers may try is counted here, for both together.
"""

import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

from service.bootstrap import Application
from service.core.errors import Malformed, NotFound
from service.core.unit import SYSTEM, WORKER, Unit
from service.tickets.attachments import AttachFile
from service.tickets.file_kinds import Examined
from service.tickets.intake import RegisterTicket
from service.tickets.models import UNKNOWABLE, Ticket
from service.tickets.tracking import Tracked, TrackTicket, folded_number, track_ticket
from service.tickets.worker_codes import ask_for_code, phone_digits, tickets_by_code
from service.tickets.worker_way import Submitted, add_material, submit_matter

STAYS = timedelta(minutes=30)
_LONGEST_TOKEN = 2000
_TITLE = 40
_HOUR, _DAY = 3600, 86_400


class NotYours(NotFound):
    """Not looked up, too long ago, another's, or not there: the answer is the same on purpose."""

    zh = "请先用工单号和查询码,或手机验证码查询。查询后 30 分钟内有效,过后须重新查询。"
    en = "Please look the matter up first, by number and code or by a code sent to your phone (every 30 minutes)."


class CodeWrong(NotFound):
    """Wrong, old, used up, or for a number without tickets: the answer is the same on purpose."""

    zh = "验证码不正确或已过期。没有收到短信的,可能该号码没有登记过事项,请用工单号和查询码查询或拨打 12351。"
    en = "The code is wrong or too old. If no message came, the number may have no matter: call 12351."


class NothingAdded(Malformed):
    zh = "请写下要补充的情况,或选择文件。"
    en = "Write what you want to add, or choose a file."


@dataclass(frozen=True, slots=True)
class WorkerDoor:
    """One request at the door. `address` is where it came from, to count by."""

    application: Application
    address: str
    correlation_id: str

    def submit(self, given: Mapping[str, Any], *, form: str) -> Submitted:
        """Register what a worker wrote and agreed to; the same `form` twice is one matter. Number and code go to the
        phone as well. Raises TooOften, PhoneUnreadable and what register_ticket raises."""
        digits = phone_digits(given["phone"])
        self._limit("submit", self.address, limit=30, seconds=_HOUR)
        self._limit("submit by phone", digits, limit=5, seconds=_DAY)
        command = RegisterTicket(**given, title=_title(given["body"]), channel="web", not_known=UNKNOWABLE)
        with self.application.unit(SYSTEM, correlation_id=self.correlation_id) as unit:
            return submit_matter(unit, command, form=form or secrets.token_hex())

    def look_up(self, command: TrackTicket) -> Tracked:
        """Where a matter stands, by its number and code. Tries are counted by address, and for each number whether or
        not there is such a ticket: with 37 bits in a code, sixty tries an hour find one in two hundred thousand years.

        Raises TooOften, NothingToTrack.
        """
        number = folded_number(command.number)
        self._limit("track", self.address, limit=60, seconds=600)
        self._limit("track number", number or "none", limit=60 if number else 10_000, seconds=_HOUR)
        with self.reading() as unit:
            return track_ticket(unit, command)

    def send_code(self, phone: str) -> None:
        """A code by SMS; the answer is the same whether or not the phone has tickets. Raises TooOften,
        PhoneUnreadable."""
        digits = phone_digits(phone)
        self._limit("code", self.address, limit=20, seconds=_HOUR)
        self._limit("code to phone", digits, limit=5, seconds=_HOUR)
        with self.writing() as unit:
            ask_for_code(unit, phone)

    def by_code(self, phone: str, code: str) -> tuple[int, ...]:
        """The phone's matters, newest first. Raises TooOften, PhoneUnreadable, CodeWrong."""
        phone_digits(phone)
        self._limit("code tried", self.address, limit=30, seconds=_HOUR)
        # The try is counted in this transaction: it has to commit although the answer may be no.
        with self.writing() as unit:
            ids = tickets_by_code(unit, phone, code)
        if not ids:
            raise CodeWrong
        return ids

    def may_add(self, ticket_id: int) -> None:
        """Asked before anything that a worker adds is taken in. Raises TooOften."""
        self._limit("material", str(ticket_id), limit=40, seconds=_DAY)

    def add(
        self, ticket: Ticket, *, words: str, file: Examined | None, name: str = "", pieces: tuple[str, ...] = ()
    ) -> None:
        """Words, a file that lies in the store, or both. Raises NothingAdded, MatterIsOver, TooManyFiles."""
        if not words and file is None:
            raise NothingAdded
        attached = AttachFile(number=ticket.number, file=file, name=name) if file else None
        with self.writing() as unit:
            add_material(unit, ticket.id, words=words, file=attached, pieces=pieces)

    def token(self, ids: tuple[int, ...]) -> str:
        """What opens these matters for half an hour."""
        ends = self.application.clock.now() + STAYS
        return str(self._signer.dumps([list(ids), int(ends.timestamp())]))

    def opened(self, token: str, now: datetime) -> tuple[int, ...]:
        """The matters that a token opens; () for one that is old or not ours."""
        try:
            ids, ends = self._signer.loads(token[:_LONGEST_TOKEN])
        except (BadSignature, ValueError, TypeError):
            return ()
        return tuple(ids) if now.timestamp() < ends else ()

    def own(self, unit: Unit, token: str, number: str) -> Ticket:
        """The matter of a number, if the token opens it. Raises NotYours, also for one that is not there."""
        for id_ in self.opened(token, unit.now):
            ticket = unit.session.get(Ticket, id_)
            if ticket is not None and ticket.number == number:
                return ticket
        raise NotYours

    def reading(self) -> AbstractContextManager[Unit]:
        """A READ ONLY unit of a worker."""
        return self.application.reading(WORKER, correlation_id=self.correlation_id)

    def writing(self) -> AbstractContextManager[Unit]:
        """A unit of a worker that commits when the block ends well."""
        return self.application.unit(WORKER, correlation_id=self.correlation_id)

    @property
    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.application.vault.link_keys, salt="worker own")

    def _limit(self, what: str, who: str, *, limit: int, seconds: int) -> None:
        now = self.application.clock.now()
        self.application.limiter.check(what, who, limit=limit, seconds=seconds, now=now)


def _title(body: str) -> str:
    first = " ".join(body.split())
    return first if len(first) <= _TITLE else first[: _TITLE - 1] + "…"
