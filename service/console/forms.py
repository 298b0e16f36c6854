"""Forms: what a page asks for, what was typed, and what is wrong with it.

A form is checked by the same models as the body of the API, so the two faces refuse the same things in the same
words. Here a browser's texts become the values those models want, and their complaints find their field again.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from service.api.sentences import of_validation
from service.console.words import Words
from service.core.errors import Bilingual
from service.identity.people import PersonView
from service.org.tree import OrgTree
from service.tickets.taxonomy import Leaf

Kind = Literal[
    "line", "text", "choice", "radio", "check", "number", "money", "moment", "day", "codes", "phone", "checks", "lines"
]  # fmt: skip

_MINUTE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
_WHOLE_NUMBER = re.compile(r"[+-]?\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Option:
    """Something to choose."""

    value: str
    label: Bilingual


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Choices under a heading; without one they stand alone."""

    label: Bilingual | None
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One question of a form. `label` and `hint` are keys of the catalogue; `required` is said to the browser;
    `offers` is the id of a list of what might be meant; `remark` is what is to be said about it on this ticket.
    """

    name: str
    label: str
    kind: Kind = "line"
    required: bool = False
    options: tuple[OptionGroup, ...] = ()
    hint: str = ""
    value: str = ""
    longest: int = 200
    least: int | None = None
    most: int | None = None
    optional_choice: str = ""
    offers: str = ""
    remark: Bilingual | None = None


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it is shown: its questions, what was typed, and what is wrong."""

    id: str
    fields: tuple[Field, ...]
    typed: Mapping[str, tuple[str, ...]] | None = None
    errors: Mapping[str, Bilingual] = field(default_factory=dict)
    refusal: Bilingual | None = None

    def value_of(self, question: Field) -> str:
        """What stands in a field: what was typed, else the field's own beginning."""
        if self.typed is None:
            return question.value
        return self.typed.get(question.name, ("",))[0]

    def has(self, question: Field, value: str) -> bool:
        """Whether a choice is taken."""
        if self.typed is None:
            return question.value == value
        return value in self.typed.get(question.name, ())


class Wrong(Exception):
    """A form that can't be taken as it was filled in: what is wrong with each field."""

    def __init__(self, errors: Mapping[str, Bilingual]) -> None:
        super().__init__(", ".join(errors))
        self.errors = errors


def values_of(fields: Iterable[Field], typed: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """What was typed as the values that a model of the API wants. An empty field is left out, not sent as ''."""
    values: dict[str, Any] = {}
    for question in fields:
        texts = [text for text in typed.get(question.name, ()) if text.strip()]
        if question.kind == "check":
            values[question.name] = bool(texts)
        elif question.kind in {"codes", "checks"}:
            values[question.name] = tuple(dict.fromkeys(texts))
        elif question.kind == "lines":
            values[question.name] = tuple(line for text in texts for line in text.splitlines() if line.strip())
        elif texts:
            values[question.name] = _value(question, texts[0])
    return values


def checked(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a valid body. Raises Wrong."""
    try:
        return dict(model.model_validate(values))
    except ValidationError as error:
        errors: dict[str, Bilingual] = {}
        for entry in error.errors():
            names = [part for part in entry["loc"] if isinstance(part, str)]
            errors.setdefault(names[-1] if names else "", of_validation(entry))
        raise Wrong(errors) from None


def _value(question: Field, text: str) -> Any:
    if question.options == YES_NO:
        return {"yes": True, "no": False}.get(text, text)
    return _READ.get(question.kind, str.strip)(text)


def _as_typed(text: str) -> str:
    return text


def _whole_number(text: str) -> int | str:
    return int(text) if _WHOLE_NUMBER.fullmatch(text.strip()) else text


def _money(text: str) -> str:
    return text.strip().replace(",", "").replace("，", "")


def _local_minute(text: str) -> str:
    """A browser gives local time without saying so."""
    return f"{text}+08:00" if _MINUTE.fullmatch(text) else text


# A text is stored as it was typed; everything else without the blanks around it.
_READ: Mapping[Kind, Callable[[str], Any]] = {
    "text": _as_typed,
    "number": _whole_number,
    "radio": _whole_number,
    "money": _money,
    "moment": _local_minute,
}


def of_words(words: Words) -> tuple[OptionGroup, ...]:
    """A closed list as choices."""
    return (OptionGroup(None, tuple(Option(code, name) for code, name in words.items())),)


YES_NO = (OptionGroup(None, (Option("yes", Bilingual("是", "yes")), Option("no", Bilingual("否", "no")))),)


def of_unions(tree: OrgTree, *, scope: str = "", without_province: bool = False) -> tuple[OptionGroup, ...]:
    """Unions under their city, the city's own first."""
    groups: dict[str, list[Option]] = {}
    for union in tree:
        if not union.code.startswith(scope) or (without_province and union.level == "province"):
            continue
        above = union.parent_code if union.level == "county" and union.parent_code else union.code
        groups.setdefault(above, []).append(Option(union.code, Bilingual(union.name_zh, union.name_en)))
    return tuple(
        OptionGroup(Bilingual(tree.get(code).name_zh, tree.get(code).name_en), tuple(options))
        for code, options in groups.items()
    )


def of_people(people: Iterable[PersonView], tree: OrgTree) -> tuple[OptionGroup, ...]:
    """People under their union."""
    groups: dict[str, list[Option]] = {}
    for each in people:
        label = Bilingual(f"{each.name}({each.username})", f"{each.name} ({each.username})")
        groups.setdefault(each.org_code, []).append(Option(each.username, label))
    return tuple(OptionGroup(tree.get(code).name, tuple(options)) for code, options in groups.items())


def of_categories(leaves: Mapping[str, Leaf], tiers: Words) -> tuple[OptionGroup, ...]:
    """Categories under their group, each with the tier it usually gets."""
    groups: dict[str, tuple[Bilingual, list[Option]]] = {}
    for leaf in leaves.values():
        tier = tiers[leaf.tier.value]
        # The code first: typed into the closed list, its digits find the choice without a mouse.
        label = Bilingual(f"{leaf.code} {leaf.name.zh}({tier.zh})", f"{leaf.code} {leaf.name.en} ({tier.en})")
        groups.setdefault(leaf.group.zh, (leaf.group, []))[1].append(Option(leaf.code, label))
    return tuple(OptionGroup(name, tuple(options)) for name, options in groups.values())
