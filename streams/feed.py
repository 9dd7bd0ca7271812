"""A file of events as it would have arrived: its lines, where each goes and when.

In `feed` time a line arrives when its source recorded it (`observed_at`, else `occurred_at`).
A line that does not say when (garbage, no time, one without an offset or outside 2000 to 2100)
arrives together with the line before it; at the top of a file, with the first line that does.
Lines of one instant stand in the order of what they say, not of the file (kpis 2.12 L8).
"""

import gzip
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from models.base import Millis, millis
from streams.domain.lifecycle import RANK
from streams.errors import TowerError
from streams.topics import COURIER_EVENTS, ORDER_EVENTS

COURIER_KINDS = frozenset(
    {"position_reported", "route_planned", "shift_started", "shift_ended"}
)
EXPORT_BEGINS = b'{"tower_export":'
EARLIEST: Millis = 946_684_800_000  # 2000-01-01T00:00Z
_LATEST: Millis = 4_102_444_800_000  # 2100-01-01T00:00Z


class Arrival(NamedTuple):
    """One line: when it arrives, its bytes, its inbound topic (short name) and its keys."""

    received_at: Millis
    raw: bytes
    topic: str
    subject: str | None  # order_id or courier_id
    carrier: str | None


class _Glance(msgspec.Struct):
    """The few fields of a line that say where it goes and when, of whatever type."""

    kind: Any = None
    occurred_at: Any = None
    observed_at: Any = None
    order_id: Any = None
    courier_id: Any = None
    carrier: Any = None
    source: Any = None
    event_id: Any = None


_glance = msgspec.json.Decoder(_Glance).decode
_NOTHING = _Glance()


def read_lines(path: str | Path) -> Iterator[bytes]:
    """Yield the lines of a file without their ends, blank ones left out.

    `-` is standard input; a name that ends in `.gz` is read as gzip.
    """
    try:
        with _opened(path) as file:
            for line in file:
                raw = line.removesuffix(b"\n").removesuffix(b"\r")
                if raw and not raw.isspace():
                    yield raw
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise TowerError(f"The file {path} could not be read: {reason}.") from error


def look_into(path: str | Path) -> tuple[bool, Iterator[bytes]]:
    """Return whether a file is an export, and its lines."""
    lines = read_lines(path)
    first = next(lines, None)
    if first is None:
        return False, lines
    return first.startswith(EXPORT_BEGINS), chain([first], lines)


def look_into_all(
    files: Sequence[str],
) -> tuple[bool, list[tuple[str, Iterator[bytes]]]]:
    """Return whether files are exports, all of them or none, and each with its lines.

    Raises:
        TowerError: some are exports and others are not.
    """
    looked = [look_into(file) for file in files]
    exported = [is_export for is_export, _ in looked]
    if any(exported) and not all(exported):
        raise TowerError(f"{files[exported.index(False)]} is not an export, others are.")
    return any(exported), [
        (file, lines) for file, (_, lines) in zip(files, looked, strict=True)
    ]


def event_lines(path: str | Path) -> Iterator[bytes]:
    """Yield the lines of a file of events; raise TowerError at an export, which holds none."""
    is_export, lines = look_into(path)
    if is_export:
        raise TowerError(
            f"The file {path} is the export of a tower, no file of events: `tower replay`"
            " judges it, `tower rebuild` makes a new namespace of it."
        )
    yield from lines


def must_be_there(path: str | Path) -> None:
    """Raise TowerError if there is no such file to read, `-` apart; nothing is read."""
    try:
        if str(path) != "-":
            Path(path).stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TowerError(f"The file {path} could not be read: {reason}.") from error


def same_file(one: Path, other: Path) -> bool:
    """Return whether two names are one file, by a link too; a device is never one."""
    try:
        if one.exists() and other.exists():
            return one.is_file() and one.samefile(other)
        return one.resolve() == other.resolve()
    except (OSError, ValueError, RuntimeError):  # the last one is a loop of links
        return False


def _opened(path: str | Path) -> BinaryIO | gzip.GzipFile:
    if str(path) == "-":
        return sys.stdin.buffer
    return gzip.open(path, "rb") if str(path).endswith(".gz") else Path(path).open("rb")


def arrivals(lines: Iterable[bytes]) -> Iterator[Arrival]:
    """Yield each line's arrival, in the order of the file."""
    untimed: list[tuple[bytes, _Glance]] = []
    last: Millis | None = None
    for raw in lines:
        glance = _look(raw)
        stated = _stated(glance)
        if last is None and stated is None:
            untimed.append((raw, glance))
            continue
        if last is None and stated is not None:
            yield from (_arrival(each, seen, stated) for each, seen in untimed)
            untimed.clear()
        last = stated if stated is not None else last
        yield _arrival(raw, glance, last or EARLIEST)
    yield from (_arrival(each, seen, EARLIEST) for each, seen in untimed)


def in_order_of_arrival(lines: Iterable[bytes]) -> list[Arrival]:
    """Return all lines sorted by when they arrive, those of one instant by what they say.

    In whatever order the lines stand in the file, what says when arrives in one order: couriers
    first, then order by order as in a life (kpis 2.12 L8), copies by their bytes.
    """
    found: list[Arrival] = []
    for _, tied in groupby(sorted(arrivals(lines), key=_when), key=_when):
        together = list(tied)
        found += together if len(together) == 1 else sorted(together, key=_among_tied)
    return found


def _among_tied(arrival: Arrival) -> tuple[bool, str, str, Millis, int, str, str, bytes]:
    """Return a line's place among those of its instant; one that does not say when is last."""
    said = _look(arrival.raw)
    kind, at = said.kind, said.occurred_at
    return (
        _stated(said) is None,
        arrival.topic,
        arrival.subject or "",
        (instant_of(at) if isinstance(at, str) else None) or arrival.received_at,
        RANK.get(kind, len(RANK)) if isinstance(kind, str) else len(RANK),
        said.source if isinstance(said.source, str) else "",
        said.event_id if isinstance(said.event_id, str) else "",
        arrival.raw,
    )


def _when(arrival: Arrival) -> Millis:
    return arrival.received_at


def _look(raw: bytes) -> _Glance:
    try:
        return _glance(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _NOTHING


def _stated(glance: _Glance) -> Millis | None:
    for text in (glance.observed_at, glance.occurred_at):
        if isinstance(text, str):
            instant = instant_of(text)
            if instant is not None:
                return instant
    return None


def instant_of(text: str) -> Millis | None:
    """Return an RFC 3339 instant of the years 2000 to 2099, None for anything else."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            return None
        since = millis(instant)
    except (ValueError, OverflowError):
        return None
    return since if EARLIEST <= since < _LATEST else None


def _arrival(raw: bytes, glance: _Glance, received_at: Millis) -> Arrival:
    courier = isinstance(glance.kind, str) and glance.kind in COURIER_KINDS
    subject = glance.courier_id if courier else glance.order_id
    return Arrival(
        received_at,
        raw,
        COURIER_EVENTS if courier else ORDER_EVENTS,
        subject if isinstance(subject, str) else None,
        glance.carrier if isinstance(glance.carrier, str) else None,
    )
