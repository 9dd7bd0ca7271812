"""What came of couriers lately: each event once, what it said, and how often it came.

Rows of ten minutes of receipt for each courier. All copies of an event stand where the first
came, if that is less than two days ago: the least is the event, the others are duplicates, in
whatever order they came. Those of one millisecond are told apart by their canonical bytes,
which a row keeps until no more of that millisecond can come. Counts of rows that no copy can
ask for go to one archive row; the rows themselves stay for as long as an order can ask where
the courier was.
"""

import json
from collections.abc import Iterator
from hashlib import blake2b
from struct import Struct
from typing import NamedTuple, cast

import msgspec

from models.base import Millis, millis
from models.events import CourierEvent
from streams.codec import Decoded
from streams.domain.arrivals import SKEW_MS, content_of
from streams.domain.cells import add
from streams.domain.presence import EVIDENCE_MS
from streams.domain.visits import Fix, Turn
from streams.domain.zones import DAY_MS
from streams.engine.api import Rows

KNOWN_MS = 2 * DAY_MS
# From the receipt of a position to the last question about its local day, which ends at most
# two days after the position was taken.
ASKED_FOR_MS = EVIDENCE_MS + 2 * DAY_MS
SPAN_MS = 600_000
SPAN = b"h/"
ARCHIVE = b"\x01counts"
# Contents of one courier in one span; a row has its bounds. Beyond, nothing is remembered.
MOST_KNOWN = 4_000
# Canonical bytes a row keeps: so many, so long. Beyond, digests tell copies apart.
MOST_TEXTS = 256
LONGEST_TEXT = 1_024
ID_BYTES = 12

Counts = dict[str, int]
Evidence = Fix | Turn | None

# What an event says that can be asked for: (what, when, lat, lon, accuracy).
Said = tuple[int, Millis, float, float, float]
NOTHING, POSITION, STARTS, ENDS = range(4)


class Content(NamedTuple):
    """One wording of an event: how often it came, when first, whether with unknown fields."""

    came: int
    least: Millis
    unknown: bool
    said: Said


class Entry(NamedTuple):
    """An event: offset and receipt of the first copy to come, its wordings by digest.

    Of wordings first received in one millisecond the least stands first (L11).
    """

    first: int
    first_at: Millis
    contents: dict[bytes, Content]


# Nearly every event comes once. Then its entry is one run of bytes: offset, receipt, unknown
# fields in it, digest of the wording, what it says.
_ONE = Struct("<qq?8sBqddd")


class Span(msgspec.Struct, array_like=True):
    """What came of a courier in ten minutes: entries by digest of the event's id.

    `held` is how many wordings they hold, `more` counts what was not remembered, `over` tells
    that all counts are in the archive. `texts` are canonical bytes of what was received lately,
    by event and wording; `newest` is when the last of them was, `passed` up to when they were
    looked through.
    """

    ids: dict[bytes, bytes | Entry]
    held: int = 0
    more: Counts = {}
    over: bool = False
    newest: Millis = 0
    texts: dict[bytes, bytes] = {}
    passed: Millis = 0

    def hear(
        self, name: bytes, entry: Entry, digest: bytes, copy: Content, text: bytes
    ) -> None:
        """Add a copy of an event, in the place its canonical bytes give it."""
        at, contents, texts = copy.least, entry.contents, self.texts
        held, known = contents.get(digest), texts.get(name + digest)
        if held is not None:
            before = (held.least, known or b"", held.unknown)
            if before <= (at, text, copy.unknown):
                contents[digest] = held._replace(came=held.came + 1)
                return
            copy = copy._replace(came=held.came + 1)
            del contents[digest]
        if known or (len(texts) < MOST_TEXTS and len(text) <= LONGEST_TEXT):
            texts[name + digest] = text
            self.newest = max(self.newest, at)
        mine = (at, texts.get(name + digest, digest))
        others = list(contents.items())
        place = sum((each.least, texts.get(name + of, of)) < mine for of, each in others)
        others.insert(place, (digest, copy))
        contents.clear()
        contents.update(others)

    def drop_texts(self, passed: Millis) -> None:
        """Drop the texts of what was received before `passed`: nothing more of it can come."""
        if self.newest < passed:
            self.texts.clear()
        elif len(self.texts) >= MOST_TEXTS and passed > self.passed:
            self.passed = passed
            self.texts = {
                key: text for key, text in self.texts.items() if self._least(key) >= passed
            }

    def _least(self, key: bytes) -> Millis:
        name, digest = key[:ID_BYTES], key[ID_BYTES:]
        return _entry(self.ids[name]).contents[digest].least


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Span).decode


class Sightings:
    """The rows of one partition's couriers; `rows` None keeps them in memory alone (replay)."""

    def __init__(self, rows: Rows | None = None) -> None:
        self.spans: dict[bytes, Span] = {}
        self.known: dict[str, dict[bytes, tuple[bytes, ...]]] = {}
        self.live: Counts = {}
        self.archived: Counts = {}
        self._rows = rows
        self._by_time: dict[Millis, set[bytes]] = {}
        self._by_courier: dict[str, set[bytes]] = {}
        self._ended = 0
        self._dirty: dict[bytes, int] = {}

    # -- rows ------------------------------------------------------------------------------

    def load(self, key: bytes, payload: bytes) -> None:
        """Take up a row as it was recovered."""
        if key == ARCHIVE:
            self.archived = json.loads(payload)
            return
        span = self._place_span(key, _decode(payload))
        known = self.known.setdefault(_courier_of(key), {})
        for name in span.ids:
            known[name] = (*known.get(name, ()), key)
        if not span.over:
            add(self.live, _counts_of(span))

    def put(self) -> None:
        """Put the rows that changed."""
        dirty, self._dirty = self._dirty, {}
        if self._rows is None:
            return
        for key, offset in dirty.items():
            if key == ARCHIVE:
                counts = json.dumps(self.archived).encode()
                self._rows.put(ARCHIVE, counts, offset, first=True)
            else:
                self._rows.put(key, _encode(self.spans[key]), offset)

    def counts(self) -> Counts:
        """Return how many events were accepted, came twice, or carried unknown fields."""
        total = dict(self.archived)
        add(total, self.live)
        return total

    # -- events ----------------------------------------------------------------------------

    def take(
        self,
        decoded: Decoded[CourierEvent],
        received_at: Millis,
        offset: int,
        passed: Millis,
    ) -> tuple[Evidence, Evidence]:
        """Take an event; return what it and its copies said before, and say now.

        From now on nothing is received before `passed`. A row that includes the record already
        is left alone, and nothing is returned.
        """
        event, canonical, unknown = decoded
        name = _id(event)
        key = self._place(event.courier_id, name, received_at, offset)
        if self._holds(key, offset):
            return None, None
        span = self.spans.get(key)
        if span is None:
            span = self._place_span(key, Span({}))
        self._dirty[key] = offset
        digest, packed = content_of(event), span.ids.get(name)
        entry = None if packed is None else _entry(packed)
        if (entry is None or digest not in entry.contents) and span.held >= MOST_KNOWN:
            self._only_count(span, known=entry is not None, unknown=unknown)
            return None, None
        before: Evidence = None
        if entry is None:
            known = self.known.setdefault(event.courier_id, {})
            known[name] = (*known.get(name, ()), key)
            entry = Entry(offset, received_at, {})
        else:
            before = _evidence(entry)
            add(self.live, _counted(entry), -1)
        span.held += digest not in entry.contents
        copy = Content(1, received_at, unknown, _said(event))
        span.drop_texts(passed)
        span.hear(name, entry, digest, copy, canonical)
        span.ids[name] = _packed(entry)
        add(self.live, _counted(entry))
        return before, _evidence(entry)

    def _only_count(self, span: Span, *, known: bool, unknown: bool) -> None:
        lone = {"accepted": 1, "unknown_fields": int(unknown)}
        counts = {"duplicate": 1, "id_conflict": 1} if known else lone
        span.more = dict(span.more)
        add(span.more, counts)
        add(self.live, counts)

    def of(
        self, courier_id: str, since: Millis, until: Millis, known_by: Millis
    ) -> Iterator[Fix | Turn]:
        """Yield what is known of a courier from `since` to before `until` by its own time.

        An event stands where its first copy came, and may have been received by another before.
        """
        first, last = since - SKEW_MS - SPAN_MS, known_by + KNOWN_MS
        for key in sorted(self._by_courier.get(courier_id, ())):
            if first < _time_of(key) < last:
                for packed in self.spans[key].ids.values():
                    said = _evidence(_entry(packed))
                    if said is not None and tells(said, since, until, known_by):
                        yield said

    def _place(self, courier_id: str, name: bytes, received_at: Millis, offset: int) -> bytes:
        """Return the row an event belongs to: that of its first copy, else its own.

        Rows recovered ahead hold entries of later records; those are no copies yet.
        """
        last: tuple[int, Millis, bytes] | None = None
        for key in self.known.get(courier_id, {}).get(name, ()):
            first, first_at, _ = _entry(self.spans[key].ids[name])
            if first <= offset and (last is None or first > last[0]):
                last = first, first_at, key
        if last is not None and abs(received_at - last[1]) < KNOWN_MS:
            return last[2]
        return SPAN + f"{received_at // SPAN_MS} {courier_id}".encode()

    def _place_span(self, key: bytes, span: Span) -> Span:
        self.spans[key] = span
        self._by_time.setdefault(_time_of(key), set()).add(key)
        self._by_courier.setdefault(_courier_of(key), set()).add(key)
        return span

    # -- what time does --------------------------------------------------------------------

    def end(self, clock: Millis, offset: int) -> None:
        """Move the counts of rows that no copy can ask for to the archive.

        What came in them stays known until a partition row has passed this record: until then
        a crash may bring back records that are its copies.
        """
        horizon = (clock - KNOWN_MS) // SPAN_MS * SPAN_MS - SPAN_MS
        if horizon <= self._ended:
            return
        self._ended = horizon
        times = [at for at in self._by_time if at < horizon]
        for key in sorted(key for at in times for key in self._by_time[at]):
            span = self.spans[key]
            if span.over or self._holds(key, offset):
                continue
            counts = _counts_of(span)
            add(self.live, counts, -1)
            if self._rows is None or self._rows.recovered_off(ARCHIVE) < offset:
                add(self.archived, counts)
                self._dirty[ARCHIVE] = offset
            span.over = True
            self._dirty[key] = offset

    def unasked(self, clock: Millis) -> list[bytes]:
        """Return the rows of which no question at or after the clock can be, counts apart."""
        horizon = clock - ASKED_FOR_MS - SPAN_MS
        times = sorted(at for at in self._by_time if at < horizon)
        return [
            key for at in times for key in sorted(self._by_time[at]) if self.spans[key].over
        ]

    def forget(self, key: bytes) -> None:
        """Forget a row for good, and what came in it."""
        if self._rows is not None:
            self._rows.delete(key)
        span, at, courier_id = self.spans.pop(key), _time_of(key), _courier_of(key)
        self._by_time[at].remove(key)
        if not self._by_time[at]:
            del self._by_time[at]
        self._by_courier[courier_id].remove(key)
        if not self._by_courier[courier_id]:
            del self._by_courier[courier_id]
        known = self.known.get(courier_id, {})
        for name in span.ids:
            known[name] = tuple(each for each in known[name] if each != key)
            if not known[name]:
                del known[name]
        if not known:
            self.known.pop(courier_id, None)

    def _holds(self, key: bytes, offset: int) -> bool:
        return self._rows is not None and self._rows.off(key) >= offset


def tells(said: Fix | Turn, since: Millis, until: Millis, known_by: Millis) -> bool:
    """Tell whether something says anything about a local day: it is of it, and came in time."""
    return since <= said.at < until and said.received_at <= known_by


def _id(event: CourierEvent) -> bytes:
    """Return a digest of what names an event of a courier, short however long the name is."""
    return blake2b(f"{event.source} {event.event_id}".encode(), digest_size=ID_BYTES).digest()


def _said(event: CourierEvent) -> Said:
    at = millis(event.occurred_at)
    if event.kind == "position_reported":
        return POSITION, at, event.lat, event.lon, event.accuracy_m or 0.0
    what = {"shift_started": STARTS, "shift_ended": ENDS}.get(event.kind, NOTHING)
    return what, at, 0.0, 0.0, 0.0


def _packed(entry: Entry) -> bytes | Entry:
    """Return an entry in as little room as it needs."""
    if len(entry.contents) > 1:
        return entry
    ((digest, content),) = entry.contents.items()
    if content.came > 1 or content.least != entry.first_at:
        return entry
    return _ONE.pack(entry.first, entry.first_at, content.unknown, digest, *content.said)


def _entry(packed: bytes | Entry) -> Entry:
    if not isinstance(packed, bytes):
        return packed
    first, first_at, unknown, digest, *said = _ONE.unpack(packed)
    content = Content(1, first_at, unknown, cast("Said", tuple(said)))
    return Entry(first, first_at, {digest: content})


def _evidence(entry: Entry) -> Evidence:
    """Return what an event says, its copies with it: the least of them is the event.

    A clock that runs ahead is not believed (kpis 2.12 L9).
    """
    event = entry.contents[_event(entry)]
    what, at, *place = event.said
    if at > event.least + SKEW_MS:
        at = event.least
    if what == POSITION:
        return Fix(at, event.least, *place)
    return None if what == NOTHING else Turn(at, event.least, what == STARTS)


def _event(entry: Entry) -> bytes:
    """Return the wording that is the event: of all that came the least (L11)."""
    return min(entry.contents, key=lambda each: entry.contents[each].least)


def _courier_of(key: bytes) -> str:
    return key[len(SPAN) :].split(b" ", 1)[1].decode()


def _time_of(key: bytes) -> Millis:
    return int(key[len(SPAN) :].split(b" ", 1)[0]) * SPAN_MS


def _counts_of(span: Span) -> Counts:
    total = dict(span.more)
    for packed in span.ids.values():
        add(total, _counted(_entry(packed)))
    return total


def _counted(entry: Entry) -> Counts:
    """Return what an event counts, its copies with it."""
    came = sum(content.came for content in entry.contents.values())
    event = entry.contents[_event(entry)]
    return {
        "accepted": 1,
        "duplicate": came - 1,
        "id_conflict": came - event.came,
        "unknown_fields": int(event.unknown),
    }
