"""A model as rows of the topic `model`: in pieces, in two places by turns.

A row must fit a message, a model may not. Its pieces have the offset of the last label it was
learnt from; a model is there once all pieces of one offset are. The one before it stays until
then in the other place, so that a crash among the pieces leaves a whole one.
"""

from collections.abc import Iterable, Mapping

from streams.engine.rows import off_of, unpack

PIECE = 900_000  # bytes
PLACES = (b"a", b"b")

Pieces = dict[bytes, bytes]


def pieces(body: bytes, place: bytes) -> Pieces:
    """Return a model's pieces by key, each with how many there are before it."""
    cut = [body[begin : begin + PIECE] for begin in range(0, len(body), PIECE)]
    count = len(cut).to_bytes(2, "big")
    return {b"%s/%d" % (place, number): count + piece for number, piece in enumerate(cut)}


def whole(rows: Mapping[bytes, bytes]) -> tuple[int, bytes, bytes] | None:
    """Return the newest model that is whole: its offset, its bytes, its place.

    `rows` are as on the changelog, by key.
    """
    found = [each for place in PLACES if (each := _whole(rows, place)) is not None]
    return max(found, default=None)


def _whole(rows: Mapping[bytes, bytes], place: bytes) -> tuple[int, bytes, bytes] | None:
    first = rows.get(b"%s/0" % place)
    if first is None:
        return None
    off, payload = unpack(first)
    count = int.from_bytes(payload[:2], "big")
    held = [rows.get(b"%s/%d" % (place, number)) for number in range(count)]
    if any(row is None or off_of(row) != off for row in held):
        return None
    return off, b"".join(_bodies(held)), place


def _bodies(held: Iterable[bytes | None]) -> Iterable[bytes]:
    return (unpack(row)[1][2:] for row in held if row is not None)
