"""The real folds lose nothing, invent nothing and repeat only what is the same, by seed."""

import pytest

from .__main__ import problems
from .mutants import MUTANTS

HISTORIES = 60
MANY = 250
BOUND = 400  # histories within which every mutant must have been caught


def test_crashes_change_nothing():
    assert {seed: found for seed in range(HISTORIES) if (found := problems(seed))} == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("first", range(10_000, 11_000, MANY))
def test_crashes_change_nothing_in_many_histories(first: int):
    seeds = range(first, first + MANY)
    assert {seed: found for seed in seeds if (found := problems(seed))} == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_without_a_rule_something_goes_wrong(mutant: str):
    with MUTANTS[mutant]():
        assert any(problems(seed) for seed in range(BOUND))
