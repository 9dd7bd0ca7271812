"""The real folds lose nothing, invent nothing and repeat only what is the same, by seed."""

import pytest

from .__main__ import problems
from .mutants import MUTANTS

HISTORIES = 60
LEARNING = 12
MANY = 250
BOUND = 400  # histories within which every mutant must have been caught


@pytest.mark.timeout(300)
def test_crashes_change_nothing():
    assert {seed: found for seed in range(HISTORIES) if (found := problems(seed))} == {}


@pytest.mark.timeout(300)
def test_crashes_lose_no_label_and_teach_none_twice():
    wrong = {
        seed: found for seed in range(LEARNING) if (found := problems(seed, learning=True))
    }
    assert wrong == {}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_crashes_teach_nothing_else_in_many_histories():
    seeds = range(20_000, 20_200)
    wrong = {seed: found for seed in seeds if (found := problems(seed, learning=True))}
    assert wrong == {}


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
