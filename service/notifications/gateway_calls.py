"""What a gateway calls us with: signed under the shared secret, fresh, and once. The contract is in docs/sms.md."""

import hmac
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, LargeBinary, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Conflict, Unauthenticated
from service.core.unit import Unit
from service.notifications.http_sms import SIGNATURE_HEADER, TIME_HEADER, signature

# Two clocks apart by more than this need looking after; a copied call is of use to nobody for longer.
FRESH = timedelta(minutes=5)
# Calls are forgotten some at a time, so that no call waits for many.
_FORGOTTEN_AT_ONCE = 1000


class GatewayCall(Base):
    """A call that was taken, by its signature: over time and body, so that no other call has the same."""

    __tablename__ = "gateway_call"
    __table_args__ = (CheckConstraint("octet_length(signature) = 32", name="signature"),)

    signature: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(index=True)


class GatewayUnknown(Unauthenticated):
    """No signature, a wrong one, or no gateway is set here: the answer is the same on purpose."""

    zh = f"签名不符。须以约定的密钥对 {TIME_HEADER}、换行和正文计算 HMAC-SHA-256,十六进制写入 {SIGNATURE_HEADER}。"
    en = (
        f"The signature does not fit. Send the hex HMAC-SHA-256 of {TIME_HEADER}, a line feed and the body under the"
        f" shared secret as {SIGNATURE_HEADER}."
    )


class CallNotFresh(Unauthenticated):
    """Well signed, and too long ago or ahead."""

    zh = f"{TIME_HEADER} 与本机时间相差超过 {{minutes}} 分钟,或不带时区。请校准时钟,以当前时间重新签名后再发。"
    en = (
        f"{TIME_HEADER} is more than {{minutes}} minutes from the time here, or without its offset. Set the clock and"
        " send it again, signed with the present time."
    )


class CallRepeated(Conflict):
    """The same call was taken before."""

    zh = "这次调用此前已收到,不再处理。要重发,请以当前时间重新签名。"
    en = "This very call was taken before. To send its content again, sign it with the present time."


def check_call(secret: str, *, time: str, signed: str, body: bytes, now: datetime) -> bytes:
    """The signature of a call that is the gateway's and fresh. Raises GatewayUnknown, CallNotFresh.

    Without a secret nobody is the gateway.
    """
    expected = signature(secret, time, body)
    if not hmac.compare_digest(expected.encode(), signed.encode()) or not secret:
        raise GatewayUnknown
    if not _fresh(time, now):
        raise CallNotFresh(minutes=int(FRESH.total_seconds()) // 60)
    return bytes.fromhex(expected)


def take_once(unit: Unit, signed: bytes) -> None:
    """Note that a call is taken in this transaction. Raises CallRepeated. What could not come again for its age is
    forgotten."""
    old = (
        select(GatewayCall.signature)
        .where(GatewayCall.received_at < unit.now - 3 * FRESH)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    unit.session.execute(delete(GatewayCall).where(GatewayCall.signature.in_(old)))
    taken = unit.session.scalar(
        insert(GatewayCall)
        .values(signature=signed, received_at=unit.now)
        .on_conflict_do_nothing()
        .returning(GatewayCall.signature)
    )
    if taken is None:
        raise CallRepeated


def _fresh(time: str, now: datetime) -> bool:
    try:
        return abs(now - datetime.fromisoformat(time)) <= FRESH
    except (ValueError, TypeError, OverflowError):
        return False
