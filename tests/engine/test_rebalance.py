"""A rebalance moves only what must move: what stays goes on from memory, if that is safe."""

import asyncio
import signal

import pytest

from streams.engine.rows import pack
from streams.partitioner import partition_of
from tests.engine.harness import KEYS, PARTITIONS
from tests.engine.test_broker_faults import write

pytestmark = pytest.mark.kafka

ALL = "assigned: t.*/0, .*/1, .*/2, .*/3"


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_only_what_moves_is_recovered(toys, how) -> None:
    first = toys.start()
    await toys.says(0, ALL)
    await toys.send(KEYS)  # a row of each key
    await toys.settled()
    sending = asyncio.create_task(toys.send(2_000, pause=0.1))
    second = toys.start()
    await toys.says(1, "recovered 2 partitions")
    await toys.says(0, "kept 2 partitions in memory")
    await asyncio.sleep(0.5)
    second.send_signal(how)
    await toys.ends(second, 0 if how == signal.SIGTERM else -how, seconds=10)
    await toys.says(0, f"(?s)kept.*{ALL}.*recovered 2 partitions")
    await sending
    await toys.settled()
    first.send_signal(signal.SIGTERM)
    await toys.ends(first, 0, seconds=10)
    repeated = await toys.exact()
    assert repeated == 0 or how == signal.SIGKILL  # who parts in peace repeats nothing
    counted = toys.counted(0)
    moved = toys.rows_of(*toys.assigned(1))
    # Alone with an empty changelog, then joined (two of four stay), then alone again (the same
    # two stay): the rows that moved are read once, those that stayed never.
    assert counted == {
        "rebalances": 3,
        "recovered": moved,
        "kept": 2 * (KEYS - moved),
    }


@pytest.mark.slow
async def test_memory_is_not_believed_where_somebody_wrote_meanwhile(toys) -> None:
    toys.start()
    await toys.says(0, ALL)
    await toys.send(400)
    await toys.settled()
    second = toys.start()
    await toys.says(0, "kept 2 partitions")
    await toys.says(1, "recovered 2 partitions")
    second.send_signal(signal.SIGSTOP)  # the group waits for it up to its session timeout
    toys.start()
    await toys.says(0, r"(?s)kept.*partitions revoked: 2")
    # Now the first is parked. An old row of each of its keys appears in the changelogs.
    for number in range(PARTITIONS):
        keys = [key for key in toys.sent if partition_of(key, PARTITIONS) == number]
        old = [(key, pack(0, b"\0" * 8)) for key in keys]
        await write(toys, "orders-changelog", number, *old)
    await toys.says(0, "was written to meanwhile", seconds=30)
    second.kill()
    await toys.send(400)
    await toys.settled()
    await toys.exact()


@pytest.mark.slow
@pytest.mark.timeout(90)
async def test_a_static_member_comes_back_unnoticed_and_has_its_name_alone(toys) -> None:
    patience = {"TOWER_SESSION_TIMEOUT_SECONDS": "8"}
    toys.start(TOWER_INSTANCE="a", **patience)
    await toys.says(0, ALL)
    second = toys.start(TOWER_INSTANCE="b", **patience)
    await toys.says(1, "recovered 2 partitions")
    await toys.says(0, "kept 2 partitions")
    await toys.send(400)
    await toys.settled()
    second.kill()
    await toys.ends(second, -signal.SIGKILL)
    again = toys.start(TOWER_INSTANCE="b", **patience)
    await toys.says(2, "recovered 2 partitions")
    await toys.send(400)
    await toys.settled()
    assert toys.log(0).count("partitions assigned") == 2  # alone, then with the second
    toys.start(TOWER_INSTANCE="b", **patience)
    await toys.ends(again, 1)
    assert "TOWER_INSTANCE=b has to be given to one worker alone" in toys.log(2)
    await toys.send(400)
    await toys.settled()
    await toys.exact()
