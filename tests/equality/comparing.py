"""What two reports of the same events must agree on, and which numbers a report knows."""

from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]

# These depend on when a receipt or a model arrived, or on what overtook what: of the one the
# report leaves out nothing but them.
EXCEPTIONS = (
    "predictions",
    "notices",
    "delivery_time.revisions",
    "eta_deviation.notified",
    "eta_deviation_by.tower",
    "sla.at_risk",
    "sla.reversed",
    "feedback.invited",
    "loyalty.late_warned",  # whether a notice was asked for in time is one of notices
    "loyalty.late_unwarned",
)
# Where the names of carriers, services, regions stand.
BY_NAME = {"carriers": 1, "by": 2, "couriers": 1, "data_quality": 1}


def leaves(report: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value of a report that must agree, with its path."""
    if isinstance(report, dict) and report:
        for name, part in report.items():
            yield from leaves(part, (*path, name))
    elif not exempt(path):
        yield path, report


def exempt(path: Path) -> bool:
    dotted = f".{'.'.join(path)}."
    return any(f".{each}." in dotted for each in EXCEPTIONS)


def differences(live: Any, replayed: Any) -> list[str]:
    """Return the fields in which two reports differ, one sentence each."""
    one, other = dict(leaves(live)), dict(leaves(replayed))
    return [
        f"{'/'.join(path)}: live {one.get(path, 'nothing')!r},"
        f" replayed {other.get(path, 'nothing')!r}"
        for path in sorted(one.keys() | other.keys())
        if one.get(path, "nothing") != other.get(path, "nothing")
    ]


def without_predictions(report: Any) -> Any:
    """Return a report without what the models of the time said: no export remembers it."""
    if not isinstance(report, dict):
        return report
    return {k: without_predictions(v) for k, v in report.items() if k != "predictions"}


def numbers(report: dict[str, Any]) -> dict[Path, bool]:
    """Return the paths of a report, names left open, and whether any has been counted.

    What stands beside an n has been if that n is not 0, another count if it is not 0 itself.
    """
    found: dict[Path, bool] = {}
    for path, value in leaves(report):
        if value != {}:
            path_ = _open(path)
            found[path_] = found.get(path_, False) or _counted(report, path, value)
    return found


def _open(path: Path) -> Path:
    at = BY_NAME.get(path[0])
    return path if at is None else (*path[:at], "*", *path[at + 1 :])


def _counted(report: Any, path: Path, value: Any) -> bool:
    for name in path[:-1]:
        report = report[name]
    if "n" in report:
        return value is not None and report["n"] > 0
    return value is not None if isinstance(value, float) else bool(value)
