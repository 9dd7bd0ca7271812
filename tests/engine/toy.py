"""A worker with a toy fold, run as its own process: python tests/engine/toy.py.

Every record (key K) makes one fact "K:offset" on `order-facts` and adds one to the counter
row of K; the partition row remembers how many records were applied; cells hold the counters.
At its end it says what the engine counted.

TOY_SLOW: seconds each batch takes. TOY_HOLD: until this file is there nothing is sent to the
changelog of partition 0. TOY_START: seconds a broker has to answer at start.
"""

import asyncio
import json
import logging
import os
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from streams.config import Settings
from streams.engine import engine as engine_module
from streams.engine.app import create_app, run
from streams.engine.engine import Engine
from streams.engine.source import Source
from streams.engine.writer import Writer

COUNT = struct.Struct(">q")


class Counting:
    """Counts records by key, with the offset guard that makes repeats harmless."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.read = 0
        self.recovered_at = None
        self.slow = float(os.environ.get("TOY_SLOW", "0"))
        self.guard = os.environ.get("TOY_GUARD", "1") == "1"
        self.tells = "TOY_HOLD" in os.environ
        self.changed: set[bytes] = set()

    def recover(self, meta, rows, published) -> None:
        self.rows = rows
        self.read = 0 if meta is None else COUNT.unpack(meta)[0]
        self.changed = {key for key, _ in rows.items()}
        sys.stderr.write(f"recovered {self.partition} {self.read} {len(published)}\n")

    def fold(self, records, out) -> None:
        for record in records:
            self.read += 1
            fact = b"%s:%d/%d" % (record.key, self.partition, record.offset)
            out.send("order-facts", record.key, fact)
            if not self.guard or self.rows.off(record.key) < record.offset:
                before = self.rows.get(record.key)
                count = 0 if before is None else COUNT.unpack(before)[0]
                self.rows.put(record.key, COUNT.pack(count + 1), record.offset)
                self.changed.add(record.key)
            if record.value == b"poison":
                raise RuntimeError("the toy was poisoned")
        if self.slow:
            time.sleep(self.slow)
        if self.tells:
            sys.stderr.write(f"folded {self.partition} {self.read}\n")

    def beat(self, beat, out) -> None:
        if os.environ.get("TOY_BEATS"):
            value = json.dumps([beat.now, beat.caught_up, beat.safe_at]).encode()
            out.send("dead-letters", b"beat", value, partition=self.partition)

    def meta(self) -> bytes:
        return COUNT.pack(self.read)

    def publish(self, out) -> None:
        for key in sorted(self.changed):
            out.send("kpi-cells", key, self.rows.get(key), partition=self.partition)
        self.changed.clear()


def hold(release: Path) -> None:
    """Send nothing to the changelog of partition 0 until a file is there."""
    deliver = Writer.deliver

    def closed(topic, partition) -> bool:
        return (topic, partition) == ("orders-changelog", 0) and not release.exists()

    async def held(self, builder, topic, partition):
        while closed(topic, partition):  # noqa: ASYNC110  # the file is made by another process
            await asyncio.sleep(0.05)
        return await deliver(self, builder, topic, partition)

    Writer.deliver = held


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    if "TOY_HOLD" in os.environ:
        hold(Path(os.environ["TOY_HOLD"]))
    engine_module.START_SECONDS = float(os.environ.get("TOY_START", "60"))
    settings = Settings()
    app = create_app(settings)
    source = Source("orders", "order-log", "orders-changelog", Counting, "kpi-cells")
    app.engine = Engine(app, settings, [source])

    @app.agent(app.engine.channel("order-log"))
    async def count(batches) -> None:
        async for batch in batches:
            await app.engine.apply(batch)

    code = run(app)
    counted = app.engine
    sys.stderr.write(
        f"counted rebalances={counted.rebalances} recovered={counted.recovered_rows} "
        f"kept={counted.kept_rows}\n"
    )
    return code


if __name__ == "__main__":
    sys.exit(main())
