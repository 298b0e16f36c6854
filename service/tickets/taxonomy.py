"""The taxonomy in memory: 128 leaves that change with a release, read once in each process."""

from dataclasses import dataclass
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from service.core.errors import Bilingual
from service.tickets.models import Category
from sla_rules import Tier

TIER_NAMES: dict[Tier, Bilingual] = {
    Tier.ordinary: Bilingual("一般问题", "ordinary"),
    Tier.difficult: Bilingual("难点问题", "difficult"),
    Tier.complex: Bilingual("特别复杂问题", "complex"),
}


@dataclass(frozen=True, slots=True)
class Leaf:
    """A category: its group, its own name, both together, and the tier it usually gets."""

    code: str
    group: Bilingual
    name: Bilingual
    whole: Bilingual
    tier: Tier


_LEAVES: WeakKeyDictionary[Engine, dict[str, Leaf]] = WeakKeyDictionary()


def leaves(session: Session) -> dict[str, Leaf]:
    """All categories by code. A category without a suggested tier is ordinary."""
    engine = session.get_bind().engine
    if not _LEAVES.get(engine):
        _LEAVES[engine] = {
            row.code: Leaf(
                code=row.code,
                group=Bilingual(row.group_zh, row.group_en),
                name=Bilingual(row.name_zh, row.name_en),
                whole=Bilingual(f"{row.group_zh} · {row.name_zh}", f"{row.group_en} · {row.name_en}"),
                tier=Tier(row.suggested_tier or Tier.ordinary.value),
            )
            for row in session.scalars(select(Category).order_by(Category.code))
        }
    return _LEAVES[engine]


def category_names(session: Session, code: str) -> Bilingual:
    """Group and leaf in words."""
    return leaves(session)[code].whole
