"""How good the predictions of a replay are, against what the file says happened.

    python -m tests.bench.predictions FILE.jsonl... [--bar SECONDS]

The first half of a file's predictions is for learning, the second is scored. What happened is
read from the file's own events, not from the tower. A promise is taken at its word: an instant
at its end, a window at its middle, a day at noon.
"""

import argparse
import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from models.rules import Rules
from streams.replay import Replay

HORIZONS = ("created", "picked_up", "ofd", "d7200", "d120", "d60", "d30")


def outcomes(path: Path) -> dict[str, tuple[float, float]]:
    """Return for each order handed over: seconds after the end, and where it was promised."""
    promises: dict[str, tuple[datetime, datetime]] = {}
    found: dict[str, tuple[float, float]] = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        order = event["order_id"]
        if event["kind"] == "order_promised" and event.get("promise"):
            promises.setdefault(order, _resolved(event["promise"], event.get("timezone")))
        elif event["kind"] == "delivered" and order in promises and order not in found:
            end, point = promises[order]
            at = datetime.fromisoformat(event["occurred_at"])
            found[order] = ((at - end).total_seconds(), (point - end).total_seconds())
    return found


def _resolved(promise: dict[str, str], zone: str | None) -> tuple[datetime, datetime]:
    end = datetime.fromisoformat(promise["end"])
    if promise.get("precision") == "date":
        day = end.astimezone(ZoneInfo(zone) if zone else end.tzinfo)
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        following = (midnight + timedelta(days=1)).astimezone(UTC)
        return following, midnight.astimezone(UTC) + (following - midnight.astimezone(UTC)) / 2
    start = promise.get("start")
    return end, end if start is None else end + (datetime.fromisoformat(start) - end) / 2


def auc(p: np.ndarray, late: np.ndarray) -> float:
    """Return P(a late order was given a higher probability than another), ties half."""
    _, place, counts = np.unique(p, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    yes, no = late.sum(), (~late).sum()
    if not yes or not no:
        return float("nan")
    return float((ranks[late].sum() - yes * (yes + 1) / 2) / (yes * no))


def table(path: Path, bar: int) -> list[str]:
    """Return the lines of one file's table."""
    replay = Replay(Rules(), predict=True)
    replay.run(path.read_bytes().splitlines())
    said = defaultdict(list)
    happened = outcomes(path)
    for each in replay.predictions:
        if each["order_id"] in happened:
            said[each["horizon"]].append(each)
    return [
        _scores(path.stem, horizon, said[horizon][len(said[horizon]) // 2 :], happened, bar)
        for horizon in HORIZONS
        if len(said[horizon]) > 200
    ]


def _scores(name, horizon, said, happened, bar):
    came = np.array([happened[each["order_id"]] for each in said])
    deviation, point = came[:, 0], came[:, 1]
    low, middle, high = (np.array([each[q] for each in said]) for q in ("p10", "p50", "p90"))
    p = np.array([each["late"][str(bar)] for each in said])
    late = deviation > bar
    rate = late.mean()
    cells = (
        name, horizon, f"{len(said):,}",
        f"{np.abs(deviation - middle).mean() / 60:.2f}",
        f"{np.abs(deviation - point).mean() / 60:.2f}",
        f"{100 * ((low <= deviation) & (deviation <= high)).mean():.1f} %",
        f"{(high - low).mean() / 60:.1f}",
        f"{((p - late) ** 2).mean():.4f}", f"{rate * (1 - rate):.4f}", f"{auc(p, late):.3f}",
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a table of all files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bar", type=int, default=0, choices=(0, 600, 840))
    given = parser.parse_args()
    heads = (
        "file", "horizon", "scored", "MAE min", "promise's MAE min", "in the 80 % range",
        "width min", "Brier", "of the rate", "AUC",
    )  # fmt: skip
    print(f"| {' | '.join(heads)} |\n| {' | '.join('---' for _ in heads)} |")
    for file in given.files:
        print(*table(file, given.bar), sep="\n", flush=True)


if __name__ == "__main__":
    main()
