"""What can be read off a worker's own words: how many people, which places, how like another text it is. Pure."""

import re
import unicodedata

from service.org.tree import OrgTree, Union

# Longer than any appeal needs to be told apart from another, and short enough to compare with hundreds.
COMPARED_CHARACTERS = 600
_PEOPLE = re.compile(
    r"(\d{1,5}|[零一二两三四五六七八九十百千]{1,7})多?[名位个余]*(?:人|工人|农民工|民工|职工|员工|工友|同事)"
)
_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"两": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_AUTONOMOUS = re.compile(r"(?:(?:回|土|撒拉|蒙古|藏)族)+自治([县州])$")
_KIND_OF_PLACE = re.compile(r"(?:行政委员会|[县市区州])$")


def people_told(text: str) -> int | None:
    """The largest number of people a text speaks of ("二十五名农民工", "12 人"); None when it names none."""
    numbers = [_number(match[1]) for match in _PEOPLE.finditer(_folded(text))]
    return max(numbers, default=None)


def places_told(tree: OrgTree, text: str) -> list[Union]:
    """The unions below the province whose place a text names. A name of two characters counts only with what it is
    (海西州, 共和县): 海南 alone is another province as well."""
    return [union for union in tree if union.level != "province" and any(name in text for name in _names(union))]


def likeness(one: frozenset[str], other: frozenset[str]) -> float:
    """How alike two texts are, 0 to 1: twice the bigrams they share over the bigrams of both (Dice)."""
    total = len(one) + len(other)
    return 2 * len(one & other) / total if total else 0.0


def bigrams(text: str) -> frozenset[str]:
    """Neighbouring pairs of letters, digits and characters; width, case, blanks and punctuation do not count."""
    kept = "".join(char for char in _folded(text[: 2 * COMPARED_CHARACTERS]) if char.isalnum())[:COMPARED_CHARACTERS]
    return frozenset(kept[at : at + 2] for at in range(len(kept) - 1))


def _names(union: Union) -> list[str]:
    """互助土族自治县, 互助县; 格尔木市, 格尔木."""
    usual = _AUTONOMOUS.sub(r"\1", union.name_zh)
    bare = _KIND_OF_PLACE.sub("", usual)
    return [union.name_zh, usual, *([bare] if len(bare) > 2 else [])]


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().replace(" ", "")


def _number(text: str) -> int:
    if text.isdecimal():
        return int(text)
    total, digit = 0, 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        else:
            total += (digit or 1) * _PLACES[char]
            digit = 0
    return total + digit
