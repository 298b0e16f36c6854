"""Encryption at rest and keyed look-up hashes (Personal Information Protection Law, art. 51).

One master key gives its working keys by HKDF, so that a key for one purpose never serves another.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"  # AES-256-GCM, first master key; the byte leaves room for SM4 and for rotated keys


class SealBroken(Exception):
    """A stored value was not sealed with this key or was altered."""


class Vault:
    """Seals personal fields and makes look-up hashes. `master` is 32 random bytes."""

    def __init__(self, master: bytes) -> None:
        if len(master) != KEY_BYTES:
            raise ValueError(f"the master key must be {KEY_BYTES} bytes, not {len(master)}")
        self._aead = AESGCM(_derive(master, b"field encryption"))
        self._lookup_key = _derive(master, b"look-up hash")
        self._link_key = _derive(master, b"signed links")
        self._audit_key = _derive(master, b"audit chain")

    def seal(self, text: str) -> bytes:
        """Encrypt `text`; equal texts give different bytes."""
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + nonce + self._aead.encrypt(nonce, text.encode(), _FORMAT)

    def open(self, sealed: bytes) -> str:
        """Decrypt what `seal` made. Raises SealBroken for anything else."""
        head, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return self._aead.decrypt(nonce, body, head).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken from error

    def lookup(self, text: str) -> bytes:
        """A keyed hash: equal texts give equal bytes, and without the key nobody can try all phones."""
        return hmac.new(self._lookup_key, text.encode(), hashlib.sha256).digest()

    @property
    def link_key(self) -> bytes:
        """The key for signing links sent to workers."""
        return self._link_key

    @property
    def audit_key(self) -> bytes:
        """The key of the codes and hashes over the audit."""
        return self._audit_key


def _derive(master: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"hotline " + purpose).derive(master)


def digits_only(phone: str) -> str:
    """A phone as digits, in full- or half-width, without signs or spaces, without the prefix +86."""
    digits = "".join(str(int(char)) for char in phone if char.isdecimal())
    return digits[2:] if len(digits) == 13 and digits.startswith("86") else digits
