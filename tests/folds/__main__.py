"""`python -m tests.folds --seeds N`: play histories and report those that go wrong."""

import argparse
import sys
import time
from contextlib import nullcontext

from .mutants import MUTANTS, short_times
from .world import run


def problems(seed: int, *, learning: bool = False) -> list[str]:
    """Play one history under short times; `learning` predicts, and learns from the ends."""
    with short_times(cached=(1, 2, 20_000)[seed % 3]):
        return run(seed, learning=learning)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.folds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--mutant", default="", choices=["", *MUTANTS])
    options = parser.parse_args()
    failed, began = 0, time.monotonic()
    with MUTANTS[options.mutant]() if options.mutant else nullcontext():
        for seed in range(options.start, options.start + options.seeds):
            if found := problems(seed):
                failed += 1
                print(f"seed {seed}: {len(found)}: {found[0][:900]}", flush=True)
    print(f"{options.seeds} histories, {failed} wrong, {time.monotonic() - began:.1f} s")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
