"""The broker goes away while events flow: workers and dispatcher wait, go on, lose nothing."""

import json
import signal
import time

import pytest

from streams.domain.zones import instant
from streams.embedded import EmbeddedBroker
from streams.feed import in_order_of_arrival, read_lines
from tests.equality.comparing import differences
from tests.processes import towers

pytestmark = [pytest.mark.kafka, pytest.mark.slow]


@pytest.fixture
def own_broker():
    with EmbeddedBroker() as running:
        yield running


def simulated(tower, folder, seed):
    """Write a day and return its file and its last arrival."""
    file = folder / "day.jsonl"
    code, says = tower.run(
        "simulate",
        "--orders",
        "600",
        "--couriers",
        "12",
        "--seed",
        str(seed),
        "--out",
        str(file),
    )
    assert code == 0, says
    return file, in_order_of_arrival(read_lines(file))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["paused for 30 s", "killed twice"])
def test_what_flows_meanwhile_is_counted_once(own_broker, tmp_path, seed, how):
    with towers(own_broker.bootstrap, "tower", tmp_path, clock="feed") as tower:
        file, arrivals = simulated(tower, tmp_path, seed)
        workers = tower.workers(2)
        dispatcher = tower.start("dispatcher")
        tower.ready([dispatcher])
        publishing = tower.start("publish", str(file), "--rate", str(len(arrivals) / 25))
        time.sleep(6)
        if how == "killed twice":
            for _ in range(2):
                own_broker.kill()
                time.sleep(3)
                own_broker.restart()
                time.sleep(4)
        else:
            own_broker.pause()
            time.sleep(15)
            assert not any(each.ready() for each in workers)  # it says that it waits
            time.sleep(15)
            own_broker.resume()
        assert publishing.ended(150) == 0, publishing.says()
        last = arrivals[-1].received_at
        report = tower.report(instant(last).isoformat(), seconds=100)
        assert [each.code for each in (*workers, dispatcher)] == [None] * 3, tower.says()
        tower.ready([*workers, dispatcher])
        replayed = tmp_path / "replayed.json"
        code, says = tower.run("replay", str(file), "--report", str(replayed))
        assert code == 0, says
        assert differences(report, json.loads(replayed.read_text())) == []
        for each in (*workers, dispatcher):
            each.signal(signal.SIGTERM)
        assert [each.ended(10) for each in (*workers, dispatcher)] == [0, 0, 0], tower.says()


@pytest.mark.timeout(180)
def test_sigterm_ends_in_ten_seconds_though_the_broker_is_away(own_broker, tmp_path):
    with towers(own_broker.bootstrap, "tower", tmp_path) as tower:
        processes = [*tower.workers(2), tower.start("dispatcher")]
        tower.ready(processes)
        own_broker.pause()
        time.sleep(4)
        for each in processes[1:]:
            each.signal(signal.SIGTERM)
        assert [each.ended(10) for each in processes[1:]] == [0, 0], tower.says()
        own_broker.resume()
        own_broker.kill()
        time.sleep(4)
        processes[0].signal(signal.SIGINT)
        assert processes[0].ended(10) == 0, tower.says()
