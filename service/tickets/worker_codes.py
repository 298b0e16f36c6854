"""One-time codes for workers: sent to a phone, good for ten minutes, five tries, and for nothing after that."""

import base64
import hmac
import secrets
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ColumnElement, Identity, Index, LargeBinary, delete, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from service.core.crypto import Vault, digits_only
from service.core.db import Base
from service.core.unit import Unit
from service.notifications.gateways import Gateway, Letter
from service.notifications.models import GatewayDelivery
from service.outbox.emit import Message, Queue, emit
from service.outbox.handlers import NetworkCall, NetworkHandler, Payload
from service.tickets.errors import PhoneUnreadable
from service.tickets.intake import PHONE_DIGITS
from service.tickets.models import Caller, Ticket
from service.tickets.sealed import has_phone

WORKER_CODE = "worker_code"
_PLACE = "outbox_message.payload"
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
        CheckConstraint("octet_length(phone_hash) in (32, 33) and octet_length(code_hash) in (32, 33)", name="hashes"),
        CheckConstraint("tries between 0 and 5", name="tries"),
        CheckConstraint("expires_at > asked_at", name="expires_later"),
        Index("uq_worker_code_open", "phone_hash", unique=True, postgresql_where=text("used_at is null")),
        Index("ix_worker_code_expires_at", "expires_at"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    phone_hash: Mapped[bytes] = mapped_column(LargeBinary)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary)
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
    code = f"{secrets.randbelow(10**6):06d}"
    unit.session.execute(delete(WorkerCode).where(WorkerCode.expires_at < unit.now - timedelta(days=1)))
    unit.session.execute(
        update(WorkerCode).where(_asked_for(unit, digits), WorkerCode.used_at.is_(None)).values(used_at=unit.now)
    )
    row = WorkerCode(
        phone_hash=unit.vault.lookup(digits),
        code_hash=unit.vault.lookup(_told(digits, code)),
        asked_at=unit.now,
        expires_at=unit.now + VALID,
        tries=0,
    )
    unit.session.add(row)
    unit.session.flush()
    payload = {"phone": sealed_for(unit.vault, digits), "code": sealed_for(unit.vault, code, digits)}
    # Good for ten minutes: behind a morning's texts it would come too late.
    emit(unit, Message(kind=WORKER_CODE, key=f"{WORKER_CODE}:{row.id}", payload=payload, queue=Queue.urgent))


def tickets_by_code(unit: Unit, phone: str, code: str) -> tuple[int, ...]:
    """The ids of a phone's tickets, newest first, for the right code; () for a wrong, old or used one, whatever the
    reason. Each try counts, so the unit has to be committed. Raises PhoneUnreadable."""
    digits = phone_digits(phone)
    row = unit.session.scalars(
        select(WorkerCode).where(_asked_for(unit, digits), WorkerCode.used_at.is_(None)).with_for_update()
    ).first()
    kept = row.code_hash if row else b""
    given = unit.vault.lookups(_told(digits, digits_only(code)))
    right = any(hmac.compare_digest(kept, each) for each in given)
    if row is None or unit.now >= row.expires_at:
        return ()
    row.tries += 1
    if right or row.tries >= MOST_TRIES:
        row.used_at = unit.now
    return _tickets_of(unit, digits) if right else ()


def phone_digits(phone: str) -> str:
    """Raises PhoneUnreadable."""
    digits = digits_only(phone)
    if len(digits) not in PHONE_DIGITS:
        raise PhoneUnreadable
    return digits


def worker_code_handler(gateway: Gateway) -> NetworkHandler:
    """Sends a code, and only to a number that has a ticket."""

    def prepare(unit: Unit, payload: Payload) -> NetworkCall | None:
        digits = opened_for(unit.vault, payload["phone"])
        if not _tickets_of(unit, digits):
            return None
        code = opened_for(unit.vault, payload["code"], digits)
        letter = Letter(to=digits, template=CODE_TEMPLATE, text=_TEXT.format(code=code), values={"code": code})
        return lambda key: gateway.send(letter, key=key)

    def record(unit: Unit, key: str, _: Payload) -> None:
        unit.session.add(
            GatewayDelivery(
                key=key, gateway=gateway.name, ticket_number="", template=CODE_TEMPLATE, delivered_at=unit.now
            )
        )

    return NetworkHandler(prepare=prepare, record=record)


def _tickets_of(unit: Unit, digits: str) -> tuple[int, ...]:
    return tuple(
        unit.session.scalars(
            select(Ticket.id)
            .join(Caller, Caller.id == Ticket.caller_id)
            .where(has_phone(unit.vault, digits))
            .order_by(Ticket.id.desc())
            .limit(MOST_TICKETS)
        )
    )


def _asked_for(unit: Unit, digits: str) -> ColumnElement[bool]:
    return WorkerCode.phone_hash.in_(unit.vault.lookups(digits))


def _told(digits: str, code: str) -> str:
    return f"one-time code {digits} {code}"


def sealed_for(vault: Vault, clear: str, phone: str = "") -> str:
    """A value as it travels in a message: a code is bound to the phone it is for."""
    return base64.b64encode(vault.seal(clear, _PLACE, phone)).decode()


def opened_for(vault: Vault, sealed: str, phone: str = "") -> str:
    """What `sealed_for` sealed. Raises SealBroken."""
    return vault.open(base64.b64decode(sealed), _PLACE, phone)
