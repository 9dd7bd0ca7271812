"""One order of the running tower: its row of the changelog, its clock of `kpi-cells`.

Read in no group and without asking a worker: what is durable is what can be explained.
"""

import json
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from models.base import Millis
from streams import topics
from streams.admin import describe_topics
from streams.config import Settings
from streams.engine.reader import bounds, group_less, read
from streams.engine.rows import merge, unpack
from streams.errors import TowerError
from streams.partitioner import partition_of
from streams.topics import named

TABLE = "orders-changelog"


@dataclass(frozen=True, slots=True)
class LiveRow:
    """What is durable of an order: its row (None: none), the clock (epoch ms), the rules' id.

    The clock is 0 and the rules empty while the partition has published nothing.
    """

    payload: bytes | None
    clock: Millis
    rules: str


async def live_row(settings: Settings, order_id: str) -> LiveRow:
    """Return what the tower in this namespace keeps of an order.

    Raises:
        TowerError: there is no broker, or no tower in this namespace.
    """
    table = named(settings.namespace, TABLE)
    cells = named(settings.namespace, topics.KPI_CELLS)
    there = await describe_topics(settings.kafka, [table, cells])
    for topic in (table, cells):
        if topic not in there:
            raise TowerError(f"There is no topic {topic}: no worker has run in this namespace.")
    key = order_id.encode("utf-8", "replace")
    number = partition_of(key, there[table].partitions)
    wanted = {
        TopicPartition(table, number): key,
        TopicPartition(cells, number): f"orders/{number}/~partition".encode(),
    }
    rows: dict[bytes, bytes] = {}
    clock: list[bytes] = []

    def heard(tp: TopicPartition, heard_key: bytes, value: bytes | None) -> None:
        if heard_key != wanted[tp]:
            return
        if tp.topic == table:
            merge(rows, heard_key, value)
        elif value is not None:
            clock[:] = [value]

    try:
        async with group_less(settings.kafka, "tower.explain") as consumer:
            await read(consumer, await bounds(consumer, wanted), heard)
    except KafkaError as error:
        raise TowerError(f"The broker did not let the order be read ({error!r}).") from error
    row = rows.get(key)
    said: dict[str, Any] = json.loads(clock[0]) if clock else {"clock": 0, "rules": ""}
    return LiveRow(None if row is None else unpack(row)[1], said["clock"], said["rules"])
