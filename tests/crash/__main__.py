"""`python -m tests.crash --runs N --seed S`: play N runs and report what each found."""

import argparse
import asyncio
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from tests.crash import injection_run, mutants_suite
from tests.crash.disk import may_mount
from tests.crash.faults import KINDS
from tests.crash.plan import plan_of
from tests.crash.run import Outcome, run

SEED = 20_261_124
OTHERS = {"injection": injection_run.main, "mutants": mutants_suite.main}
MOST_LINES = 12  # of each list


def main() -> int:
    """Play the runs; exit 1 if one of them found anything."""
    if (other := OTHERS.get("".join(sys.argv[1:2]))) is not None:
        return other(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--runs", type=int, default=30, help="how many (default: 30)")
    parser.add_argument("--seed", type=int, default=SEED, help=f"of the first one ({SEED})")
    parser.add_argument("--short", action="store_true", help="no long silence of the broker")
    given = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    may_mount()
    bad = []
    for seed in range(given.seed, given.seed + given.runs):
        outcome = played(seed, short=given.short)
        print("\n".join(lines(outcome, short=given.short)), flush=True)
        if outcome.findings:
            bad.append(seed)
    print(f"{given.runs} runs, {len(bad)} with findings {bad or ''}")
    return bool(bad)


def played(seed: int, *, short: bool = False) -> Outcome:
    """Play the run of a seed in a folder of its own; it is kept if there are findings."""
    folder = Path(tempfile.mkdtemp(prefix=f"tower-crash-{seed}-"))
    outcome = asyncio.run(run(plan_of(seed, list(KINDS), short=short), folder))
    if outcome.findings:
        outcome.told.append(f"logs and feed are kept in {folder}")
    else:
        shutil.rmtree(folder)
    return outcome


def lines(outcome: Outcome, *, short: bool) -> list[str]:
    """Return a run in words."""
    facts, seed = outcome.facts, outcome.plan.seed
    said = [f"--- seed {seed}: {', '.join(each.kind for each in outcome.plan.strikes)}"]
    said += [f"  {each}" for each in outcome.told]
    said += _listed("repeated facts, same id and bytes", facts.repeated)
    said += _listed("KPI differences", outcome.kpi)
    said += _listed("lost facts", facts.lost)
    said += _listed("findings", outcome.findings)
    state = "NOT WELL" if outcome.findings else "well"
    said.append(
        f"  {state}: {outcome.events} events in {outcome.seconds:.1f} s; the same again:"
        f" make crash RUNS=1 SEED={seed}{' SHORT=1' if short else ''}"
    )
    return said


def _listed(name: str, items: list[str]) -> list[str]:
    shown = [f"    {each}" for each in items[:MOST_LINES]]
    if len(items) > MOST_LINES:
        shown.append(f"    and {len(items) - MOST_LINES} more")
    return [f"  {name}: {len(items)}", *shown]


if __name__ == "__main__":
    sys.exit(main())
