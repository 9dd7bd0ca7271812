"""What an agent reads: a topic, the table of its rows and the logic of each partition."""

from collections.abc import Callable
from dataclasses import dataclass

from streams.engine.api import PartitionFold


@dataclass(frozen=True, slots=True)
class Source:
    """One agent's input; topics by short name, all with one partition count.

    `published` is the compacted topic whose partition p holds what partition p published
    before (given back to the fold when it recovers), None if nothing is read back.
    `barrier_seconds` is how often a partition is made durable, None for as often as the others;
    sooner when its fold `presses`.
    """

    name: str
    topic: str
    table: str
    fold: Callable[[int], PartitionFold]
    published: str | None = None
    barrier_seconds: float | None = None
    presses: Callable[[PartitionFold], bool] | None = None
