"""Encryption at rest and keyed look-up hashes (Personal Information Protection Law, art. 51).

A master key gives its working keys by HKDF, so that a key for one purpose never serves another. What is sealed says in
its first byte under which key and by which algorithms; it is bound to its place, so that it opens nowhere else.
"""

import hashlib
import hmac
import os
from enum import StrEnum
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.core.errors import Unavailable
from service.core.keyring import KeyRing, MasterKey

_NONCE_BYTES, _TAG_BYTES = 12, 16
# The heads of values: in front of what was sealed before there were versions, and the bits of all others.
_FIRST = 0x01
_BOUND, _GUOMI, _VERSION = 0x80, 0x40, 0x3F
# A look-up hash of before there were versions has no head.
BARE_HASH_BYTES = 32


class SealBroken(Unavailable):
    """A stored value was not sealed with a key of this ring, was altered, or was moved here from elsewhere. `place` is
    the table and the column."""

    zh = "这里有一项加密内容打不开:密钥缺失,或内容被改动。请联系系统管理员运行 hotline check 查看。"
    en = (
        "Something sealed here does not open: its key is missing, or it was altered. Ask an operator to run hotline"
        " check."
    )


class Suite(StrEnum):
    """The algorithms: AES-256-GCM, HMAC-SHA-256 and HKDF-SHA-256, or SM4-GCM, HMAC-SM3 and HKDF-SM3 (GB/T 32905,
    32907). What one sealed is opened under either."""

    international = "international"
    guomi = "guomi"


class Vault:
    """Seals personal fields and makes look-up hashes with a ring of master keys: one seals, all open."""

    def __init__(self, ring: KeyRing, suite: Suite = Suite.international) -> None:
        self._workings = [_Working(key, each) for key in ring.keys for each in Suite]
        sealing = ring.sealing
        self._sealing = next(each for each in self._workings if each.key == sealing and each.suite is suite)
        self._first = next((each for each in self._workings if each.head == _BOUND | 1), None)
        self._by_head = {each.head: each for each in self._workings}
        # A key without a version is also known to the release before, which reads nothing but the first form.
        self._as_before = not ring.numbered and suite is Suite.international
        # Who verifies tries all; who signs takes the last.
        self._secrets = [key for key in ring.keys if key != sealing] + [sealing]

    @property
    def head(self) -> int:
        """The first byte of what is sealed now, and of the hashes made now."""
        return _FIRST if self._as_before else self._sealing.head

    @property
    def heads(self) -> frozenset[int]:
        """The first bytes of all that this ring can open."""
        return frozenset(self._by_head) | ({_FIRST} if self._first else frozenset())

    def seal(self, text: str, place: str, row: str = "") -> bytes:
        """Encrypt `text` for a place: `table.column`, and what is known of its row that no other row has. Equal texts
        give different bytes."""
        head, nonce = bytes([self.head]), os.urandom(_NONCE_BYTES)
        return head + nonce + self._sealing.encrypt(nonce, text.encode(), _bound(head, place, row))

    def open(self, sealed: bytes, place: str, row: str = "") -> str:
        """Decrypt what `seal` made for this place. Raises SealBroken for anything else."""
        head, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        working = self._first if head == bytes([_FIRST]) else self._by_head.get(head[0]) if head else None
        if working is None:
            raise SealBroken(place=place)
        try:
            return working.decrypt(nonce, body, _bound(head, place, row)).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(place=place) from error

    def lookup(self, text: str) -> bytes:
        """A keyed hash: equal texts give equal bytes, and without the key nobody can try all phones."""
        digest = self._sealing.digest(text)
        return digest if self._as_before else bytes([self.head]) + digest

    def lookups(self, text: str) -> list[bytes]:
        """The hashes of a text that any key of the ring may have made: a look-up asks for all of them, so that it finds
        what a rotation has not come to yet."""
        bare = [self._first.digest(text)] if self._first else []
        return [bytes([each.head]) + each.digest(text) for each in self._workings] + bare

    def lot(self, text: str) -> int:
        """A number below 2**32 that nobody can foresee without the key; the same for the same text, as long as the
        oldest key is in the ring."""
        return int.from_bytes(self._workings[0].digest(text)[:4])

    @cached_property
    def link_keys(self) -> list[bytes]:
        """The keys of signed links sent to workers; the last one signs."""
        return [_derive(key.secret, b"signed links", hashes.SHA256()) for key in self._secrets]

    @cached_property
    def audit_keys(self) -> dict[int, bytes]:
        """The keys of the codes and hashes over the audit by their versions; the last one makes new ones."""
        return {key.version: _derive(key.secret, b"audit chain", hashes.SHA256()) for key in self._secrets}

    @property
    def audit_key(self) -> bytes:
        """The key that makes new codes and hashes over the audit."""
        return self.audit_keys[self._secrets[-1].version]


class _Working:
    """The working keys of one master key for one suite, derived at their first use."""

    def __init__(self, key: MasterKey, suite: Suite) -> None:
        self.key = key
        self.suite = suite
        self.head = _BOUND | (_GUOMI if suite is Suite.guomi else 0) | key.version

    @cached_property
    def _aead(self) -> AESGCM:
        return AESGCM(self._derived(b"field encryption"))

    @cached_property
    def _cipher_key(self) -> bytes:
        return self._derived(b"field encryption")[: SM4.block_size // 8]

    @cached_property
    def _lookup_key(self) -> bytes:
        return self._derived(b"look-up hash")

    def encrypt(self, nonce: bytes, clear: bytes, bound: bytes) -> bytes:
        if self.suite is Suite.international:
            return self._aead.encrypt(nonce, clear, bound)
        encryptor = Cipher(SM4(self._cipher_key), modes.GCM(nonce)).encryptor()
        encryptor.authenticate_additional_data(bound)
        return encryptor.update(clear) + encryptor.finalize() + encryptor.tag

    def decrypt(self, nonce: bytes, body: bytes, bound: bytes) -> bytes:
        if self.suite is Suite.international:
            return self._aead.decrypt(nonce, body, bound)
        mode = modes.GCM(nonce, body[-_TAG_BYTES:])
        decryptor = Cipher(SM4(self._cipher_key), mode).decryptor()
        decryptor.authenticate_additional_data(bound)
        return decryptor.update(body[:-_TAG_BYTES]) + decryptor.finalize()

    def digest(self, text: str) -> bytes:
        if self.suite is Suite.international:
            return hmac.new(self._lookup_key, text.encode(), hashlib.sha256).digest()
        keyed = HMAC(self._lookup_key, hashes.SM3())
        keyed.update(text.encode())
        return keyed.finalize()

    def _derived(self, purpose: bytes) -> bytes:
        return _derive(self.key.secret, purpose, hashes.SHA256() if self.suite is Suite.international else hashes.SM3())


def head_in_words(head: int) -> str:
    """A first byte for people: which key, and by which algorithms."""
    if head == _FIRST:
        return "1 international, not bound to its place"
    suite = Suite.guomi if head & _GUOMI else Suite.international
    return f"{head & _VERSION} {suite}"


def version_in(head: int) -> int:
    """The version of the key that a first byte names."""
    return 1 if head == _FIRST else head & _VERSION


def _bound(head: bytes, place: str, row: str) -> bytes:
    """What a sealed value is tied to. The first form knew no places."""
    return head if head == bytes([_FIRST]) else head + f"{place}\0{row}".encode()


def _derive(secret: bytes, purpose: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    return HKDF(algorithm=algorithm, length=len(secret), salt=None, info=b"hotline " + purpose).derive(secret)


def digits_only(phone: str) -> str:
    """A phone as digits, in full- or half-width, without signs or spaces, without the prefix +86."""
    digits = "".join(str(int(char)) for char in phone if char.isdecimal())
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
