"""Random worlds come to the same report by the tower and by the second implementation.

More by hand: `python -m tests.domain.duel --worlds --seeds 10000`.
"""

import pytest

from tests.domain.census import Census
from tests.domain.duel import against, differences, judged
from tests.domain.given import DAYS, HOUR, MS, at
from tests.domain.histories import ODD
from tests.domain.worlds import world
from tests.oracle import RULES
from tests.story import changed, delivered, failed, promised

QUICK, MANY = 200, 1_200
LIVES, OFTEN = 2_000, 2


@pytest.mark.parametrize("block", range(5))
def test_worlds_give_the_same_report(block: int) -> None:
    for seed in range(block * QUICK // 5, (block + 1) * QUICK // 5):
        events, as_of, rules = world(seed)
        assert differences(events, as_of, rules) == [], f"seed {seed}"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_thousand_lives_give_the_same_report_and_meet_every_rule() -> None:
    census = Census()
    for seed in range(QUICK, QUICK + MANY):
        events, as_of, rules = world(seed)
        found = judged(events, as_of, rules)
        census.take(events, found)
        assert against(found.report, events, as_of, rules) == [], f"seed {seed}"
    assert census.lives >= LIVES
    assert census.missing(OFTEN) == []


def test_a_census_misses_what_has_not_occurred() -> None:
    census = Census()
    events = [promised(0, instant=60), delivered(60)]
    census.take(events, judged(events, at(DAYS), RULES))
    assert ("judged", "handover, instant") not in census.missing()
    assert ("judged", "handover, date") in census.missing()
    assert ("judged", "handover, instant") in census.missing(2)


@pytest.mark.parametrize(("minute", "outcome"), [(-1, "excluded"), (10, "on_time")])
def test_a_visit_in_the_grace_of_a_day_is_not_within_the_day(minute: int, outcome: str) -> None:
    # By the odd rules a day of hermes ends at 21:00, and half an hour of grace follows.
    visit = 12 * HOUR + minute
    events = [
        promised(0, date=60, timezone="UTC", carrier="hermes"),
        failed(visit),
        changed(visit + MS, date=DAYS),
        delivered(DAYS),
    ]
    assert against(judged(events, at(5 * DAYS), ODD).report, events, at(5 * DAYS), ODD) == []
    found = judged(events, at(5 * DAYS), ODD).report["total"]["delivery_time"]["accountable"]
    assert found[outcome] == 1
