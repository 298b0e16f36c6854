"""The unit of work: what every use-case is given, `fn(unit, command) -> result`.

Only the edges (API, console, jobs, CLI) begin and end one. Inside, nothing commits, reads a clock or calls
the network.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from service.core.crypto import Vault

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

    def may(self, permission: str) -> bool:
        """Whether the right is held; the service itself holds every right."""
        return self.kind is ActorKind.system or permission in self.permissions


SYSTEM = Actor(
    id=None, name="system", org_code=PROVINCE_CODE, scope="63", permissions=frozenset(), kind=ActorKind.system
)

# The worker behind a signed link: no account, no scope, no rights but what the link itself grants.
WORKER = Actor(id=None, name="worker", org_code="", scope=NOWHERE, permissions=frozenset(), kind=ActorKind.worker)


@dataclass(slots=True)
class Unit:
    """Session, actor, the present instant (aware UTC), a correlation id, and the vault for personal data."""

    session: Session
    actor: Actor
    now: datetime
    correlation_id: str
    vault: Vault
