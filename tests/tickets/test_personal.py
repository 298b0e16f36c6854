"""Personal numbers are found however people write them, and what is none stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.db import FreeDocument, FreeText
from service.core.personal import is_identity_number, personal_numbers, without_numbers
from service.tables import METADATA

ID = "630102199001011235"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("工头13897001234,急", "工头138****1234,急"),
        ("电话:+86 138-9700-1234", "电话:138****1234"),
        ("138 9700 1234或139.9700.1235", "138****1234或139****1235"),
        ("１３８９７００１２３４", "138****1234"),
        ("1 3 8 9 7 0 0 1 2 3 4", "138****1234"),
        (f"身份证{ID}。", "身份证6301************35。"),
        ("630102 19900101 1235", "6301************35"),
        ("63010219900101123x", "6301************3X"),
        ("６３０１０２１９９００１０１１２３５", "6301************35"),
        ("6 3 0 1 0 2 1 9 9 0 0 1 0 1 1 2 3 5", "6301************35"),
        ("旧证630102900101123", "旧证6301*********23"),
        ("一字之差630102199001011239也是", "一字之差6301************39也是"),
    ],
)
def test_a_number_is_masked_and_the_text_around_it_stays(written: str, kept: str) -> None:
    assert without_numbers(written) == kept
    assert without_numbers(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "0971-8230000转801",
        "拨打12351或12345",
        "QH12351-20261122-000123",
        "欠薪1500.00 3000.00 1200元",
        "卡号6217001234567890123",
        "合同2026112212345678",
        "信用代码91630000MA7580XXXX",
        "113897007788号",
        "共13800元,11月22日",
        "2026-11-22T09:30:00+08:00",
        "12897001234",
        "990102199001011230",
    ],
)
def test_what_is_nobodys_number_stays(text: str) -> None:
    assert without_numbers(text) == text


@given(st.text(alphabet="0123456789 -１２马电话xX+", max_size=60), st.integers(13, 19), st.integers(0, 10**9 - 1))
def test_a_number_among_anything_is_not_left_in_clear(around: str, begins: int, rest: int) -> None:
    number = f"{begins}{rest:09}"
    kept = without_numbers(f"{around}。{number}。{around}")

    assert number not in kept
    assert without_numbers(kept) == kept or personal_numbers(around)


def test_a_check_digit_is_asked_of_what_somebody_types_into_a_field() -> None:
    assert [is_identity_number(text) for text in (ID, ID[:-1] + "1", "630102900101123", "1234")] == [
        True, False, True, False,
    ]  # fmt: skip


# As a column is called into which people type of a matter.
_WORDS = {
    "note", "text", "title", "body", "answer", "question", "ask", "comment", "basis", "instruction", "piece", "data",
    "filters", "text_zh", "text_en",
}  # fmt: skip
# Staff write these for everybody, of no matter.
_PUBLISHED = {"article_version", "reply_template_version", "org_unit"}


def test_every_column_of_peoples_words_masks_them() -> None:
    undecided = {
        f"{table.name}.{column.name}"
        for table in METADATA.tables.values()
        for column in table.columns
        if (column.name in _WORDS or column.name.endswith("_note")) and table.name not in _PUBLISHED
        if not isinstance(column.type, (FreeText, FreeDocument))
    }

    assert undecided == set()
