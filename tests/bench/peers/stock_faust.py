"""The reduced job as Faust's documentation would have it: one agent, one table, stock settings.

python -m tests.bench.peers.stock_faust BOOTSTRAP TOPIC EVENTS GROUP FOLDER
"""

import json
import sys
import time
from typing import Any

import faust

from tests.bench.peers.reduced import Reduced

PARTITIONS = 8


def app(bootstrap: str, topic: str, events: int, group: str, folder: str) -> faust.App:
    """Return the application; its rows are durable in a changelog topic."""
    made = faust.App(
        group, broker=f"kafka://{bootstrap}", store="memory://", datadir=folder,
        topic_partitions=PARTITIONS,
    )  # fmt: skip
    orders = made.Table("orders", partitions=PARTITIONS)
    source = made.topic(topic, key_type=bytes, value_type=bytes, value_serializer="raw")
    job = Reduced()

    @made.agent(source)
    async def track(stream: faust.StreamT[bytes]) -> None:
        async for key, value in stream.items():
            if key is None:
                continue
            if not job.seen:
                _tell(began=time.time())
            order = key.decode()
            orders[order] = job.step(orders.get(order), json.loads(value))
            if job.seen == events:
                await made.producer.flush()
                _tell(ended=time.time(), counts=job.counts)

    return made


def _tell(**what: Any) -> None:
    """Print past Faust, which takes standard output for its log."""
    print(json.dumps(what), file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    bootstrap, topic, events, group, folder = sys.argv[1:]
    running = app(bootstrap, topic, int(events), group, folder)
    sys.argv = ["faust", "worker", "--without-web", "--loglevel", "error"]
    running.main()
