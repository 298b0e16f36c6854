"""Requests signed by a peer system. The contract is in docs/peers.md.

A request is known by its key's name, the time, a nonce, and HMAC-SHA-256 over method, address, digest of the body, time
and nonce. A nonce is taken once: it stands in the database in the transaction that lets the request in, so that no
restart and no lost Redis lets a copy through (ADR 25).
"""

import hashlib
import hmac
import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.db import Base
from service.core.errors import Unauthenticated
from service.core.unit import Actor, ActorKind, Unit
from service.core.unreadable import UNREADABLE, readable
from service.identity.peers import PEER_NAME, SECRET, Peer, PeerSecret
from service.org.tree import org_tree

NAME_HEADER, TIME_HEADER = "X-Hotline-Key", "X-Hotline-Time"
NONCE_HEADER, SIGNATURE_HEADER = "X-Hotline-Nonce", "X-Hotline-Signature"

# Two clocks apart by more than this need looking after; a copied request is of use to nobody for longer.
FRESH = timedelta(minutes=5)
_FORGOTTEN_AT_ONCE = 1000
_USED_EVERY = timedelta(minutes=1)
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
# Compared with where no key is of that name, so that the answer takes as long.
_NOBODYS = "0" * 43


class PeerCall(Base):
    """A nonce that was taken, and when: no other request of the key may have it."""

    __tablename__ = "peer_call"
    __table_args__ = (
        CheckConstraint("length(nonce) between 16 and 64", name="nonce"),
        Index("ix_peer_call_at", "at"),
    )

    peer_id: Mapped[int] = mapped_column(ForeignKey("peer.id"), primary_key=True, autoincrement=False)
    nonce: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


class PeerUnknown(Unauthenticated):
    """No such key, a wrong signature, a revoked or expired key: the answer is the same on purpose."""

    zh = (
        f"签名不符或密钥无效。签名方法见 docs/peers.md;须带 {NAME_HEADER}、{TIME_HEADER}、{NONCE_HEADER}、"
        f"{SIGNATURE_HEADER}。"
    )
    en = (
        "The signature does not fit, or the key is not valid. How to sign is told in docs/peers.md; it takes"
        f" {NAME_HEADER}, {TIME_HEADER}, {NONCE_HEADER} and {SIGNATURE_HEADER}."
    )


class PeerTimeNotFresh(Unauthenticated):
    """Well signed, and too long ago or ahead."""

    zh = f"{TIME_HEADER} 与本机时间相差超过 5 分钟,或不带时区。请校准时钟,以当前时间重新签名后再发。"
    en = f"{TIME_HEADER} is more than 5 minutes from the time here, or without its offset. Set the clock, sign anew."


class PeerRequestRepeated(Unauthenticated):
    """Well signed, and taken before."""

    zh = f"这次请求此前已收到,不再处理。每次请求须用新的 {NONCE_HEADER}。"
    en = f"This very request was taken before. Each request has a {NONCE_HEADER} of its own."


class PeerElsewhere(Unauthenticated):
    """Well signed, from a network that the key does not name."""

    zh = "密钥不能从该网络地址使用。请省级管理员核对来源网段。"
    en = "The key can't be used from this address. Ask the province's administrator about its networks."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedRequest:
    """What a request says of itself, and what is seen of it. `target` is path and query as they were sent; `body` the
    SHA-256 of the body in hexadecimal; `address` where it came from."""

    name: str
    time: str
    nonce: str
    signature: str
    method: str
    target: str
    body: str
    address: str


def signed_text(request: SignedRequest) -> bytes:
    """What the signature is over: five lines, without a line feed at the end."""
    return "\n".join((request.method, request.target, request.body, request.time, request.nonce)).encode()


def signature_of(request: SignedRequest, secret: str) -> str:
    """The signature in hexadecimal."""
    return hmac.new(secret.encode(), signed_text(request), hashlib.sha256).hexdigest()


def admit_peer(unit: Unit, request: SignedRequest) -> tuple[Actor, int]:
    """Who a signed request is, and how many such requests a minute are agreed; its nonce is used up.

    Raises PeerUnknown, PeerTimeNotFresh, PeerElsewhere, PeerRequestRepeated.
    """
    if not PEER_NAME.fullmatch(request.name) or not _NONCE.fullmatch(request.nonce):
        raise PeerUnknown
    rows = unit.session.execute(
        select(Peer, PeerSecret.secret_sealed)
        .join(PeerSecret, PeerSecret.peer_id == Peer.id)
        .where(
            Peer.name == request.name,
            Peer.revoked_at.is_(None),
            Peer.expires_at > unit.now,
            or_(PeerSecret.ends_at.is_(None), PeerSecret.ends_at > unit.now),
        )
    ).all()
    opened = [readable(unit.vault, sealed, SECRET, str(peer.id)) for peer, sealed in rows]
    secrets = [secret for secret in opened if secret != UNREADABLE] or [_NOBODYS]
    # Every one is compared: which of two secrets it was is told by no clock.
    given = request.signature.encode()
    fitting = [hmac.compare_digest(signature_of(request, secret).encode(), given) for secret in secrets]
    if not rows or not any(fitting):
        raise PeerUnknown
    peer: Peer = rows[0][0]
    if not _fresh(request.time, unit.now):
        raise PeerTimeNotFresh
    if not _comes_from(request.address, peer):
        raise PeerElsewhere
    _take_once(unit, peer, request.nonce)
    # Not with every request: they would wait for each other's row.
    seldom = or_(Peer.last_used_at.is_(None), Peer.last_used_at < unit.now - _USED_EVERY)
    unit.session.execute(update(Peer).where(Peer.id == peer.id, seldom).values(last_used_at=unit.now))
    actor = Actor(
        id=None,
        name=f"peer:{peer.name}",
        org_code=peer.org_code,
        scope=org_tree(unit.session).get(peer.org_code).scope,
        permissions=frozenset(peer.scopes),
        kind=ActorKind.peer,
    )
    return actor, peer.per_minute


def note_peer_use(unit: Unit, *, method: str, route: str) -> None:
    """Put one use of a key into the audit: which address, never its parameters."""
    record(unit, "peer:use", subject=unit.actor.name.removeprefix("peer:"), after={"method": method, "route": route})


def _take_once(unit: Unit, peer: Peer, nonce: str) -> None:
    old = (
        select(PeerCall.peer_id, PeerCall.nonce)
        .where(PeerCall.at < unit.now - 3 * FRESH)
        .limit(_FORGOTTEN_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    unit.session.execute(delete(PeerCall).where(tuple_(PeerCall.peer_id, PeerCall.nonce).in_(old)))
    taken = unit.session.scalar(
        insert(PeerCall)
        .values(peer_id=peer.id, nonce=nonce, at=unit.now)
        .on_conflict_do_nothing()
        .returning(PeerCall.nonce)
    )
    if taken is None:
        raise PeerRequestRepeated


def _comes_from(address: str, peer: Peer) -> bool:
    try:
        seen = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(seen, ipaddress.IPv6Address) and seen.ipv4_mapped:
        seen = seen.ipv4_mapped
    return any(seen.version == network.version and seen in network for network in peer.networks)


def _fresh(time: str, now: datetime) -> bool:
    try:
        return abs(now - datetime.fromisoformat(time)) <= FRESH
    except (ValueError, TypeError, OverflowError):
        return False
