"""Positions in a real worker: ETAs by the tower in the order's inbox, facts, and the score."""

import asyncio
import json

import pytest

from models.facts import FACT
from models.rules import Rules
from streams import topics
from streams.feed import in_order_of_arrival
from streams.replay import Replay
from tests.equality.comparing import differences
from tests.equality.fleet import judged_by, told_until, wait_until
from tests.test_courier_etas import MINUTE, T, file_of, order_lines

PATIENCE_SECONDS = 120
# The order first, then the way to its door, then the handover and what comes after.
INSTANTS = (T - MINUTE, T + 5 * MINUTE, T + 60 * MINUTE)


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_positions_become_etas_facts_and_scores(broker, namespace, tmp_path, read_topic):
    fleet, settings = judged_by({}, tmp_path, broker.bootstrap, namespace)
    feed = in_order_of_arrival(file_of(*order_lines()))
    try:
        fleet.start()
        await asyncio.to_thread(wait_until, fleet.ready, PATIENCE_SECONDS, fleet.says)
        said = await told_until(INSTANTS, feed, settings, PATIENCE_SECONDS)
        (worker,) = fleet._workers
        counted = worker.counted()
        inbox = await read_topic(f"{namespace}.{topics.ORDER_LOG}")
        facts = await read_topic(f"{namespace}.{topics.ORDER_FACTS}")
        assert fleet.stop() == [0], fleet.says()
    finally:
        fleet.close()
    told = [
        json.loads(each.value)
        for each in inbox
        if ("kind", b"estimate") in each.headers and each.key == b"A-1"
    ]
    assert {(each["kind"], each["by"]) for each in told} == {("eta_updated", "tower")}
    assert told[0]["stage"] == "near"
    read = [FACT.validate_json(each.value) for each in facts]
    estimated = [each for each in read if each.kind == "eta_estimated"]
    assert {each.order_id for each in estimated} == {"A-1"}
    assert len(estimated) >= 2
    replay = Replay(Rules())
    replay.run([each.raw for each in feed], INSTANTS[-1])
    replayed = replay.report()
    assert differences(said, replayed) == []
    scored = said["total"]["eta_deviation_by"]["tower"]["ofd"]
    assert scored == replayed["total"]["eta_deviation_by"]["tower"]["ofd"]
    assert scored["n"] == 1
    etas = [value for name, value in counted.items() if name.startswith("tower_eta_updates")]
    assert sum(etas) >= 2
