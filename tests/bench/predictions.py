"""How good the predictions of a replay are, against what the file says happened and others say.

    python -m tests.bench.predictions FILE.jsonl... [--bar SECONDS] [--days N] [--tuning]
        [--horizons created,ofd] [--naive]

Everybody learns as the events come in and is scored on the last 40 % of each horizon; what is
chosen by hand is chosen on what comes before (`--tuning` scores from 20 % to 60 %). Only the
worst window of 1,000 orders is looked for from the 500th order on. What happened is read from
the file's own events, not from the tower. A promise is taken at its word: an instant at its
end, a window at its middle, a day at noon.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from models.rules import Rules
from streams.domain.forecast.learner import Said
from streams.domain.scoring.horizons import HORIZONS
from streams.domain.scoring.said import Foreseen
from streams.replay import Replay
from tests.bench.rivals import Asked, boosted, naive
from tests.bench.scores import auc, average_precision, coverages, worst_window
from tests.bench.table import rows_only

REPORTED, TUNED = (0.6, 1.0), (0.2, 0.6)
HEAD = (
    "file", "horizon", "who", "scored", "MAE min", "worst window", "in the 80 % range",
    "by carrier", "width min", "Brier", "skill", "AUC", "AP",
)  # fmt: skip

# Of each order handed over: seconds after the end, where in the promise it was expected, and
# when it was known (ms).
Outcomes = dict[str, tuple[float, float, float]]


class Listening(Replay):
    """A replay that keeps what was said, of which order."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Said]] = []
        super().__init__(Rules(), predict=True)

    def _predicted(self, order_id: str, said: Said, foreseen: Foreseen) -> None:
        del foreseen
        self.said.append((order_id, said))


def outcomes(path: Path) -> Outcomes:
    """Return what the events of a file say of each order handed over."""
    promises: dict[str, tuple[datetime, datetime]] = {}
    found: Outcomes = {}
    for line in path.read_text().splitlines():
        event = json.loads(line)
        order = event["order_id"]
        if event["kind"] == "order_promised" and event.get("promise"):
            promises.setdefault(order, _resolved(event["promise"], event.get("timezone")))
        elif event["kind"] == "delivered" and order in promises and order not in found:
            end, point = promises[order]
            at = datetime.fromisoformat(event["occurred_at"])
            known = datetime.fromisoformat(event.get("observed_at", event["occurred_at"]))
            off = (at - end).total_seconds(), (point - end).total_seconds()
            found[order] = (*off, 1_000 * known.timestamp())
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


def predicted(path: Path) -> dict[str, tuple[list[Said], Asked]]:
    """Return for each horizon what was said of the orders handed over, and what became so."""
    replay = Listening()
    replay.run(path.read_bytes().splitlines())
    came = outcomes(path)
    by: dict[str, list[tuple[str, Said]]] = defaultdict(list)
    for order, said in replay.said:
        if order in came:
            by[said.view.moment.stage].append((order, said))
    return {
        name: ([said for _, said in pairs], _asked(pairs, came)) for name, pairs in by.items()
    }


def _asked(pairs: list[tuple[str, Said]], came: Outcomes) -> Asked:
    moments = [said.view.moment for _, said in pairs]
    widest = max(len(said.view.vector) for _, said in pairs)
    numbers = [np.pad(s.view.vector, (0, widest - len(s.view.vector))) for _, s in pairs]
    deviation, point, known = np.array([came[order] for order, _ in pairs]).T
    return Asked(
        at=np.array([m.at for m in moments]),
        known=known,
        slack=np.array([(m.end - m.at) / 1_000 for m in moments]),
        point=point,
        deviation=deviation,
        numbers=np.array(numbers),
        routes=[(m.carrier, m.region) for m in moments],
    )


def scored(said: list[Said], asked: Asked, given: argparse.Namespace) -> Iterator[list[str]]:
    """Yield who is scored and the scores of one horizon, one row each."""
    bar, share = given.bar, TUNED if given.tuning else REPORTED
    first, last = (int(part * len(said)) for part in share)
    here = slice(first, last)
    plain = naive(asked, bar)
    forecasts = [each.forecast for each in said]
    ours: dict[str, np.ndarray] = {
        name: np.array([getattr(each, name) for each in forecasts])
        for name in ("p10", "p50", "p90")
    }
    p = np.array([each.late[bar] for each in forecasts])
    rest = Scoring(asked, here, plain["late share"], bar)
    ranges = (ours["p10"], ours["p90"])
    yield ["tower", *rest.middle(ours["p50"]), *rest.range(*ranges), *rest.late(p)]
    nothing = ["", "", ""]
    for name, middle in (("promise", asked.point), *list(plain.items())[:2]):
        yield [name, *rest.middle(middle), *nothing, *nothing, ""]
    yield ["late share", "", "", *nothing, *rest.late(plain["late share"])]
    if not given.naive:
        other = boosted(asked, first, bar, given.days)
        other = {name: np.r_[np.zeros(first), each] for name, each in other.items()}
        mae, _ = rest.middle(other["mean"])
        ranges = (other["low"], other["high"])
        yield ["LightGBM mean", mae, "", *rest.range(*ranges), *rest.late(other["late"])]
        mae, _ = rest.middle(other["middle"])
        yield ["LightGBM median", mae, "", *nothing, *nothing, ""]


class Scoring:
    """The scores of answers to what was asked, as cells of a table."""

    def __init__(self, asked: Asked, here: slice, share: np.ndarray, bar: float) -> None:
        """`share` is the running share of late ones, the reference of skill."""
        self._here, self._deviation = here, asked.deviation
        self._promise = np.abs(asked.deviation - asked.point)
        self._carriers = np.array([carrier for carrier, _ in asked.routes])[here]
        self._late = asked.deviation[here] > bar
        self._reference = ((share[here] - self._late) ** 2).mean()

    def middle(self, answer: np.ndarray) -> list[str]:
        """Return the mean error, and the worst window's share of the promise's error."""
        error = np.abs(self._deviation - answer)
        worst = worst_window(error, self._promise)
        return [f"{error[self._here].mean() / 60:.2f}", f"{worst:.3f}"]

    def range(self, low: np.ndarray, high: np.ndarray) -> list[str]:
        """Return how many are in it, of which carrier fewest and most, and its width."""
        low, high = low[self._here], high[self._here]
        deviation = self._deviation[self._here]
        inside = (low <= deviation) & (deviation <= high)
        of = coverages(inside, self._carriers)
        spread = f"{100 * of[0]:.0f} to {100 * of[-1]:.0f} %" if of else ""
        width = f"{(high - low).mean() / 60:,.1f}"
        return [f"{100 * inside.mean():.1f} %", spread, width]

    def late(self, p: np.ndarray) -> list[str]:
        """Return Brier score, skill against the running share, AUC and average precision."""
        p, late = p[self._here], self._late
        brier = ((p - late) ** 2).mean()
        skill = 1 - brier / self._reference if self._reference else float("nan")
        ranked = (f"{auc(p, late):.3f}", f"{average_precision(p, late):.3f}")
        return [f"{brier:.4f}", f"{skill:.3f}", *ranked]


def main() -> None:
    """Print a table of all files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--bar", type=int, default=0, help="seconds from which it is late")
    parser.add_argument("--days", type=int, default=7, help="between refits of LightGBM")
    parser.add_argument("--tuning", action="store_true", help="score 20 % to 60 %")
    parser.add_argument("--naive", action="store_true", help="leave LightGBM out")
    parser.add_argument("--horizons", default=",".join(HORIZONS))
    given = parser.parse_args()
    print(rows_only(HEAD, []), end="")
    for file in given.files:
        found = predicted(file)
        for horizon in given.horizons.split(","):
            said, asked = found.get(horizon, ([], None))
            if asked is not None and len(said) > 500:
                count = f"{len(said) * 2 // 5:,}"
                for who, *cells in scored(said, asked, given):
                    print(
                        f"| {' | '.join((file.stem, horizon, who, count, *cells))} |",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
