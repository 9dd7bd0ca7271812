"""Exports on disk: written whole or not at all, and read with every damage named.

The last line holds a digest of all lines before it, so a file that was cut off or changed is
told from a good one. A later export can continue an earlier one; together they are one.
"""

import gzip
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from streams.errors import TowerError
from streams.exporting.lines import (
    ENDS,
    VERSION,
    End,
    Header,
    Line,
    encoded,
    end_of,
    header_of,
    line_of,
)
from streams.feed import EXPORT_BEGINS, read_lines

STDOUT = "-"
OWNER_ONLY = 0o600
PACKED = 6  # gzip level; 9 takes twice as long for a few percent
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError)


class ExportFile:
    """One file: `header` at once, `end` once all lines have been read."""

    def __init__(self, name: str, lines: Iterable[bytes]) -> None:
        self.name = name
        self.end: End | None = None
        self._lines = iter(lines)
        first = next(self._lines, b"")
        if not first.startswith(EXPORT_BEGINS):
            raise TowerError(f"The file {name} is not an export: `tower export` writes one.")
        self._digest = hashlib.sha256(first + b"\n")
        self.header = self._header(first)

    def _header(self, first: bytes) -> Header:
        try:
            header = header_of(first)
        except _UNREADABLE as error:
            raise self._damaged(1, f"its header cannot be read ({error})") from error
        if header.tower_export != VERSION:
            raise TowerError(
                f"The export {self.name} has format {header.tower_export}, this version of"
                f" the tower reads format {VERSION}."
            )
        return header

    def lines(self) -> Iterator[Line]:
        """Yield the records in the order of the file; raise TowerError at the first damage."""
        expected = {log: kept.begin for log, kept in self.header.logs.items()}
        ends = {log: kept.end for log, kept in self.header.logs.items()}
        count = 0
        for number, raw in enumerate(self._lines, 2):
            if self.end is not None:
                raise self._damaged(number, "something follows its last line")
            if raw.startswith(ENDS):
                self.end = self._checked(number, raw, count)
                continue
            self._digest.update(raw)
            self._digest.update(b"\n")
            try:
                line = line_of(raw)
            except _UNREADABLE as error:
                raise self._damaged(number, f"no record can be read ({error})") from error
            if not expected.get(line.log, line.offset + 1) <= line.offset < ends[line.log]:
                raise self._damaged(
                    number, f"offset {line.offset} of {line.log} has no place here"
                )
            expected[line.log] = line.offset + 1
            count += 1
            yield line
        if self.end is None:
            raise TowerError(
                f"The export {self.name} is cut off after {count} records: its last line is"
                " missing. Copy or write it again."
            )

    def _checked(self, number: int, raw: bytes, count: int) -> End:
        try:
            end = end_of(raw)
        except _UNREADABLE as error:
            raise self._damaged(number, f"its end cannot be read ({error})") from error
        if end.records != count:
            raise self._damaged(number, f"it held {end.records} records and has {count}")
        if end.sha256 != self._digest.hexdigest():
            raise self._damaged(number, "what is above is not what was written")
        return end

    def _damaged(self, number: int, why: str) -> TowerError:
        return TowerError(f"The export {self.name} is damaged at line {number}: {why}.")


class Exports:
    """One export, or several that continue each other, read as one."""

    def __init__(self, files: Sequence[ExportFile]) -> None:
        self.files = files
        for before, after in pairwise(files):
            _must_continue(before, after)

    @property
    def header(self) -> Header:
        """Return the header of the last: what was judged, read and counted at the end."""
        return self.files[-1].header

    @property
    def report(self) -> dict[str, object] | None:
        """Return what the tower had published as of the end; only after all was read."""
        end = self.files[-1].end
        return None if end is None else end.report

    def begin(self, log: str) -> int:
        """Return the first offset of a log that is held."""
        return self.files[0].header.logs[log].begin

    def lines(self) -> Iterator[Line]:
        """Yield all records, the files one after the other."""
        for file in self.files:
            yield from file.lines()

    def missing(self, topic: str) -> int:
        """Return how many records of a log were gone before the first export began."""
        logs = self.files[0].header.logs
        return sum(kept.begin for log, kept in logs.items() if log.startswith(f"{topic}/"))


def opened(paths: Sequence[str | Path]) -> Exports:
    """Open exports for reading once; raise TowerError where one is none or does not follow."""
    return Exports([ExportFile(str(path), read_lines(path)) for path in paths])


def _must_continue(before: ExportFile, after: ExportFile) -> None:
    one, other = before.header, after.header
    for what in ("namespace", "clock", "partitions"):
        if getattr(one, what) != getattr(other, what):
            raise TowerError(
                f"The export {after.name} is of another tower than {before.name}: {what}"
                f" {getattr(other, what)}, not {getattr(one, what)}."
            )
    for log, kept in other.logs.items():
        end = one.logs[log].end if log in one.logs else None
        if kept.begin != end:
            raise TowerError(
                f"The export {after.name} does not continue {before.name}: {log} begins at"
                f" offset {kept.begin}, and {end} comes next."
            )


class ExportWriter:
    """Writes lines and keeps their digest."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self.records = 0

    def begin(self, header: Header) -> None:
        """Write the first line."""
        self._write(encoded(header))

    def add(self, line: Line) -> None:
        """Write a record."""
        self._write(encoded(line))
        self.records += 1

    def close(self, report: dict[str, object] | None) -> None:
        """Write the last line."""
        self._write(encoded(End(self.records, self._digest.hexdigest(), report)))

    def _write(self, raw: bytes) -> None:
        line = raw + b"\n"
        self._digest.update(line)
        self._file.write(line)


@contextmanager
def writing(path: str | Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Yield a file that is there, whole, once the context has ended well; `-`: standard output.

    A name that ends in `.gz` is written as gzip, without a time: equal lines, equal bytes.
    `mode` is what a new file may be used for, before the umask.
    """
    if str(path) == STDOUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path)
    part = target.with_name(f"{target.name}.part")
    try:
        if target.exists() and not target.is_file():  # a device or a pipe stays what it is
            with target.open("wb") as file:
                yield file
            return
        _forget(part)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(part, flags, mode), "wb") as file:
            if target.name.endswith(".gz"):
                with gzip.GzipFile("", "wb", PACKED, file, mtime=0) as packed:
                    yield cast("BinaryIO", packed)
            else:
                yield file
        part.replace(target)
    except OSError as error:
        _forget(part)
        raise TowerError(f"The file {path} cannot be written: {error.strerror}.") from error
    except BaseException:
        _forget(part)
        raise


def _forget(part: Path) -> None:
    with suppress(OSError):
        part.unlink()
