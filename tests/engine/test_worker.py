"""A worker with a toy fold on a real broker: exact counts, and no fact lost."""

import asyncio
import json
import random
import signal
import time

import pytest
from aiokafka import AIOKafkaProducer

from tests.engine.harness import SESSION

pytestmark = pytest.mark.kafka

STEPS = ("after-outputs", "half-rows", "before-partition-row")


async def test_counts_exactly_and_goes_on_where_it_stopped(toys) -> None:
    worker = toys.start()
    await toys.send(3_000)
    await toys.settled()
    worker.send_signal(signal.SIGTERM)
    await toys.ends(worker, 0, seconds=10)
    assert await toys.exact() == 0

    worker = toys.start()
    await toys.send(2_000)
    await toys.settled()
    worker.send_signal(signal.SIGTERM)
    await toys.ends(worker, 0, seconds=10)
    assert await toys.exact() == 0  # SIGTERM takes a last barrier: nothing was repeated


async def test_a_kill_inside_a_flush_changes_nothing(toys) -> None:
    await toys.send(3_000)
    for number, step in enumerate(STEPS):
        killed = toys.start(f"orders:{step}:{2 + number}", TOY_SLOW="0.01")
        await toys.ends(killed, -signal.SIGKILL)
        assert f"failpoint hit orders {step} {2 + number} {killed.pid}\n" in toys.log(number)
        await toys.send(300)
    toys.start()
    await toys.settled()
    assert await toys.exact() > 0  # a crash repeats facts under the same id


@pytest.mark.slow
async def test_without_the_offset_guard_a_kill_counts_twice(toys) -> None:
    """The control of the test above: its exactness comes from the guard, not from luck."""
    await toys.send(1_000)
    killed = toys.start("orders:half-rows:3", TOY_SLOW="0.01")
    await toys.ends(killed, -signal.SIGKILL)
    toys.start(TOY_GUARD="0")
    await toys.settled()
    with pytest.raises(AssertionError):
        await toys.exact()


async def test_a_poisoned_batch_ends_the_worker_with_code_1_and_no_commit(toys) -> None:
    await toys.send(200)
    first = toys.start()
    await toys.settled()
    before = await toys.applied()
    await toys.send(1, b"poison")
    await toys.ends(first, 1)
    assert await toys.applied() == before
    assert "the toy was poisoned" in toys.log(0)


@pytest.mark.slow
async def test_aborted_transactions_are_holes_and_the_beat_tells_the_time(toys) -> None:
    toys.start(TOY_BEATS="1")
    producer = AIOKafkaProducer(
        bootstrap_servers=toys.bootstrap, transactional_id=toys.namespace
    )
    await producer.start()
    try:
        for good in (True, False, True, False):
            await producer.begin_transaction()
            for number in range(40):
                key = b"k%02d" % number
                await producer.send(f"{toys.namespace}.order-log", b"x", key=key)
                toys.sent[key] += good
            await (producer.commit_transaction() if good else producer.abort_transaction())
    finally:
        await producer.stop()
    await toys.settled()
    assert await toys.exact() == 0
    end = 1000 * time.time()
    await asyncio.sleep(3)
    for records in (await toys.read("dead-letters")).values():
        now, caught_up, safe_at = json.loads(records[-1].value)
        assert caught_up  # also behind the control records at the end of the log
        assert now > end
        # The answer before the newest one was asked for at most two waits (250 ms) and one
        # turn ago; the margin is 2,000 ms.
        assert 2_000 <= now - safe_at <= 3_500


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_worker_stopped_beyond_its_session_ends(toys) -> None:
    first, second = toys.start(TOY_SLOW="0.01"), toys.start(TOY_SLOW="0.01")
    await toys.says(0, "kept 2 partitions|recovered 2 partitions")
    sending = asyncio.create_task(toys.send(6_000, pause=0.05))
    await asyncio.sleep(1)
    first.send_signal(signal.SIGSTOP)
    await toys.says(1, "assigned: t.*/0, .*/1, .*/2, .*/3", seconds=SESSION + 20)
    await asyncio.sleep(1)
    first.send_signal(signal.SIGCONT)
    await toys.ends(first, 1)
    assert "tower: the worker stood still" in toys.log(0)
    await sending
    await toys.settled()
    await toys.exact()
    second.send_signal(signal.SIGTERM)
    await toys.ends(second, 0)


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("seed", range(4))
async def test_kills_joins_and_stops_at_random(toys, seed) -> None:
    chance = random.Random(seed)  # noqa: S311
    sending = asyncio.create_task(toys.send(8_000, pause=0.08))
    running = [toys.start(TOY_SLOW="0.01")]
    for _ in range(8):
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        event = chance.choice(["kill", "join", "failpoint", "pause"])
        if event == "kill" and running:
            running.pop(chance.randrange(len(running))).kill()
        elif event == "pause" and running:
            victim = running.pop(chance.randrange(len(running)))
            victim.send_signal(signal.SIGSTOP)
            await asyncio.sleep(chance.uniform(0.2, 2 * SESSION))
            victim.send_signal(signal.SIGCONT)
        else:
            step = f"orders:{chance.choice(STEPS)}:{chance.randrange(1, 30)}"
            running.append(toys.start(step if event == "failpoint" else None))
    toys.start()
    await sending
    await toys.settled(60)
    await toys.exact()
