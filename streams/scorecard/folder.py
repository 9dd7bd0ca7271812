"""A scorecard as a folder: numbers, orders, a page, and the hash that both sides compare.

The hash is the SHA-256 of the numbers as canonical JSON (keys sorted, no spaces, UTF-8,
without the hash itself), a newline, and the bytes of orders.csv. The page is made of both and
is not part of it.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from streams.domain.kpi.figures import Json
from streams.errors import TowerError
from streams.reporting import as_text
from streams.scorecard.month import MONTH

NUMBERS, ORDERS, PAGE = "scorecard.json", "orders.csv", "scorecard.html"
HASH = "sha256"
WHOSE = ("carrier", "month")


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A month's numbers without their hash, its orders as CSV, and the page of both."""

    numbers: Json
    orders: str
    page: str

    @property
    def hash(self) -> str:
        """Return the content hash, 64 hex digits."""
        return content_hash(self.numbers, self.orders.encode())


def content_hash(numbers: Json, orders: bytes) -> str:
    """Return the hash of numbers and orders; a hash among the numbers is left out."""
    said = {name: value for name, value in numbers.items() if name != HASH}
    canonical = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode() + b"\n" + orders).hexdigest()


def write(folder: Path, card: Scorecard) -> None:
    """Write the three files of a scorecard; other files in the folder stay.

    Raises:
        TowerError: one of the three is there and not of the same carrier and month, or
            the folder cannot be written.
    """
    try:
        _refuse_overwriting(folder, card)
        folder.mkdir(parents=True, exist_ok=True)
        texts = {
            NUMBERS: as_text(card.numbers | {HASH: card.hash}),
            ORDERS: card.orders,
            PAGE: card.page,
        }
        for name, text in texts.items():
            (folder / name).write_bytes(text.encode())
    except OSError as error:
        raise TowerError(f"{folder} cannot be written: {error.strerror}.") from error


def _refuse_overwriting(folder: Path, card: Scorecard) -> None:
    """Raise if the folder holds files of another scorecard, or of none."""
    there = [name for name in (NUMBERS, ORDERS, PAGE) if (folder / name).exists()]
    if not there:
        return
    whose = [card.numbers[name] for name in WHOSE]
    try:
        said = _parsed(folder)
    except (OSError, TowerError):
        said = {}
    if [said.get(name) for name in WHOSE] != whose:
        raise TowerError(
            f"The scorecard would overwrite {folder / there[0]}, which is not of"
            f" {' '.join(whose)}: name another folder."
        )


def read(folder: Path) -> Json:
    """Return the numbers of a folder, their hash among them.

    Raises:
        TowerError: a file is missing, or numbers and orders are not those of the hash.
    """
    try:
        said, orders = _parsed(folder), (folder / ORDERS).read_bytes()
    except OSError as error:
        raise TowerError(f"{folder} is no scorecard: {error.strerror}.") from error
    try:
        found = content_hash(said, orders)
    except UnicodeEncodeError as error:
        raise TowerError(f"{folder / NUMBERS} is no scorecard: its text is odd.") from error
    if found != said[HASH]:
        raise TowerError(
            f"{folder} is not what was signed: its content has the hash {found},"
            f" {NUMBERS} says {said[HASH]}."
        )
    return said


def _parsed(folder: Path) -> Json:
    """Return the numbers of a folder, with texts that say whose they are."""
    file = folder / NUMBERS
    try:
        said = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise TowerError(f"{file} is no scorecard: it is not JSON.") from error
    names = (*WHOSE, "rules", HASH)
    if not isinstance(said, dict) or not all(isinstance(said.get(name), str) for name in names):
        raise TowerError(f"{file} is no scorecard: it does not say whose it is.")
    if not MONTH.fullmatch(said["month"]):
        raise TowerError(f"{file} is no scorecard: {said['month']!r} is no month.")
    return said
