"""The worker's command with mishaps on the way of its batches.

`python -m tests.crash.injection_worker` is `tower worker`, tampered with from outside.
`CRASH_INJECTION` is FOLDER:SEED:SHARE. The processes of a run take turns in the folder, so
that each has chances of its own that can be had again. `CRASH_MUTANT` names a rule to leave
out. Every mishap is a line on standard error that begins with "injected ".
"""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

from streams.cli.main import main
from streams.engine.feed import Feed
from tests.crash.injection import Meddler, Mishaps, Tell, another

INJECTED = "injected "
COMMAND = (sys.executable, "-m", "tests.crash.injection_worker")


def told(line: str) -> None:
    """Say at once what was done: the process may be killed in the next moment."""
    os.write(2, f"{INJECTED}{line}\n".encode())


def environment(folder: Path, seed: int, share: float, mutant: str = "") -> dict[str, str]:
    """Return what lets the workers of a run be tampered with."""
    folder.mkdir(exist_ok=True)
    here = Path(__file__).resolve().parents[2]
    return {
        "CRASH_INJECTION": f"{folder}:{seed}:{share}",
        "CRASH_MUTANT": mutant,
        "PYTHONPATH": str(here),
    }


class _Way:
    """A channel on which batches meet with mishaps."""

    def __init__(self, channel: Any, mishaps: Mishaps) -> None:
        self._channel, self._mishaps = channel, mishaps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)

    async def put(self, value: Any) -> None:
        for each in self._mishaps.passed(value):
            await self._channel.put(each)


@contextmanager
def tampered(chance: Random, share: float, tell: Tell = told) -> Iterator[None]:
    """Let every feed of this process be disturbed."""
    made, run, look, opened = Feed.__init__, Feed.run, Feed._look, Feed.opened
    disturbers: list[Meddler | Mishaps] = []

    def init(self: Feed, consumer: Any, *rest: Any, **more: Any) -> None:
        meddler = Meddler(consumer, another(chance), share / 2, tell)
        disturbers.append(meddler)
        made(self, meddler, *rest, **more)

    async def running(self: Feed, source: Any, channel: Any) -> None:
        mishaps = Mishaps(another(chance), share, tell)
        disturbers.append(mishaps)
        await run(self, source, _Way(channel, mishaps))  # type: ignore[arg-type]

    async def looking(self: Feed, tp: Any) -> None:
        await self._consumer.meddle(tp)
        await look(self, tp)

    def opening(self: Feed, tp: Any) -> None:
        for each in disturbers:
            each.rebalanced()
        opened(self, tp)

    with ExitStack() as patches:
        for name, stand_in in (
            ("__init__", init), ("run", running), ("_look", looking), ("opened", opening),
        ):  # fmt: skip
            patches.enter_context(patch.object(Feed, name, stand_in))
        yield


def turn(folder: Path) -> int:
    """Return the number of this process among those of a run."""
    number = 0
    while True:
        try:
            (folder / str(number)).mkdir()
        except FileExistsError:
            number += 1
        else:
            return number


def work(environ: Mapping[str, str], words: Iterable[str]) -> None:
    """Run the worker's command, tampered with as the environment says."""
    with ExitStack() as patches:
        if name := environ.get("CRASH_MUTANT"):
            from tests.crash.mutants import MUTANTS  # noqa: PLC0415 - the others start sooner

            patches.enter_context(MUTANTS[name].patched())
        if given := environ.get("CRASH_INJECTION"):
            folder, seed, share = given.rsplit(":", 2)
            number = turn(Path(folder))
            told(f"by the seed {seed}, process {number}")
            chance = Random(f"{seed} {number}")  # noqa: S311 - to be had again
            patches.enter_context(tampered(chance, float(share)))
        main(["worker", *words])


if __name__ == "__main__":
    work(os.environ, sys.argv[1:])
