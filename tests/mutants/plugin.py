"""Loaded into pytest for the mutation run alone: few examples, the same in every run, and nothing kept between tests.

A calendar that was laid down before the fault was put in, or in another test, would hide the fault.
"""

from __future__ import annotations

import os
import sys
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, Phase, is_hypothesis_test, settings
from mutmut.mutation import trampoline

EXAMPLES = 10
RULES = ("sla_rules", "tests.sla_rules")

settings.register_profile(
    "mutants",
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # that a law is broken is enough; the smallest example isn't looked for
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")


def pytest_sessionstart() -> None:
    forget()
    # Every call asks which mutant is wanted, and asking the environment takes longer than most calls.
    wanted = os.environ.get("MUTANT_UNDER_TEST", "")
    trampoline.get_mutant_under_test = lambda: wanted


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # The first test that fails ends the run of a mutant, so the quick ones come first.
    items.sort(key=lambda item: (is_hypothesis_test(getattr(item, "obj", None)), item.nodeid))


@pytest.fixture(autouse=True)
def nothing_kept_while_learning() -> None:
    # mutmut first runs every test once, to learn which functions each of them reaches.
    if os.environ.get("MUTANT_UNDER_TEST") == "stats":
        forget()


def forget() -> None:
    """Empty the caches of the rules and of their tests."""
    for name, module in list(sys.modules.items()):
        if name.startswith(RULES):
            for value in list(vars(module).values()):
                if isinstance(value, type(lru_cache(forget))):
                    value.cache_clear()
