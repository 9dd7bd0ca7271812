"""A simulated day as lines of bytes: canonical JSON, hostile messages mixed in, packed."""

import gzip
import io
import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from streams.simulate.parcel import Json


def said(objects: Iterable[Json]) -> list[bytes]:
    """Return each object as one line of JSON: sorted keys, no spaces, UTF-8."""
    return [
        json.dumps(each, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        for each in objects
    ]


def mixed(lines: list[bytes], seed: int, hostile: int, at: datetime) -> Iterator[bytes]:
    """Yield the lines with so many hostile messages of about `at` spread evenly between them.

    What a file of lines cannot hold (no value, nothing, a line end inside) is left out.
    """
    if not hostile:
        yield from lines
        return
    intruders = _intruders(seed, hostile, at)
    due = 0
    for index, line in enumerate(lines, 1):
        yield line
        while due < index * len(intruders) // len(lines):
            yield intruders[due]
            due += 1


def packed(content: bytes) -> bytes:
    """Return the content as gzip with neither a name nor a date in it."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as archive:
        archive.write(content)
    return buffer.getvalue()


def _intruders(seed: int, count: int, at: datetime) -> list[bytes]:
    from streams.simulate.hostile import hostile  # noqa: PLC0415 - a large catalogue, rarely used

    values = [message.value for message in hostile(seed, count, at=at, clock="feed")]
    return [value for value in values if value and b"\n" not in value]
