"""Good and hostile messages in one stream: made by a seed, sent raw, found by offset."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from aiokafka import AIOKafkaProducer

from models.base import Millis, millis
from streams.feed import in_order_of_arrival
from streams.simulate import DaySpec, day
from streams.simulate.hostile import hostile
from streams.simulate.lines import said
from streams.topics import COURIER_EVENTS, ORDER_EVENTS, named

GOOD = "good"
CODECS = (None, "gzip", "snappy", "lz4", "zstd")
CHUNK = 500

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Message:
    """One record to send and what must become of it (`good`: an event of the simulated day)."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    item: str
    expect: str
    received_at: Millis = 0

    @property
    def kept(self) -> bool:
        """Whether it becomes an event of the tower (that it knows one, or knew its order)."""
        return self.expect in {GOOD, "accepted", "duplicate", "order_closed"}


@dataclass(frozen=True)
class Sent:
    """A message and the place Kafka gave it; `timestamp` is the broker's, epoch ms."""

    message: Message
    partition: int
    offset: int
    timestamp: Millis

    @property
    def place(self) -> str:
        """Topic, partition and offset, as dead letters name it."""
        return f"{self.message.topic}/{self.partition}/{self.offset}"


def good(seed: int, most: int, at: datetime) -> list[Message]:
    """Return so many events of a simulated day that ended before `at`, as they arrive."""
    spec = DaySpec(max(20, most // 7), max(4, most // 200), seed, at - timedelta(days=3))
    arrivals = in_order_of_arrival(said(day(spec).events))
    before = [each for each in arrivals if each.received_at <= millis(at)]
    return [
        Message(each.topic, (each.subject or "").encode(), each.raw, (), GOOD, GOOD)
        for each in islice(before, most)
    ]


def intruders(seed: int, number: int, at: datetime, clock: str) -> list[Message]:
    """Return so many hostile messages, a third of them with headers nobody asked for."""
    rng = Random(seed)  # noqa: S311
    return [
        Message(
            each.topic,
            each.key,
            each.value,
            each.headers or (_odd_headers(rng) if rng.random() < 1 / 3 else ()),
            each.item,
            each.expect,
        )
        for each in hostile(seed, number, at=at, clock=clock)
    ]


def _odd_headers(rng: Random) -> Headers:
    """Return headers that pretend, are not text, have no value, or repeat."""
    return tuple(
        rng.sample(
            (
                ("kind", b"tick"),
                ("kind", b"receipt"),
                ("caught_up", b"1"),
                ("origin", b"order-events/0/0/0"),
                ("received_at", b"0"),
                ("unknown", None),
                ("", b""),
                ("content-type", b"\xff\xfe\x00"),
                ("traceparent", rng.randbytes(40)),
                ("naïve \u202e name", b"\x80"),
                ("long", b"x" * 5_000),
            ),
            rng.randrange(1, 6),
        )
    )


def mixed(seed: int, good_ones: list[Message], hostile_ones: list[Message]) -> list[Message]:
    """Return both in one stream, each in its own order."""
    rng = Random(seed)  # noqa: S311
    places = sorted(rng.randrange(len(good_ones) + 1) for _ in hostile_ones)
    stream, intruding = [], iter(zip(places, hostile_ones, strict=True))
    place, intruder = next(intruding, (-1, None))
    for index in range(len(good_ones) + 1):
        while intruder is not None and place == index:
            stream.append(intruder)
            place, intruder = next(intruding, (-1, None))
        stream += good_ones[index : index + 1]
    return stream


def in_feed_time(stream: list[Message], minutes: int = 60) -> Iterator[Message]:
    """Yield the stream in the order of arrival with the arrivals as headers, and ticks.

    A tick goes to every partition, so it stands here as a message without a key.
    """
    numbered = dict(enumerate(stream))
    lines = [b"" if each.value is None else each.value for each in stream]
    order = in_order_of_arrival(lines)
    by_value: dict[bytes, list[int]] = {}
    for number, line in enumerate(lines):
        by_value.setdefault(line, []).append(number)
    told = 0
    for arrival in order:
        at = arrival.received_at
        if at - told >= minutes * 60_000:
            told = at
            yield tick(at)
        message = numbered[by_value[arrival.raw].pop(0)]
        header = ("tower-received-at", str(at).encode())
        yield replace(message, headers=(*message.headers, header), received_at=at)
    yield tick(order[-1].received_at)


def tick(at: Millis) -> Message:
    """Return a tick of the feed's clock."""
    return Message("", None, b"", (("tower-tick", str(at).encode()),), "tick", "tick", at)


async def produce(
    bootstrap: str, namespace: str, partitions: int, stream: Iterable[Message]
) -> list[Sent]:
    """Send a stream in order, chunks of it compressed in turn by every codec of Kafka."""
    producers = [
        AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            compression_type=codec,
            max_request_size=1 << 20,
            linger_ms=2,
        )
        for codec in CODECS
    ]
    sent: list[Sent] = []
    try:
        for each in producers:
            await each.start()
        rest, number = iter(stream), 0
        while chunk := list(islice(rest, CHUNK)):
            sent += await _produce(producers[number % 5], namespace, partitions, chunk)
            number += 1
    finally:
        for each in producers:
            await each.stop()
    return sent


async def _produce(
    producer: AIOKafkaProducer, namespace: str, partitions: int, chunk: Iterable[Message]
) -> list[Sent]:
    futures = []
    for message in chunk:
        everywhere = message.item == "tick"
        topics = (ORDER_EVENTS, COURIER_EVENTS) if everywhere else (message.topic,)
        for topic in topics:
            for partition in range(partitions) if everywhere else (None,):
                future = await producer.send(
                    named(namespace, topic),
                    message.value,
                    b"" if message.key is message.value is None else message.key,
                    partition=partition,
                    headers=list(message.headers),
                )
                futures.append((message, future))
    sent = []
    for message, future in futures:
        place = await future
        if message.item != "tick":
            sent.append(Sent(message, place.partition, place.offset, place.timestamp))
    return sent


def now() -> datetime:
    """Return the present, in UTC."""
    return datetime.now(UTC)


def as_json(octets: bytes) -> dict[str, object]:
    """Return the object some bytes hold."""
    found: dict[str, object] = json.loads(octets)
    return found
