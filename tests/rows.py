"""The rows of the shared vectors: where they lie, and which of them a test stands for.

A test says its rows beside itself, `@covers("S13")`, and tests/sla_rules/test_rules_inventory.py fails for a row that
no test names. Where the shared folder is absent the project's own copies of the numbers stand in.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

VECTORS = Path(__file__).resolve().parents[2] / "shared" / "vectors"

Test = TypeVar("Test", bound=Callable[..., Any])


def shared(name: str) -> Path | None:
    """The shared file of that name, None in a checkout without it."""
    path = VECTORS / name
    return path if path.is_file() else None


def covers(*names: str, table: Iterable[tuple[Any, ...]] = ()) -> Callable[[Test], Test]:
    """Say that a test stands for the rows of these names, or for those that open the entries of a table.

    A letter after a row's number tells apart the several answers of one row ("A2b" is of A2).
    """

    def say(test: Test) -> Test:
        test.rows = (names, tuple(table))  # type: ignore[attr-defined]
        return test

    return say
