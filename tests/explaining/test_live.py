"""`tower explain` of a running tower says what it says of the published file."""

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests import story as tell
from tests.story import story

pytestmark = pytest.mark.kafka

END = "2026-03-03T14:00:00Z"

# What may differ, since a worker plans no notices before it has caught up.
INTERLEAVED = {"predictions", "notices", "outlook", "next_look"}

ORDERS = (
    *(
        event
        for order in ("A-1", "A-2", "A-3")
        for event in (
            tell.promised(-60, window=(60, 180), timezone="Europe/Berlin", order=order),
            tell.out(60, order=order),
            tell.eta(140, 220, order=order),
        )
    ),
    tell.delivered(215, order="A-1"),
    tell.delivered(170, order="A-2"),
    tell.asked(300, order="A-3"),  # the file ends at 14:00
)


@pytest.fixture
def settings(broker, namespace, monkeypatch):
    values = {
        "BROKERS": broker.bootstrap,
        "NAMESPACE": namespace,
        "CLOCK": "feed",
        "PREDICT": "true",
        "PARTITIONS": "2",
        "METRICS_PORT": "0",
        "BARRIER_SECONDS": "0.2",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"TOWER_{name}", value)
    return values


@contextmanager
def worker(log):
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", "from streams.cli.main import main; main(['worker'])"],
            env=dict(os.environ),
            stdout=file,
            stderr=file,
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(15)


def judged(out):
    told = {name: said for name, said in json.loads(out).items() if name not in INTERLEAVED}
    told["rules_used"] = [
        each for each in told["rules_used"] if not each["rule"].startswith("notices.")
    ]
    return told


def test_the_running_tower_and_its_file_say_the_same(tower, settings, tmp_path):
    file = tmp_path / "day.jsonl"
    file.write_bytes(b"\n".join(story(*ORDERS)))
    nobody = tower("explain", "A-1")
    assert nobody.code == 1
    assert "no worker has run in this namespace" in nobody.err
    with worker(tmp_path / "worker.log"):
        assert tower("publish", file).code == 0
        assert tower("report", "--wait", END).code == 0
        for order in ("A-1", "A-2", "A-3"):
            live = tower("explain", order, "--json")
            assert (live.code, live.err) == (0, ""), (tmp_path / "worker.log").read_text()
            filed = tower("explain", order, "--json", "--file", file)
            assert judged(live.out) == judged(filed.out), order
            said = json.loads(live.out)["predictions"]  # by the model of the running tower
            assert [each["horizon"] for each in said][:1] == ["created"]
            assert all("to come late" in each["says"] for each in said)
        assert "35 min after the promised end" in " ".join(tower("explain", "A-1").out.split())
        unknown = tower("explain", "B-2")
        assert (unknown.code, unknown.out) == (1, "")
        assert unknown.err == "tower: The tower knows no order B-2.\n"
        other = tmp_path / "rules.yaml"
        other.write_text("schema: 1\ndefaults:\n  early_minutes: 5\n")
        assert "The workers judge by rules" in tower("explain", "A-1", "--rules", other).out


def test_a_broker_that_is_away_is_one_sentence(tower):
    ran = tower("explain", "A-1", "--brokers", "127.0.0.1:1")
    assert ran.code == 1
    assert ran.err.startswith("tower: No Kafka broker answers at 127.0.0.1:1")
