"""The ring of master keys, as it stands in a file or the environment: one line for each key.

    1:<32 bytes, base64>
    2:<32 bytes, base64>
    3:<32 bytes, base64> waiting

The newest seals, all open; one that is `waiting` opens and does not seal yet, so that every process can be given it
before any uses it. A key alone, without a version, is the first one, as it was written before there were versions.
"""

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from itertools import pairwise

KEY_BYTES = 32
# Six bits of the byte in front of what is sealed.
VERSIONS = range(1, 64)
WAITING = "waiting"
_LINE = re.compile(rf"(?:(?P<version>\d{{1,3}}):)?\s*(?P<key>[A-Za-z0-9+/]+=*)(?:\s+(?P<waiting>{WAITING}))?")
# Of 32 random bytes some 30 differ, and so do the steps between them; below these a key was not made at random.
_LEAST_DIFFERENT, _LEAST_STEPS = 20, 16


class KeyRingUnreadable(ValueError):
    """What was given is no ring of keys. `zh` and `en` say what is wrong and never show a key."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class MasterKey:
    """One key. `secret` is 32 random bytes; one that is waiting does not seal yet."""

    version: int
    secret: bytes
    waiting: bool = False

    def __repr__(self) -> str:
        """Without the secret: a value that is printed is soon in a log."""
        return f"MasterKey({self.version})"

    @property
    def too_regular(self) -> bool:
        """Whether nobody made it at random: all zero, a pattern, a row of numbers, or a pass phrase."""
        steps = {(after - before) % 256 for before, after in pairwise(self.secret)}
        readable = all(32 <= byte < 127 for byte in self.secret)
        return len(set(self.secret)) < _LEAST_DIFFERENT or len(steps) < _LEAST_STEPS or readable


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys, oldest first. `numbered`: their versions were given."""

    keys: tuple[MasterKey, ...]
    numbered: bool = True

    @property
    def sealing(self) -> MasterKey:
        """The newest key that does not wait."""
        return [key for key in self.keys if not key.waiting][-1]


def read_ring(text: str) -> KeyRing:
    """The ring in a text; lines may also be set apart by commas. Raises KeyRingUnreadable."""
    lines = [line.strip() for line in re.split(r"[\n,]", text)]
    found = [_LINE.fullmatch(line) for line in lines if line and not line.startswith("#")]
    if not found:
        raise KeyRingUnreadable("没有密钥", "there is no key")
    numbered = any(match is not None and match["version"] for match in found)
    keys = []
    for place, match in enumerate(found, 1):
        secret = _secret(match["key"]) if match else b""
        if match is None or len(secret) != KEY_BYTES:
            raise KeyRingUnreadable(
                f"第 {place} 个密钥不是 {KEY_BYTES} 字节的 base64", f"key {place} is not {KEY_BYTES} bytes of base64"
            )
        if match["version"] is None and (numbered or len(found) > 1):
            raise KeyRingUnreadable(
                f"第 {place} 个密钥缺少版本号,请写作 版本号:密钥", f"key {place} has no version: write version:key"
            )
        keys.append(MasterKey(int(match["version"] or 1), secret, match["waiting"] is not None))
    keys.sort(key=lambda key: key.version)
    _check(keys)
    return KeyRing(tuple(keys), numbered=numbered)


def new_line(ring: KeyRing | None) -> str:
    """A line with a new random key for the end of a ring; the first of a new ring, else one that waits."""
    secret = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return f"{ring.keys[-1].version + 1}:{secret} {WAITING}" if ring else f"{VERSIONS[0]}:{secret}"


def _secret(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        return b""


def _check(keys: list[MasterKey]) -> None:
    for key in keys:
        if key.version not in VERSIONS:
            raise KeyRingUnreadable(
                f"密钥版本号须为 {VERSIONS[0]} 至 {VERSIONS[-1]}",
                f"the version of a key is {VERSIONS[0]} to {VERSIONS[-1]}",
            )
    for before, after in pairwise(keys):
        if before.version == after.version:
            raise KeyRingUnreadable(f"有两个版本 {after.version} 的密钥", f"two keys have the version {after.version}")
    if len({key.secret for key in keys}) < len(keys):
        raise KeyRingUnreadable("两个版本是同一个密钥", "two versions are the same key")
    if all(key.waiting for key in keys):
        raise KeyRingUnreadable(f"所有密钥都标着 {WAITING}", f"every key is marked {WAITING}: none may seal")
