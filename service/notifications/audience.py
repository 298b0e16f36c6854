"""Whom a rung of a ladder means, resolved at the moment it fires against who holds which role then."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import and_, or_, select

from service.core.unit import PROVINCE_CODE, Unit
from service.identity.models import Person, PersonRole
from service.identity.permissions import Role
from service.org.tree import org_tree


@dataclass(frozen=True, slots=True)
class Target:
    """A person to be told, and as what."""

    person_id: int
    username: str
    audience: str


def resolve_audience(unit: Unit, names: Iterable[str], *, org_code: str) -> list[Target]:
    """The people behind audience names for a union. Each person once, under the first name that fits."""
    wanted = [(name, *_meaning(unit, name, org_code)) for name in names]
    wanted = [entry for entry in wanted if entry[2] is not None]
    if not wanted:
        return []
    rows = unit.session.execute(
        select(Person.id, Person.username, Person.org_code, PersonRole.role)
        .join(PersonRole)
        .where(
            Person.active,
            or_(*(and_(Person.org_code == org, PersonRole.role == role) for _, org, role in wanted)),
        )
        .order_by(Person.id)
    ).all()
    targets: dict[int, Target] = {}
    for name, org, role in wanted:
        for row in rows:
            if row.org_code == org and row.role == role and row.id not in targets:
                targets[row.id] = Target(person_id=row.id, username=row.username, audience=name)
    return list(targets.values())


def administrators(unit: Unit) -> list[Target]:
    """Everybody who keeps people and rules, at whatever union."""
    rows = unit.session.execute(
        select(Person.id, Person.username)
        .join(PersonRole)
        .where(Person.active, PersonRole.role == Role.admin)
        .order_by(Person.id)
    )
    return [Target(person_id=row.id, username=row.username, audience=Role.admin) for row in rows]


def _meaning(unit: Unit, name: str, org_code: str) -> tuple[str, str | None]:
    """The union and the role an audience name stands for; the role is None for nobody (the province's parent)."""
    parent = org_tree(unit.session).parent(org_code)
    meanings: dict[str, tuple[str, str | None]] = {
        "handler": (org_code, Role.handler),
        "deputy": (org_code, Role.handler),
        "leader": (org_code, Role.reviewer),
        "parent_leader": (parent.code, Role.reviewer) if parent else (org_code, None),
        "supervisor": (PROVINCE_CODE, Role.supervisor),
        "leadership": (PROVINCE_CODE, Role.reviewer),
        "dispatcher": (PROVINCE_CODE, Role.dispatcher),
        "agent": (PROVINCE_CODE, Role.agent),
    }
    return meanings[name]
