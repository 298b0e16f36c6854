"""What is sealed opens with its key, in its place, and nowhere else."""

import base64
import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from service.core.crypto import SealBroken, Suite, Vault
from service.core.keyring import KeyRingUnreadable, new_line, read_ring
from service.core.settings import Settings, SettingsMissing

PLACE, PHONE = "caller.phone_sealed", "13897001234"


def key(seed: str) -> str:
    return base64.b64encode(hashlib.sha256(seed.encode()).digest()).decode()


def vault(ring: str, suite: Suite = Suite.international) -> Vault:
    return Vault(read_ring(ring), suite)


FIRST, SECOND = f"1:{key('a')}", f"1:{key('a')}\n2:{key('b')}"


@pytest.mark.parametrize("sealing", Suite)
@pytest.mark.parametrize("opening", Suite)
def test_what_one_suite_seals_either_opens(sealing: Suite, opening: Suite) -> None:
    sealed = vault(FIRST, sealing).seal(PHONE, PLACE, "7")

    assert vault(SECOND, opening).open(sealed, PLACE, "7") == PHONE


@pytest.mark.parametrize("suite", Suite)
@pytest.mark.parametrize(("place", "row"), [(PLACE, "8"), ("caller.name_sealed", "7"), (PLACE, "")])
def test_a_value_opens_nowhere_but_in_its_place(suite: Suite, place: str, row: str) -> None:
    there = vault(FIRST, suite)

    with pytest.raises(SealBroken):
        there.open(there.seal(PHONE, PLACE, "7"), place, row)


@pytest.mark.parametrize("suite", Suite)
def test_a_bit_turned_anywhere_is_found(suite: Suite) -> None:
    there = vault(SECOND, suite)
    sealed = there.seal(PHONE, PLACE)
    for place in range(len(sealed)):
        turned = sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]
        with pytest.raises(SealBroken):
            there.open(turned, PLACE)


@given(st.binary(max_size=40))
def test_what_nobody_sealed_does_not_open(junk: bytes) -> None:
    with pytest.raises(SealBroken):
        vault(SECOND).open(junk, PLACE)


def test_the_newest_key_that_does_not_wait_seals_and_all_open() -> None:
    waiting = f"{SECOND} waiting"
    before = vault(FIRST).seal(PHONE, PLACE)
    during, after = vault(waiting).seal(PHONE, PLACE), vault(SECOND).seal(PHONE, PLACE)

    assert [sealed[0] & 0x3F for sealed in (before, during, after)] == [1, 1, 2]
    for ring in (waiting, SECOND):
        assert [vault(ring).open(sealed, PLACE) for sealed in (before, during, after)] == [PHONE] * 3
    with pytest.raises(SealBroken):
        vault(FIRST).open(after, PLACE)


def test_a_look_up_asks_for_what_any_key_and_suite_has_hashed() -> None:
    made = {vault(ring, suite).lookup(PHONE) for ring in (key("a"), FIRST, SECOND) for suite in Suite}

    assert made == set(vault(SECOND).lookups(PHONE))
    assert vault(SECOND).lookup(PHONE) not in vault(FIRST).lookups(PHONE)


def test_a_key_without_a_version_seals_as_the_release_before_reads() -> None:
    """Made with the library alone, as that release does."""

    def derived(purpose: bytes) -> bytes:
        secret = base64.b64decode(key("a"))
        return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"hotline " + purpose).derive(secret)

    there = vault(key("a"))
    sealed = there.seal(PHONE, PLACE, "7")
    assert AESGCM(derived(b"field encryption")).decrypt(sealed[1:13], sealed[13:], b"\x01").decode() == PHONE
    assert there.lookup(PHONE) == hmac.digest(derived(b"look-up hash"), PHONE.encode(), "sha256")
    assert there.link_keys == [derived(b"signed links")]
    for ring in (FIRST, SECOND):
        assert vault(ring).open(sealed, PLACE, "anywhere") == PHONE


@pytest.mark.parametrize(
    ("ring", "says"),
    [
        ("", "no key"),
        ("short", "key 1 is not 32 bytes"),
        (f"0:{key('a')}", "1 to 63"),
        (f"64:{key('a')}", "1 to 63"),
        (f"1:{key('a')}\n1:{key('b')}", "two keys have the version 1"),
        (f"1:{key('a')}\n2:{key('a')}", "the same key"),
        (f"1:{key('a')}\n{key('b')}", "key 2 has no version"),
        (f"{key('a')},{key('b')}", "key 1 has no version"),
        (f"1:{key('a')} waiting", "none may seal"),
        (f"1:{key('a')} later", "key 1 is not 32 bytes"),
    ],
)
def test_a_ring_that_is_none_is_refused_without_showing_a_key(ring: str, says: str) -> None:
    with pytest.raises(KeyRingUnreadable, match=says) as refusal:
        read_ring(ring)
    assert key("a") not in refusal.value.zh + refusal.value.en


def test_remarks_blank_lines_and_any_order_are_read() -> None:
    ring = read_ring(f"# 2026\r\n2:{key('b')}\n\n1: {key('a')}\n")
    assert [each.version for each in ring.keys] == [1, 2]
    assert read_ring(new_line(None)).sealing.version == 1
    assert read_ring(f"{FIRST}\n{new_line(read_ring(FIRST))}").sealing.version == 1, "a new key waits"
    assert key("a") not in repr(ring)


REGULAR = {
    "zeros": bytes(32),
    "a row of numbers": bytes(range(32)),
    "a pattern": b"ABCD" * 8,
    "twice the same half": hashlib.sha256(b"x").digest()[:16] * 2,
    "a pass phrase": b"correct horse battery staple 123",
}


@pytest.mark.parametrize("secret", REGULAR.values(), ids=REGULAR.keys())
def test_outside_the_demo_nothing_starts_with_a_key_that_is_not_random(secret: bytes) -> None:
    text = base64.b64encode(secret).decode()
    settings = Settings(master_key=text)  # type: ignore[arg-type]

    with pytest.raises(SettingsMissing, match="not made at random"):
        settings.key_ring()
    assert settings.model_copy(update={"demo": True}).key_ring().sealing.secret == secret


@given(st.randoms(use_true_random=True))
def test_a_random_key_is_never_taken_for_a_regular_one(random: object) -> None:
    assert not read_ring(new_line(None)).sealing.too_regular
