"""The reduced job in Quix Streams: rows in RocksDB, durable in a changelog topic once a second,
as often as the tower takes a barrier; otherwise stock settings.

    python -m tests.bench.peers.quix BOOTSTRAP TOPIC EVENTS GROUP FOLDER
"""

import json
import sys
import time

import orjson
from quixstreams import Application, State

from tests.bench.peers.reduced import Reduced


def main(bootstrap: str, topic: str, events: int, group: str, folder: str) -> None:
    """Run until so many events are counted and the last checkpoint is durable."""
    app = Application(
        broker_address=bootstrap, consumer_group=group, state_dir=folder,
        auto_offset_reset="earliest", commit_interval=1.0, loglevel="ERROR",
    )  # fmt: skip
    job = Reduced()

    def track(value: bytes, state: State) -> int:
        if not job.seen:
            print(json.dumps({"began": time.time()}), flush=True)
        state.set("row", job.step(state.get("row"), orjson.loads(value)))
        return job.seen

    source = app.topic(topic, key_deserializer="bytes", value_deserializer="bytes")
    stream = app.dataframe(source)
    stream = stream.filter(lambda value: value != b"")  # ticks of the clock
    stream.apply(track, stateful=True)
    app.run(count=events, collect=False)
    print(json.dumps({"ended": time.time(), "counts": job.counts}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
