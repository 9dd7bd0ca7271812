"""`python -m tests.model`: play histories and report the ones that differ from the oracle."""

import argparse
import sys
import time

from .mutants import MUTANTS
from .world import World


def broken(mutant: str, start: int, seeds: int) -> int:
    """Return how many histories a mutant breaks."""
    return sum(bool(World(seed, mutant).run()) for seed in range(start, start + seeds))


def main() -> int:
    """Play; exit 1 when a history of the full protocol differs or a mutant survives."""
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--mutants", action="store_true", help="count what each mutant breaks")
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS])
    options = parser.parse_args()
    if options.mutants:
        survivors = 0
        for mutant, rule in MUTANTS.items():
            count = broken(mutant, options.start, options.seeds)
            survivors += not count
            print(f"| `{mutant}` | {rule} | {count} |", flush=True)
        return int(survivors > 0)
    failed, began = 0, time.monotonic()
    for seed in range(options.start, options.start + options.seeds):
        problems = World(seed, options.mutant).run()
        if problems:
            failed += 1
            print(f"seed {seed}: {problems[0][:600]}", flush=True)
    spent = time.monotonic() - began
    print(f"{options.seeds} histories, {failed} differ, {spent:.1f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
