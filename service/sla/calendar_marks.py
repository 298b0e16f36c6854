"""The words by which tables and feeds tell a day off from a day worked in exchange."""

import re
import unicodedata
from typing import Literal

Kind = Literal["off", "work"]

# 调休 and 补休 alone are said of both, 节假日 of every entry in some feeds; none of them tells anything.
_WORDS: dict[str, Kind] = {
    **dict.fromkeys(("off", "休", "休息", "休息日", "放假", "放假日", "假期"), "off"),
    **dict.fromkeys(("work", "班", "上班", "上班日", "补班", "调休上班", "调休补班", "工作日"), "work"),
}
_ANY = "|".join(sorted(_WORDS, key=len, reverse=True))
_LONG = "|".join(word for word in _ANY.split("|") if len(word) > 1 and not word.isascii())
_SIGNS = r"\s|·:/\-"
_MARK = re.compile(
    rf"[(\[【〔「]\s*(?P<enclosed>{_ANY})\s*[)\]】〕」]"
    rf"|(?:^|(?<=[{_SIGNS}]))(?P<apart>{_ANY})(?=$|[{_SIGNS}])"
    rf"|(?P<ending>{_LONG})$",
    re.IGNORECASE,
)
# So the feed most in use names a day worked in exchange: 上班(补春节假期).
_EXCHANGED = re.compile(r"(?:上班|补班)\s*\(\s*补?\s*(?P<name>[^()]+?)\s*(?:假期|放假)?\s*\)")
_COUNTED = re.compile(r"\(?第\d+天(?:/共\d+天)?\)?")
_QUALIFIED = re.compile(r"[不无未非半?]|[上下]午|部分|预测|预计|暂定|待定|可能")


def plain(text: str) -> str:
    """Full-width signs made half-width, without blanks at either end."""
    return unicodedata.normalize("NFKC", text).strip()


def kind_of(word: str) -> Kind | None:
    """What a word alone says of its day; None when it says neither."""
    return _WORDS.get(plain(word).lower())


def marked(title: str) -> tuple[set[Kind], str]:
    """The kinds that the marks of a title tell, both in a contradictory one, and the holiday's name without them.

    `元旦(休)`, `【班】国庆节`, `春节 补班 第1天/共2天`, `劳动节放假`, `上班(补春节假期)`.
    """
    text = _COUNTED.sub("", plain(title)).strip()
    exchanged = _EXCHANGED.fullmatch(text)
    if exchanged:
        return {"work"}, exchanged["name"]
    kinds: set[Kind] = set()
    for match in _MARK.finditer(text):
        kinds.add(_WORDS[match[match.lastgroup or 0].lower()])
    name = _MARK.sub(" ", text).strip(" |·:/-")
    return kinds, name


def qualified(title: str) -> bool:
    """Whether a title takes back or limits what its mark says: 「不放假」, 「半天」, 「预测」."""
    return bool(_QUALIFIED.search(plain(title)))
