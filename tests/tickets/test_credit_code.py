"""The unified social credit code: GB 32100-2015."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.tickets.credit_code import (
    ALPHABET,
    CreditCodeMistyped,
    CreditCodeUnreadable,
    check_character,
    credit_code,
)

# Published codes of well-known bodies, with a digit and with a letter at the end.
PUBLISHED = ["914403001922038216", "9144030071526726XG", "91110000802100433B", "91110108551385082Q"]


@pytest.mark.parametrize("code", PUBLISHED)
def test_published_codes_are_right(code: str) -> None:
    assert credit_code(code) == code
    assert credit_code(f" {code[:8].lower()} {code[8:]} ") == code


def test_the_worked_example_of_the_standard_has_the_check_character_3() -> None:
    assert check_character("91350100M000100Y4") == "3"


def test_a_sum_that_31_divides_is_checked_by_0() -> None:
    assert check_character("0" * 17) == "0"


@pytest.mark.parametrize(
    "typed", ["", "91440300192203821", "9144030019220382161", "I14403001922038216", "91X403001922038216"]
)
def test_another_form_is_no_code(typed: str) -> None:
    with pytest.raises(CreditCodeUnreadable):
        credit_code(typed)


@given(st.sampled_from(PUBLISHED), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_character_mistyped_is_always_noticed(code: str, place: int, char: str) -> None:
    typed = code[:place] + char + code[place + 1 :]
    if typed == code:
        assert credit_code(typed) == code
    else:
        with pytest.raises((CreditCodeMistyped, CreditCodeUnreadable)):
            credit_code(typed)


@given(st.sampled_from(PUBLISHED), st.integers(0, 16))
def test_two_neighbours_exchanged_are_noticed(code: str, place: int) -> None:
    typed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if typed != code:
        with pytest.raises((CreditCodeMistyped, CreditCodeUnreadable)):
            credit_code(typed)
