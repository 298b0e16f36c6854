"""One-time codes for workers: sent to a phone, good for ten minutes, five tries, and for nothing after that."""

import base64
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Identity, Index, LargeBinary, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from service.core.crypto import digits_only
from service.core.db import Base
from service.core.unit import Unit
from service.notifications.gateways import Gateway, Letter
from service.notifications.models import GatewayDelivery
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import NetworkCall, NetworkHandler, Payload
from service.tickets.errors import PhoneUnreadable
from service.tickets.intake import PHONE_DIGITS
from service.tickets.models import Caller, Ticket

WORKER_CODE = "worker_code"
CODE_TEMPLATE = "code"
VALID = timedelta(minutes=10)
MOST_TRIES = 5
# A person has a few matters; a number with more is an office's, and the newest are what it asks for.
MOST_TICKETS = 20
_TEXT = "您好,查询验证码{code},10分钟内有效,请勿告诉他人。职工服务热线12351。"


class WorkerCode(Base):
    """A code asked for with a phone, whether or not the phone has tickets: the two must look the same.

    Neither the phone nor the code stands here, only keyed hashes.
    """

    __tablename__ = "worker_code"
    __table_args__ = (
        CheckConstraint("octet_length(phone_hash) = 32 and octet_length(code_hash) = 32", name="hashes"),
        CheckConstraint("tries between 0 and 5", name="tries"),
        CheckConstraint("expires_at > asked_at", name="expires_later"),
        Index("uq_worker_code_open", "phone_hash", unique=True, postgresql_where=text("used_at is null")),
        Index("ix_worker_code_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


def ask_for_code(unit: Unit, phone: str) -> None:
    """Ask for a code by SMS; a newer one ends the older. Raises PhoneUnreadable.

    The same is done for every number. Whether it has a ticket is looked at when the message is sent, so neither the
    answer nor its time tells.
    """
    digits = phone_digits(phone)
    phone_hash, code = unit.vault.lookup(digits), f"{secrets.randbelow(10**6):06d}"
    unit.session.execute(delete(WorkerCode).where(WorkerCode.expires_at < unit.now - timedelta(days=1)))
    unit.session.execute(
        update(WorkerCode)
        .where(WorkerCode.phone_hash == phone_hash, WorkerCode.used_at.is_(None))
        .values(used_at=unit.now)
    )
    row = WorkerCode(
        phone_hash=phone_hash,
        code_hash=_code_hash(unit, digits, code),
        asked_at=unit.now,
        expires_at=unit.now + VALID,
        tries=0,
    )
    unit.session.add(row)
    unit.session.flush()
    payload = {"phone": _sealed(unit, digits), "code": _sealed(unit, code)}
    # Good for ten minutes: behind a morning's texts it would come too late.
    emit(unit, Message(kind=WORKER_CODE, key=f"{WORKER_CODE}:{row.id}", payload=payload, queue=Queue.urgent))


def tickets_by_code(unit: Unit, phone: str, code: str) -> tuple[int, ...]:
    """The ids of a phone's tickets, newest first, for the right code; () for a wrong, old or used one, whatever the
    reason. Each try counts, so the unit has to be committed. Raises PhoneUnreadable."""
    digits = phone_digits(phone)
    phone_hash = unit.vault.lookup(digits)
    row = unit.session.scalars(
        select(WorkerCode).where(WorkerCode.phone_hash == phone_hash, WorkerCode.used_at.is_(None)).with_for_update()
    ).one_or_none()
    given = _code_hash(unit, digits, digits_only(code))
    right = hmac.compare_digest(row.code_hash if row else bytes(32), given)
    if row is None or unit.now >= row.expires_at:
        return ()
    row.tries += 1
    if right or row.tries >= MOST_TRIES:
        row.used_at = unit.now
    return _tickets_of(unit, phone_hash) if right else ()


def phone_digits(phone: str) -> str:
    """Raises PhoneUnreadable."""
    digits = digits_only(phone)
    if len(digits) not in PHONE_DIGITS:
        raise PhoneUnreadable
    return digits


def worker_code_handler(gateway: Gateway) -> NetworkHandler:
    """Sends a code, and only to a number that has a ticket."""

    def prepare(unit: Unit, payload: Payload) -> NetworkCall | None:
        digits = _opened(unit, payload["phone"])
        if not _tickets_of(unit, unit.vault.lookup(digits)):
            return None
        code = _opened(unit, payload["code"])
        letter = Letter(to=digits, template=CODE_TEMPLATE, text=_TEXT.format(code=code), values={"code": code})
        return lambda key: gateway.send(letter, key=key)

    def record(unit: Unit, key: str, _: Payload) -> None:
        unit.session.add(
            GatewayDelivery(
                key=key, gateway=gateway.name, ticket_number="", template=CODE_TEMPLATE, delivered_at=unit.now
            )
        )

    return NetworkHandler(prepare=prepare, record=record)


def _tickets_of(unit: Unit, phone_hash: bytes) -> tuple[int, ...]:
    return tuple(
        unit.session.scalars(
            select(Ticket.id)
            .join(Caller, Caller.id == Ticket.caller_id)
            .where(Caller.phone_hash == phone_hash)
            .order_by(Ticket.id.desc())
            .limit(MOST_TICKETS)
        )
    )


def _code_hash(unit: Unit, digits: str, code: str) -> bytes:
    return unit.vault.lookup(f"one-time code {digits} {code}")


def _sealed(unit: Unit, text_: str) -> str:
    return base64.b64encode(unit.vault.seal(text_)).decode()


def _opened(unit: Unit, sealed: str) -> str:
    return unit.vault.open(base64.b64decode(sealed))
