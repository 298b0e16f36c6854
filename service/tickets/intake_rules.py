"""What the intake form demands by category, and which words lift a tier: data that ships with the release."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from service.tickets.models import CHANNELS, KINDS, UNKNOWABLE
from sla_rules import Tier


@dataclass(frozen=True, slots=True)
class IntakeRules:
    """The file `intake_rules.toml` as values. `required` by category prefix, the longest prefix first."""

    version: str
    asked_channels: frozenset[str]
    asked_kinds: frozenset[str]
    required: Mapping[str, tuple[str, ...]]
    tier_words: Mapping[Tier, tuple[str, ...]]
    union_above: tuple[str, ...]

    def demanded(self, *, category_code: str, kind: str, channel: str) -> tuple[str, ...]:
        """The fields this matter can't do without. Empty for a question, and where nobody is there to be asked."""
        if kind not in self.asked_kinds or channel not in self.asked_channels:
            return ()
        return next((fields for prefix, fields in self.required.items() if category_code.startswith(prefix)), ())


@cache
def intake_rules() -> IntakeRules:
    """The rules of this release. Raises ValueError for a file that names what the form does not have."""
    return read_intake_rules((files("service.tickets") / "intake_rules.toml").read_text(encoding="utf-8"))


def read_intake_rules(text: str) -> IntakeRules:
    """The rules in a file. Raises ValueError for what the form does not have, tomllib.TOMLDecodeError."""
    content = tomllib.loads(text)
    required = {entry["category"]: tuple(entry["fields"]) for entry in content["required"]}
    asked = content["asked"]
    for what, known, named in (
        ("field", UNKNOWABLE, {name for fields in required.values() for name in fields}),
        ("channel", CHANNELS, asked["channels"]),
        ("kind", KINDS, asked["kinds"]),
        ("tier", tuple(Tier), content["tier_words"]),
    ):
        if unknown := set(named) - set(known):
            raise ValueError(f"the form has no {what} {', '.join(sorted(unknown))}")
    return IntakeRules(
        version=content["version"],
        asked_channels=frozenset(asked["channels"]),
        asked_kinds=frozenset(asked["kinds"]),
        required={prefix: required[prefix] for prefix in sorted(required, key=len, reverse=True)},
        tier_words={Tier(name): tuple(words) for name, words in content["tier_words"].items()},
        union_above=tuple(content["union"]["above"]),
    )
