"""Quantiles from counts: signed logarithmic bins that can be added (DDSketch's mapping).

A bin is named by an integer: 0 holds zero, k > 0 the positive values of the mapping's bin
k - OFFSET, -k the negative ones. Bins of one relative accuracy of 1 % merge by addition.
"""

from bisect import bisect_left
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from math import ceil

from ddsketch.mapping import LogarithmicMapping

from models.base import Millis

# A little finer than the promised 1 %, so that rounding stays inside it.
_MAPPING = LogarithmicMapping(0.0095)
_OFFSET = 1


@lru_cache(maxsize=65_536)
def bin_of(value: Millis) -> int:
    """Return the bin of a value in whole milliseconds."""
    if value == 0:
        return 0
    index = int(_MAPPING.key(abs(value))) + _OFFSET
    return index if value > 0 else -index


def value_of(index: int) -> float:
    """Return the value that stands for a bin, within 1 % of every value in it."""
    if index == 0:
        return 0.0
    value = float(_MAPPING.value(abs(index) - _OFFSET))
    return value if index > 0 else -value


def quantile(bins: Mapping[int, int], q: float) -> float | None:
    """Return the value of nearest rank ceil(q n) within 1 %, None of nothing."""
    n = sum(bins.values())
    if n == 0:
        return None
    indexes = sorted(bins)
    reached = list(accumulate(bins[index] for index in indexes))
    return value_of(indexes[bisect_left(reached, max(1, ceil(q * n)))])


def absolute(bins: Mapping[int, int]) -> dict[int, int]:
    """Return the bins of the absolute values."""
    folded: dict[int, int] = {}
    for index, count in bins.items():
        folded[abs(index)] = folded.get(abs(index), 0) + count
    return folded
