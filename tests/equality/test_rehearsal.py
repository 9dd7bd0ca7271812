"""The folds alone, on logs in memory: whatever overtakes what, the report is the replay."""

from datetime import UTC, datetime
from itertools import permutations
from random import Random

import pytest

from models.rules import Rules
from streams.domain.cells import EVENTS
from streams.domain.row import Row
from streams.feed import in_order_of_arrival
from streams.replay import Replay
from streams.simulate import DaySpec, day
from streams.simulate.lines import said
from tests.domain.given import DAYS, JUDGEMENT, arrivals, at
from tests.domain.histories import Teller, lines
from tests.domain.worlds import world
from tests.equality.comparing import differences
from tests.equality.rehearsal import SHIPPED, rehearse
from tests.story import arrived, delivered, in_transit, promised

TICK_SECONDS = (1, 900, 86_400)
WEEK = {"country": "DE", "hours": {"opens": "08:00", "closes": "18:00"}}
LEVELS = Rules.model_validate({
    "calendars": {"week": WEEK},
    "sla": [
        {"name": "any", "metric": "handover", "target": {"hours": 30}},
        {
            "name": "north",
            "region": "north",
            "metric": "handover",
            "target": {"business_days": 1, "cut_off": "12:00", "calendar": "week"},
        },
        {"name": "door", "metric": "first_attempt", "target": {"window_end": True}},
        {"name": "raw", "metric": "pickup", "target": {"minutes": 90}, "view": "raw"},
        {"name": "way", "metric": "transit", "target": {"hours": 9, "calendar": "week"}},
        {"name": "word", "metric": "response", "target": {"minutes": 20}},
    ],
})  # fmt: skip
BEGINS = datetime(2026, 3, 3, 6, tzinfo=UTC)


def random_lives(rng):
    tellers = [Teller(rng, f"life-{number}") for number in range(rng.choice((1, 2, 5)))]
    return lines([event for teller in tellers for event in teller.life()])


def random_worlds(rng):
    events, _, _ = world(rng.getrandbits(32))
    return lines(events)


def simulated(rng):
    scenario = rng.choice(("hostile_day", "quarter"))
    made = day(DaySpec(orders=4, couriers=2, seed=rng.getrandbits(32), start=BEGINS,
                       scenario=scenario))  # fmt: skip
    return list(said(made.events))


def agree(story, seed, rng):
    rules = rng.choice((SHIPPED, LEVELS))
    replay = Replay(rules)
    replay.run(story)
    live = rehearse(
        in_order_of_arrival(story),
        rng.getrandbits(32),
        tick_seconds=rng.choice(TICK_SECONDS),
        rules=rules,
    )
    assert differences(live, replay.report()) == [], f"history {seed}"


def rehearsals(seed, lives, days, worlds):
    for number in range(worlds):
        rng = Random(f"worlds {seed} {number}")  # noqa: S311
        agree(random_worlds(rng), number, rng)
    for number in range(lives):
        rng = Random(f"lives {seed} {number}")  # noqa: S311
        agree(random_lives(rng), number, rng)
    for number in range(days):
        rng = Random(f"days {seed} {number}")  # noqa: S311
        agree(simulated(rng), number, rng)


def test_random_runs_of_the_folds_come_to_the_replay(seed):
    rehearsals(seed, lives=40, days=1, worlds=20)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_random_runs_of_the_folds_come_to_the_replay(seed):
    rehearsals(seed + 1, lives=1_000, days=100, worlds=600)


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_a_copy_received_after_the_end_is_refused_also_where_the_end_is_heard_last(order):
    # The row ends 30 days after the delivery. The depot's scan comes again on day 60: while the
    # delivery is still on its way that is a copy in an open life, afterwards it is too late.
    scan = in_transit(1)
    events = arrivals(
        promised(0, window=(60, 120)), scan, delivered(100),
        {**scan, "observed_at": "2026-05-02T09:00:00Z"},
    )  # fmt: skip
    row = Row(JUDGEMENT)
    for number in order:
        row.add(events[number])
    counted = row.contribution(at(80 * DAYS))[EVENTS]
    assert counted == {"accepted": 3, "rejected.order_closed": 1}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_zone_of_a_life_does_not_decide_what_was_received_first(order):
    # Received together: a courier's clock without a zone, and the promise that names one by
    # which the visit was ten hours before it. As received the promise is first, by its kind.
    visit = arrived(200 * DAYS, time_quality="local_as_z")
    events = arrivals(
        in_transit(0),
        promised(200 * DAYS, window=(201 * DAYS, 202 * DAYS), timezone="Australia/Lord_Howe"),
        visit,
    )
    row = Row(JUDGEMENT)
    for number in order:
        row.add(events[number])
    closed = list(row.settle(at(150 * DAYS)))
    assert len(closed) == 1
    assert row.contribution(at(200 * DAYS))[EVENTS] == {"accepted": 2}
