"""A worker without a sign of life for half its session timeout does not send."""

import asyncio

import pytest

from streams.engine import pulse as module
from streams.engine.pulse import Pulse
from streams.errors import TowerError


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.worked = 7.0  # seconds of work of this process

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.worked


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


async def test_sending_waits_for_the_next_heartbeat(clock) -> None:
    pulse = Pulse(10.0)
    clock.now = 105.0
    await pulse.wait()  # exactly half the session is young enough
    clock.now, clock.worked = 105.1, 8.0
    waiting = asyncio.create_task(pulse.wait())
    await asyncio.sleep(0)
    assert not waiting.done()
    pulse.beat()
    await waiting


async def test_that_sending_waits_is_said_once_however_many_wait(clock, caplog) -> None:
    caplog.set_level("INFO", logger=module.__name__)
    pulse = Pulse(10.0)
    for silence in (1, 2):
        clock.now, clock.worked = clock.now + 5.1, clock.worked + 5.1
        waiting = [asyncio.create_task(pulse.wait()) for _ in range(3)]
        await asyncio.sleep(0)
        pulse.beat()
        await asyncio.gather(*waiting)
        said = [record.getMessage() for record in caplog.records]
        assert said == silence * ["sending waits: no heartbeat for 5.0 s", "sending goes on"]


async def test_a_loop_that_stood_still_ends_the_worker(clock) -> None:
    pulse = Pulse(10.0)
    clock.now = 105.1
    pulse.beat()  # even a heartbeat in between does not help
    with pytest.raises(TowerError, match=r"stood still for 5\.1 s"):
        await pulse.wait()


async def test_long_work_of_our_own_is_no_standing_still(clock) -> None:
    pulse = Pulse(10.0)
    clock.now, clock.worked = 112.0, 14.0  # seven of the twelve seconds were work
    pulse.beat()
    await pulse.wait()
    clock.worked = 13.9
    with pytest.raises(TowerError, match=r"stood still for 5\.1 s"):
        await pulse.wait()


class Coordinator:
    """Answers every heartbeat as it is told, after `lasts` seconds."""

    def __init__(self, clock, member_id="worker-1") -> None:
        self.clock, self.member_id = clock, member_id
        self.good, self.lasts = True, 0.0

    async def _do_heartbeat(self) -> bool:
        self.clock.now += self.lasts
        return self.good


class Consumer:
    def __init__(self, coordinator) -> None:
        self._coordinator = coordinator


async def test_every_good_heartbeat_counts_from_when_it_was_asked(clock) -> None:
    pulse, coordinator = Pulse(10.0), Coordinator(clock)
    pulse.listen(Consumer(coordinator), lambda: None)
    clock.now, coordinator.lasts = 200.0, 4.0
    assert await coordinator._do_heartbeat()
    assert pulse.heartbeat_at == 200.0
    coordinator.good = False
    assert not await coordinator._do_heartbeat()
    assert pulse.heartbeat_at == 200.0


@pytest.mark.parametrize(
    ("known", "silent", "forgotten"), [("", 4.9, 1), ("", 5.1, 0), ("worker-1", 4.9, 0)]
)
async def test_who_was_not_silent_and_is_not_known_was_replaced(
    clock, known, silent, forgotten
) -> None:
    pulse, coordinator = Pulse(10.0), Coordinator(clock, known)
    heard: list[None] = []
    pulse.listen(Consumer(coordinator), lambda: heard.append(None))
    coordinator.good, coordinator.lasts = False, silent
    await coordinator._do_heartbeat()
    assert len(heard) == forgotten
