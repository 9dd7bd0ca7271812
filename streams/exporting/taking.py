"""`tower export`: the inbox of a running tower into a file that `tower replay` reads.

What is written is fixed at the start: each log from its beginning (or where an earlier export
ended) to the end it then had, and up to which offset it was applied. One record after the
other goes from the broker to the file; nothing is gathered.
"""

from pathlib import Path

from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError

from streams import topics
from streams.admin import connected, describe_topics
from streams.config import Settings
from streams.dispatch.vault import SEALED, has_keys, open_vault
from streams.engine.reader import bounds, group_less, read
from streams.errors import TowerError
from streams.exporting.files import OWNER_ONLY, ExportFile, ExportWriter, writing
from streams.exporting.lines import VERSION, Header, Kept, Read, line_from
from streams.exporting.standing import (
    LOGS,
    Standing,
    partitions_of,
    read_records,
    said,
    standing,
)
from streams.feed import read_lines
from streams.livereport import summed
from streams.topics import named


async def take(
    settings: Settings,
    path: str | Path,
    *,
    after: str | Path | None = None,
    couriers: bool = True,
) -> tuple[Header, int]:
    """Write the inbox of a namespace to a file; return its header and the number of records.

    `after` is an earlier export that this one continues. Without `couriers`, or where the
    earlier one is without, the courier log stays out, and only its counts are kept.

    Raises:
        TowerError: no broker, no tower, an export that cannot be continued, a file that cannot
            be written.
    """
    before = None if after is None else ExportFile(str(after), read_lines(after)).header
    couriers = couriers and (before is None or f"{topics.COURIER_LOG}/0" in before.logs)
    count = await partitions_of(settings)
    try:
        async with group_less(settings.kafka, "tower.export") as consumer:
            found = await standing(consumer, settings, count)
            header = header_of(settings, found, before, couriers=couriers)
            report = summed(found.published)
            with writing(path, mode=OWNER_ONLY) as file:
                writer = ExportWriter(file)
                writer.begin(header)
                for log, kept in header.logs.items():
                    tp = _tp(settings, log)
                    async for records in read_records(consumer, tp, kept.begin, kept.end):
                        for record in records:
                            writer.add(line_from(log, record))
                await _must_be_whole(consumer, settings, header)
                writer.close(report)
    except KafkaError as error:
        raise TowerError(f"The logs could not be read ({error!r}).") from error
    return header, writer.records


async def take_contacts(settings: Settings, path: str | Path) -> int:
    """Write how to reach customers, as `tower publish --contacts` reads it; return how many.

    These are addresses of people: the file is readable by its owner alone.

    Raises:
        TowerError: no broker, no tower, a file that cannot be written.
    """
    topic = named(settings.namespace, topics.CONTACTS)
    there = await describe_topics(settings.kafka, [topic])
    if topic not in there:
        raise TowerError(f"There is no topic {topic}: no worker has run in this namespace.")
    partitions = [TopicPartition(topic, each) for each in range(there[topic].partitions)]
    newest: dict[bytes, bytes | None] = {}
    async with group_less(settings.kafka, "tower.export") as consumer:
        ranges = await bounds(consumer, partitions)
        await read(consumer, ranges, lambda _, key, value: newest.update({key: value}))
    known = await _opened(settings, {key: value for key, value in newest.items() if value})
    with writing(path, mode=OWNER_ONLY) as file:
        file.writelines(value + b"\n" for value in known)
    return len(known)


async def _opened(settings: Settings, values: dict[bytes, bytes]) -> list[bytes]:
    """Return contacts as they were given; without its key one is nobody's any more."""
    if not any(value.startswith(SEALED) for value in values.values()):
        return [value for _, value in sorted(values.items())]
    if not has_keys(settings):
        raise TowerError(
            f"The contacts are sealed and their keys ({settings.keys_file}) are not on this"
            " machine: export them where the dispatcher is."
        )
    vault = await open_vault(settings)
    try:
        found = (vault.opened(key.decode(), value) for key, value in sorted(values.items()))
        return [each for each in found if each is not None]
    finally:
        await vault.close()


async def untaken_contacts(settings: Settings) -> int | None:
    """Return how many records of contact-updates no dispatcher has taken; None: not seen.

    What a client without Describe on the dispatcher's group asks for stays unseen.

    Raises:
        TowerError: no broker answers.
    """
    topic = named(settings.namespace, topics.CONTACT_UPDATES)
    there = await describe_topics(settings.kafka, [topic])
    if topic not in there:
        return 0
    partitions = [TopicPartition(topic, each) for each in range(there[topic].partitions)]
    async with (
        connected(settings.kafka) as admin,
        group_less(settings.kafka, "tower.export") as consumer,
    ):
        taken = await _committed(admin, f"{settings.namespace}.dispatcher", partitions)
        ranges = await bounds(consumer, partitions)
    if taken is None:
        return None
    return sum(
        max(0, end - max(begin, taken.get(tp, begin))) for tp, (begin, end) in ranges.items()
    )


async def _committed(
    admin: AIOKafkaAdminClient, group: str, partitions: list[TopicPartition]
) -> dict[TopicPartition, int] | None:
    """Return up to where a group has read, None if the broker does not say."""
    try:
        found = await admin.list_consumer_group_offsets(group, partitions=partitions)
    except GroupCoordinatorNotAvailableError:
        return {}  # no group has ever read anything here
    except (KafkaError, AttributeError):
        # aiokafka raises the last one instead of the error a broker gave for an offset.
        return None
    return {tp: each.offset for tp, each in found.items()}


def header_of(
    settings: Settings, found: Standing, before: Header | None = None, *, couriers: bool = True
) -> Header:
    """Return the header of what a tower holds now, from where `before` ended."""
    inbound = {
        f"{topic}/{number}": _read(found, topic, number)
        for topic in (topics.ORDER_EVENTS, topics.COURIER_EVENTS)
        for number in range(found.partitions)
    }
    stated = [said(found.published, f"ingest/{place}") for place in inbound]
    judged = [
        said(found.published, f"orders/{number}/~partition")
        for number in range(found.partitions)
    ]
    header = Header(
        VERSION,
        settings.namespace,
        next((each["time"] for each in stated if each.get("time")), settings.clock),
        sorted({each["rules"] for each in judged if each}),
        found.partitions,
        {
            place: _kept(place, found, before)
            for topic in (LOGS if couriers else (topics.ORDER_LOG,))
            for place in (f"{topic}/{number}" for number in range(found.partitions))
        },
        inbound,
        {
            str(number): said(found.published, f"couriers/{number}").get("counts", {})
            for number in range(found.partitions)
        },
    )
    if before is not None and (before.namespace, before.partitions) != (
        header.namespace,
        header.partitions,
    ):
        raise TowerError(
            f"The earlier export is of the namespace {before.namespace} with"
            f" {before.partitions} partitions, not of {header.namespace} with"
            f" {header.partitions}."
        )
    return header


def _read(found: Standing, topic: str, number: int) -> Read:
    cell = said(found.published, f"ingest/{topic}/{number}")
    place = f"{topic}/{number}"
    return Read(found.applied.get(place, 0), cell.get("counts", {}), cell.get("clock", 0))


def _kept(place: str, found: Standing, before: Header | None) -> Kept:
    first, end = found.logs[place]
    begin = first
    if before is not None and place in before.logs:
        begin = before.logs[place].end
        if not first <= begin <= end:
            raise TowerError(
                f"The earlier export ends at offset {begin} of {place}, and the log holds"
                f" {first} to {end}: what lies between is gone, or it is another tower's."
            )
    return Kept(begin, found.applied.get(place, -1), end)


async def _must_be_whole(consumer: object, settings: Settings, header: Header) -> None:
    """Raise if retention deleted records of the logs while they were read."""
    begins = await bounds(consumer, [_tp(settings, log) for log in header.logs])
    for log, kept in header.logs.items():
        first = begins[_tp(settings, log)][0]
        if kept.begin < first and kept.begin < kept.end:
            raise TowerError(
                f"Retention deleted records of {log} while it was read (from offset"
                f" {kept.begin} to {first}): export again."
            )


def _tp(settings: Settings, place: str) -> TopicPartition:
    topic, _, number = place.rpartition("/")
    return TopicPartition(named(settings.namespace, topic), int(number))
