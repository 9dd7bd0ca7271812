"""`python -m tests.crash.mutants_suite --seed S`: is every mutant caught, and the program not?

One run is thirty histories in memory. A mutant is caught by what somebody who reads the
outputs would see: a KPI that is not the replay's, a lost output, an output nothing leads to,
or a worker that refuses to go on. A row that differs counts for the program, not for a mutant.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.crash.mutants import MUTANTS
from tests.crash.mutants_world import problems, sign_of

RUNS = 30
HISTORIES = 30  # of one run
PROGRAM = "(the program as it is)"
MOST_LETTERS = 160


@dataclass(frozen=True)
class Caught:
    """The first harm that was seen: in which run, history and way."""

    run: int
    seed: int
    sign: str
    problem: str


def patched(name: str) -> AbstractContextManager[Any]:
    """Return the program with a rule left out, or as it is."""
    return nullcontext() if name == PROGRAM else MUTANTS[name].patched()


def histories(seed: int, runs: int) -> Iterator[tuple[int, int]]:
    """Yield (run, seed of a history), runs counted from 1."""
    for run in range(1, runs + 1):
        for number in range(HISTORIES):
            yield run, seed + (run - 1) * HISTORIES + number


def hunted(name: str, seed: int, runs: int = RUNS) -> Caught | None:
    """Return the first harm a mutant does; of the program, the first thing that is wrong."""
    with patched(name):
        for run, each in histories(seed, runs):
            for problem in problems(each):
                sign = sign_of(problem) or ("another" if name == PROGRAM else None)
                if sign is not None:
                    return Caught(run, each, sign, problem)
    return None


def line(name: str, caught: Caught | None, runs: int) -> str:
    """Return one line of the table."""
    if caught is None:
        return f"{name:36} nothing found in {runs} runs"
    return (
        f"{name:36} caught in run {caught.run:2} of {runs}, history {caught.seed},"
        f" by {caught.sign}: {caught.problem[:MOST_LETTERS]}"
    )


def main(words: list[str] | None = None) -> int:
    """Print the table; exit 1 if a mutant got away or the program was found wanting."""
    parser = argparse.ArgumentParser(prog="mutants", description=__doc__)
    parser.add_argument("--seed", type=int, default=20_261_124, help="of the first history")
    parser.add_argument("--runs", type=int, default=RUNS, help=f"at most ({RUNS})")
    parser.add_argument("--mutant", choices=list(MUTANTS), help="only this one")
    given = parser.parse_args(words)
    names = [given.mutant] if given.mutant else [*MUTANTS, PROGRAM]
    wrong = 0
    for name in names:
        caught = hunted(name, given.seed, given.runs)
        print(line(name, caught, given.runs), flush=True)
        wrong += (caught is None) != (name == PROGRAM)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
