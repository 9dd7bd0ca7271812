"""The file to import: comma-separated values, plain or gzip, one record at a time."""

import csv
import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, cast

from streams.errors import TowerError
from streams.importing.mapping import Table

_GZIP_MAGIC = b"\x1f\x8b"

# Bytes that are no text stay visible as lone surrogates, so that their cell can be named.
_ESCAPED = "surrogateescape"


@dataclass(frozen=True, slots=True)
class Record:
    """One data row: its number (1 is the first after the header), line and cells."""

    number: int
    line: int
    cells: list[str]


class Source:
    """An open file: its columns, its rows and how much of its bytes has been read."""

    def __init__(self, name: str, raw: BinaryIO, table: Table) -> None:
        """Read the header of `raw`, gzip or not."""
        self.name = name
        self._raw = raw
        zipped = raw.read(2) == _GZIP_MAGIC
        raw.seek(0)
        binary = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if zipped else raw
        try:
            text = TextIOWrapper(binary, encoding=table.encoding, errors=_ESCAPED, newline="")
        except LookupError:
            raise TowerError(f"{table.encoding!r} is no text encoding.") from None
        self._reader = csv.reader(text, delimiter=table.delimiter, strict=True)
        self.encoding = table.encoding.removesuffix("-sig")
        self._number = 0
        self.columns = [name.strip() for name in self._next() or ()]
        if not all(map(is_text, self.columns)):
            raise TowerError(f"{name} {self.not_text}.")
        if not any(self.columns):
            raise TowerError(f"{name} has no header: its first line must name the columns.")
        twice = {each for each in self.columns if each and self.columns.count(each) > 1}
        if twice:
            raise TowerError(f"{name} has two columns named {min(twice)!r}.")

    @property
    def not_text(self) -> str:
        """Return what is wrong, and what to do, where bytes are no text."""
        shown = "UTF-8" if self.encoding == "utf-8" else self.encoding
        return f"is not {shown}: set `table.encoding`, for example to latin-1 or cp1252"

    def position(self) -> int:
        """Return how many bytes of the file have been read."""
        return self._raw.tell()

    def records(self) -> Iterator[Record]:
        """Yield every data row; blank lines are none."""
        while True:
            line = self._reader.line_num + 1
            cells = self._next()
            if cells is None:
                return
            if cells:
                self._number += 1
                yield Record(self._number, line, cells)

    def _next(self) -> list[str] | None:
        line = self._reader.line_num + 1
        try:
            return next(self._reader, None)
        except (csv.Error, UnicodeDecodeError, EOFError, OSError, zlib.error) as error:
            place = f"{self.name} row {self._number + 1} (line {line})"
            raise TowerError(f"{place} cannot be read: {_why(error)}.") from None


def is_text(cell: str) -> bool:
    """Return whether all bytes of a cell could be decoded."""
    return cell.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in cell)


@contextmanager
def opened(path: Path, table: Table) -> Iterator[Source]:
    """Open a file to import; errors call it by its last name."""
    try:
        raw = path.open("rb")
    except OSError as error:
        raise TowerError(f"{path} cannot be read: {error.strerror}.") from None
    with raw:
        yield Source(path.name, raw, table)


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"the bytes are not {error.encoding}"
    if isinstance(error, EOFError | zlib.error | gzip.BadGzipFile):
        return "the gzip data is damaged or cut off"
    return str(error)
