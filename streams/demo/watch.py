"""What the demo knows of the running tower: published cells, facts, and mails with their time.

Reads the public topics as any other program could; it asks no worker and no predictor.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from aiokafka import TopicPartition

from models.base import Millis
from models.facts import FACT, DelayPredicted, DeliveryOutcome, NoticeSettled
from streams import topics
from streams.config import Settings
from streams.engine.reader import bounds, group_less, read
from streams.livereport import Published, Shown, least_clock, summed
from streams.mailsink import Mail
from streams.topics import named

PAUSE_SECONDS = 0.5


@dataclass(slots=True)
class Watch:
    """The picture the scoreboard draws, kept up to date by `follow`.

    `told_at` is when the order learnt that its customer's first mail had been taken, by the
    tower's clock.
    """

    partitions: int
    published: Published = field(default_factory=dict)
    predicted: dict[str, DelayPredicted] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    told_at: dict[str, Millis] = field(default_factory=dict)
    mails: list[Mail] = field(default_factory=list)

    @property
    def clock(self) -> Millis:
        """Return the least clock of all partitions, 0 before all have one."""
        return least_clock(self.published, self.partitions)

    def report(self) -> dict[str, Any] | None:
        """Return the report as published, None before there is one."""
        return summed(self.published) if self.clock else None

    def at_risk(self) -> list[DelayPredicted]:
        """Return the predicted delays of orders without a verdict, the newest first."""
        waiting = [
            each for each in self.predicted.values() if each.order_id not in self.outcomes
        ]
        return sorted(waiting, key=lambda each: -each.at)

    async def follow(self, settings: Settings) -> None:
        """Read on and on until cancelled."""
        partitions = [
            TopicPartition(named(settings.namespace, topic), number)
            for topic in (topics.KPI_CELLS, topics.ORDER_FACTS)
            for number in range(self.partitions)
        ]
        cells = named(settings.namespace, topics.KPI_CELLS)

        shown = Shown(self.published)

        def heard(place: TopicPartition, key: bytes, value: bytes | None) -> None:
            if place.topic == cells:
                shown.heard(place, key, value)
            elif value is not None:
                self._fact(value)

        async with group_less(settings.kafka, "tower.demo") as consumer:
            read_to = dict.fromkeys(partitions, 0)
            while True:
                ends = await bounds(consumer, partitions)
                ranges = {tp: (read_to[tp], ends[tp][1]) for tp in partitions}
                await read(consumer, ranges, heard)
                read_to = {tp: ends[tp][1] for tp in partitions}
                await asyncio.sleep(PAUSE_SECONDS)

    def _fact(self, value: bytes) -> None:
        fact = FACT.validate_json(value)
        match fact:
            case DelayPredicted():
                self.predicted.setdefault(fact.order_id, fact)
            case DeliveryOutcome():
                self.outcomes[fact.order_id] = fact.outcome
            case NoticeSettled(result="sent"):
                self.told_at.setdefault(fact.order_id, fact.at)
            case _:
                pass
