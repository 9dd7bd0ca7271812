"""What a file of events must lead to, told without a broker: report, facts, dead letters."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from models.base import Millis
from models.rules import Rules
from streams import topics
from streams.codec import Rejected, decode_courier, decode_order
from streams.domain.judgement import Judgement
from streams.domain.verdicts import judge
from streams.engine.api import Record
from streams.engine.rows import PartitionRows
from streams.feed import Arrival, in_order_of_arrival, read_lines
from streams.orders import OrdersFold
from streams.replay import Replay, Sent
from streams.simulate import DaySpec, day
from streams.simulate.lines import mixed, said
from tests.crash.plan import Plan

START = datetime(2026, 11, 2, 6, tzinfo=UTC)

Letter = tuple[str, str, bytes]  # topic, reason, raw

# What the last fact of a kind says about an order once every event is there; the rest of it
# depends on what had arrived when it was said, of a deviation all but its being.
SAYS: dict[str, tuple[str, ...]] = {
    "delivery_outcome": ("outcome",),
    "attempt_concluded": ("succeeded", "reason"),
    "eta_deviation": (),
}

Words = dict[tuple[str, str], tuple[Any, ...]]  # by subject (a fact's id without number), kind


@dataclass(frozen=True)
class Expected:
    """What becomes of a file in the end."""

    lines: int
    as_of: Millis
    report: dict[str, Any]
    letters: Counter[Letter]
    verdicts: Words


@dataclass
class Told:
    """The facts of a topic by id: each body that was sent under it, and how often."""

    bodies: dict[str, Counter[bytes]] = field(default_factory=dict)
    order: list[bytes] = field(default_factory=list)

    def add(self, body: bytes) -> None:
        """Take one fact."""
        self.bodies.setdefault(json.loads(body)["fact_id"], Counter())[body] += 1
        self.order.append(body)


def write_feed(plan: Plan, path: Path) -> None:
    """Write the simulated day of a plan, hostile messages mixed in."""
    made = day(DaySpec(plan.orders, plan.couriers, plan.seed, START, "mixed"))
    lines = mixed(said(made.events), plan.seed, plan.hostile, START)
    path.write_bytes(b"".join(line + b"\n" for line in lines))


def expect(path: Path) -> Expected:
    """Replay a file."""
    arrivals = in_order_of_arrival(read_lines(path))
    replay = Replay(Rules())
    replay.run(each.raw for each in arrivals)
    return Expected(
        lines=len(arrivals),
        as_of=replay.as_of,
        report=replay.report(),
        letters=Counter(filter(None, map(_letter, arrivals))),
        verdicts=dict(verdicts(replay)),
    )


def _letter(arrival: Arrival) -> Letter | None:
    decode = decode_courier if arrival.topic == topics.COURIER_EVENTS else decode_order
    decoded = decode(arrival.raw)
    if not isinstance(decoded, Rejected):
        return None
    return (arrival.topic, str(decoded.reason), arrival.raw)


def verdicts(replay: Replay) -> Iterator[tuple[tuple[str, str], tuple[Any, ...]]]:
    """Yield what is true in the end of every order that is still kept."""
    for key, row in replay.orders.rows.decoded():
        order, life = row.order, f"{key.decode()}/{row.ledger.life}"
        if order is None or not order.track.is_order:
            continue
        track, promise = order.track, order.promise
        if promise is not None and replay.as_of >= promise.late_from:
            outcome = judge(track, promise, replay.as_of, order.judgement).outcome
            if outcome is not None:
                yield (f"{life}/outcome", "delivery_outcome"), (str(outcome),)
        if track.attempts.visits:
            first = track.attempts.visits[0]
            said = (first.succeeded, None if first.succeeded else str(first.reason))
            yield (f"{life}/attempt", "attempt_concluded"), said
        if track.handover is not None:
            yield (f"{life}/deviation", "eta_deviation"), ()


def last_words(facts: Iterable[bytes]) -> Words:
    """Return what the last fact of every kind says about every life of an order."""
    last: Words = {}
    for body in facts:
        fact = json.loads(body)
        if fact["kind"] in SAYS:
            # The id ends with what is said and the number of the saying.
            subject = fact["fact_id"].rpartition("/")[0]
            last[subject, fact["kind"]] = tuple(fact[name] for name in SAYS[fact["kind"]])
    return last


def facts_of_inbox(inbox: dict[int, list[Record]], upstreams: list[str]) -> dict[str, bytes]:
    """Return the facts that the records of every inbox partition lead to, by id.

    Each partition is folded once from its beginning, by a fold that nothing disturbs.
    """
    facts = {}
    for number, records in inbox.items():
        fold, out = OrdersFold(number, upstreams, Judgement(Rules())), Sent(keep=True)
        fold.recover(None, PartitionRows({}, -1), {})
        fold.fold(records, out)
        for topic, _, body in out.messages:
            if topic == topics.ORDER_FACTS and body is not None:
                facts[json.loads(body)["fact_id"]] = body
    return facts
