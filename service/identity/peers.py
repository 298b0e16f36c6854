"""Peer systems (全总, 12345, CTI, the SMS gateway) and their keys.

A key belongs to one union, may do what its scopes say and nothing else, comes from the networks it names, and ends
within a year. Its secret is shown once; here it is sealed, since a signature can't be checked against a hash.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network

from sqlalchemy import CheckConstraint, ForeignKey, Identity, Index, LargeBinary, String, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY, CIDR
from sqlalchemy.orm import Mapped, mapped_column

from service.audit.recording import record
from service.core.db import Base
from service.core.errors import Conflict, Forbidden, Malformed, NotFound
from service.core.ids import new_token
from service.core.unit import PROVINCE_CODE, ActorKind, Unit
from service.identity.permissions import Permission
from service.org.tree import org_tree

# What a system may be given. What a person answers for (deciding, signing off, seeing a caller, keeping people and
# rules) is no system's.
PEER_SCOPES = frozenset(
    {
        Permission.ticket_read,
        Permission.ticket_create,
        Permission.ticket_accept,
        Permission.ticket_note,
        Permission.ticket_urge,
        Permission.ticket_withdraw,
        Permission.ticket_export,
        Permission.employer_read,
        Permission.knowledge_read,
        Permission.report_read,
    }
)
LONGEST_LIFE = timedelta(days=366)
# After a rotation the old secret is taken for so long: the peer's own people have to put the new one in.
OVERLAP = timedelta(hours=24)
LONGEST_OVERLAP = timedelta(days=7)
MOST_NETWORKS = 20
MOST_PER_MINUTE = 6000
SECRET = "peer_secret.secret_sealed"  # noqa: S105 - a place in the database, not a secret
PEER_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,40}")


class Peer(Base):
    """A peer system's key. It is revoked, never removed: the audit names it."""

    __tablename__ = "peer"
    __table_args__ = (
        CheckConstraint("name ~ '^[a-z0-9][a-z0-9._-]{1,40}$'", name="name"),
        CheckConstraint("cardinality(scopes) > 0", name="scopes"),
        CheckConstraint("cardinality(networks) > 0", name="networks"),
        CheckConstraint(f"per_minute between 1 and {MOST_PER_MINUTE}", name="per_minute"),
        CheckConstraint(
            f"expires_at > created_at and expires_at <= created_at + interval '{LONGEST_LIFE.days} days'",
            name="expires_within_a_year",
        ),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    org_code: Mapped[str] = mapped_column(ForeignKey("org_unit.code"))
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String))
    networks: Mapped[list[IPv4Network | IPv6Network]] = mapped_column(ARRAY(CIDR))
    per_minute: Mapped[int]
    expires_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    revoked_at: Mapped[datetime | None]


class PeerSecret(Base):
    """A secret of a key. One has no end; the one before it is taken until its own."""

    __tablename__ = "peer_secret"
    __table_args__ = (
        Index("uq_peer_secret_current", "peer_id", unique=True, postgresql_where=text("ends_at is null")),
        Index("ix_peer_secret_peer_id", "peer_id"),
    )

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    peer_id: Mapped[int] = mapped_column(ForeignKey("peer.id"))
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    ends_at: Mapped[datetime | None]


class PeersNotYours(Forbidden):
    zh = "对接系统的密钥由省级管理员维护。"
    en = "The keys of peer systems are kept by the province's administrators."


class PeerNotFound(NotFound):
    zh = "没有编号为 {number} 的对接密钥。"
    en = "There is no peer {number}."


class PeerExists(Conflict):
    zh = "已有名为 {name} 的对接密钥;撤销的名称也不再使用。"
    en = "There is a peer of the name {name} already; a revoked one keeps its name."


class PeerIsRevoked(Conflict):
    zh = "对接密钥 {name} 已撤销,不能再更换密钥。请新建。"
    en = "The peer {name} is revoked and gets no new secret; add another."


class PeerNameUnfit(Malformed):
    zh = "名称须为 2 至 41 位小写字母、数字或 . _ -,以字母或数字开头。"
    en = "A name has 2 to 41 lower-case letters, digits or . _ - and begins with a letter or digit."


class PeerScopesUnfit(Malformed):
    zh = "对接系统不能有这些权限:{given}。可选:{known}。"
    en = "A peer system can't have these rights: {given}. It may have: {known}."


class PeerNetworksUnfit(Malformed):
    zh = "来源网络须为 1 至 {most} 个 CIDR 网段(如 10.8.0.0/24、192.0.2.7/32),不能是全部地址(/0)。"
    en = "Name 1 to {most} networks it comes from, as 10.8.0.0/24 or 192.0.2.7/32; not every address (/0)."


class PeerLifeUnfit(Malformed):
    zh = "有效期须晚于现在,最长一年。"
    en = "A key ends later than now and within a year."


class PeerPaceUnfit(Malformed):
    zh = f"每分钟次数须在 1 至 {MOST_PER_MINUTE} 之间。"
    en = f"Between 1 and {MOST_PER_MINUTE} requests a minute."


class OverlapUnfit(Malformed):
    zh = "新旧密钥并用的时间须在 0 至 {most} 小时之间。"
    en = "The old secret is taken for 0 to {most} hours more."


@dataclass(frozen=True, slots=True, kw_only=True)
class AddPeer:
    """A key to be. `scopes` of PEER_SCOPES, `networks` as CIDR, `per_minute` requests."""

    name: str
    org_code: str
    scopes: Iterable[str]
    networks: Iterable[str]
    expires_at: datetime
    per_minute: int = 120


@dataclass(frozen=True, slots=True)
class PeerView:
    """A key as an administrator sees it: never its secret."""

    id: int
    name: str
    org_code: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...]
    per_minute: int
    expires_at: datetime
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    old_secret_until: datetime | None


@dataclass(frozen=True, slots=True)
class PeerKey:
    """What is shown once."""

    id: int
    name: str
    secret: str


def peers(unit: Unit) -> list[PeerView]:
    """Every key there is or was, by name. Raises PeersNotYours."""
    _require_right(unit)
    old = (
        select(PeerSecret.ends_at)
        .where(PeerSecret.peer_id == Peer.id, PeerSecret.ends_at > unit.now)
        .order_by(PeerSecret.ends_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    rows = unit.session.execute(select(Peer, old).order_by(Peer.name))
    return [
        PeerView(
            id=peer.id,
            name=peer.name,
            org_code=peer.org_code,
            scopes=tuple(peer.scopes),
            networks=tuple(map(str, peer.networks)),
            per_minute=peer.per_minute,
            expires_at=peer.expires_at,
            created_at=peer.created_at,
            last_used_at=peer.last_used_at,
            revoked_at=peer.revoked_at,
            old_secret_until=until if peer.revoked_at is None else None,
        )
        for peer, until in rows
    ]


def add_peer(unit: Unit, command: AddPeer) -> PeerKey:
    """Make a key and its first secret.

    Raises PeersNotYours, PeerNameUnfit, PeerScopesUnfit, PeerNetworksUnfit, PeerLifeUnfit, PeerPaceUnfit, UnionUnknown,
    PeerExists.
    """
    _require_right(unit)
    scopes, networks = _scopes(command.scopes), _networks(command.networks)
    if not PEER_NAME.fullmatch(command.name):
        raise PeerNameUnfit
    if not timedelta(0) < command.expires_at - unit.now <= LONGEST_LIFE:
        raise PeerLifeUnfit
    if not 1 <= command.per_minute <= MOST_PER_MINUTE:
        raise PeerPaceUnfit
    org_tree(unit.session).get(command.org_code)
    if unit.session.scalar(select(Peer.id).where(Peer.name == command.name)) is not None:
        raise PeerExists(name=command.name)
    peer = Peer(
        name=command.name,
        org_code=command.org_code,
        scopes=scopes,
        networks=networks,
        per_minute=command.per_minute,
        expires_at=command.expires_at,
        created_by=unit.actor.id,
        created_at=unit.now,
    )
    unit.session.add(peer)
    unit.session.flush()
    after = {"org": peer.org_code, "scopes": scopes, "networks": list(map(str, networks))}
    record(unit, "peer:add", subject=peer.name, after=after | {"expires_at": peer.expires_at.isoformat()})
    return _with_new_secret(unit, peer)


def rotate_peer(unit: Unit, peer_id: int, *, overlap: timedelta = OVERLAP) -> PeerKey:
    """Make a new secret; the present one is taken for `overlap` more, any older one no more.

    Raises PeersNotYours, PeerNotFound, PeerIsRevoked, OverlapUnfit.
    """
    _require_right(unit)
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise OverlapUnfit(most=int(LONGEST_OVERLAP.total_seconds()) // 3600)
    peer = _lock(unit, peer_id)
    if peer.revoked_at is not None:
        raise PeerIsRevoked(name=peer.name)
    unit.session.execute(
        update(PeerSecret).where(PeerSecret.peer_id == peer.id, PeerSecret.ends_at > unit.now).values(ends_at=unit.now)
    )
    unit.session.execute(
        update(PeerSecret)
        .where(PeerSecret.peer_id == peer.id, PeerSecret.ends_at.is_(None))
        .values(ends_at=unit.now + overlap)
    )
    record(unit, "peer:rotate", subject=peer.name, after={"old_until": (unit.now + overlap).isoformat()})
    return _with_new_secret(unit, peer)


def revoke_peer(unit: Unit, peer_id: int) -> None:
    """End a key at once and for good; a repeat changes nothing. Raises PeersNotYours, PeerNotFound."""
    _require_right(unit)
    peer = _lock(unit, peer_id)
    if peer.revoked_at is None:
        peer.revoked_at, peer.revoked_by = unit.now, unit.actor.id
        record(unit, "peer:revoke", subject=peer.name)


def _with_new_secret(unit: Unit, peer: Peer) -> PeerKey:
    secret = new_token()
    sealed = unit.vault.seal(secret, SECRET, str(peer.id))
    unit.session.add(PeerSecret(peer_id=peer.id, secret_sealed=sealed, created_at=unit.now))
    unit.session.flush()
    return PeerKey(id=peer.id, name=peer.name, secret=secret)


def _lock(unit: Unit, peer_id: int) -> Peer:
    peer = unit.session.get(Peer, peer_id, with_for_update=True)
    if peer is None:
        raise PeerNotFound(number=peer_id)
    return peer


def _scopes(given: Iterable[str]) -> list[str]:
    asked = {str(scope) for scope in given}
    known = {scope.value for scope in PEER_SCOPES}
    if not asked or asked - known:
        raise PeerScopesUnfit(given=", ".join(sorted(asked - known)) or "—", known=", ".join(sorted(known)))
    return sorted(asked)


def _networks(given: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    try:
        networks = [ipaddress.ip_network(network.strip()) for network in given]
    except ValueError:
        raise PeerNetworksUnfit(most=MOST_NETWORKS) from None
    if not 1 <= len(networks) <= MOST_NETWORKS or any(network.prefixlen == 0 for network in networks):
        raise PeerNetworksUnfit(most=MOST_NETWORKS)
    return networks


def _require_right(unit: Unit) -> None:
    if unit.actor.kind is ActorKind.system:
        return
    if not unit.actor.may(Permission.peer_manage) or unit.actor.org_code != PROVINCE_CODE:
        raise PeersNotYours
