"""Send a feed of events to the inbound topics, at full speed, at a rate or at its own pace.

On the `feed` clock each line carries its arrival in a header, never in Kafka's timestamp:
retention would delete an old year. A tick is an empty value with a header of its own.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from models.base import Millis
from streams.admin import ensure_topics
from streams.clockmode import refuse_another_clock
from streams.config import Settings
from streams.domain.zones import instant
from streams.errors import TowerError
from streams.feed import Arrival, arrivals, in_order_of_arrival
from streams.kafka import Where, client_options
from streams.pacing import Pace, PublishOptions, Tick, schedule
from streams.partitioner import by_key
from streams.topics import CONTACT_UPDATES, COURIER_EVENTS, MIB, ORDER_EVENTS, named

RECEIVED_AT = "tower-received-at"
TICK = "tower-tick"

Progress = Callable[[int, int | None], None]

_LONGEST_LINE = MIB - 4_096  # room for key, headers and the batch around it
_LONGEST_KEY = 1_024  # what is longer is cut off: the same key still is the same key
_OUTAGE_MS = 120_000  # how long a batch waits for a broker that is away
_BATCH_BYTES = 128 * 1024
_TELL_EVERY = 200


@dataclass(slots=True)
class Published:
    """What was sent and acknowledged, in records; `last_tick` is epoch milliseconds."""

    orders: int = 0
    couriers: int = 0
    contacts: int = 0
    ticks: int = 0
    last_tick: Millis | None = None

    @property
    def lines(self) -> int:
        """Lines of the feed, on both topics."""
        return self.orders + self.couriers


async def publish(
    lines: Iterable[bytes],
    options: PublishOptions,
    settings: Settings,
    *,
    contacts: Iterable[bytes] = (),
    progress: Progress | None = None,
) -> Published:
    """Send lines (without line ends) and return once all of them are acknowledged.

    Missing topics are created. Contacts go first. `progress` is told the lines sent and their
    number, None while that is unknown. Raises TowerError when the broker stays away, and when
    the workers are on another clock.
    """
    items: Iterable[Arrival | Tick]
    total: int | None = None
    if settings.clock == "feed":
        feed = in_order_of_arrival(lines)
        total = len(feed)
        _check_end(feed, options)
        items = schedule(feed, options)
    else:
        items = arrivals(lines)
    await ensure_topics(settings.kafka, settings)
    await refuse_another_clock(settings, "Nothing was sent.")
    async with durable_producer(settings.kafka) as producer:
        sender = _Sender(producer, options, settings)
        try:
            for line in contacts:
                await sender.contact(line)
            await sender.feed(items, lambda sent: progress(sent, total) if progress else None)
            await sender.settle()
        except KafkaError as error:
            raise sender.failed(error) from error
    return sender.published


def _check_end(feed: list[Arrival], options: PublishOptions) -> None:
    """Raise if lines arrive after the last tick: they would be judged before their time."""
    if options.as_of is not None and feed and feed[-1].received_at > options.as_of:
        later = sum(line.received_at > options.as_of for line in feed)
        raise TowerError(
            f"{later} of {len(feed)} lines arrive after the end that --as-of sets, the last at"
            f" {instant(feed[-1].received_at).isoformat()}: leave them out of the file, or"
            " --as-of out of the command. Nothing was sent."
        )


def durable_producer(where: Where) -> AIOKafkaProducer:
    """Return a producer that keeps the order and outlasts a broker's restart."""
    return AIOKafkaProducer(
        **client_options(where),
        enable_idempotence=True,
        acks="all",
        partitioner=by_key,
        max_batch_size=_BATCH_BYTES,
        max_request_size=MIB,
        linger_ms=5,
        request_timeout_ms=_OUTAGE_MS,
    )


class _Sender:
    """Puts lines and ticks on their topics and keeps count of what was acknowledged."""

    def __init__(
        self, producer: AIOKafkaProducer, options: PublishOptions, settings: Settings
    ) -> None:
        self.published = Published()
        self._producer = producer
        self._options = options
        self._feed = settings.clock == "feed"
        self._names = {
            topic: named(settings.namespace, topic)
            for topic in (ORDER_EVENTS, COURIER_EVENTS, CONTACT_UPDATES)
        }
        self._partitions: dict[str, int] = {}
        self._carriers: dict[str, str] = {}
        self._sent = 0
        self._answers = 0
        self._acknowledged = 0
        self._settled = asyncio.Event()
        self._failure: BaseException | None = None

    async def contact(self, line: bytes) -> None:
        """Send one contact update under its customer."""
        await self._send(CONTACT_UPDATES, line, customer_of(line).encode())
        self.published.contacts += 1

    async def feed(self, items: Iterable[Arrival | Tick], told: Callable[[int], None]) -> None:
        """Send lines and ticks in the order given, each when it is due."""
        for topic in (ORDER_EVENTS, COURIER_EVENTS):
            self._partitions[topic] = len(
                await self._producer.partitions_for(self._names[topic])
            )
        pace = Pace(self._options)
        for item in items:
            await pace.wait_for(item)
            if isinstance(item, Tick):
                await self._tick(item.at)
            else:
                await self._line(item)
            if isinstance(item, Tick) or self.published.lines % _TELL_EVERY == 0:
                told(self.published.lines)
                await asyncio.sleep(0)  # a feed that never waits must not starve the loop
        told(self.published.lines)

    async def settle(self) -> None:
        """Return once everything sent was acknowledged."""
        await self._producer.flush()
        if self._answers < self._sent:
            self._settled.clear()
            await self._settled.wait()
        if self._failure is not None:
            raise self._failure

    def failed(self, error: BaseException) -> TowerError:
        """Return the sentence for a feed that could not be sent to its end."""
        return TowerError(
            f"Kafka did not take everything ({error!r}): {self._acknowledged} records of"
            f" {self._sent} sent were acknowledged; publish the file again, what the tower"
            " already has counts as a duplicate."
        )

    async def _line(self, line: Arrival) -> None:
        if len(line.raw) > _LONGEST_LINE:
            raise TowerError(
                f"A line of {len(line.raw)} bytes is longer than a message may be"
                f" ({_LONGEST_LINE}); it begins with {line.raw[:40]!r}."
            )
        headers = [(RECEIVED_AT, b"%d" % line.received_at)] if self._feed else None
        await self._send(line.topic, line.raw, self._key(line), headers)
        if line.topic == ORDER_EVENTS:
            self.published.orders += 1
        else:
            self.published.couriers += 1

    async def _tick(self, at: Millis) -> None:
        for topic, count in self._partitions.items():
            for partition in range(count):
                await self._send(topic, b"", None, [(TICK, b"%d" % at)], partition)
                self.published.ticks += 1
        self.published.last_tick = at

    def _key(self, line: Arrival) -> bytes | None:
        """Return the key as asked for, None (any partition) where the line has no such."""
        if self._options.keys == "random":
            return secrets.token_hex(8).encode()
        if self._options.keys == "order":
            key = line.subject
        else:
            if line.subject and line.carrier:
                self._carriers[line.subject] = line.carrier
            key = line.carrier or self._carriers.get(line.subject or "")
        return key.encode("utf-8", "surrogatepass")[:_LONGEST_KEY] if key else None

    async def _send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
        partition: int | None = None,
    ) -> None:
        if self._failure is not None:
            raise self._failure
        future = await self._producer.send(
            self._names[topic], value, key, partition=partition, headers=headers
        )
        self._sent += 1
        future.add_done_callback(self._answered)

    def _answered(self, future: "asyncio.Future[object]") -> None:
        self._answers += 1
        error = KafkaError("cancelled") if future.cancelled() else future.exception()
        if error is None:
            self._acknowledged += 1
        else:
            self._failure = self._failure or error
        if self._answers == self._sent:
            self._settled.set()


class _Contact(msgspec.Struct):
    customer_id: str


def customer_of(line: bytes) -> str:
    """Return the customer a contact update is about."""
    try:
        return msgspec.json.decode(line, type=_Contact).customer_id
    except msgspec.MsgspecError as error:
        raise TowerError(
            f"A contact update cannot be sent ({error}): {line[:80]!r}."
        ) from error
