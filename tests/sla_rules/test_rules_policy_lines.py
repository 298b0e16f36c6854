"""A fault in a policy file is named with its line, its key and its reason, whatever is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import sla_rules
from sla_rules import LadderInvalid, Policy, PolicyInvalid, load_policy, policy_from_document, read_policy

SHIPPED = (Path(sla_rules.__file__).parent / "policies" / "qinghai.toml").read_text(encoding="utf-8")
HERE = "# <-"  # stands, as a comment, on the line that has to be named

# Every value of the shipped file: what follows a sign of equality, with where it stands.
VALUES = [
    match.span(1)
    for match in re.finditer(r'(?m)(?:^ *|[{,] *)\w+ = ("[^"\n]*"|\[[^\]\n]*\]|true|false|[\d:.]+)', SHIPPED)
]
LINES_ANSWERED = re.compile(r"qinghai\.toml, line (\d+)[,:] ")

FIVE_DAYS = 'unit = "working_days"\namount = 5\n'
BREACH = 'name = "breach"\n  place = "due"\n  to = ["leader", "parent_leader"]'
FAULTS: list[tuple[str, str, str]] = [
    # what stands in the file, what is written instead, and what is said of it
    (FIVE_DAYS, f'unit = "working_days"\namuont = 5 {HERE}\n', "promise[2].amuont: unknown key"),
    (FIVE_DAYS, f'unit = "weeks" {HERE}\namount = 5\n', "promise[2].unit: unknown value 'weeks'"),
    (FIVE_DAYS, f'unit = "working_days"\namount = 0 {HERE}\n', "promise[2].amount: the amount must be 1 to"),
    (FIVE_DAYS, f'unit = "working_days"\namount = -5 {HERE}\n', "promise[2].amount: must be a whole number from"),
    (FIVE_DAYS, f'unit = "working_days"\namount = 1000001 {HERE}\n', "promise[2].amount: must be a whole number"),
    (FIVE_DAYS, f'unit = "working_days"\namount = 0x{"f" * 5000} {HERE}\n', "promise[2].amount: must be a whole"),
    (FIVE_DAYS, f'unit = "working_days"\namount = "five" {HERE}\n', "promise[2].amount: must be a whole number"),
    (FIVE_DAYS, f'unit = "working_days"\namount = 2.5 {HERE}\n', "promise[2].amount: must be a whole number"),
    (FIVE_DAYS, f'unit = "working_days"\namount = true {HERE}\n', "promise[2].amount: must be a whole number"),
    (FIVE_DAYS, f'{FIVE_DAYS}cutoff = 17:00:00 {HERE}\n', "promise[2].cutoff: a cut-off is a local time"),
    (FIVE_DAYS, f'{FIVE_DAYS}cutoff = 2026-01-01 {HERE}\n', "promise[2].cutoff: must be a local time"),
    (FIVE_DAYS, f'{FIVE_DAYS}roll = "yes" {HERE}\n', "promise[2].roll: must be true or false"),
    (
        'end = "end_of_day"\nquiet = "wait"\nsource = "12351 承诺:难点',
        f'end = "to_the_minute" {HERE}\nquiet = "wait"\nsource = "12351 承诺:难点',
        "promise[2].end: unknown value 'to_the_minute'; known for working_days: end_of_day, office_end",
    ),
    (
        '[[promise]]\nkind = "resolve"\ntier = "difficult"',
        f'[[promise]] {HERE}\nkind = "resolve"\ntier = "ordinary"',
        "promise[2]: the same case is promised twice",
    ),
    (
        '[[promise]]\nkind = "resolve"\ntier = "difficult"\nunit = "working_days"\namount = 5\n',
        f'[[promise]] {HERE}\nkind = "resolve"\ntier = "difficult"\nunit = "working_days"\n',
        "promise[2].amount: must be a whole number from 0 to 1000000, got None",
    ),
    (
        '[[promise]]\nkind = "resolve"\ntier = "ordinary"',
        f'[[promise]] {HERE}\nkind = "resolve"\ntier = "ordinary"\nurgent = true',
        "promise: nothing is promised for resolve of tier ordinary",
    ),
    (
        '[[ladder]]\nkind = "dispatch"\nsource',
        f'[[ladder]] {HERE}\nkind = "sign"\nsource',
        "ladder[4]: the same clock has two ladders",
    ),
    ('name = "most"', f'name = "half" {HERE}', "ladder[1].rung[2].name: two rungs are named 'half'"),
    ("value = 0.8", f"value = 8 {HERE}", "ladder[1].rung[2].value: must be a number from 0 to 1, got 8"),
    ("value = 0.8", f"value = 1.0 {HERE}", "ladder[1].rung[2].value: a fraction must lie between 0 and 1"),
    ("value = 0.8", f"value = nan {HERE}", "ladder[1].rung[2].value: must be a number from 0 to 1, got nan"),
    ("value = 240", f"value = 0 {HERE}", "ladder[2].rung[1].value: must be a whole number from 1"),
    (BREACH, f'{BREACH}\n  value = 1 {HERE}', "ladder[1].rung[3].value: the place `due` takes no value"),
    ('place = "due"', f'place = "soon" {HERE}', "ladder[1].rung[3].place: unknown value 'soon'"),
    (
        'to = ["handler", "leader"]',
        f'to = [\n  "handler",\n  "press", {HERE}\n  ]',
        "ladder[1].rung[1].to[2]: unknown value 'press'",
    ),
    ('to = ["deputy"]', f'to = ["deputy", "deputy"] {HERE}', "ladder[3].rung[1].to[2]: 'deputy' is named twice"),
    ('to = ["deputy"]', f"to = [] {HERE}", "ladder[3].rung[1].to: rung 'half' tells nobody and does nothing"),
    ('effects = ["bulletin"]', f'effects = ["dismiss"] {HERE}', "ladder[1].rung[5].effects[1]: unknown value"),
    ("[limits]", f"[[limits]] {HERE}", "limits: must be a table [limits], got ["),
    ("[recount]", f"[[recount]] {HERE}", "recount: must be a table [recount], got ["),
    ("[recount]", f"[recounts] {HERE}", "recounts: unknown key"),
    ('shorten = "keep"', f'shorten = "never" {HERE}', "recount.shorten: unknown value 'never'; known: keep, follow"),
    (
        'redo_max_rounds = { value = 2, source = "house default: then 督办 or a final answer signed by the head" }',
        f"redo_max_rounds = 2 {HERE}",
        "limits.redo_max_rounds: must be a table { value = …, source = … }, got 2",
    ),
    ("appeal_working_days = { value = 5", "appeal_working_days = { # <-\nvalue = 5", "not valid TOML"),
    ("[limits]", f"[limits]\nretention_years = 1 {HERE}", "limits.retention_years: unknown key"),
    ('version = "2026.1"', f"version = 2026.1 {HERE}", "version: must be a text, got 2026.1"),
    ('version = "2026.1"', f'version = " " {HERE}', "version: must be a text, got ' '"),
    (FIVE_DAYS, f'unit = "working_days"\namount = {HERE}\n', "not valid TOML: Invalid value"),
    (FIVE_DAYS, f'unit = "working_days"\namount = 5 5 {HERE}\n', "not valid TOML: Expected newline"),
    (FIVE_DAYS, f'{FIVE_DAYS}amount = 6 {HERE}\n', "not valid TOML: Cannot overwrite a value"),
]  # fmt: skip


def policy_or_refusal(text: str) -> Policy | PolicyInvalid:
    try:
        return read_policy(text, origin="qinghai.toml")
    except PolicyInvalid as refused:
        return refused


def line_marked(text: str) -> int:
    return next(number for number, line in enumerate(text.split("\n"), 1) if line.endswith(HERE))


@pytest.mark.parametrize(("written", "instead", "reason"), FAULTS, ids=[reason for _, _, reason in FAULTS])
def test_a_fault_is_named_with_its_line_its_key_and_its_reason(written: str, instead: str, reason: str) -> None:
    assert written in SHIPPED
    text = SHIPPED.replace(written, instead, 1)
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(text, origin="qinghai.toml")
    line = line_marked(text)
    between = ":" if reason.startswith("not valid") else ","
    assert refused.value.en.startswith(f"qinghai.toml, line {line}{between} {reason}")
    assert refused.value.zh.startswith(f"qinghai.toml 第 {line} 行")
    assert isinstance(refused.value, LadderInvalid) == (".rung[" in reason)


def test_a_clock_without_a_ladder_is_named_at_the_first_ladder() -> None:
    text = SHIPPED.replace("[[ladder]]", f"[[ladder]] {HERE}", 1)
    text = text.replace('kind = "callback"\nsource', 'kind = "callback"\nunit = "working_days"\nsource')
    with pytest.raises(PolicyInvalid, match="the callback clock has no ladder") as refused:
        read_policy(text, origin="qinghai.toml")
    assert f", line {line_marked(text)}, ladder:" in refused.value.en


def test_a_missing_limit_is_named_at_its_table() -> None:
    text = SHIPPED.replace("[limits]", f"[limits] {HERE}").replace("collective_threshold =", "# collective_threshold =")
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(text, origin="qinghai.toml")
    missing = "limits.collective_threshold: is missing; write { value = …, source = … }"
    assert refused.value.en == f"qinghai.toml, line {line_marked(text)}, {missing}"


def test_what_is_missing_from_the_whole_file_has_no_line() -> None:
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(SHIPPED.replace("title =", "# title ="), origin="qinghai.toml")
    assert refused.value.en == "qinghai.toml: title: must be a text, got None"
    assert refused.value.zh == "qinghai.toml:title:须为文字,现为 None"


def test_an_unclosed_string_is_named_at_the_last_line() -> None:
    text = SHIPPED.rstrip("\n") + '\nlast = """\n\n'
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(text, origin="qinghai.toml")
    assert refused.value.en.startswith(f"qinghai.toml, line {text.rstrip().count(chr(10)) + 1}: not valid TOML")


@pytest.mark.parametrize("rubbish", ["9" * 5000, "[" * 50_000], ids=["five thousand digits", "no end of brackets"])
def test_what_python_itself_refuses_to_read_is_refused_like_the_rest(rubbish: str) -> None:
    with pytest.raises(PolicyInvalid, match=r"^qinghai\.toml: can't be read: "):
        read_policy(SHIPPED.replace("amount = 5", f"amount = {rubbish}"), origin="qinghai.toml")


def test_a_long_value_is_quoted_in_part() -> None:
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(SHIPPED.replace('unit = "working_days"', f'unit = "{"w" * 9000}"', 1), origin="qinghai.toml")
    assert len(refused.value.en) < 300


def test_a_file_tells_its_lines_also_with_the_mark_some_editors_put_first(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    text = SHIPPED.replace("amount = 5", f"amount = 0 {HERE}")
    file.write_text(text.replace("\n", "\r\n"), encoding="utf-8-sig", newline="")
    with pytest.raises(PolicyInvalid, match=rf"^mine\.toml, line {line_marked(text)}, promise\[2\]\.amount: "):
        load_policy(file)


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "gbk.toml"
    file.write_text(SHIPPED, encoding="gb18030")
    with pytest.raises(PolicyInvalid, match="can't be read"):
        load_policy(file)


def test_a_stored_document_has_no_lines() -> None:
    stored = load_policy().to_document()
    stored["promise"][1]["amount"] = 0
    with pytest.raises(PolicyInvalid, match=r"^policy: promise\[2\]\.amount: the amount must be 1"):
        policy_from_document(stored)


def test_the_shipped_text_is_the_built_in_policy() -> None:
    assert read_policy(SHIPPED, origin="qinghai.toml") == load_policy()


@pytest.mark.parametrize("span", VALUES, ids=[f"line {SHIPPED.count(chr(10), 0, start) + 1}" for start, _ in VALUES])
def test_every_value_is_looked_at_and_named_at_its_own_line(span: tuple[int, int]) -> None:
    start, end = span
    with pytest.raises(PolicyInvalid) as refused:
        read_policy(f"{SHIPPED[:start]}{{}}{SHIPPED[end:]}", origin="qinghai.toml")
    answered = LINES_ANSWERED.match(refused.value.en)
    assert answered is not None
    assert int(answered[1]) == SHIPPED.count("\n", 0, start) + 1


RUBBISH = [
    "0", "-1", "1", "7", "1e400", "nan", "-inf", "1000000000", "0x" + "f" * 5000, "true", '""', '"wait"', '"resolve"',
    '"sign"', '"same_day"', '"real_minutes"', '"half"', '"due"', '"fraction"', "[]", "{}", "[[1]]", "{ value = 1 }",
    '["leader"]', '["leader", 3]', "07:32:00", "1979-05-27", "1979-05-27T07:32:00Z", '"17:00+08:00"', "'", '"', "[",
    "{ a = [", '"""', "", "#", "1 = 2", "\\", "\x00", "\n", "\n[[promise]]\n", "\n[limits.x]\n",
]  # fmt: skip


@given(
    span=st.sampled_from(VALUES),
    rubbish=st.sampled_from(RUBBISH)
    | st.text(max_size=12)
    | st.text(max_size=12).map(lambda words: f'"{words}"')
    | st.integers().map(str)
    | st.floats().map(str)
    | st.times().map(str),
)
def test_rubbish_in_place_of_a_value_is_refused_with_a_line_or_reads_as_a_policy(
    span: tuple[int, int], rubbish: str
) -> None:
    text = SHIPPED[: span[0]] + rubbish + SHIPPED[span[1] :]
    read = policy_or_refusal(text)
    if isinstance(read, Policy):
        assert policy_from_document(read.to_document()) == read
    else:
        assert LINES_ANSWERED.match(read.en), read.en
        assert re.match(r"qinghai\.toml 第 \d+ 行", read.zh), read.zh
