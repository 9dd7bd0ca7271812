"""`python -m tests.city`: courier ETAs in the simulated city, held against the truth."""

import argparse

from tests.city.city import OUTLIERS
from tests.city.scoring import MAIN, Score, run


def main() -> None:
    """Print how good ETAs were, of the tower and of others, also with twice the outliers."""
    parser = argparse.ArgumentParser(prog="python -m tests.city", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=4, help="the first teaches")
    parser.add_argument("--couriers", type=int, default=10)
    parser.add_argument("--stops", type=int, default=90)
    said = parser.parse_args()
    size = {"days": said.days, "couriers": said.couriers, "stops": said.stops}
    found = run(said.seed, **size)
    print("who             T-min      n  told  within10  late  off   80% covers  width (min)")
    for (name, horizon), score in sorted(found.scores.items()):
        print(f"{name:15} {horizon:5} {_line(score)}")
    told, moved = found.churn
    print(f"an order was told {told:.1f} ETAs, which moved by {moved:.0f} minutes in all")
    twice = run(said.seed, **size, outliers=2 * OUTLIERS, oracles=())
    before, after = found.scores["tower", MAIN].within, twice.scores["tower", MAIN].within
    print(f"with {2 * OUTLIERS:.0%} outliers: {_line(twice.scores['tower', MAIN])}")
    print(f"within 10 min at T-{MAIN}: {100 * (after - before):+.1f} points")


def _line(score: Score) -> str:
    ranged = ""
    if score.covers is not None and score.width is not None:
        ranged = f"{score.covers:12.1%} {score.width:6.1f}"
    share = f"{score.told / score.n:5.0%} {score.within:9.1%}"
    return f"{score.n:6} {share} {score.late:5.1f} {score.off:4.1f}{ranged}"


main()
