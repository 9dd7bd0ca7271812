"""One partitioner everywhere: murmur2 of the key, exactly as the Java client does it.

Whoever sends by key, in any language with Kafka's default partitioner, meets the same
partition; the engine relies on it (docs/architecture.md, decision 1).
"""

import secrets
import struct
from collections.abc import Sequence
from functools import lru_cache

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Return the unsigned 32-bit murmur2 hash of the Java client."""
    length = len(data)
    whole = length // 4
    state = _SEED ^ length
    for word in struct.unpack_from(f"<{whole}I", data):
        mixed = (word * _MULTIPLIER) & _MASK
        state = ((state * _MULTIPLIER) & _MASK) ^ (
            ((mixed ^ (mixed >> 24)) * _MULTIPLIER) & _MASK
        )
    if length % 4:
        tail = int.from_bytes(data[4 * whole :], "little")
        state = ((state ^ tail) * _MULTIPLIER) & _MASK
    state = ((state ^ (state >> 13)) * _MULTIPLIER) & _MASK
    return state ^ (state >> 15)


@lru_cache(maxsize=65_536)
def partition_of(key: bytes, count: int) -> int:
    """Return the partition of a key among `count`."""
    return (murmur2(key) & 0x7FFFFFFF) % count


def by_key(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """Choose as aiokafka's producers ask for it; a record without a key goes anywhere."""
    if key is None:
        return secrets.choice(available or partitions)
    return partitions[partition_of(key, len(partitions))]
