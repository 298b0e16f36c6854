"""Passwords: which are taken, and how they are kept (NIST SP 800-63B, 5.1.1 and its appendix on strength).

Long ones of any characters, counted and hashed after Unicode's NFKC; nothing is demanded of their composition and none
has to be changed but for a reason. Refused is what somebody would try first: a password of the known ones, with digits
around it or not, names, the hotline's own words, one piece repeated, rows of the alphabet and the keyboard.
"""

import hashlib
import re
import secrets
import unicodedata
from bisect import bisect_left
from importlib.resources import files

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from service.core.errors import Malformed

# SP 800-63B asks for 8 and, in its fourth revision, for 15 where nothing else is asked for; whoever may do harm shows a
# second factor here.
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256

# Bytes of each entry's digest in the list: with its 94,000 entries a good password is mistaken for one of them once in
# some 45,000 look-ups.
DIGEST_BYTES = 4
KNOWN_PASSWORDS = "known_passwords.bin"
# With the digits and signs that are taken for trimmings, no shorter entry makes a password long enough.
SHORTEST_ENTRY = 4
# A known password and so many digits and signs around it are still that password: dragon20261122.
_TRIMMINGS = 8
# A password has so many pieces of its own at least, a row of the keyboard being one piece.
_FEWEST_PIECES = 6
_FEWEST_CHARACTERS = 5
_SHORTEST_ROW = 3
# What is repeated is long enough to be looked for in the list; what is shorter is refused as it is.
_SHORTEST_REPEATED = 8

_OWN_WORDS = ("12351", "qinghai", "gonghui", "hotline", "zhigong", "xining", "工会", "青海", "职工", "热线", "西宁")
_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "!@#$%^&*()",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "1q2w3e4r5t6y7u8i9o0p",
)
# What is written for which letter; 1 is for an l or an i.
_LOOKS = (str.maketrans("013457@$!", "oleastasi"), str.maketrans("013457@$!", "oieastasi"))
_BLUNT = re.compile(r"[\W_]+")
_AROUND = re.compile(r"^[\W\d_]+|[\W\d_]+$")
# Without letters and digits that look alike on a slip of paper.
_CLEAR_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"

# OWASP's second choice (19 MiB, 2 passes): safe beside several processes on a county's small server.
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Verified when the name is unknown, so that the answer takes as long as for a known one.
_DECOY = _hasher.hash(secrets.token_hex())


class PasswordTooShort(Malformed):
    zh = "密码至少 {least} 个字符,可以用空格和汉字,一句话最好记。"
    en = "A password has at least {least} characters; spaces and Chinese are welcome, and a sentence is easy to keep."


class PasswordTooLong(Malformed):
    zh = "密码最多 {most} 个字符。"
    en = "A password has at most {most} characters."


class PasswordKnown(Malformed):
    """It stands, as it is or with a few digits around it, in the list of what is tried first."""

    zh = "这个密码(或其主干)在常用和已泄露密码表中,会被最先猜到。请换成几个不相干的词,或一句自己的话。"
    en = "This password, or the heart of it, is on the list of common and breached ones. Take a few unrelated words."


class PasswordHoldsName(Malformed):
    zh = "密码不能包含用户名或姓名。"
    en = "A password does not hold the user name or the name of its owner."


class PasswordHoldsOwnWord(Malformed):
    zh = "密码不能包含“{word}”:与本热线有关的词会被最先猜到。"
    en = "A password does not hold “{word}”: words of this hotline are guessed first."


class PasswordTooEven(Malformed):
    zh = "密码不能是同一片段的重复,也不能只由字母表、数字或键盘上的连续字符组成。"
    en = "A password is not one piece repeated, nor made of rows of the alphabet, of digits or of the keyboard alone."


class PasswordUnchanged(Malformed):
    zh = "新密码不能与现在的密码相同。"
    en = "The new password must differ from the present one."


def check_password(password: str, *, username: str, display_name: str) -> None:
    """Refuse what is too easily guessed. Raises PasswordTooShort, PasswordTooLong, PasswordHoldsName,
    PasswordHoldsOwnWord, PasswordTooEven, PasswordKnown."""
    text = normal(password)
    check_length(text)
    folded = text.casefold()
    blunt = _BLUNT.sub("", folded)
    for name in (username, display_name):
        if _is_in(_BLUNT.sub("", normal(name).casefold()), blunt):
            raise PasswordHoldsName
    for word in _OWN_WORDS:
        if _is_in(word, blunt):
            raise PasswordHoldsOwnWord(word=word)
    if _is_even(folded):
        raise PasswordTooEven
    if _is_known(folded):
        raise PasswordKnown


def check_length(text: str) -> None:
    """Raises PasswordTooShort, PasswordTooLong; characters are counted after NFKC."""
    if len(normal(text)) < SHORTEST_PASSWORD:
        raise PasswordTooShort(least=SHORTEST_PASSWORD)
    if len(normal(text)) > LONGEST_PASSWORD:
        raise PasswordTooLong(most=LONGEST_PASSWORD)


def normal(text: str) -> str:
    """The same characters however a keyboard made them (SP 800-63B: NFKC, before counting and hashing)."""
    return unicodedata.normalize("NFKC", text)


def hash_password(password: str) -> str:
    """argon2id, with its parameters in the string."""
    return _hasher.hash(normal(password))


def matches(stored: str | None, password: str) -> bool:
    """Whether this is the password. Without a stored one it is no, after the same time."""
    try:
        return _hasher.verify(stored or _DECOY, normal(password)) and stored is not None
    except (VerifyMismatchError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether a password was hashed with parameters of before, and is to be hashed again at the next login."""
    return _hasher.check_needs_rehash(stored)


def new_password() -> str:
    """One made at random, to be told once and changed at the first login: 16 letters and digits, 79 bits."""
    letters = [secrets.choice(_CLEAR_LETTERS) for _ in range(16)]
    return "-".join("".join(letters[at : at + 4]) for at in range(0, 16, 4))


def digest_of(entry: str) -> bytes:
    """What the list keeps of an entry."""
    return hashlib.sha256(entry.encode()).digest()[:DIGEST_BYTES]


def _is_in(word: str, text: str) -> bool:
    """Whether a word stands in a text, written as it is or with 4 for a and the like. A name of two or three letters
    stands in half the dictionary."""
    long_enough = len(word) >= (4 if word.isascii() else 2)
    return long_enough and (word in text or any(word.translate(looks) in text.translate(looks) for looks in _LOOKS))


def _is_even(text: str) -> bool:
    piece = _piece(text)
    return (
        len(set(text)) < _FEWEST_CHARACTERS
        or len(_without_rows(piece)) < _FEWEST_PIECES
        or (piece != text and len(piece) < _SHORTEST_REPEATED)
    )


def _piece(text: str) -> str:
    """What is repeated to make a text, its end cut off or not; the text itself where nothing is."""
    for length in range(1, len(text) // 2 + 1):
        if text[length:] == text[:-length]:
            return text[:length]
    return text


def _without_rows(text: str) -> str:
    """The text with one character for each row of three and more, forwards or back, each as often as one likes."""
    kept, at = "", 0
    while at < len(text):
        run = max(_run(text, at, row, step) for row in (*_ROWS, text[at]) for step in (1, -1))
        kept, at = kept + text[at], at + (run if run >= _SHORTEST_ROW else 1)
    return kept


def _run(text: str, start: int, row: str, step: int) -> int:
    """So many characters from here on follow each other in a row."""
    at = start
    while (
        at + 1 < len(text)
        and text[at] in row
        and text[at + 1] in row
        and row.index(text[at + 1]) - row.index(text[at]) in (0, step)
    ):
        at += 1
    return at - start + 1


def _is_known(text: str) -> bool:
    """Whether the list has this text, what is repeated in it, or either without the digits and signs around it."""
    found: set[str] = set()
    for whole in (text, _BLUNT.sub("", text), _piece(text)):
        heart = _AROUND.sub("", whole)
        found.add(whole)
        if len(whole) - len(heart) <= _TRIMMINGS:
            found |= {heart, _piece(heart)}
    found |= {each.translate(looks) for each in found for looks in _LOOKS}
    known = files(__package__).joinpath(KNOWN_PASSWORDS).read_bytes()
    return any(_holds(known, digest_of(each)) for each in found if len(each) >= SHORTEST_ENTRY)


def _holds(known: bytes, digest: bytes) -> bool:
    """Whether a digest is among these, which are sorted. The file is read for each password that is set, and not kept:
    that is rare, and its hash costs a hundred times more."""
    places = range(len(known) // DIGEST_BYTES)

    def at(place: int) -> bytes:
        return known[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]

    place = bisect_left(places, digest, key=at)
    return place < len(places) and at(place) == digest
