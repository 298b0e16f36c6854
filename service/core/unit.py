"""The unit of work: what every use-case is given, `fn(unit, command) -> result`.

Only the edges (API, console, jobs, CLI) begin and end one. Inside, nothing commits, reads a clock or calls
the network.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from service.core.crypto import Vault
from service.core.fence import SET_REACH

PROVINCE_CODE = "630000"
# The scope of somebody who sees no union at all. An empty prefix would be every code's.
NOWHERE = "-"


class ActorKind(StrEnum):
    """Who acts: a person who logged in, a peer system by its key, the worker through a signed link, or the service
    itself."""

    person = "person"
    peer = "peer"
    worker = "worker"
    system = "system"


@dataclass(frozen=True, slots=True)
class LoginInUse:
    """The login somebody acts by, and when that was last noted."""

    id: int
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which union, with which rights. `scope` is the prefix of the codes this actor may see; `login` is
    there for a person who came by one."""

    id: int | None
    name: str
    org_code: str
    scope: str
    permissions: AbstractSet[str]
    kind: ActorKind = ActorKind.person
    roles: frozenset[str] = frozenset()
    login: LoginInUse | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for an empty scope: it would see everything."""
        if not self.scope:
            raise ValueError("an actor without a scope sees NOWHERE, not everything")

    @property
    def reach(self) -> str:
        """The prefix of the union codes whose tickets the database shows. The service itself reaches all of them, and
        for a worker it acts as itself: the link or the code was looked at, and no scope is theirs."""
        return SYSTEM.scope if self.kind in (ActorKind.system, ActorKind.worker) else self.scope

    def may(self, permission: str) -> bool:
        """Whether the right is held; the service itself holds every right."""
        return self.kind is ActorKind.system or permission in self.permissions


SYSTEM = Actor(
    id=None, name="system", org_code=PROVINCE_CODE, scope="63", permissions=frozenset(), kind=ActorKind.system
)

# The worker behind a signed link: no account, no scope, no rights but what the link itself grants.
WORKER = Actor(id=None, name="worker", org_code="", scope=NOWHERE, permissions=frozenset(), kind=ActorKind.worker)


@dataclass(frozen=True, slots=True)
class Look:
    """Something the actor was shown: what was done (`subject:verb`), of which thing, and which part of it."""

    action: str
    subject: str
    facts: dict[str, Any]


class Unit:
    """Session, actor, the present instant (aware UTC), a correlation id, and the vault for personal data.

    The database is told how far the actor reaches, and with each new actor again. `looks` is what was shown so far;
    where the unit only reads, its edge puts that on record (service/audit/looking).
    """

    __slots__ = ("_actor", "_reach", "correlation_id", "looks", "now", "session", "vault")

    def __init__(self, *, session: Session, actor: Actor, now: datetime, correlation_id: str, vault: Vault) -> None:
        self.session, self.now, self.correlation_id, self.vault = session, now, correlation_id, vault
        self.looks: list[Look] = []
        self._reach = NOWHERE  # a transaction that has not said anything reaches nothing
        self.actor = actor

    @property
    def actor(self) -> Actor:
        """Who acts."""
        return self._actor

    @actor.setter
    def actor(self, actor: Actor) -> None:
        self._actor = actor
        if actor.reach != self._reach:
            self.session.execute(SET_REACH, {"reach": actor.reach})
            self._reach = actor.reach

    @contextmanager
    def acting_as(self, actor: Actor) -> Iterator[None]:
        """Ask as another would, for the length of the block: what they could do, not to do it."""
        before, self.actor = self.actor, actor
        try:
            yield
        finally:
            self.actor = before

    def reaches(self, scope: str) -> None:
        """Say that a statement has told the database this reach already, together with what else it asked."""
        self._reach = scope
