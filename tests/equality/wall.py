"""Orders with promises of a few moments, told as they happen, and what became of each."""

import asyncio
import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

from aiokafka import AIOKafkaProducer

from streams.publishing import durable_producer

# How an order goes, and how often of 20: handover as a share of the time promised.
COURSES = (
    ("in time", 11, (0.1, 0.9)),
    ("late", 5, (1.05, 1.4)),
    ("never", 4, None),
)


def now() -> int:
    return time.time_ns() // 1_000_000


def instant(at: int) -> str:
    return datetime.fromtimestamp(at / 1_000, UTC).isoformat(timespec="milliseconds")


@dataclass
class Told:
    """One order: the end of its promise, and when its handover happened and was appended."""

    name: str
    end: int
    handover: int | None = None
    appended: int | None = None

    @property
    def received_in_time(self) -> bool:
        """Tell whether its handover was in time, and with the broker before the deadline."""
        return (
            self.handover is not None
            and self.appended is not None
            and max(self.handover, self.appended) <= self.end
        )


@dataclass
class Day:
    """Sends the events of all orders when they happen; each order has a carrier of its own.

    `noise_after` seconds from the start `noise` orders without a promise are sent at once, so
    that catching up takes longer than a tick of the clock.
    """

    bootstrap: str
    namespace: str
    seed: int
    promise_seconds: float
    every_seconds: float
    seconds: float
    noise_after: float
    noise: int
    orders: list[Told] = field(default_factory=list)

    async def tell(self) -> None:
        """Promise orders for so many seconds; return when the last of them has its end."""
        rng = Random(self.seed)  # noqa: S311
        async with durable_producer(self.bootstrap) as producer:
            begins = time.monotonic()
            making_noise = asyncio.create_task(self._noise(producer))
            lives: list[asyncio.Task[None]] = []
            while (since := time.monotonic() - begins) < self.seconds:
                lives.append(asyncio.create_task(self._live(producer, len(lives), rng)))
                await asyncio.sleep(max(0.0, len(lives) * self.every_seconds - since))
            await asyncio.gather(making_noise, *lives)

    async def _noise(self, producer: AIOKafkaProducer) -> None:
        await asyncio.sleep(self.noise_after)
        sent = []
        for number in range(self.noise):
            event = self._event(f"noise-{number}", "order_promised", now(), carrier="noise")
            sent.append(await producer.send(self._topic, event, key=secrets.token_bytes(4)))
        await asyncio.gather(*sent)

    async def _live(self, producer: AIOKafkaProducer, number: int, rng: Random) -> None:
        course = rng.choices(COURSES, [each[1] for each in COURSES])[0]
        share = None if course[2] is None else rng.uniform(*course[2])
        moved, again = rng.random() < 0.4, rng.random() < 0.1
        made = now()
        told = Told(f"carrier-{number}", made + round(self.promise_seconds * 1_000))
        self.orders.append(told)
        promise = {"start": instant(made), "end": instant(told.end)}
        await self._send(
            producer, number, "order_promised", made, carrier=told.name, promise=promise
        )
        if moved:
            await asyncio.sleep(0.05 * self.promise_seconds)
            await self._send(producer, number, "out_for_delivery", now())
        if share is None:
            return
        due = made / 1_000 + share * self.promise_seconds
        await asyncio.sleep(max(0.0, due - now() / 1_000))
        told.handover = now()
        told.appended = await self._send(producer, number, "delivered", told.handover)
        if again:
            await self._send(producer, number, "delivered", told.handover)

    async def _send(
        self, producer: AIOKafkaProducer, number: int, kind: str, at: int, **more: object
    ) -> int:
        event = self._event(f"order-{number}", kind, at, **more)
        sent = await producer.send_and_wait(self._topic, event, key=secrets.token_bytes(4))
        return sent.timestamp

    @property
    def _topic(self) -> str:
        return f"{self.namespace}.order-events"

    @staticmethod
    def _event(order: str, kind: str, at: int, **more: object) -> bytes:
        event = {
            "event_id": f"{kind}-{order}",
            "kind": kind,
            "occurred_at": instant(at),
            "order_id": order,
            "source": "wall",
            **more,
        }
        return json.dumps(event).encode()
