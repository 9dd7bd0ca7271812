"""The central equality: the live report of a published file is the replay of that file.

Two workers fold the file from four partitions, and three times one of them is killed with -9
inside a flush of orders or couriers, where and when the seed says. What the report is made of
at the end is `kpi-cells` alone: workers stopped, inbound topics deleted, the file moved away.
"""

import asyncio
import json
import os
import signal
import time
from random import Random
from typing import get_args

import pytest

from models.facts import FACT, PredictionScored
from streams.admin import connected
from streams.engine.failpoints import Step
from tests.equality import feeds
from tests.equality.comparing import differences, numbers
from tests.equality.fleet import Fleet, wait_until
from tests.test_scored_facts import agree

pytestmark = pytest.mark.kafka

PLACES = 2
PUBLISHING_SECONDS = 25
PATIENCE_SECONDS = 240


def schedule(chance, most, folds):
    """Return the failpoints of each worker's processes: all three steps, in some order.

    `chance` is what the seed is mixed with; a failpoint lets at most `most` flushes be, of
    one of the `folds` in turn.
    """
    rng = Random(chance)  # noqa: S311
    steps = list(get_args(Step))
    rng.shuffle(steps)
    queues = [[] for _ in range(PLACES)]
    for number, step in enumerate(steps):
        fold = folds[number % len(folds)]
        rng.choice(queues).append(f"{fold}:{step}:{rng.randint(1, most)}")
    return queues


class Tap:
    """`tower publish` of a file, which can be held while workers are away."""

    def __init__(self, fleet, file, keys):
        lines = file.read_bytes().count(b"\n")
        rate = lines / PUBLISHING_SECONDS
        self.process = fleet.begin("publish", file, "--keys", keys, "--rate", rate)
        self.shut = False

    def turn(self, *, shut):
        if shut != self.shut and self.process.poll() is None:
            os.kill(self.process.pid, signal.SIGSTOP if shut else signal.SIGCONT)
            self.shut = shut


def publish(fleet, file, keys):
    """Publish a file to its end while workers die and come back."""
    tap = Tap(fleet, file, keys)
    away_since = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while tap.process.poll() is None:
        assert time.monotonic() < deadline, fleet.says()
        fleet.tend()
        if fleet.ready():
            away_since = None
            fleet.ask()
        elif away_since is None:
            away_since = time.monotonic()
        # A little backlog is welcome; the rest waits, so that it meets every failpoint.
        tap.turn(shut=away_since is not None and time.monotonic() - away_since > 1)
        time.sleep(0.1)
    said, failed = tap.process.communicate()
    assert tap.process.returncode == 0, f"{said}{failed}"


async def forget_inbound(bootstrap, namespace):
    async with connected(bootstrap) as admin:
        await admin.delete_topics([f"{namespace}.order-events", f"{namespace}.courier-events"])


def equal(
    broker, namespace, folder, file, *, keys, chance, most=8, session=15, folds=("orders",)
):  # fmt: skip
    """Run a file both ways and return the one report.

    `session` is the workers' session timeout in seconds: the more rows they have to recover
    on a busy machine the longer it must be.
    """
    logs = folder / "logs"
    logs.mkdir()
    queues = schedule(chance, most, folds)
    fleet = Fleet(
        logs, queues, brokers=broker.bootstrap, namespace=namespace, clock="feed",
        session_timeout_seconds=session, predict=True,
    )  # fmt: skip
    began = time.monotonic()
    try:
        fleet.start()
        replayed = folder / "replayed.json"
        feeds.tower("replay", file, "--report", replayed)
        wanted = json.loads(replayed.read_bytes())
        wait_until(fleet.ready, PATIENCE_SECONDS, fleet.says)
        publish(fleet, file, keys)
        wait_until(lambda: fleet.tend() or fleet.ready(), PATIENCE_SECONDS, fleet.says)
        fleet.run("report", "--wait", wanted["as_of"], "--json", folder / "early.json")
        fleet.tend()
        fleet.ask()
        print(
            f"killed: {fleet.hits} of {queues}; facts by worker: {fleet.folded};"
            f" given up after standing still: {fleet.stalls}"
        )
        assert len(fleet.hits) == len(get_args(Step)), f"{queues}\n{fleet.says()}"
        assert all(fleet.folded), fleet.folded
        assert fleet.stop() == [0] * PLACES, fleet.says()
        asyncio.run(forget_inbound(broker.bootstrap, namespace))
        file.rename(folder / "moved-away")
        live = json.loads(fleet.run("report", "--json", "-"))
    finally:
        fleet.close()
    print(f"{time.monotonic() - began:.0f} s, {wanted['events']['read']} events, keys {keys}")
    assert differences(live, wanted) == []
    assert live["events"]["read"] > 0
    return live


@pytest.mark.timeout(400)
def test_samples_a_small_day_and_edges_and_every_number_is_met(
    broker, namespace, tmp_path, seed, read_topic
):
    file = feeds.everything_small(tmp_path, seed)
    live = equal(
        broker, namespace, tmp_path, file, keys="random", chance=f"{seed}", most=6, session=6,
        folds=("orders", "couriers"),
    )  # fmt: skip
    assert [path for path, met in numbers(live).items() if not met] == []
    scored = last_scores(asyncio.run(read_topic(f"{namespace}.order-facts")))
    agree(
        live["total"]["predictions"], [each for each in scored if each.direction == "forward"]
    )
    agree(
        live["returns"].get("predictions", {}), [e for e in scored if e.direction == "return"]
    )


def last_scores(records):
    """The last word on every prediction that was scored, from the topic of facts."""
    found = {}
    for record in records:
        fact = FACT.validate_json(record.value)
        if isinstance(fact, PredictionScored):
            place = fact.fact_id.rsplit("/", 3)[0], fact.horizon
            known = found.get(place)
            if known is None or known.revision <= fact.revision:
                found[place] = fact
    return list(found.values())


@pytest.mark.slow
@pytest.mark.shared
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", feeds.TABLES)
def test_a_whole_public_table(broker, namespace, tmp_path, seed, name):
    file = feeds.table(name, tmp_path)
    chance = f"{name} {seed}"
    equal(broker, namespace, tmp_path, file, keys="random", chance=chance)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "keys"), [("day", "random"), ("day", "carrier"), ("quarter", "random")]
)
def test_a_simulated_time(broker, namespace, tmp_path, seed, name, keys):
    file = feeds.simulated(name, tmp_path, seed)
    chance = f"{name} {keys} {seed}"
    equal(broker, namespace, tmp_path, file, keys=keys, chance=chance)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_lives_on_every_edge(broker, namespace, tmp_path, seed):
    file = feeds.lives(tmp_path, seed, 2_000)
    chance = f"lives {seed}"
    equal(broker, namespace, tmp_path, file, keys="random", chance=chance)
