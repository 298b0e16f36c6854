"""The union tree in memory: 54 rows that every process reads once and keeps."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from service.core.errors import Bilingual, Malformed
from service.org.models import OrgUnit

_SCOPE_LENGTH = {"province": 2, "prefecture": 4, "county": 6}


class UnionUnknown(Malformed):
    """No union has this code."""

    zh = "没有代码为 {code} 的工会。"
    en = "No union has the code {code}."


@dataclass(frozen=True, slots=True)
class Union:
    """One union of the tree."""

    code: str
    name_zh: str
    name_en: str
    level: str
    parent_code: str | None
    name: Bilingual = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", Bilingual(self.name_zh, self.name_en))

    @property
    def scope(self) -> str:
        """The prefix of every code in this union's subtree."""
        return self.code[: _SCOPE_LENGTH[self.level]]


class OrgTree:
    """All unions by code."""

    def __init__(self, unions: list[Union]) -> None:
        self._unions = {union.code: union for union in unions}

    @property
    def is_empty(self) -> bool:
        """Before seeding."""
        return not self._unions

    def __contains__(self, code: str) -> bool:
        return code in self._unions

    def __iter__(self) -> Iterator[Union]:
        return iter(self._unions.values())

    def get(self, code: str) -> Union:
        """The union with this code. Raises UnionUnknown."""
        try:
            return self._unions[code]
        except KeyError:
            raise UnionUnknown(code=code) from None

    def parent(self, code: str) -> Union | None:
        """The union above, or None for the province."""
        parent = self.get(code).parent_code
        return self.get(parent) if parent else None


_TREES: WeakKeyDictionary[Engine, OrgTree] = WeakKeyDictionary()


def org_tree(session: Session) -> OrgTree:
    """The tree of the session's database, read once in each process (unions change with a release, not daily)."""
    engine = session.get_bind().engine
    tree = _TREES.get(engine)
    if tree is None or not list(tree):
        rows = session.execute(
            select(OrgUnit.code, OrgUnit.name_zh, OrgUnit.name_en, OrgUnit.level, OrgUnit.parent_code).order_by(
                OrgUnit.code
            )
        )
        tree = _TREES[engine] = OrgTree([Union(*row) for row in rows])
    return tree


def within(code: str, scope: str) -> bool:
    """Whether a union's code lies in the subtree with this prefix."""
    return code.startswith(scope)
