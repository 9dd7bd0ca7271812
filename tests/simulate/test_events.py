"""What the simulator writes: valid events in the order of their arrival, always the same."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter

import pytest
from pydantic import TypeAdapter

from models.events import CourierEvent, OrderEvent
from streams.errors import TowerError
from streams.simulate import SCENARIOS, DaySpec, day
from streams.simulate.lines import mixed, packed, said
from tests.simulate.second_reading import instant, received

START = instant("2026-03-03T06:00:00Z")


@pytest.mark.parametrize("scenario", ["mixed", "quarter"])
def test_every_event_is_one_of_the_vocabulary(a_day, scenario):
    orders, couriers = TypeAdapter(OrderEvent), TypeAdapter(CourierEvent)
    for line, event in zip(said(a_day(scenario).events), a_day(scenario).events, strict=True):
        (orders if "order_id" in event else couriers).validate_json(line)


@pytest.mark.parametrize("scenario", sorted(SCENARIOS))
def test_events_come_in_the_order_they_are_received(scenario):
    events = day(DaySpec(scenario=scenario, orders=120, couriers=6)).events
    arrivals = [received(event) for event in events]
    assert arrivals == sorted(arrivals)


def test_an_id_is_used_again_only_by_repeats(a_day):
    count = Counter(
        (event.get("order_id", event.get("courier_id")), event["source"], event["event_id"])
        for event in a_day("mixed").events
    )
    repeated = sum(n > 1 for n in count.values())
    assert 0 < repeated < 0.02 * len(count)


def test_nothing_is_known_before_it_happens(a_day):
    """A carrier's ETA lies ahead of it, and a scan arrives after it was made, skew apart."""
    for event in a_day("mixed").events:
        if event["kind"] == "eta_updated":
            assert instant(event["eta"]) > instant(event["occurred_at"])
        if "observed_at" in event and event["source"].endswith(".hub"):
            assert received(event) >= instant(event["occurred_at"])


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    """Two processes that hash strings differently, and a third with another seed."""
    written = []
    for hashing, seed in (("1", "5"), ("2", "5"), ("1", "6")):
        paths = [
            tmp_path / f"{hashing}-{seed}{end}" for end in (".jsonl.gz", ".truth", ".people")
        ]
        command = (
            f"simulate --orders 150 --couriers 7 --seed {seed} --scenario rush"
            f" --start 2026-06-01T06:00:00+02:00 --out {paths[0]} --truth {paths[1]}"
            f" --contacts {paths[2]}"
        )
        environment = os.environ | {"PYTHONHASHSEED": hashing}
        tower = [sys.executable, "-c", "from streams.cli.main import main; main()"]
        subprocess.run(
            [*tower, *command.split()],
            check=True, env=environment, timeout=50,
        )  # fmt: skip
        written.append([path.read_bytes() for path in paths])
    assert written[0] == written[1]
    assert written[0] != written[2]
    first = gzip.decompress(written[0][0]).splitlines()[0]
    assert json.loads(first)["kind"] == "order_promised"


def test_packed_bytes_hold_no_date():
    assert packed(b"x\n")[3:8] == bytes(5)  # no flags, modification time 0
    assert gzip.decompress(packed(b"x\n")) == b"x\n"


def test_hostile_messages_are_spread_among_the_others():
    lines = [b"%d" % number for number in range(100)]
    made = list(mixed(lines, 4, 20, START))
    assert [line for line in made if line in set(lines)] == lines
    assert 100 < len(made) <= 120
    assert made == list(mixed(lines, 4, 20, START))
    assert list(mixed(lines, 4, 0, START)) == lines


@pytest.mark.parametrize("orders", [1, 2, 7, 49])
def test_a_day_may_be_small(orders):
    made = day(DaySpec(orders=orders, couriers=3))
    assert len(made.truth) == orders


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"scenario": "sunny"}, "There is no scenario 'sunny'"),
        ({"orders": 0}, "at least one order"),
        ({"start": instant("2026-03-03T06:00:00")}, "needs an offset"),
        ({"start": instant("1999-03-03T06:00:00Z")}, "between the years"),
    ],
)
def test_a_mistake_is_one_sentence(wrong, sentence):
    with pytest.raises(TowerError, match=sentence):
        day(DaySpec(**wrong))
