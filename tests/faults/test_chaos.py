"""The short form of `make chaos`: ten faults, two at a time, under load, and the whole checker behind them."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.chaos import FAULTS, run_on, table
from tests.faults.checker import Checker
from tests.faults.clients import Journal, Told

SHORT = (
    "kill -9 of an API",
    "kill -9 of the leader",
    "a worker frozen beyond the lease",
    "two leaders",
    "a scheduler's clock ahead",
    "kill -9 of PostgreSQL",
    "Redis flushed",
    "clients cut off",
    "processes cut off PostgreSQL",
    "the gateway takes and says it failed",
)


@pytest.mark.timeout(600)
def test_nothing_is_lost_and_nothing_happens_twice(tmp_path: Path) -> None:
    said: list[str] = []
    faults = tuple(fault for fault in FAULTS if fault.kind in SHORT)
    assert len(faults) == len(SHORT)
    with run_on(tmp_path, 12351, faults=faults, clients=3, say=said.append) as run:
        verdict = run.rounds(5, at_once=(2,))
        counts = run.journal.counts()
        caught = " ".join(
            Checker(run.ground, told_otherwise(run.journal), datetime.min.replace(tzinfo=UTC)).look(final=False).faults
        )

    assert not verdict.faults, "\n".join([*verdict.faults, *said, *table(run)])
    for lie in ("acknowledged and not there", "refused and done all the same", "a number that is not the key's"):
        assert lie in caught, "the checker would have noticed"
    assert verdict.figures["tickets"] > 0
    assert verdict.figures["rungs"] > 0
    assert counts["acknowledged"] > 20
    assert counts["refused"] > 0


def told_otherwise(journal: Journal) -> Journal:
    """What clients were told, with two lies in it: one step more than was taken, and one refused that was."""
    taken = next(told for told in journal.entries if told.acknowledged and told.step == "accept")
    others = [told for told in journal.entries if told is not taken]
    invented = Told("liar:000001", "register", 201, number="QH12351-20260101-999999", key="no such key")
    return Journal([*others, replace(taken, status=409), invented])
