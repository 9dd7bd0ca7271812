"""The tower's report is that of a second implementation of the definitions.

More seeds by hand: `python -m tests.domain.duel --seeds 10000` (and with `--inbox`).
"""

from datetime import UTC, datetime

import pytest

from streams.simulate import DaySpec, day
from tests.domain.duel import differences, inbox_differs
from tests.domain.histories import RULE_SETS, aimed, history
from tests.oracle import received

BLOCK = 40


@pytest.mark.parametrize("block", range(10))
def test_random_histories_give_the_same_report(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        events, as_of, rules = history(seed)
        assert differences(events, as_of, rules) == [], f"seed {seed}"


@pytest.mark.parametrize("block", range(10))
def test_short_lives_on_the_boundaries_give_the_same_report(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        events, as_of, rules = aimed(seed)
        assert differences(events, as_of, rules) == [], f"seed {seed}"


@pytest.mark.parametrize("scenario", ["mixed", "quarter"])
def test_simulated_days_give_the_same_report(scenario: str) -> None:
    start = datetime(2026, 3, 28, 6, tzinfo=UTC)  # the night before clocks move in Berlin
    spec = DaySpec(orders=150, couriers=6, seed=11, start=start, scenario=scenario)
    events = [event for event in day(spec).events if "order_id" in event]
    assert events
    last = max(map(received, events))
    for rules, as_of in zip(RULE_SETS, (last, last - 3_600_000), strict=True):
        assert differences(events, as_of, rules) == []


@pytest.mark.parametrize("block", range(5))
def test_any_interleaving_of_upstreams_gives_the_cells_of_replay(block: int) -> None:
    for seed in range(block * BLOCK, (block + 1) * BLOCK):
        events, as_of, rules = history(seed)
        assert not inbox_differs(events, as_of, rules, seed), f"seed {seed}"


# Seeds that found something: cells told anew when a frozen promise falls due, local times of
# a life that is open again, what is parked counted from its receipt on.
@pytest.mark.parametrize("seed", [2020, 2088, 4654, 9166, 21955, 23814])
def test_interleavings_that_once_differed(seed: int) -> None:
    events, as_of, rules = history(seed)
    assert not inbox_differs(events, as_of, rules, seed)
