"""Which passwords are taken, and how they are kept."""

import pytest
from argon2 import PasswordHasher

from service.core.errors import Malformed
from service.identity import passwords
from service.identity.passwords import (
    PasswordHoldsName,
    PasswordHoldsOwnWord,
    PasswordKnown,
    PasswordTooEven,
    PasswordTooLong,
    PasswordTooShort,
    check_password,
    hash_password,
    is_outdated,
    matches,
    new_password,
)
from tests.known_passwords import FILE, OF_THIS_COUNTRY, content, entries


def check(password: str, *, username: str = "handler-632801", display_name: str = "马小明") -> None:
    check_password(password, username=username, display_name=display_name)


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "vulture sandal moss",
        "八月的湖边没有一个人影子",
        "我家 门口 有三棵 老榆树",
        "  spaces at both ends  ",
        "jxqv mkte rwbz",
        "ﬀﬀ ligatures are counted apart",
        "e" * 5 + " tangled ropes by the quay " * 4,
        "zQ7#v!mW2@pL",
        "绿豆汤 2 碗, 不加糖!",
    ],
)
def test_long_ones_are_taken_whatever_they_are_made_of(password: str) -> None:
    check(password)


@pytest.mark.parametrize(
    ("password", "refusal"),
    [
        ("", PasswordTooShort),
        ("elevenchars", PasswordTooShort),
        ("一二三四五六七八九十一", PasswordTooShort),
        ("moss " * 52, PasswordTooLong),
        ("Handler-632801 moss", PasswordHoldsName),
        ("moss h4ndl3r632801 fern", PasswordHoldsName),
        ("马小明的密码真的很长很长", PasswordHoldsName),
        ("my 12351 password", PasswordHoldsOwnWord),
        ("Q1NGHAI lake at dawn", PasswordHoldsOwnWord),
        ("ｇｏｎｇｈｕｉ moss fern", PasswordHoldsOwnWord),
        ("县总工会的干部最爱喝奶茶", PasswordHoldsOwnWord),
        ("aaaaaaaaaaaa", PasswordTooEven),
        ("abababababab", PasswordTooEven),
        ("mossmossmoss", PasswordTooEven),
        ("我爱大山我爱大山我爱大山", PasswordTooEven),
        ("1234567890123", PasswordTooEven),
        ("qwertyuiop[]", PasswordTooEven),
        ("1qaz2wsx3edc4rfv", PasswordTooEven),
        ("abcd1234efgh5678", PasswordTooEven),
        ("aabbccddeeff", PasswordTooEven),
        ("987654321zyxw", PasswordTooEven),
        ("password12345678", PasswordKnown),
        ("P@ssw0rd20261122", PasswordKnown),
        ("!!dragon1987!!", PasswordKnown),
        ("passwordpassword", PasswordKnown),
        ("trustno1trustno1", PasswordKnown),
        ("Zhangwei.880808", PasswordKnown),
        ("woaini1314520!", PasswordKnown),
        ("international", PasswordKnown),
        ("1q2w3e4r5t6y7u", PasswordTooEven),
    ],
)
def test_what_is_guessed_first_is_refused_by_its_rule(password: str, refusal: type[Malformed]) -> None:
    with pytest.raises(refusal) as caught:
        check(password)
    assert caught.value.sentence("zh") != caught.value.sentence("en")


def test_a_name_of_two_letters_does_not_spoil_half_the_dictionary() -> None:
    check("vulture sandal moss", username="an", display_name="莫")


def test_the_same_password_from_another_keyboard_is_the_same() -> None:
    stored = hash_password("caf\u00e9 au lait, 2 tasses")

    assert matches(stored, "cafe\u0301 au lait, \uff12 tasses")
    assert not matches(stored, "cafe au lait, 2 tasses")
    assert not matches(None, "caf\u00e9 au lait, 2 tasses")
    assert not matches("rubbish", "caf\u00e9 au lait, 2 tasses")


def test_one_made_for_somebody_keeps_the_rules_and_is_another_each_time() -> None:
    made = {new_password() for _ in range(50)}

    assert len(made) == 50
    for password in made:
        check(password)


def test_one_hashed_more_cheaply_is_outdated() -> None:
    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8_192, parallelism=1).hash("vulture sandal moss"))
    assert not is_outdated(hash_password("vulture sandal moss"))


def test_the_list_is_the_one_its_script_makes_and_is_small() -> None:
    assert FILE.read_bytes() == content(), "run python -m tests.known_passwords"
    assert FILE.stat().st_size < 400_000


def test_every_entry_of_the_list_is_found_and_little_else() -> None:
    listed = entries()
    known = FILE.read_bytes()
    assert set(OF_THIS_COUNTRY) - listed == {entry for entry in OF_THIS_COUNTRY if len(entry) < 4}
    assert all(passwords._holds(known, passwords.digest_of(entry)) for entry in listed)
    strangers = [f"stranger {number}" for number in range(20_000)]
    assert sum(passwords._holds(known, passwords.digest_of(each)) for each in strangers) <= 4
