"""Personal numbers in free text: found however people write them, masked so that people can still tell them apart.

Mobile numbers (eleven digits from 13 to 19) and identity numbers (GB 11643: eighteen signs, or fifteen digits on old
cards). The numbers of offices are nobody's own and stay.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Where a digit stands, its full-width form may; where people set groups apart, one sign may.
_D = "[0-9０-９]"
_S = r"[\s.·—–－-]?"
_EDGE, _END = f"(?<!{_D})", f"(?!{_D})"
_EVERY = r"\s"  # each digit by itself: 1 3 8 …
_MOBILE = re.compile(
    rf"{_EDGE}(?:[+＋]?[8８][6６]{_S})?"
    rf"([1１][3-9３-９](?:{_D}{_S}{_D}{{4}}{_S}{_D}{{4}}|(?:{_EVERY}?{_D}){{9}})){_END}"
    rf"|{_EDGE}([1１]{_EVERY}[3-9３-９](?:{_EVERY}{_D}){{9}}){_END}"
)
_IDENTITY = re.compile(
    rf"{_EDGE}({_D}{{6}}{_S}{_D}{{4}}{_S}{_D}{{2}}{_S}{_D}{{2}}{_S}{_D}{{3}}[0-9０-９XxＸｘ]{_END}"
    rf"|{_D}(?:{_EVERY}{_D}){{16}}{_EVERY}[0-9０-９XxＸｘ]{_END}"
    rf"|{_D}{{6}}{_S}{_D}{{6}}{_S}{_D}{{3}}{_END})"
)
# GB/T 2260, by region: the first two digits.
_PROVINCES = frozenset(
    place
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for place in range(first, last + 1)
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_NEW, _OLD = 18, 15
_DIGIT, _FEWEST = re.compile(_D), 11


@dataclass(frozen=True, slots=True)
class Found:
    """A number in a text: where, what it says in plain signs, and how it is shown."""

    start: int
    end: int
    clear: str

    @property
    def masked(self) -> str:
        """138****5678, 6301************12."""
        return masked_number(self.clear)


def personal_numbers(text: str) -> list[Found]:
    """The numbers in a text in their order."""
    # Most texts have no number of anybody's.
    if len(_DIGIT.findall(text)) < _FEWEST:
        return []
    identities = list(_identities(text))
    taken = {place for each in identities for place in range(each.start, each.end)}
    mobiles = (each for each in _mobiles(text) if each.start not in taken and each.end - 1 not in taken)
    return sorted([*identities, *mobiles], key=lambda each: each.start)


def without_numbers(text: str) -> str:
    """The text with its personal numbers masked. What is masked already stays as it is."""
    for found in reversed(personal_numbers(text)):
        text = text[: found.start] + found.masked + text[found.end :]
    return text


def without_numbers_in(document: Any) -> Any:
    """A document with the numbers in all its texts masked; its keys are ours."""
    if isinstance(document, str):
        return without_numbers(document)
    if isinstance(document, dict):
        return {name: without_numbers_in(each) for name, each in document.items()}
    if isinstance(document, (list, tuple)):
        return [without_numbers_in(each) for each in document]
    return document


def masked_number(clear: str) -> str:
    """A number with its middle hidden: of a phone the first three and the last four signs stay, of an identity number
    the first four and the last two."""
    before, after = (4, 2) if len(clear) in (_OLD, _NEW) else (3, 4)
    if len(clear) <= before + after:
        before = 0
    return clear[:before] + "*" * max(0, len(clear) - before - after) + clear[-after:]


def masked_name(name: str) -> str:
    """马** : the family name alone."""
    return name[:1] + "*" * max(2, len(name) - 1)


def is_identity_number(text: str) -> bool:
    """Whether it is one whose check digit is right (GB 11643), or one of fifteen digits with a day of birth."""
    return _is_identity(text) and (len(text) == _OLD or _check_digit(text) == text[-1])


def _mobiles(text: str) -> Iterator[Found]:
    for match in _MOBILE.finditer(text):
        yield Found(match.start(), match.end(), _plain(match[1] or match[2]))


def _identities(text: str) -> Iterator[Found]:
    for match in _IDENTITY.finditer(text):
        clear = _plain(match[0])
        if _is_identity(clear):
            yield Found(match.start(), match.end(), clear)


def _is_identity(clear: str) -> bool:
    """A province and a day of birth, or a province and a right check digit: one sign typed wrong makes it no less
    somebody's number."""
    if len(clear) not in (_OLD, _NEW) or not clear[:-1].isdecimal() or int(clear[:2]) not in _PROVINCES:
        return False
    year, rest = (clear[6:10], clear[10:14]) if len(clear) == _NEW else ("19" + clear[6:8], clear[8:12])
    born = 1900 <= int(year) <= 2099 and 1 <= int(rest[:2]) <= 12 and 1 <= int(rest[2:]) <= 31
    return born or (len(clear) == _NEW and _check_digit(clear) == clear[-1])


def _check_digit(clear: str) -> str:
    return _CHECKS[sum(int(sign) * weight for sign, weight in zip(clear, _WEIGHTS, strict=False)) % len(_CHECKS)]


def _plain(written: str) -> str:
    """The signs alone, in half width."""
    return "".join(
        str(int(sign)) if sign.isdecimal() else "X" for sign in written if sign.isdecimal() or sign in "XxＸｘ"
    )
