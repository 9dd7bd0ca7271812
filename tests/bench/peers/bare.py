"""Count a topic's records with aiokafka and nothing else; with `validated`, check each too.

python -m tests.bench.peers.bare BOOTSTRAP TOPIC EVENTS [validated]
"""

import asyncio
import json
import sys
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.codec import Decoded, decode_order

PARTITIONS = 8


async def main(bootstrap: str, topic: str, events: int, *, validated: bool) -> None:
    """Count records that have a key, ticks have none, until there were so many."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, p) for p in range(PARTITIONS)])
    print(json.dumps({"began": time.time()}), flush=True)  # the first answer may be all
    count = 0
    while count < events:
        for records in (await consumer.getmany(timeout_ms=200, max_records=5_000)).values():
            for record in records:
                if record.key is None:
                    continue
                if validated and not isinstance(decode_order(record.value), Decoded):
                    raise AssertionError(f"refused: {record.value!r}")
                count += 1
    print(json.dumps({"ended": time.time(), "counts": count}), flush=True)
    sys.stdin.read()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), validated=sys.argv[4:] != []))
