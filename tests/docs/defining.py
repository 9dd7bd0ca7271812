"""Which definition of the catalogue a path of a report has; there should be exactly one."""

import re
from collections.abc import Iterable
from functools import cache

from streams.domain.kpi.catalogue import KPI, PLACES, Number, numbers

BLOCKS = re.compile(r"^(total|returns|carriers\.[^.]*|by\.service\.[^.]*|by\.region\.[^.]*)\.")


def undefined(paths: Iterable[str]) -> list[str]:
    """Return a sentence for every path without one definition of its own."""
    return [
        f"{path}: {len(found) or 'no'} definitions in streams/domain/kpi/catalogue.py"
        for path in paths
        for found in (defined(path),)
        if len(found) != 1
    ]


def defined(path: str) -> tuple[Number, ...]:
    """Return the definitions of a path."""
    return _defined(BLOCKS.sub(f"{KPI}.", path))


@cache
def _defined(path: str) -> tuple[Number, ...]:
    return tuple(each for pattern, each in _patterns() if pattern.fullmatch(path))


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], Number], ...]:
    return tuple((_pattern(each.path), each) for each in numbers())


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(<[^>]*>)", path)
    return re.compile(
        "".join(
            f"(?:{PLACES.get(part, '[^.]*')})" if part.startswith("<") else re.escape(part)
            for part in parts
        )
    )
