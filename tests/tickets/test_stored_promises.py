"""The promise as a clock's row keeps it: all its rules, and what a row means that was written before they were."""

from datetime import time

import pytest

from service.sla.clocks import clock_promise, promise_document
from service.sla.models import SlaClock
from sla_rules import Promise


@pytest.mark.parametrize(
    "promise",
    [
        Promise("same_day", 1, start="same_day", end="office_end", cutoff=time(16, 30)),
        Promise("working_days", 5, start="same_day", end="office_end", quiet="pass"),
        Promise("calendar_days", 15, roll=False),
        Promise("real_minutes", 30, quiet="wait"),
    ],
)
def test_a_row_keeps_every_rule_of_its_promise(promise: Promise) -> None:
    assert clock_promise(SlaClock(promise=promise_document(promise))) == promise


def test_a_row_without_the_later_rules_keeps_its_units_own() -> None:
    row = SlaClock(promise={"unit": "real_minutes", "amount": 30, "roll": True, "cutoff": None})
    assert clock_promise(row) == Promise("real_minutes", 30, start="at_once", end="to_the_minute", quiet="pass")
