"""One run: a day is published while faults strike, then all that is left is judged."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from aiokafka.errors import KafkaError

from streams.errors import TowerError
from streams.livereport import live_report
from tests.crash.crew import TOWER
from tests.crash.faults import KINDS
from tests.crash.oracle import Expected, expect, facts_of_inbox, write_feed
from tests.crash.plan import Plan, Strike
from tests.crash.scene import NAMESPACE, PARTITIONS, Scene
from tests.crash.verdict import (
    Facts,
    Reading,
    findings_of_last_words,
    findings_of_letters,
    findings_of_progress,
)
from tests.equality.comparing import differences

START_SECONDS = 60.0  # until the workers are at work
SETTLE_SECONDS = 90.0  # from the last fault and the last event to the end of every log
STOP_SECONDS = 10.0
QUIET_SECONDS = 2.5  # ingest says about once a second how far it is
TURN_SECONDS = 0.05
UPSTREAMS = [
    f"{kind}/{number}" for kind in ("order-events", "couriers") for number in range(PARTITIONS)
]


@dataclass
class Outcome:
    """What a run found: nothing but `told` where all is well."""

    plan: Plan
    told: list[str] = field(default_factory=list)
    kpi: list[str] = field(default_factory=list)
    facts: Facts = field(default_factory=lambda: Facts([], [], [], []))
    others: list[str] = field(default_factory=list)
    events: int = 0
    seconds: float = 0.0

    @property
    def findings(self) -> list[str]:
        """Everything that must not be, one sentence each."""
        facts = self.facts
        return [
            *(f"KPI {each}" for each in self.kpi),
            *(f"a lost fact: {each}" for each in facts.lost),
            *(f"a fact of nothing: {each}" for each in facts.foreign),
            *(f"a fact told in two ways: {each}" for each in facts.contradicted),
            *self.others,
        ]


async def run(
    plan: Plan,
    folder: Path,
    command: Sequence[str] = TOWER,
    env: Mapping[str, str] | None = None,
) -> Outcome:
    """Play a plan in a new folder and return what became of it.

    `command` starts a worker, with `env` on top of what every worker is given.
    """
    began = time.monotonic()
    outcome = Outcome(plan)
    file = folder / "feed.jsonl"
    scene = Scene(folder, command, env)
    tending: list[asyncio.Task[None]] = []
    try:
        _, expected = await asyncio.gather(scene.open(), asyncio.to_thread(_feed, plan, file))
        scene.crew.man(plan.workers)
        tending.append(asyncio.create_task(scene.crew.tend()))
        await _play(plan, scene, expected, file)
        await _judge(scene, expected, outcome)
    except (TimeoutError, OSError, AssertionError, TowerError, KafkaError) as failure:
        outcome.others.append(f"it did not come to its end: {failure!r}; {_state(scene)}")
    finally:
        for task in tending:
            task.cancel()
        await scene.close()
    outcome.others += scene.findings + scene.crew.findings
    outcome.told = scene.told
    outcome.seconds = time.monotonic() - began
    return outcome


def _feed(plan: Plan, file: Path) -> Expected:
    write_feed(plan, file)
    return expect(file)


def _state(scene: Scene) -> str:
    return ", ".join(f"{each.name} {each.state()}" for each in scene.crew.alive)


async def _play(plan: Plan, scene: Scene, expected: Expected, file: Path) -> None:
    """Publish and strike; return once both have come to their end."""
    async with asyncio.timeout(START_SECONDS):
        await _until(lambda: any(each.recovered() for each in scene.crew.alive))
        publisher = scene.publish(file, expected.lines / plan.seconds, plan.keys)
        await _begun(scene)
    scene.tell(f"publishing {expected.lines} events, {plan.workers} workers, keys {plan.keys}")
    jobs = [asyncio.create_task(_strike(scene, each, plan.longest)) for each in plan.strikes]
    pacing = asyncio.create_task(scene.pace())
    try:
        async with asyncio.timeout(plan.seconds + 4 * plan.longest + SETTLE_SECONDS):
            await asyncio.gather(*jobs)
            await _until(lambda: publisher.poll() is not None)
    finally:
        for each in (*jobs, pacing):
            each.cancel()
        await asyncio.gather(*jobs, pacing, return_exceptions=True)
    assert publisher.returncode == 0, scene.published()
    scene.tell("all is published, no more faults")


async def _begun(scene: Scene) -> None:
    """Return once the first event is in its topic."""
    async with Reading(scene.broker.bootstrap, NAMESPACE, PARTITIONS) as reading:
        while not any((await reading.ends()).values()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(TURN_SECONDS)


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(TURN_SECONDS)


async def _strike(scene: Scene, strike: Strike, longest: float) -> None:
    await asyncio.sleep(strike.at)
    await KINDS[strike.kind](scene, Random(strike.chance), longest)  # noqa: S311


async def _judge(scene: Scene, expected: Expected, outcome: Outcome) -> None:
    """Wait until all is applied, stop the workers, and hold what is left against the oracle."""
    async with Reading(scene.broker.bootstrap, NAMESPACE, PARTITIONS) as reading:
        async with asyncio.timeout(SETTLE_SECONDS):
            await live_report(scene.settings, expected.as_of)
            await _quiet(reading)
        scene.tell("every clock has passed the end, the lag is 0 and nothing moves")
        outcome.others += findings_of_progress(await reading.progress(), ended=True)
        for failpoint in scene.crew.unmet():
            scene.tell(f"nobody came to {failpoint}")
        await scene.crew.stop(STOP_SECONDS)
        live = await live_report(scene.settings)
        found = await reading.everything()
    outcome.events = live["events"]["read"]
    outcome.kpi = differences(live, expected.report)
    outcome.facts = Facts.compared(found.facts, facts_of_inbox(found.inbox, UPSTREAMS))
    outcome.others += findings_of_last_words(found.facts.order, expected.verdicts)
    outcome.others += findings_of_letters(found.letters, expected.letters)
    outcome.others += findings_of_progress(found, ended=False)


async def _quiet(reading: Reading) -> None:
    """Return once nothing was written to the logs for a while and all of it is committed."""
    known, since = await reading.ends(), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        await asyncio.sleep(TURN_SECONDS)
        if await reading.lag() or await reading.ends() != known:
            known, since = await reading.ends(), time.monotonic()
