"""Every rule left out is seen; with all of them nothing is."""

import pytest

from tests.crash.mutants import MUTANTS
from tests.crash.mutants_suite import HISTORIES, PROGRAM, RUNS, hunted


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(name: str, seed: int) -> None:
    caught = hunted(name, seed)
    assert caught is not None
    assert caught.run <= RUNS


def test_the_program_passes_a_run(seed: int) -> None:
    assert hunted(PROGRAM, seed, runs=1) is None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_program_passes_many_runs(seed: int) -> None:
    assert hunted(PROGRAM, seed + HISTORIES, runs=5) is None
