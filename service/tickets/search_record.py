"""What somebody looked for, as the audit keeps it: which search, and nothing that a person could be known by.

A name or a phone typed into a search box is personal data as much as one in a form. So of what was typed only words
that the hotline itself uses (categories, unions), ticket numbers and a few digits stand in the audit as they are; every
other word stands as a code made with a key: who knows the word can ask whether it was looked for, and nobody reads it.
"""

import re
from collections.abc import Callable
from typing import Any

from service.core.crypto import digits_only
from service.core.unit import Unit
from service.org.tree import org_tree
from service.tickets.taxonomy import leaves
from service.tickets.wording import folded, understood

# A ticket's number, or seven digits and more, which may be a phone or an identity number however they are spaced.
_NUMBERS = re.compile(r"(?P<ticket>(?:qh12351-)?20[0-9]{6}-[0-9]{6}(?![0-9]))|[0-9](?:[ -]?[0-9]){6,}[x]?")
_FEW_DIGITS = re.compile(r"[0-9-]{1,6}")
_MASK = "~"
# 40 bits: two words of a hotline's year hardly ever share a code.
_CODE_LENGTH = 10
_FEW = 6


def on_record(unit: Unit, given: dict[str, Any]) -> dict[str, Any]:
    """The filters of a search as they may stand in the audit."""
    typed = {"q", "number", "employer"}
    return {name: said(unit, value) if name in typed else str(value) for name, value in given.items()}


def said(unit: Unit, text: str) -> list[str]:
    """What was typed, word by word: as it is where it is the hotline's own, else as its code, a phone with its end."""
    return _said(unit, text, unit.vault.lookup)


def said_under_any_key(unit: Unit, text: str) -> list[list[str]]:
    """The same as it may stand there since before a change of keys."""
    keys = range(len(unit.vault.lookups("")))
    return [_said(unit, text, lambda word, key=key: unit.vault.lookups(word)[key]) for key in keys]  # type: ignore[misc]


def _said(unit: Unit, text: str, lookup: Callable[[str], bytes]) -> list[str]:
    text = folded(text)
    numbers = [
        found[0] if found["ticket"] else f"{_coded(found[0], lookup)}…{digits_only(found[0])[-4:]}"
        for found in _NUMBERS.finditer(text)
    ]
    known = [folded(leaf.whole.zh) for leaf in leaves(unit.session).values()]
    known += [folded(union.name_zh) for union in org_tree(unit.session)]
    return numbers + [
        word if _FEW_DIGITS.fullmatch(word) or _is_known(word, known) else _coded(word, lookup)
        for word in understood(_NUMBERS.sub(" ", text)).shown
    ]


def _coded(word: str, lookup: Callable[[str], bytes]) -> str:
    """The code of a word; a number's is that of its digits."""
    digits = digits_only(word)
    # The end of the hash: before it some stand with their key's version.
    return _MASK + lookup(digits if len(digits) > _FEW else folded(word)).hex()[-_CODE_LENGTH:]


def _is_known(word: str, known: list[str]) -> bool:
    # One sign alone may be a family name.
    return len(word) > 1 and any(word in text for text in known)
