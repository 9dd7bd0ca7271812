"""A worker without a sign of life for half its session timeout does not send."""

import asyncio

import pytest

from streams.engine import pulse as module
from streams.engine.pulse import Pulse
from streams.errors import TowerError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def test_sending_waits_for_the_next_heartbeat(clock) -> None:
    pulse = Pulse(10.0)
    clock.now = 105.0
    pulse.worked()
    await pulse.wait()  # exactly half the session is young enough
    clock.now = 105.1
    waiting = asyncio.create_task(pulse.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    pulse.beat()
    await waiting


async def test_a_loop_that_stood_still_ends_the_worker(clock) -> None:
    pulse = Pulse(10.0)
    clock.now = 105.1
    pulse.beat()  # even a heartbeat in between does not help
    with pytest.raises(TowerError, match=r"stood still for 5\.1 s"):
        await pulse.wait()
    pulse.worked()
    await pulse.wait()


async def test_every_good_heartbeat_of_a_consumer_counts(clock) -> None:
    class Coordinator:
        good = True

        async def _do_heartbeat(self) -> bool:
            return self.good

    class Consumer:
        _coordinator = Coordinator()

    pulse = Pulse(10.0)
    pulse.listen(Consumer())
    clock.now = 200.0
    assert await Consumer._coordinator._do_heartbeat()
    assert pulse.heartbeat_at == 200.0
    Coordinator.good = False
    clock.now = 300.0
    assert not await Consumer._coordinator._do_heartbeat()
    assert pulse.heartbeat_at == 200.0
