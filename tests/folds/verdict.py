"""What must be true of a namespace: against a replay, and against folds that never crashed."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aiokafka import TopicPartition

from streams import topics
from streams.cellbook import ARCHIVE
from streams.clocks import Watermarks, parse_origin
from streams.codec import Decoded, decode_order
from streams.domain.scoring.state import packed
from streams.engine.rows import PARTITION_KEY, PartitionRows, unpack
from streams.engine.writer import Outbox
from streams.feed import Arrival
from streams.learner import LearnerFold
from streams.livereport import Shown, least_clock, summed
from streams.modelfeed import Models
from streams.modelrows import whole
from streams.replay import Replay
from tests.equality.comparing import differences

from .history import KEPT, PARTITIONS, RULES

if TYPE_CHECKING:
    from streams.engine.api import Record

    from .world import World


class _Marks(Watermarks):
    """Watermarks as they are, also while a mutant is at work on them."""

    clamp, repeats, tick = Watermarks.clamp, Watermarks.repeats, Watermarks.tick


def final(world: "World") -> list[str]:
    """Return everything that is wrong at the end."""
    shown = Shown()
    for p in range(PARTITIONS):
        for record in world.logs[topics.KPI_CELLS, p]:
            shown.heard(TopicPartition("cells", p), record.key or b"", record.value)
    published = shown.published
    problems = [f"report: {each}" for each in _against_replay(world, published)]
    if least_clock(published, PARTITIONS) != world.history.as_of:
        problems.append("a clock is not where the feed ended")
    for p in range(PARTITIONS):
        problems += _against_calm(world, p)
    if world.models is not None:
        problems += _learnt(world)
    return problems


def _learnt(world: "World") -> list[str]:
    """Return how what was learnt differs from what calm folds tell a calm learner.

    Its model is that of the labels as they lie in `training`, each origin once; by partition
    these are the labels of a fold that never crashed, in its order.
    """
    problems = []
    labels: dict[tuple[str, tuple[int, int]], Record] = {}
    for record in world.logs[topics.TRAINING, 0]:
        labels.setdefault(parse_origin(dict(record.headers)["origin"]), record)
    for p in range(PARTITIONS):
        out, _, _ = _calm(world, p, len(world.logs[topics.ORDER_LOG, p]) - 1)
        wanted = [record[1] for record, _ in out.take().get(topics.TRAINING, ())]
        found = [each.value for origin, each in labels.items() if origin[0] == f"orders/{p}"]
        if wanted != found:
            problems.append(f"labels of {p}: {len(found)} instead of {len(wanted)}")
    calm = LearnerFold("rules")
    calm.recover(None, PartitionRows({}, -1), {})
    calm.fold(list(labels.values()), Outbox())
    rows = world.logs.rows(topics.MODEL, 0)
    held = whole(rows)
    model = packed(calm.model)
    if labels and (held is None or held[1] != model):
        problems.append("the model is not that of the labels, each once")
    feed = Models()
    for record in world.logs[topics.MODEL, 0]:
        feed.heard(TopicPartition("model", 0), record.key or b"", record.value)
    feed.adopt()
    if labels and packed(feed.newest) != model:
        problems.append("a worker holds another model")
    return problems


def cells(world: "World", number: int, applied: int) -> list[str]:
    """Return how the published cells of a partition differ from those of a calm fold."""
    _, _, wanted = _calm(world, number, applied)
    found = _cells(world.logs.latest(topics.KPI_CELLS, number), number)
    names = [key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key)]
    return [
        f"cell {name!r} at {applied}: {found.get(name)!r} instead of {wanted.get(name)!r}"
        for name in names
    ]


# -- against a replay


def _against_replay(world: "World", published: dict[bytes, bytes]) -> list[str]:
    effective = dict(_effective(world))
    arrivals = []
    for place, arrival in world.history.places.items():
        received_at = effective.get(place)
        if received_at is None:
            refused = not isinstance(decode_order(arrival.raw), Decoded)
            if arrival.topic == topics.ORDER_EVENTS and not refused:
                return [f"the event at {place} was lost"]
            received_at = arrival.received_at
        if received_at != arrival.received_at and not world.dishonest:
            return [f"the event at {place} was received {received_at} instead of {arrival}"]
        arrivals.append(arrival._replace(received_at=received_at))
    order = {id(a.raw): n for n, a in enumerate(world.history.arrivals)}
    arrivals.sort(key=lambda a: (a.received_at, order[id(a.raw)]))
    return differences(summed(published), replayed(arrivals, world.history.as_of))


def replayed(arrivals: list[Arrival], as_of: int) -> dict[str, Any]:
    replay = Replay(RULES)
    replay.groups.kept = KEPT
    replay.as_of = as_of
    for arrival in arrivals:
        replay.take(arrival)
    replay.advance(as_of)
    return replay.report()


def _effective(world: "World") -> Iterator[tuple[tuple[str, int, int], int]]:
    """Yield for each source record when it counts as received, by the inboxes alone."""
    for log, topic in (
        (topics.ORDER_LOG, topics.ORDER_EVENTS), (topics.COURIER_LOG, topics.COURIER_EVENTS)
    ):  # fmt: skip
        for p in range(PARTITIONS):
            marks = _Marks([f"{topic}/{each}" for each in range(PARTITIONS)])
            for record in world.logs[log, p]:
                headers = dict(record.headers)
                if headers.get("kind") == b"tick":
                    marks.tick(record.value or b"{}", caught_up=True)
                elif "kind" not in headers:
                    upstream, origin = parse_origin(headers["origin"])
                    if not marks.repeats(upstream, origin):
                        at = marks.clamp(upstream, int(headers["received_at"]))
                        yield (topic, int(upstream.rpartition("/")[2]), origin[0]), at


# -- against a fold of the same inbox that never crashed


def _calm(world: "World", number: int, applied: int) -> tuple[Outbox, dict[bytes, bytes], Any]:
    fold = world.sources[-1].fold(number)
    rows, out, cells = PartitionRows({}, -1), Outbox(), Outbox()
    fold.recover(None, rows, {})
    log: list[Record] = world.logs[topics.ORDER_LOG, number]
    for record in log[: applied + 1]:
        fold.fold([record], out)
    fold.publish(cells)
    sent = {record[0]: record[1] for record, _ in cells.take().get(topics.KPI_CELLS, ())}
    return out, dict(rows.items()), _cells(sent, number)


def _cells(published: dict[Any, Any], number: int) -> dict[bytes, Any]:
    prefix = f"orders/{number}/".encode()
    return {
        key: json.loads(value)
        for key, value in published.items()
        if key.startswith(prefix) and not key.endswith(b"~partition") and value
    }


def _against_calm(world: "World", number: int) -> list[str]:
    log = world.logs[topics.ORDER_LOG, number]
    out, rows, _ = _calm(world, number, len(log) - 1)
    sent = out.take()
    problems = cells(world, number, len(log) - 1)
    for topic in (topics.ORDER_FACTS, topics.NOTICE_COMMANDS):
        wanted = {record[:2] for record, _ in sent.get(topic, ()) if record[0] is not None}
        found = {
            (record.key, record.value)
            for record in world.logs[topic, number]
            if record.key is not None
        }
        problems += [f"{topic} lost: {each}" for each in wanted - found]
        problems += [f"{topic} invented: {each}" for each in found - wanted]
    kept = {
        key: unpack(row)[1]
        for key, row in world.logs.rows("orders-changelog", number).items()
        if key != PARTITION_KEY
    }
    for key in rows.keys() | kept.keys():
        one, other = rows.get(key, b""), kept.get(key, b"")
        if one and other and key.startswith(ARCHIVE):
            one, other = json.loads(one), json.loads(other)
        if one != other:
            problems.append(f"row {key!r}: {other!r} instead of {one!r}")
    return problems
