"""The lines of an export: a header, the records of the logs, a line that ends it.

JSON lines in UTF-8. Values are our own JSON and stand in a line as they stand in the log, byte
for byte; what is no JSON of one line is written in base64 beside it. Offsets and times of a
record are those of the log, times in epoch milliseconds.
"""

import base64
from typing import Any

import msgspec

from models.base import Millis
from streams.engine.api import Headers, Record

VERSION = 1
ENDS = b'{"records":'


class Kept(msgspec.Struct):
    """What the file holds of one partition of a log, half-open: [begin, end).

    Records below `judged` were applied when the file was written: the report of the file is
    of them. Those from `judged` on were in the log and still to be applied; -1 says that no
    worker had begun the partition.
    """

    begin: int
    judged: int
    end: int


class Read(msgspec.Struct):
    """How far an inbound partition was read, and what was counted of it until then."""

    next: int
    counts: dict[str, int]
    clock: Millis


class Header(msgspec.Struct):
    """What the file is of; keys of the dicts are `topic/partition`, topics by short name.

    `rules` are the ids of the rules the partitions were judged by; `couriers` the counts the
    courier partitions had published.
    """

    tower_export: int
    namespace: str
    clock: str
    rules: list[str]
    partitions: int
    logs: dict[str, Kept]
    inbound: dict[str, Read]
    couriers: dict[str, dict[str, int]]


class Line(msgspec.Struct, omit_defaults=True):
    """One record: `log` is its `topic/partition`; the fields in base64 replace the others."""

    log: str
    offset: int
    time: Millis
    key: str | None = None
    headers: list[tuple[str, str]] = []
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    key64: str | None = None
    headers64: list[tuple[str, str]] = []
    value64: str | None = None


class End(msgspec.Struct):
    """The last line: how many records came before it, and a digest of all lines before it.

    `report` is what the tower itself had published as of the records judged.
    """

    records: int
    sha256: str
    report: dict[str, Any] | None


_encoder = msgspec.json.Encoder(order="deterministic")
_any_json = msgspec.json.Decoder(msgspec.Raw)
header_of = msgspec.json.Decoder(Header).decode
line_of = msgspec.json.Decoder(Line).decode
end_of = msgspec.json.Decoder(End).decode


def encoded(line: Header | Line | End) -> bytes:
    """Return a line without its end; the same line is the same bytes."""
    return _encoder.encode(line)


def line_from(log: str, record: Record) -> Line:
    """Return the line of a record."""
    line = Line(log, record.offset, record.timestamp)
    try:
        line.key = None if record.key is None else record.key.decode()
    except UnicodeDecodeError:
        line.key64 = _base64(record.key or b"")
    try:
        line.headers = [(name, value.decode()) for name, value in record.headers]
    except (UnicodeDecodeError, AttributeError):  # Kafka knows headers without a value
        line.headers64 = [(name, _base64(value or b"")) for name, value in record.headers]
    if record.value is not None:
        if _stands_in_a_line(record.value):
            line.value = msgspec.Raw(record.value)
        else:
            line.value64 = _base64(record.value)
    return line


def record_from(line: Line) -> Record:
    """Return the record of a line, as it was; the inverse of `line_from`."""
    key = None if line.key is None else line.key.encode()
    value = None if line.value is msgspec.UNSET else bytes(line.value)
    headers: Headers = tuple((name, said.encode()) for name, said in line.headers)
    if line.key64 is not None:
        key = base64.b64decode(line.key64)
    if line.value64 is not None:
        value = base64.b64decode(line.value64)
    if line.headers64:
        headers = tuple((name, base64.b64decode(said)) for name, said in line.headers64)
    return Record(line.offset, line.time, key, value, headers)


def _stands_in_a_line(value: bytes) -> bool:
    """Tell whether a value is JSON that can be read back from a line as the same bytes."""
    if b"\n" in value or b"\r" in value:
        return False
    try:
        value.decode()
        return bytes(_any_json.decode(value)) == value
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
