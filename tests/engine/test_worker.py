"""A worker with a toy fold on a real broker: exact counts, and no fact lost."""

import signal

import pytest

pytestmark = pytest.mark.kafka


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
