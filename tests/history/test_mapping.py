"""A mapping that cannot be meant is refused with its line before a row is read."""

import pytest

from service.history.mapping import HistoryMapping, MappingRefused, read_mapping
from tests.history.conftest import MAPPING

CODES = {
    "state": frozenset({"accepted", "to_sign", "in_progress", "closed"}),
    "kind": frozenset({"complaint"}),
    "channel": frozenset({"phone"}),
    "tier": frozenset({"ordinary"}),
    "category": frozenset({"0101", "9901"}),
    "place": frozenset({"632801"}),
    "holder": frozenset({"632801"}),
}


def read(content: str) -> HistoryMapping:
    return read_mapping(content, name="map.toml", codes=CODES)


def line_with(content: str, words: str) -> int:
    return next(number for number, line in enumerate(content.splitlines(), 1) if words in line)


CHECK = '[[check]]\ncolumn = "电话"\nzh = "没有电话"\nen = "no phone"\n'

FAULTS: dict[str, tuple[str, str, str]] = {
    # what is written, what instead, what the refusal says
    "no TOML": ("format = 1", "format = ", "not valid TOML"),
    "another format": ("format = 1", "format = 2", "must be 1"),
    "a kind nobody can say": ('kind = "old_line"', 'kind = "Old Line"', "2 to 32 lower-case letters"),
    "an unknown key": ("[time]", "[time]\nzones = 1", "unknown key; known: zone, formats"),
    "no such zone": ("[time]", '[time]\nzone = "Asia/Xining"', "there is no time zone Asia/Xining"),
    "a wrong rule for deadlines": ('by = "file"', 'by = "hand"', "must be one of file, policy"),
    "a last moment of nothing": ('by = "file"', 'by = "policy"', "has no meaning where the policy counts"),
    "a missing field": ('number = { column = "编号" }', "", "the field number is missing"),
    "an unknown field": ("[fields]", '[fields]\ncolour = { value = "red" }', "unknown key"),
    "two sources": ('{ value = "complaint" }', '{ value = "complaint", column = "类别" }', "exactly one of column"),
    "a constant's table": ('{ value = "complaint" }', '{ value = "complaint", table = "state" }', "go with column"),
    "a table that is not there": ('table = "state"', 'table = "states"', "there is no [tables.states]"),
    "an unknown word": ('"在办" = "in_progress"', '"在办" = "doing"', "'doing' is not a value of state; known: accep"),
    "an otherwise we do not know": ('otherwise = "9901"', 'otherwise = "42"', "'42' is not a value of category"),
    "a constant we do not know": ('{ value = "complaint" }', '{ value = "moan" }', "'moan' is not a value of kind"),
    "a constant number": ('number = { column = "编号" }', 'number = { value = "1" }', "must come from a column"),
    "a delimiter of two": ("[time]", '[file]\ndelimiter = "||"\n[time]', "must be one character"),
    "no such encoding": ("[time]", '[file]\nencoding = "gb99"\n[time]', "there is no encoding gb99"),
    "a check that does nothing": ("[time]", f'{CHECK}then = "sigh"\n[time]', "must be one of warn, refuse"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_is_refused(fault: str) -> None:
    written, instead, says = FAULTS[fault]
    assert MAPPING.count(written) == 1
    content = MAPPING.replace(written, instead)
    with pytest.raises(MappingRefused) as refusal:
        read(content)
    assert says in refusal.value.sentence("en")
    assert refusal.value.sentence("zh").startswith("map.toml")


@pytest.mark.parametrize(
    ("fault", "key"),
    [("an unknown word", "tables.state.在办"), ("no such zone", "time.zone"), ("two sources", "fields.kind")],
)
def test_with_the_line_and_the_key(fault: str, key: str) -> None:
    written, instead, _says = FAULTS[fault]
    content = MAPPING.replace(written, instead)
    with pytest.raises(MappingRefused) as refusal:
        read(content)
    line = line_with(content, instead.splitlines()[-1])
    assert refusal.value.sentence("en").startswith(f"map.toml, line {line}, {key}: ")
    assert refusal.value.sentence("zh").startswith(f"map.toml 第 {line} 行,{key}:")


def test_the_same_words_have_the_same_digest() -> None:
    assert read(MAPPING).digest == read(MAPPING).digest != read(MAPPING + "\n# 备注").digest
