"""What orders ask about the couriers of a partition, answered now and whenever it changes.

A question is a row until nothing that comes can change its answer. Answers follow from what
came of the courier up to the record in hand, and are given for that record, so that a crash
repeats the same answers under the same origins.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

import msgspec

from models.base import Millis
from streams.domain.presence import Presence, Question
from streams.domain.visits import Day, Fix, Turn
from streams.engine.api import Rows
from streams.sightings import Sightings, tells

ASKED = b"q/"
NOTHING_SAID = Presence(None, None)


class _Kept(msgspec.Struct, array_like=True):
    """A question as it is written; `number` is the offset of the record that asked first."""

    order_id: str
    question: Question
    number: int


@dataclass(slots=True)
class Asked:
    """A question of an order and what was answered last; `number` tells questions apart.

    `forgotten`: the positions of that day are gone, so this says less than was known once.
    """

    order_id: str
    question: Question
    number: int
    said: Presence = NOTHING_SAID
    forgotten: bool = False


# Of what a courier says: from, to before, and up to which receipt.
_Part = tuple[Millis, Millis, Millis]


@dataclass(slots=True)
class _Watch:
    """One courier's day and the questions about it, by the keys of their rows."""

    day: Day
    asked: dict[bytes, Asked] = field(default_factory=dict[bytes, Asked])


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Kept).decode


class Watching:
    """The open questions of one partition; `rows` None puts none (replay)."""

    def __init__(self, sightings: Sightings, rows: Rows | None = None) -> None:
        self._sightings = sightings
        self._rows = rows
        self._days: dict[str, dict[_Part, _Watch]] = {}
        self._ends: dict[Millis, set[str]] = {}

    def load(self, payload: bytes) -> None:
        """Take up a question; every sighting has been taken up before."""
        kept = _decode(payload)
        self._watch(kept.question).asked[_key(kept.order_id, kept.question)] = Asked(
            kept.order_id, kept.question, kept.number
        )

    def resume(self) -> None:
        """Hold as answered what is known: it was said before the crash."""
        for days in self._days.values():
            for watch in days.values():
                for asked in watch.asked.values():
                    asked.said = watch.day.answer(asked.question)

    def ask(self, order_id: str, question: Question, offset: int, clock: Millis) -> Asked:
        """Take a question, new or asked before; return it with its answer."""
        key = _key(order_id, question)
        if question.known_by < clock:
            return Asked(
                order_id, question, offset, self._new_watch(question).day.answer(question)
            )
        watch = self._watch(question)
        asked = watch.asked.get(key) or Asked(order_id, question, offset)
        if key not in watch.asked:
            watch.asked[key] = asked
            if self._rows is not None:
                kept = _encode(_Kept(order_id, question, offset))
                self._rows.put(key, kept, offset)
        asked.said = watch.day.answer(question)
        return asked

    def changed(
        self, courier_id: str, before: Fix | Turn | None, after: Fix | Turn | None
    ) -> Iterator[Asked]:
        """Take what an event said before and says now; yield the answers that changed."""
        days = self._days.get(courier_id)
        if days is None or before == after:
            return
        touched: list[tuple[int, Asked, Day]] = []
        for part, watch in days.items():
            gone = before is not None and tells(before, *part)
            come = after is not None and tells(after, *part)
            if before is not None and gone:
                watch.day.remove(before)
            if after is not None and come:
                watch.day.add(after)
            if gone or come:
                touched += [(asked.number, asked, watch.day) for asked in watch.asked.values()]
        for _, asked, day in sorted(touched, key=_number):
            now = day.answer(asked.question)
            if now != asked.said:
                asked.said = now
                yield asked

    def close(self, clock: Millis) -> list[bytes]:
        """Give up the questions whose answers nothing can change; return their rows' keys."""
        gone: list[bytes] = []
        for known_by in [each for each in self._ends if each < clock]:
            for courier_id in sorted(self._ends.pop(known_by)):
                days = self._days[courier_id]
                for part in [each for each in days if each[2] == known_by]:
                    gone += days.pop(part).asked
                if not days:
                    del self._days[courier_id]
        return gone

    def _watch(self, question: Question) -> _Watch:
        """Return the watch of a question's day, the question among those it answers."""
        days = self._days.setdefault(question.courier_id, {})
        part = _part(question)
        watch = days.get(part)
        if watch is None:
            watch = days[part] = self._new_watch(question)
            self._ends.setdefault(question.known_by, set()).add(question.courier_id)
        watch.day.ask(question)
        return watch

    def _new_watch(self, question: Question) -> _Watch:
        day = Day()
        said = self._sightings.of(question.courier_id, *_part(question))
        for each in sorted(said, key=_at):  # in order they are taken quickest
            day.add(each)
        day.ask(question)
        return _Watch(day)


def _part(question: Question) -> _Part:
    return question.since, question.until, question.known_by


def _number(touched: tuple[int, Asked, Day]) -> int:
    return touched[0]


def _at(said: Fix | Turn) -> Millis:
    return said.at


def _key(order_id: str, question: Question) -> bytes:
    """Return the key of a question's row: the same question of the same order is one row."""
    name = msgspec.json.encode((order_id, question))
    return ASKED + blake2b(name, digest_size=16).hexdigest().encode()
