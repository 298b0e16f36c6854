"""From what somebody types into the search box to the words of the index, and back to the place they were found at.

Pure. The index has every pair of neighbouring Chinese characters as a word (migration 0003), so what is found hangs
on no dictionary; a dictionary only cuts a longer query into words that need not stand together: 格尔木拖欠工资 asks for
格尔木, 拖欠 and 工资. Words in quotation marks stand together exactly as typed.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import rjieba

# A query is a sentence at most; what is longer asks the index for hundreds of words.
LONGEST_QUERY = 200
EXCERPT_LENGTH = 80
_BEFORE_HIT = 24

_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"
_PIECE = re.compile(f"(?P<han>[{_HAN}]+)|(?P<other>[a-z0-9à-ʯа-ӿء-ۿ༠-༩ཀ-ྼ]+)")
_SIGN = re.compile(f"[{_HAN}]")
# What a mask shows of a number is no word either.
_PHONE = re.compile(r"[0-9]{0,4}\*{4,}[0-9x]{0,4}|1[3-9][0-9](?:[ -]?[0-9]{4}){2}")
_LONG_NUMBER = re.compile("[0-9]{7,}")
# What nearly every Chinese text has of full-width signs; once they are half-width, little is left to normalize.
_WIDE_OR_CAPITAL = re.compile("[A-Z\uff01-\uff5e]+")
_NARROW_AND_SMALL = {wide: chr(wide - 0xFEE0).lower() for wide in range(0xFF01, 0xFF5F)} | {
    capital: chr(capital).lower() for capital in range(ord("A"), ord("Z") + 1)
}
_QUOTED = re.compile('"([^"]+)"|“([^“”]+)”|「([^「」]+)」')
_NUMBER = re.compile(r"(?=[a-z-]*[0-9])[a-z0-9-]{3,40}")

Field = Literal["title", "body", "answer", "reply", "note", "employer"]


def folded(text: str) -> str:
    """A text as the index compares it: full-width as half-width, ASCII letters small."""
    plain = _narrow_and_small(text)
    if unicodedata.is_normalized("NFKC", plain):
        return plain
    return _narrow_and_small(unicodedata.normalize("NFKC", plain))


def _narrow_and_small(text: str) -> str:
    return _WIDE_OR_CAPITAL.sub(lambda run: run[0].translate(_NARROW_AND_SMALL), text)


def words_of(text: str) -> set[str]:
    """The words the index has of a text. The database's `search_words` gives the same."""
    words: set[str] = set()
    for piece in _PIECE.finditer(_PHONE.sub(" ", folded(text))):
        if run := piece["han"]:
            words.update(run[at : at + 2] for at in range(len(run)))
        elif len(piece[0].encode()) <= 30 and not _LONG_NUMBER.fullmatch(piece[0]):
            words.add(piece[0])
    return words


@dataclass(frozen=True, slots=True)
class Term:
    """One thing that must be there. `shown` is looked for in the text to show the place."""

    shown: str
    words: tuple[str, ...]
    number: str = ""

    @property
    def tsquery(self) -> str:
        """The term for PostgreSQL. Words are letters, digits and hyphens only; one Chinese character is a beginning."""
        said = " & ".join(f"'{word}'{':*' if _alone(word) else ''}" for word in self.words)
        if not self.number:
            return said
        return f"('#{self.number}' | {said})" if said else f"'#{self.number}'"


@dataclass(frozen=True)
class Wanted:
    """A query, understood. `phrases` must stand in one of the texts as they are, which the index can't tell."""

    terms: tuple[Term, ...]
    phrases: tuple[str, ...]

    @property
    def tsquery(self) -> str:
        """All terms for PostgreSQL; '' when the query holds no word at all."""
        return " & ".join(term.tsquery for term in self.terms)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """What to look for in a text, the longest first: a longer one is not cut by a shorter one inside it."""
        return tuple(sorted({term.shown for term in self.terms}, key=lambda term: (-len(term), term)))

    @property
    def numbers(self) -> tuple[str, ...]:
        """What may be a ticket's number or its end."""
        return tuple(term.number for term in self.terms if term.number)

    def fits(self, texts: Iterable[str]) -> bool:
        """Whether every phrase stands in one of the texts."""
        found = [folded(text) for text in texts] if self.phrases else []
        return all(any(phrase in text for text in found) for phrase in self.phrases)


def understood(query: str) -> Wanted:
    """What a query asks for. Never fails: signs that are no words are passed over."""
    text = folded(query[:LONGEST_QUERY])
    terms: dict[str, Term] = {}
    phrases: list[str] = []
    for found in _QUOTED.finditer(text):
        phrase = next(group for group in found.groups() if group).strip()
        words = _pairs(phrase)
        if words:
            terms[phrase] = Term(shown=phrase, words=tuple(sorted(words)))
            phrases.append(phrase)
    for chunk in _QUOTED.sub(" ", text).split():
        if _NUMBER.fullmatch(chunk):
            terms[chunk] = Term(shown=chunk, words=tuple(sorted(words_of(chunk))), number=chunk)
        else:
            terms.update((term.shown, term) for term in _terms_of(chunk))
    return Wanted(terms=_without_lone_signs(terms.values()), phrases=tuple(phrases))


def number_term(number: str) -> str:
    """The query for a ticket's number, its last digits or a peer system's number for it; '' when it can't be one."""
    plain = folded(number).strip()
    return f"'#{plain}'" if re.fullmatch(r"[^\s'\\]{3,60}", plain) else ""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a shown text: one that was looked for, or what stands around it."""

    text: str
    hit: bool


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The place where a ticket says what was looked for."""

    field: Field
    parts: tuple[Part, ...]


def marked(text: str, terms: Sequence[str]) -> tuple[Part, ...]:
    """A text in parts, with what was looked for apart. Nothing is escaped here: parts are texts, not markup."""
    if not terms or not text:
        return (Part(text, hit=False),) if text else ()
    plain, places = _with_places(text)
    pattern = re.compile("|".join(re.escape(term) for term in terms))
    parts: list[Part] = []
    end = 0
    for found in pattern.finditer(plain):
        start, stop = places[found.start()], places[found.end() - 1] + 1
        if start < end:
            continue
        if start > end:
            parts.append(Part(text[end:start], hit=False))
        parts.append(Part(text[start:stop], hit=True))
        end = stop
    if end < len(text):
        parts.append(Part(text[end:], hit=False))
    return tuple(parts)


def excerpt(texts: Iterable[tuple[Field, str]], terms: Sequence[str]) -> Excerpt | None:
    """Some eighty characters of the text that says most of what was looked for, around its first hit; the first text
    of all when none says it (the hit is in the title, say). None without texts."""
    filled = [(field, text) for field, text in texts if text.strip()]
    if not filled:
        return None
    field, text = max(filled, key=lambda each: _said(each[1], terms))
    plain, places = _with_places(text)
    hits = [at for at in (plain.find(term) for term in terms) if at >= 0]
    begin = max(0, places[min(hits)] - _BEFORE_HIT) if hits else 0
    cut = " ".join(text[begin : begin + EXCERPT_LENGTH].split())
    before = (Part("…", hit=False),) if begin else ()
    after = (Part("…", hit=False),) if begin + EXCERPT_LENGTH < len(text) else ()
    return Excerpt(field=field, parts=(*before, *marked(cut, terms), *after))


def _terms_of(chunk: str) -> list[Term]:
    terms: list[Term] = []
    for piece in _PIECE.finditer(chunk):
        run = piece["han"]
        if run is None:
            terms.extend(Term(shown=word, words=(word,)) for word in words_of(piece[0]))
        elif len(run) <= 2:
            terms.append(Term(shown=run, words=(run,)))
        else:
            cut = [part for word in rjieba.cut(run) for part in _parts_of(word) if len(part) > 1] or [run]
            terms.extend(Term(shown=word, words=tuple(sorted(_pairs(word)))) for word in cut)
    return terms


def _parts_of(word: str) -> list[str]:
    """拖欠工资 is in the dictionary, and 拖欠 and 工资 are what is meant."""
    parts = [part for part in rjieba.cut_for_search(word) if len(part) < len(word)]
    return parts if "".join(parts) == word else [word]


def _pairs(phrase: str) -> set[str]:
    """The words of a phrase without the ends of its runs, which in a text need not be ends."""
    words: set[str] = set()
    for piece in _PIECE.finditer(phrase):
        run = piece["han"]
        if run is None:
            words |= words_of(piece[0])
        elif len(run) == 1:
            words.add(run)
        else:
            words.update(run[at : at + 2] for at in range(len(run) - 1))
    return words


def _without_lone_signs(terms: Iterable[Term]) -> tuple[Term, ...]:
    """A single character beside whole words (的, 了) narrows nothing and costs the most."""
    found = tuple(term for term in terms if term.tsquery)
    whole = tuple(term for term in found if not all(map(_alone, term.words)) or term.number)
    return whole or found


def _alone(word: str) -> bool:
    return _SIGN.fullmatch(word) is not None


def _said(text: str, terms: Sequence[str]) -> int:
    """How many of the terms a text says. Most say them as they are looked for."""
    if all(term in text for term in terms):
        return len(terms)
    plain = folded(text)
    return sum(term in plain for term in terms)


def _with_places(text: str) -> tuple[str, Sequence[int]]:
    """A folded text, and for each sign of it the place it came from."""
    whole = folded(text)
    if len(whole) == len(text):
        return whole, range(len(text))
    plain: list[str] = []
    places: list[int] = []
    for at, sign in enumerate(text):
        fold = folded(sign)
        plain.append(fold)
        places.extend([at] * len(fold))
    return "".join(plain), places
