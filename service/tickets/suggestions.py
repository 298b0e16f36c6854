"""What the service suggests at intake, and what people made of it: tier and union, each with its reasons.

A suggestion is a rule one can read, never a score: the category's tier, words in the text, the people concerned, the
place. The person decides. Suggestion and decision are kept when the decision is made, and a later correction (改级,
退单后改派) beside them, so that the suggestion can be measured against what was right in the end.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Text, func, or_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, mapped_column

from service.core.db import Base
from service.core.errors import Bilingual
from service.core.unit import PROVINCE_CODE, Unit
from service.org.tree import OrgTree, Union
from service.tickets.catalogue import NO_CATALOGUE, Catalogue, why
from service.tickets.intake_rules import intake_rules
from service.tickets.models import Ticket, one_of
from service.tickets.taxonomy import TIER_NAMES, Leaf
from service.tickets.told import people_told, places_told
from sla_rules import Tier

SUGGESTION_KINDS = ("tier", "union")
_RANK = {Tier.ordinary: 0, Tier.difficult: 1, Tier.complex: 2}


class Suggestion(Base):
    """One suggestion for a ticket. `reasons` are codes such as `word:死亡`; `suggested` null: there was none."""

    __tablename__ = "suggestion"
    __table_args__ = (
        CheckConstraint(one_of("kind", SUGGESTION_KINDS), name="kind"),
        CheckConstraint("(corrected_at is null) = (corrected_to is null)", name="corrected_whole"),
        CheckConstraint("corrected_at >= decided_at", name="corrected_after"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    suggested: Mapped[str | None]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
    decided: Mapped[str]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime] = mapped_column(index=True)
    corrected_to: Mapped[str | None]
    corrected_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    corrected_at: Mapped[datetime | None]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is suggested: a code to count by, and the words to read."""

    code: str
    words: Bilingual


@dataclass(frozen=True, slots=True)
class Suggested:
    """A tier's or union's code, its name, and why. `value` None: nothing is suggested, and the reason says why."""

    value: str | None
    name: Bilingual | None
    reasons: tuple[Reason, ...]

    @property
    def because(self) -> Bilingual:
        """All reasons in one line."""
        return Bilingual(
            "；".join(reason.words.zh for reason in self.reasons),
            "; ".join(reason.words.en for reason in self.reasons),
        )


def suggest_tier(leaf: Leaf | None, text: str, *, people_count: int | None, collective_from: int) -> Suggested:
    """The category's usual tier, lifted by grave words in the text or by a collective number of people.

    It is never lowered. `text` is title and body; `people_count` what was typed, else the text's own number counts.
    """
    tier = leaf.tier if leaf else Tier.ordinary
    reasons: list[Reason] = []
    if leaf:
        words = Bilingual(f"类别“{leaf.name.zh}”通常为{TIER_NAMES[tier].zh}", f"usual for {leaf.name.en}")
        reasons.append(Reason(f"category:{leaf.code}", words))
    for lifted, words_of_tier in intake_rules().tier_words.items():
        for word in words_of_tier:
            if word in text and _RANK[lifted] > _RANK[tier]:
                tier = lifted
                reasons.append(Reason(f"word:{word}", Bilingual(f"文中提到“{word}”", f"the text says {word}")))
    people = people_count or people_told(text)
    if people is not None and people >= collective_from and _RANK[tier] < _RANK[Tier.complex]:
        tier = Tier.complex
        reasons.append(Reason("collective", Bilingual(f"涉及 {people} 人,属群体性", f"{people} people: collective")))
    return Suggested(tier.value, TIER_NAMES[tier], tuple(reasons))


def suggest_union(
    tree: OrgTree,
    *,
    place_code: str,
    category_code: str,
    text: str,
    tier: Tier | None,
    catalogue: Catalogue = NO_CATALOGUE,
) -> Suggested:
    """What the dispatch catalogue says, else the union of the place, or of a place below it that the text names. The
    city's own when the matter is complex or about a union's own people; none for a matter of the whole province."""
    place = tree.get(place_code)
    reasons = [Reason(f"place:{place.code}", Bilingual(f"事发地{place.name_zh}", f"it happened in {place.name_en}"))]
    named = [union for union in places_told(tree, text) if union.parent_code == place.code]
    if len(named) == 1:
        place = named[0]
        reasons = [
            Reason(f"text:{place.code}", Bilingual(f"文中提到{place.name_zh}", f"the text names {place.name_en}"))
        ]
    entry = catalogue.entry(tree, category_code, place.code)
    if entry is not None:
        code = f"catalogue:{entry.category or '*'}/{entry.place or '*'}"
        return Suggested(entry.org, tree.get(entry.org).name, (*reasons, Reason(code, why(tree, entry))))
    if place.code == PROVINCE_CODE:
        return Suggested(
            None, None, (Reason("province", Bilingual("全省事项,请人工选择", "a matter of the province")),)
        )
    above = _union_above(tree, place)
    if above and category_code.startswith(intake_rules().union_above):
        reasons.append(Reason("about_union", Bilingual("涉及工会自身,由上一级办理", "about a union: the one above it")))
        place = above
    elif above and tier is Tier.complex:
        reasons.append(
            Reason("complex", Bilingual("特别复杂问题由市州工会牵头", "complex matters are led by the city"))
        )
        place = above
    return Suggested(place.code, place.name, tuple(reasons))


def note_decision(unit: Unit, ticket: Ticket, kind: str, suggested: Suggested, *, decided: str) -> None:
    """Keep what was suggested and decided; a second decision about the same ticket is kept as a correction of the
    first when it differs. One statement."""
    statement = insert(Suggestion).values(
        ticket_id=ticket.id,
        kind=kind,
        suggested=suggested.value,
        reasons=[reason.code for reason in suggested.reasons],
        decided=decided,
        decided_by=unit.actor.id,
        decided_at=unit.now,
    )
    unit.session.execute(
        statement.on_conflict_do_update(
            index_elements=["ticket_id", "kind"],
            set_={"corrected_to": decided, "corrected_by": unit.actor.id, "corrected_at": unit.now},
            where=func.coalesce(Suggestion.corrected_to, Suggestion.decided) != decided,
        )
    )


def note_correction(unit: Unit, ticket: Ticket, kind: str, *, to: str) -> None:
    """Keep that a decision turned out otherwise. One statement; a ticket without a suggestion has none to correct."""
    unit.session.execute(
        update(Suggestion)
        .where(
            Suggestion.ticket_id == ticket.id,
            Suggestion.kind == kind,
            or_(Suggestion.corrected_to.is_(None), Suggestion.corrected_to != to),
            func.coalesce(Suggestion.corrected_to, Suggestion.decided) != to,
        )
        .values(corrected_to=to, corrected_by=unit.actor.id, corrected_at=unit.now)
    )


def _union_above(tree: OrgTree, place: Union) -> Union | None:
    """The city above a county; a city has only the province above it, which handles nothing itself."""
    return tree.parent(place.code) if place.level == "county" else None
