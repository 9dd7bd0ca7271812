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

NUMBERS, ORDERS, PAGE = "scorecard.json", "orders.csv", "scorecard.html"
HASH = "sha256"


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
    """Write the three files of a scorecard; other files in the folder stay."""
    try:
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


def read(folder: Path) -> Json:
    """Return the numbers of a folder, their hash among them.

    Raises:
        TowerError: a file is missing, or numbers and orders are not those of the hash.
    """
    try:
        raw, orders = (folder / NUMBERS).read_bytes(), (folder / ORDERS).read_bytes()
    except OSError as error:
        raise TowerError(f"{folder} is no scorecard: {error.strerror}.") from error
    try:
        said = json.loads(raw)
    except ValueError as error:
        raise TowerError(f"{folder / NUMBERS} is no scorecard: it is not JSON.") from error
    if not isinstance(said, dict) or not {"carrier", "month", "rules", HASH} <= said.keys():
        raise TowerError(f"{folder / NUMBERS} is no scorecard: it does not say whose it is.")
    found = content_hash(said, orders)
    if found != said[HASH]:
        raise TowerError(
            f"{folder} is not what was signed: its content has the hash {found},"
            f" {NUMBERS} says {said[HASH]}."
        )
    return said
