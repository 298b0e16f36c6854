"""Where in a TOML text a value stands, so that a refusal can name the line; tomllib keeps none."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence

# Strings come first, longest first, so that no sign inside one is taken for structure.
_TOKEN = re.compile(
    r'''"""(?:[^\\]|\\.)*?""""{0,2}|\'\'\'.*?\'\'\'\'{0,2}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\''''
    r"""|\#[^\n]*|\n|[\[\]{},=.]|[^\s\[\]{},=.\#"']+""",
    re.DOTALL,
)
_END = ""


def line_of(text: str, path: Sequence[str | int]) -> int | None:
    """The line, counted from 1, of `("promise", 3, "amount")` in a text that tomllib can read.

    A number in the path counts the entries of a list from 0. Where the last keys are missing it is the line of
    what should hold them, a list's missing entry that of the list; None when not even the first key is there.
    """
    lines = _Scanner(text).scan()
    for length in range(len(path), 0, -1):
        line = lines.get(tuple(path[:length]))
        if line is not None:
            return line
    return None


class _Scanner:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, int]] = []
        self._next = 0
        self._lines: dict[tuple[str | int, ...], int] = {}
        self._entries: dict[tuple[str | int, ...], int] = {}
        line, place = 1, 0
        for match in _TOKEN.finditer(text):
            line += text.count("\n", place, match.start())
            place = match.start()
            if not match[0].startswith("#"):
                self._tokens.append((match[0], line))

    def scan(self) -> dict[tuple[str | int, ...], int]:
        table: tuple[str | int, ...] = ()
        while (sign := self._peek()) != _END:
            if sign == "[":
                table = self._header()
            elif sign != "\n":
                self._entry(table)
            while self._take() not in ("\n", _END):
                pass
        return self._lines

    def _header(self) -> tuple[str | int, ...]:
        self._take()
        listed = self._peek() == "["
        if listed:
            self._take()
        line = self._line()
        path: tuple[str | int, ...] = ()
        keys = self._keys()
        for position, key in enumerate(keys, 1):
            path = (*path, key)
            if listed and position == len(keys):
                self._entries[path] = self._entries.get(path, 0) + 1
            self._lines.setdefault(path, line)
            if path in self._entries:
                path = (*path, self._entries[path] - 1)
                self._lines.setdefault(path, line)
        return path

    def _entry(self, table: tuple[str | int, ...]) -> None:
        line = self._line()
        for key in self._keys():
            table = (*table, key)
            self._lines.setdefault(table, line)
        self._take()  # the sign of equality
        self._value(table)

    def _value(self, path: tuple[str | int, ...]) -> None:
        opening = self._take()
        if opening == "[":
            self._list(path)
        elif opening == "{":
            while (sign := self._peek()) not in ("}", _END):
                if sign in (",", "\n"):
                    self._take()
                else:
                    self._entry(path)
            self._take()
        else:
            while self._peek() not in (",", "]", "}", "\n", _END):
                self._take()

    def _list(self, path: tuple[str | int, ...]) -> None:
        index = 0
        while (sign := self._peek()) not in ("]", _END):
            if sign in (",", "\n"):
                index += sign == ","
                self._take()
            else:
                self._lines.setdefault((*path, index), self._line())
                self._value((*path, index))
        self._take()

    def _keys(self) -> list[str]:
        keys = [_key(self._take())]
        while self._peek() == ".":
            self._take()
            keys.append(_key(self._take()))
        return keys

    def _peek(self) -> str:
        return self._tokens[self._next][0] if self._next < len(self._tokens) else _END

    def _line(self) -> int:
        return self._tokens[min(self._next, len(self._tokens) - 1)][1]

    def _take(self) -> str:
        sign = self._peek()
        self._next += 1
        return sign


def _key(sign: str) -> str:
    return str(tomllib.loads(f"key = {sign}")["key"]) if sign[:1] in ("'", '"') else sign
