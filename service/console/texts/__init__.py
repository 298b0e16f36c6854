"""What the pages say, in Chinese and English. A key names the place and the thing; {facts} are filled in.

A module for each room of the console; a key stands in one of them.
"""

from typing import Any

from service.console.texts import (
    account,
    audit,
    finding,
    frame,
    handling,
    intake,
    knowledge,
    oversight,
    peers,
    people,
    reports,
    retention,
    rules,
    ticket,
    worker,
)
from service.core.errors import Bilingual

ROOMS = (
    audit,
    retention,
    frame,
    finding,
    intake,
    ticket,
    reports,
    rules,
    knowledge,
    oversight,
    people,
    account,
    peers,
    handling,
    worker,
)

TEXTS: dict[str, Bilingual] = {key: Bilingual(*pair) for room in ROOMS for key, pair in room.PAIRS.items()}


def text_in(lang: str, key: str, **facts: Any) -> str:
    """The text under a key. Raises KeyError for a key that is not here: the tests walk every template."""
    text = TEXTS[key]
    return (text.zh if lang == "zh" else text.en).format(**facts)
