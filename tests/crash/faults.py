"""The faults, by name: what each does to the scene of a run, and that it says what it did."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from random import Random

from tests.crash.crew import Worker
from tests.crash.scene import NAMESPACE, PARTITIONS, SESSION_SECONDS, Scene
from tests.crash.verdict import Reading, findings_of_progress

Strike = Callable[[Scene, Random, float], Awaitable[None]]

CHANGELOGS = (
    "orders-changelog", "couriers-changelog", "groups-changelog",
    "ingest-order-events-changelog",
)  # fmt: skip
FLUSHES = (
    "orders:after-outputs", "orders:half-rows", "orders:before-partition-row",
    "orders:after-outputs", "orders:half-rows", "orders:before-partition-row",
    "couriers:after-outputs", "couriers:half-rows", "couriers:before-partition-row",
    "groups:after-outputs", "groups:half-rows", "groups:before-partition-row",
    "ingest-orders:before-partition-row", "ingest-couriers:before-partition-row",
)  # fmt: skip
TURN_SECONDS = 0.01
AT_WORK = 0.7  # the share of faults that wait for a worker at work
COMING_SECONDS = 10.0  # how long a fault waits for the moment it is meant for
FULL_SECONDS = 6.0
FULL = "disk full"
IN_FLIGHT_SECONDS = 0.4  # until what the publisher sent is acknowledged
REFUSED_SECONDS = 8.0
UNREACHED = (  # said by a worker that begins while the broker is away
    "No Kafka broker answers", "No Kafka broker answered", "did not do as asked",
)  # fmt: skip
TOO_LARGE = "MessageSizeTooLarge"
REFUSED = "The broker refused what was written"

KINDS: dict[str, Strike] = {}


def kind(name: str) -> Callable[[Strike], Strike]:
    """Enter a fault under its name."""

    def enter(strike: Strike) -> Strike:
        KINDS[name] = strike
        return strike

    return enter


async def _one(scene: Scene, rng: Random) -> Worker | None:
    """Return a worker that lives and runs; mostly one at work, waiting a little for it."""

    def living() -> list[Worker]:
        there = scene.crew.permanent
        return [each for each in there if not each.stopped and not each.expected]

    def working() -> list[Worker]:
        return [each for each in living() if each.recovered()]

    async with scene.choosing:
        if rng.random() < AT_WORK and await _until(working, COMING_SECONDS):
            await asyncio.sleep(rng.uniform(0.0, 0.6))
        there = working() or living()
        if not there:
            scene.tell("no worker is there")
        return rng.choice(there) if there else None


async def _until(true: Callable[[], object], seconds: float) -> bool:
    """Tell whether something came true within so many seconds."""
    for _ in range(round(seconds / TURN_SECONDS)):
        if true():
            return True
        await asyncio.sleep(TURN_SECONDS)
    return False


# -- workers -----------------------------------------------------------------------------------


@kind("kill")
async def kill(scene: Scene, rng: Random, longest: float) -> None:
    """Kill -9 a worker, whatever it does."""
    worker = await _one(scene, rng)
    if worker is None:
        return
    scene.tell(f"kill -9 {worker.name}, {worker.state()}")
    worker.kill()


@kind("kill all")
async def kill_all(scene: Scene, rng: Random, longest: float) -> None:
    """Kill -9 every worker at once, as a power cut would."""
    scene.tell("kill -9 " + ", ".join(f"{w.name} {w.state()}" for w in scene.crew.alive))
    for worker in scene.crew.alive:
        worker.kill()


@kind("kill in recovery")
async def kill_in_recovery(scene: Scene, rng: Random, longest: float) -> None:
    """Kill a worker, and the one that takes its place while it recovers."""
    first = await _one(scene, rng)
    if first is None:
        return
    scene.tell(f"kill -9 {first.name}, {first.state()}; the next one while it recovers")
    known = len(scene.crew.all)
    first.kill()

    def recovering() -> Worker | None:
        return next((each for each in scene.crew.all[known:] if each.recovering()), None)

    if await _until(recovering, COMING_SECONDS) and (next_one := recovering()) is not None:
        next_one.kill()
        scene.tell(f"kill -9 {next_one.name}, {next_one.state()}")
    else:
        scene.tell("none was seen recovering")


@kind("kill at start")
async def kill_at_start(scene: Scene, rng: Random, longest: float) -> None:
    """Kill a worker, and the one that takes its place right after it was started."""
    first = await _one(scene, rng)
    if first is None:
        return
    scene.tell(f"kill -9 {first.name}, {first.state()}; the next one right after its start")
    known = len(scene.crew.all)
    first.kill()
    await _until(lambda: len(scene.crew.all) > known, COMING_SECONDS)
    await asyncio.sleep(rng.uniform(0.0, 2.5))
    for worker in scene.crew.all[known : known + 1]:
        scene.tell(f"kill -9 {worker.name}, {worker.state()}")
        worker.kill()


@kind("kill in a flush")
async def kill_in_a_flush(scene: Scene, rng: Random, longest: float) -> None:
    """Let a worker stop in order, and the next one die inside a flush."""
    where = rng.choice(FLUSHES)
    # Ingest writes no rows between two barriers: its first barrier is the one to die in.
    failpoint = f"{where}:{0 if where.startswith('ingest') else rng.randint(1, 4)}"
    scene.crew.next_dies_at(failpoint)
    worker = await _one(scene, rng)
    if worker is not None:
        scene.tell(f"SIGTERM {worker.name}, {worker.state()}; the next dies at {failpoint}")
        worker.terminate()


@kind("stop and wake")
async def stop_and_wake(scene: Scene, rng: Random, longest: float) -> None:
    """SIGSTOP a worker for longer than its session timeout, then let it go on."""
    worker = await _one(scene, rng)
    if worker is None:
        return
    seconds = SESSION_SECONDS * rng.uniform(1.1, 1.6)
    scene.tell(f"SIGSTOP {worker.name}, {worker.state()}, for {seconds:.1f} s")
    worker.send(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    scene.tell(f"SIGCONT {worker.name}")
    worker.send(signal.SIGCONT)


@kind("terminate")
async def terminate(scene: Scene, rng: Random, longest: float) -> None:
    """SIGTERM a worker; it has to end with 0."""
    worker = await _one(scene, rng)
    if worker is None:
        return
    scene.tell(f"SIGTERM {worker.name}, {worker.state()}")
    worker.terminate()


@kind("more workers")
async def more_workers(scene: Scene, rng: Random, longest: float) -> None:
    """Let one or two more workers join, and leave in order or killed."""
    joined = [scene.crew.start() for _ in range(rng.choice((1, 1, 2)))]
    scene.tell(f"{', '.join(each.name for each in joined)} join")
    await asyncio.sleep(rng.uniform(2.5, 5.0))
    for worker in joined:
        if worker.code is None:
            leave, says = rng.choice(((worker.terminate, "SIGTERM"), (worker.kill, "kill -9")))
            scene.tell(f"{says} {worker.name}, {worker.state()}")
            leave()


@kind("flapping")
async def flapping(scene: Scene, rng: Random, longest: float) -> None:
    """Start and stop one more worker three times in a row."""
    for _ in range(3):
        worker = scene.crew.start()
        scene.tell(f"{worker.name} joins for a moment")
        await _until(worker.begun, COMING_SECONDS)
        await asyncio.sleep(rng.uniform(0.0, 0.5))
        scene.tell(f"SIGTERM {worker.name}, {worker.state()}")
        worker.terminate()


# -- the broker --------------------------------------------------------------------------------


@kind("broker stopped")
async def broker_stopped(scene: Scene, rng: Random, longest: float) -> None:
    """Stop the broker in order and start it again."""
    await _away(scene, scene.broker.stop, "stopped", rng.uniform(0.2, 3.0))


@kind("broker killed")
async def broker_killed(scene: Scene, rng: Random, longest: float) -> None:
    """Kill -9 the broker and start it again."""
    await _away(scene, scene.broker.kill, "killed", rng.uniform(0.2, 3.0))


async def _away(scene: Scene, end: Callable[[], None], how: str, seconds: float) -> None:
    async with scene.silent:
        scene.crew.excused.update(UNREACHED)
        scene.tell(f"the broker is {how}")
        await asyncio.to_thread(end)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(scene.broker.start)
        scene.tell("the broker is back")


@kind("broker paused")
async def broker_paused(scene: Scene, rng: Random, longest: float) -> None:
    """Freeze the broker: connections stay open and nothing answers."""
    async with scene.silent:
        scene.crew.excused.update(UNREACHED)
        seconds = longest * rng.uniform(0.8, 1.0)
        scene.tell(f"the broker is paused for {seconds:.1f} s")
        scene.broker.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            scene.broker.resume()
        scene.tell("the broker goes on")


@kind(FULL)
async def disk_full(scene: Scene, rng: Random, longest: float) -> None:
    """Fill the broker's disk until it gives up, then make room and start it again."""
    async with scene.silent:
        scene.crew.excused.update(UNREACHED)
        pid = scene.broker.pid
        if pid is None:
            scene.tell("no broker whose disk could be full")
            return
        scene.crew.excused.add(REFUSED)
        # The publisher gives up for good where a worker is started again: it is held.
        scene.hold(FULL)
        await asyncio.sleep(IN_FLIGHT_SECONDS)
        scene.tell(f"the broker's disk is full ({scene.disk.how})")
        await asyncio.to_thread(scene.disk.fill, pid)
        gave_up = await _until(lambda: not scene.broker.running, FULL_SECONDS)
        scene.tell("the broker gave up" if gave_up else "the broker is killed")
        await asyncio.to_thread(scene.broker.kill)
        scene.disk.empty()
        await asyncio.to_thread(scene.broker.start)
        scene.release(FULL)
        scene.tell("the broker is back")


@kind("changelog refuses")
async def changelog_refuses(scene: Scene, rng: Random, longest: float) -> None:
    """Let a changelog refuse every row: who writes to it has to end, with 1 and no commit."""
    async with scene.silent:
        await _until(lambda: any(each.recovered() for each in scene.crew.alive), COMING_SECONDS)
        topic = rng.choice(CHANGELOGS)
        scene.crew.excused.add(TOO_LARGE)
        ended = len(scene.crew.ends)

        def refused() -> bool:
            return any(TOO_LARGE in each for each in scene.crew.ends[ended:])

        scene.tell(f"{topic} refuses rows")
        await scene.configure(topic, max_message_bytes="20")
        try:
            met = await _until(refused, REFUSED_SECONDS)
            scene.tell("a worker gave up" if met else "nothing was refused")
            async with Reading(scene.broker.bootstrap, NAMESPACE, PARTITIONS) as reading:
                scene.findings += findings_of_progress(await reading.progress(), ended=False)
        finally:
            await scene.configure(topic)
        scene.tell(f"{topic} takes rows again")


@kind("changelog waits")
async def changelog_waits(scene: Scene, rng: Random, longest: float) -> None:
    """Let a changelog have too few replicas for a while: who writes to it has to wait."""
    async with scene.silent:
        await _until(lambda: any(each.recovered() for each in scene.crew.alive), COMING_SECONDS)
        topic = rng.choice(CHANGELOGS)
        scene.tell(f"{topic} has too few replicas")
        await scene.configure(topic, min_insync_replicas="2")
        try:
            await asyncio.sleep(rng.uniform(1.0, 4.0))
        finally:
            await scene.configure(topic)
        scene.tell(f"{topic} has enough replicas again")
