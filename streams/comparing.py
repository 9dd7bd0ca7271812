"""What differs between two reports, and between two judgements of the same orders.

A field is a number of the report, or a ratio with its interval as one. `as_of` and `rules`
name a report; they are told, and never a difference.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from streams.domain.cells import EVENTS, Measures, add
from streams.domain.kpi.delivery_time import OUTCOMES
from streams.lives import Life

Json = dict[str, Any]
Path = tuple[str, ...]

NAMES = ("as_of", "rules", "schema")
RATIO = {"value", "k", "n", "low", "high"}
BEYOND = 1e300  # no number of a report is that large, nor infinite
_ABSENT = object()


def unfit(report: Json) -> str | None:
    """Return what keeps a report from being compared, in words; None: nothing does."""
    if report["schema"] != 1:
        return f"its schema is {report['schema']!r}, not 1"
    for name in ("as_of", "rules"):
        if not isinstance(report[name], str):
            return f"{name} is no text"
    parts: dict[Path, Any] = {("total",): report["total"], ("carriers",): report["carriers"]}
    if isinstance(report["carriers"], dict):
        parts.update({("carriers", name): part for name, part in report["carriers"].items()})
    for path, part in parts.items():
        if not isinstance(part, dict):
            return f"{'.'.join(path)} holds no names and values"
        for inner in HEADLINES.values():
            headline = _at(part, inner)
            if isinstance(headline, dict) and headline.keys() != RATIO:
                return f"{'.'.join((*path, *inner))} is no number or share"
    wrong = next((path for path, field in fields(report) if not _fits(path, field)), None)
    return None if wrong is None else f"{'.'.join(wrong)} is no number or share"


def _fits(path: Path, field: object) -> bool:
    """Tell whether a field is a number or nothing, or a ratio, which of something is one.

    Beside the KPIs of the total and of the carriers a report has lists too.
    """
    if isinstance(field, list):
        return path[0] not in {"total", "carriers"} or path[-1] == "calibration"
    if not isinstance(field, dict):
        return field is None or _is_number(field)
    needed = ("k", "n", "value") if field["n"] else ("k", "n")
    return all(
        _is_number(each) or (each is None and name not in needed)
        for name, each in field.items()
    )


def _is_number(field: object) -> bool:
    return (
        isinstance(field, int | float) and not isinstance(field, bool) and abs(field) < BEYOND
    )


def fields(part: object, path: Path = ()) -> Iterator[tuple[Path, object]]:
    """Yield every field of a report, or of a part of one, with its path."""
    if isinstance(part, dict) and part.keys() != RATIO:
        for name, inner in part.items():
            yield from fields(inner, (*path, name))
    elif path not in {(name,) for name in NAMES}:
        yield path, part


def differences(a: Json, b: Json) -> list[Json]:
    """Return the fields that differ, the total first: `path`, `a`, `b` and their `change`.

    A side that has no such field is left out; `change` is b minus a of numbers, of ratios that
    of their values.
    """
    one, other = dict(fields(a)), dict(fields(b))
    paths = sorted(one.keys() | other.keys(), key=lambda path: (path[0] != "total", path))
    found = []
    for path in paths:
        ours, theirs = one.get(path, _ABSENT), other.get(path, _ABSENT)
        if ours != theirs:
            sides = {"a": ours, "b": theirs}
            found.append(
                {"path": list(path)}
                | {side: value for side, value in sides.items() if value is not _ABSENT}
                | _change(ours, theirs)
            )
    return found


def _change(ours: object, theirs: object) -> Json:
    before, after = _number(ours), _number(theirs)
    return {} if before is None or after is None else {"change": after - before}


def _number(field: object) -> float | None:
    if isinstance(field, dict):
        field = field.get("value")
    return field if isinstance(field, int | float) else None


# The numbers shown side by side, by the names that the metric `tower_kpi_numerator` has too.
HEADLINES: dict[str, Path] = {
    "orders": ("orders",),
    "due": ("delivery_time", "due"),
    "on_time": ("delivery_time", "accuracy"),
    "otd": ("delivery_time", "otd"),
    "on_time_accountable": ("delivery_time", "accountable", "accuracy"),
    "first_attempt": ("first_attempt", "success"),
    "first_attempt_accountable": ("first_attempt", "accountable", "success"),
    "eta_within_10min": ("eta_deviation", "ofd", "within_10min"),
    "sla_breached": ("sla", "breached"),
    "notices": ("notices", "requested"),
}


def compared(a: Json, b: Json, ignore: Iterable[str] = ()) -> Json:
    """Return what differs between two reports, and the headline numbers of both.

    `ignore` names fields, or parts of their paths, that may differ: `delivery_time.late`.
    """
    ignored = [f".{name}." for name in ignore]
    found = [
        each
        for each in differences(a, b)
        if not any(name in f".{'.'.join(each['path'])}." for name in ignored)
    ]
    carriers = sorted(a["carriers"].keys() | b["carriers"].keys())
    return {
        "schema": 1,
        "a": {name: a[name] for name in ("as_of", "rules")},
        "b": {name: b[name] for name in ("as_of", "rules")},
        "total": _headlines(a["total"], b["total"]),
        "carriers": {
            name: _headlines(a["carriers"].get(name, {}), b["carriers"].get(name, {}))
            for name in carriers
        },
        "differences": found,
        "equal": not found,
    }


def _headlines(a: Json, b: Json) -> Json:
    sides = {name: (_at(a, path), _at(b, path)) for name, path in HEADLINES.items()}
    return {name: {"a": x, "b": y} for name, (x, y) in sides.items() if x != y or x is not None}


def _at(part: Any, path: Path) -> object:  # noqa: ANN401 - a part of a report
    for name in path:
        part = part.get(name) if isinstance(part, dict) else None
    return part


# -- order by order --------------------------------------------------------------------------


def _outcome(prefix: str) -> Callable[[Measures], str]:
    def said(m: Measures) -> str:
        return next((each for each in OUTCOMES if f"{prefix}.{each}" in m), "not due")

    return said


def _attempt(m: Measures) -> str:
    if "attempt.concluded" not in m:
        return "none"
    failed = (name for name in m if name.startswith("attempt.reason."))
    return next((name.removeprefix("attempt.reason.") for name in failed), "succeeded")


def _broken(m: Measures) -> str:
    return str(m.get("sla.breached", 0))


def _notices(m: Measures) -> str:
    return str(m.get("notices.requested", 0))


# What is asked of every order: its verdicts, and how many service levels it broke and notices
# were asked for.
QUESTIONS: dict[str, Callable[[Measures], str]] = {
    "delivery_time": _outcome("frozen"),
    "restated": _outcome("restated"),
    "accountable": _outcome("accountable.frozen"),
    "first_attempt": _attempt,
    "sla": _broken,
    "notices": _notices,
}


def turns(a: Iterable[Life], b: Iterable[Life], first: int) -> Json:
    """Return for each question which answers change and for how many orders.

    Each change names `from`, `to`, the number of `orders` and the ids of the `first` of them.
    """
    before, after = _answers(a), _answers(b)
    found: Json = {}
    for question, ask in QUESTIONS.items():
        counts: Counter[tuple[str, str]] = Counter()
        ids: dict[tuple[str, str], list[str]] = {}
        for key in sorted(before.keys() | after.keys()):
            change = (ask(before.get(key, {})), ask(after.get(key, {})))
            if change[0] != change[1]:
                counts[change] += 1
                ids.setdefault(change, []).append(key[0])
        found[question] = [
            {"from": change[0], "to": change[1], "orders": n, "first": ids[change][:first]}
            for change, n in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        ]
    return found


def _answers(lives: Iterable[Life]) -> dict[tuple[str, int], Measures]:
    """Return all that each life counted, wherever; what is counted of events left out."""
    found: dict[tuple[str, int], Measures] = {}
    for life in lives:
        total = found[life.order_id, life.number] = {}
        for cell, measures in life.counted.items():
            if cell != EVENTS:
                add(total, measures)
    return found
