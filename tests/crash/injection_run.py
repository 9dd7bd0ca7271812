"""`python -m tests.crash.injection_run --runs N --seed S`: real runs with mishaps on the way.

Workers, broker, feed and verdict are those of the other runs; the workers come and go and are
killed, and meanwhile everything that can befall a batch befalls some of them.
"""

import argparse
import asyncio
import logging
import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from tests.crash.injection import Meddler, Mishaps
from tests.crash.injection_worker import COMMAND, INJECTED, environment
from tests.crash.plan import Plan, Strike, plan_of
from tests.crash.run import Outcome, run

KINDS = (
    "kill", "more workers", "kill in a flush", "kill", "flapping", "kill in a flush",
    "terminate", "more workers", "kill in recovery",
)  # fmt: skip
STRIKES, SECONDS = 5, 15.0  # of a run, and how long it is published
SHARE = 0.06  # of the batches, of the answers, and of the looks at the reader
LATE = (
    "delivered after a rebalance", "records handed over late",
    "records handed over after a rebalance",
)  # fmt: skip
EVERY = (*Mishaps.KINDS, *Meddler.MOVES, *Meddler.ANSWERS, *LATE)
_LINE = re.compile(rf"^{INJECTED}(.+?) \S+/\d+", re.MULTILINE)


@dataclass(frozen=True)
class Injected:
    """What a run found, and how often each mishap befell it."""

    outcome: Outcome
    mishaps: Counter[str]
    again: int  # times the feed asked for something again

    @property
    def harm(self) -> bool:
        """Whether who reads the outputs would notice, or a worker refused to go on."""
        facts, others = self.outcome.facts, self.outcome.others
        refused = any(" ended with 1: " in each for each in others)
        return bool(self.outcome.kpi or facts.lost or facts.foreign or refused)


def planned(seed: int) -> Plan:
    """Return the run of a seed: two workers that are killed and joined by others."""
    chance = Random(seed)  # noqa: S311 - to be had again
    plan = plan_of(seed, KINDS, short=True)
    strikes = tuple(
        Strike(
            SECONDS * (number + 1) / (STRIKES + 1),
            KINDS[(seed * STRIKES + number) % len(KINDS)],
            chance.getrandbits(32),
        )
        for number in range(STRIKES)
    )
    return replace(plan, workers=2, seconds=SECONDS, strikes=strikes)


def injected(seed: int, folder: Path, share: float = SHARE, mutant: str = "") -> Injected:
    """Play the run of a seed; `mutant` is a rule the workers leave out."""
    env = environment(folder / "turns", seed, share, mutant)
    outcome = asyncio.run(run(planned(seed), folder, COMMAND, env))
    said = "\n".join(log.read_text(errors="replace") for log in folder.glob("worker-*.log"))
    return Injected(outcome, Counter(_LINE.findall(said)), said.count(" again\n"))


def main(words: list[str] | None = None) -> int:
    """Play the runs; exit 1 if one of them found anything, of a mutant if none did."""
    parser = argparse.ArgumentParser(prog="injection", description=__doc__)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=20_261_124)
    parser.add_argument("--mutant", default="", help="a rule for the workers to leave out")
    given = parser.parse_args(words)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    bad, mishaps = [], Counter[str]()
    for number in range(given.runs):
        done = played(given.seed + number, given.mutant)
        mishaps += done.mishaps
        print(told(done), flush=True)
        if given.mutant and done.harm:
            print(f"{given.mutant}: caught in run {number + 1} of {given.runs}")
            return 0
        if done.outcome.findings:
            bad.append(given.seed + number)
    print("\n".join(f"  {mishaps[kind]:5} {kind}" for kind in EVERY))
    print(f"{given.runs} runs, {len(bad)} with findings {bad or ''}")
    return bool(bad) or bool(given.mutant)


def played(seed: int, mutant: str) -> Injected:
    """Play the run of a seed in a folder of its own; it is kept if there are findings."""
    folder = Path(tempfile.mkdtemp(prefix=f"tower-injection-{seed}-"))
    done = injected(seed, folder, mutant=mutant)
    if not done.outcome.findings:
        shutil.rmtree(folder)
    return done


def told(done: Injected) -> str:
    """Return a run in words."""
    outcome, facts = done.outcome, done.outcome.facts
    line = (
        f"seed {outcome.plan.seed}: {outcome.events} events, {done.mishaps.total()} mishaps,"
        f" asked again {done.again} times; KPI differences {len(outcome.kpi)}, lost facts"
        f" {len(facts.lost)}, repeated {len(facts.repeated)}, findings"
        f" {len(outcome.findings)}, {outcome.seconds:.0f} s"
    )
    return "\n".join([line, *(f"  {each[:600]}" for each in outcome.findings[:8])])


if __name__ == "__main__":
    sys.exit(main())
