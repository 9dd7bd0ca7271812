"""On the wall clock an outage of all workers makes nobody late who was not.

Orders with short promises are told as they happen. All workers die, events go on, workers come
back and catch up. Whatever the report says at any moment, nobody is late whose handover had
been received in time, and nobody is told of a delay who has his parcel.
"""

import asyncio
import json

import pytest

from streams.config import Settings
from streams.errors import TowerError
from streams.livereport import live_report
from tests.equality.comparing import differences, without_predictions
from tests.equality.fleet import Fleet, wait_until
from tests.equality.wall import Day, instant, now

pytestmark = pytest.mark.kafka

PATIENCE_SECONDS = 240
PLACES = 2


def rules(folder, promise_seconds):
    """Write rules by which silence for half of a promise means a delay."""
    file = folder / "rules.yaml"
    minutes = promise_seconds / 120
    file.write_text(
        f"schema: 1\nnotices: {{silent_before_minutes: {minutes}, hold_minutes: 0}}\n"
    )
    return file


def late(report):
    """Return the carriers, one for each order, that count it late, failed or overdue."""
    return {
        carrier
        for carrier, kpi in report["carriers"].items()
        if kpi["overdue"]
        or any(
            view[outcome]
            for view in (kpi["delivery_time"], kpi["delivery_time"]["restated"])
            for outcome in ("late", "failed")
        )
    }


class Watch:
    """Reads the report all the time: (when, as of when, who is late)."""

    def __init__(self, settings):
        self.settings = settings
        self.seen = []
        self.over = False

    async def run(self):
        while not self.over:
            asked = now()
            try:
                report = await live_report(self.settings)
            except TowerError:  # before the first worker has published anything
                report = None
            if report is not None:
                self.seen.append((asked, now(), report["as_of"], late(report)))
            await asyncio.sleep(0.5)


async def through_an_outage(day, watch, fleet, begins, ends):
    """Tell the day; all workers are away from `begins` to `ends`, seconds from its start.

    Returns when the first and the last moment of the outage were, epoch milliseconds.
    """
    watching = asyncio.create_task(watch.run())
    telling = asyncio.create_task(day.tell())
    try:
        await asyncio.sleep(begins)
        gone = now()
        fleet.kill()
        await asyncio.sleep(ends - begins)
        back = now()
        fleet.start()
        await telling
        last = max(max(order.end, order.appended or 0) for order in day.orders)
        await live_report(watch.settings, last + 1)
    finally:
        watch.over = True
        telling.cancel()
        await watching
    return gone, back


def reconstructed(records, file):
    """Write what arrived on a topic, each line with the broker's time as its arrival."""
    lines = []
    for record in sorted(records, key=lambda each: each.timestamp):
        event = json.loads(record.value) | {"observed_at": instant(record.timestamp)}
        lines.append(json.dumps(event) + "\n")
    file.write_text("".join(lines))
    return file


def audited(fleet, folder, rules):
    """Export what the workers left behind; return the replay of it, which must be all of it."""
    export = folder / "export.jsonl"
    fleet.run("export", "--output", export)
    return json.loads(fleet.run("replay", export, "--rules", rules, "--report", "-"))


def nobody_was_wronged(day, watch, commands, gone, back):
    orders = {order.name: order for order in day.orders}
    for asked, answered, as_of, carriers in watch.seen:
        for name in carriers:
            order = orders[name]
            assert not order.received_in_time, f"{order} counted late, report as of {as_of}"
            assert order.end < answered, f"{order} counted late before its end, asked {asked}"
    told = [
        (record.timestamp, json.loads(record.value))
        for record in commands
        if record.key is not None
    ]
    wanted = [(at, each) for at, each in told if each["type"] == "notice"]
    assert wanted, "nobody was told anything, so nothing was shown"
    for asked, command in wanted:
        order = orders[command["carrier"]]
        if order.appended is not None:
            assert command["decided_at"] <= order.appended, (command, order)
            assert not gone < order.appended < back < asked, (command, order)
    during = [o for o in day.orders if o.received_in_time and gone < o.appended < back]
    print(
        f"{len(day.orders)} orders, {len(during)} in time during the outage,"
        f" {len(wanted)} notices, {len(watch.seen)} reports"
    )
    assert during


async def check(
    broker, namespace, folder, read_topic, seed, *, promise, every, outage, last, noise
):
    file = rules(folder, promise)
    fleet = Fleet(
        folder, [[] for _ in range(PLACES)],
        brokers=broker.bootstrap, namespace=namespace, clock="wall", rules=file,
    )  # fmt: skip
    watch = Watch(
        Settings(brokers=broker.bootstrap, namespace=namespace, clock="wall", partitions=4)
    )
    day = Day(
        broker.bootstrap, namespace, seed, promise, every, last,
        noise_after=outage[0] + promise / 5, noise=noise,
    )  # fmt: skip
    try:
        fleet.start()
        await asyncio.to_thread(wait_until, fleet.ready, PATIENCE_SECONDS, fleet.says)
        gone, back = await through_an_outage(day, watch, fleet, *outage)
        fleet.tend()
        assert fleet.stop() == [0] * PLACES, fleet.says()
        live = await live_report(watch.settings)
    finally:
        fleet.close()
    nobody_was_wronged(day, watch, await read_topic(f"{namespace}.notice-commands"), gone, back)
    inbound = await read_topic(f"{namespace}.order-events")
    events = reconstructed(inbound, folder / "events.jsonl")
    said = await asyncio.to_thread(
        fleet.run, "replay", events, "--rules", file, "--as-of", live["as_of"], "--report", "-"
    )
    wanted = json.loads(said)
    assert differences(live, wanted) == []
    assert audited(fleet, folder, file) == without_predictions(live)
    total = live["total"]
    assert total["orders"] == len(day.orders) + noise
    assert total["delivery_time"]["on_time"] > 0
    assert total["delivery_time"]["late"] > 0
    assert total["overdue"] > 0


@pytest.mark.timeout(300)
async def test_a_short_outage_makes_nobody_late(broker, namespace, tmp_path, read_topic, seed):
    await check(
        broker, namespace, tmp_path, read_topic, seed,
        promise=10, every=0.25, outage=(3, 23), last=28, noise=20_000,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_an_outage_of_four_minutes_makes_nobody_late(
    broker, namespace, tmp_path, read_topic, seed
):
    await check(
        broker, namespace, tmp_path, read_topic, seed,
        promise=120, every=1.5, outage=(110, 350), last=360, noise=40_000,
    )  # fmt: skip
