"""A worker with a toy fold, run as its own process: python tests/engine/toy.py.

Every record (key K) makes one fact "K:offset" on `order-facts` and adds one to the counter
row of K; the partition row remembers how many records were applied; cells hold the counters.
"""

import json
import logging
import os
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from streams.config import Settings
from streams.engine.app import create_app, run
from streams.engine.engine import Engine
from streams.engine.source import Source

COUNT = struct.Struct(">q")


class Counting:
    """Counts records by key, with the offset guard that makes repeats harmless."""

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.read = 0
        self.recovered_at = None
        self.slow = float(os.environ.get("TOY_SLOW", "0"))
        self.guard = os.environ.get("TOY_GUARD", "1") == "1"
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


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    settings = Settings()
    app = create_app(settings)
    source = Source("orders", "order-log", "orders-changelog", Counting, "kpi-cells")
    app.engine = Engine(app, settings, [source])

    @app.agent(app.engine.channel("order-log"))
    async def count(batches) -> None:
        async for batch in batches:
            await app.engine.apply(batch)

    return run(app)


if __name__ == "__main__":
    sys.exit(main())
