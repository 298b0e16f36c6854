"""The line of every value, in files written in all the ways TOML allows."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import sla_rules
from sla_rules.toml_lines import line_of

TEXT = '''# [[not.a.header]]
title = "a = # [b]"   # title again = 2
motto = """
[[layer]]
fake = 1
\\""" ""still"""""
path = 'C:\\new'
raw = \'\'\'
[x]\'\'\'\'\'
a.b . "c.d" = 1

[[layer]]
name = "one"
days = [ # [
  2026-01-01, # "
  2026-01-02,
  [ 1, 2,
    3 ],
]

  [[layer.day]]
  date = 2026-05-04
  hours = ["08:30-12:00"]

  [[layer.day]]
  hours = []

[[ layer ]]
point = { x = 1, "y z" = { deep = 3 }, list = [{ a = 1 }, { b = 2 }] }
  [layer.extra]
  key = 1
  [[layer.day]]
  date = 2026-05-05T08:00:00.5Z
["quoted \\u0041"]
last = 1.5'''


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value that holds no other, with the way to it."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from leaves(entry, (*path, key))
    if not isinstance(value, dict | list):
        yield path, value


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("motto",), 3),
        (("path",), 7),
        (("raw",), 8),
        (("a", "b", "c.d"), 10),
        (("layer",), 12),
        (("layer", 0), 12),
        (("layer", 0, "name"), 13),
        (("layer", 0, "days"), 14),
        (("layer", 0, "days", 0), 15),
        (("layer", 0, "days", 1), 16),
        (("layer", 0, "days", 2, 1), 17),
        (("layer", 0, "days", 2, 2), 18),
        (("layer", 0, "day", 0), 21),
        (("layer", 0, "day", 0, "date"), 22),
        (("layer", 0, "day", 1, "hours"), 26),
        (("layer", 1), 28),
        (("layer", 1, "point", "y z", "deep"), 29),
        (("layer", 1, "point", "list", 1, "b"), 29),
        (("layer", 1, "extra", "key"), 31),
        (("layer", 1, "day", 0, "date"), 33),
        (("quoted A", "last"), 35),
    ],
)
def test_every_value_has_its_line(path: tuple[str | int, ...], line: int) -> None:
    assert line_of(TEXT, path) == line
    assert line_of(TEXT.replace("\n", "\r\n"), path) == line, "with the line ends of Windows"


def test_the_text_above_says_to_tomllib_what_it_says_here() -> None:
    paths = dict(leaves(tomllib.loads(TEXT)))
    assert paths["motto",] == '[[layer]]\nfake = 1\n""" ""still""'
    assert paths["quoted A", "last"] == 1.5


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("layer", 0, "day", 1, "date"), 25),  # the entry without a date
        (("layer", 0, "day", 7), 21),
        (("layer", 1, "point", "z"), 29),
        (("nothing", 0), None),
        ((), None),
    ],
)
def test_what_is_missing_has_the_line_of_what_should_hold_it(path: tuple[str | int, ...], line: int | None) -> None:
    assert line_of(TEXT, path) == line


@pytest.mark.parametrize("text", ["", "\n", "# only a remark"])
def test_an_empty_text_has_no_lines(text: str) -> None:
    assert line_of(text, ("key",)) is None


def test_every_value_of_the_files_in_this_house_is_found() -> None:
    folder = Path(sla_rules.__file__).parent
    for path in [*folder.glob("policies/*.toml"), folder / "calendars/2012.toml", folder / "calendars/2026.toml"]:
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for way, value in leaves(tomllib.loads(text)):
            line = line_of(text, way)
            assert line is not None
            stands = lines[line - 1]
            written = value if isinstance(value, str) else str(value).lower()
            assert written in stands, f"{path.name}: {way} is not in line {line}: {stands}"
            if isinstance(way[-1], str):
                assert way[-1] in stands
