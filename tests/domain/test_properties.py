"""What must not matter, on random worlds: copies, order, partitions, batches, the unsaid."""

import json
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain import cells
from streams.domain.judgement import Judgement
from streams.replay import Replay
from tests.domain import inbox
from tests.domain.duel import rules_of
from tests.domain.histories import lines
from tests.domain.worlds import world
from tests.equality.comparing import Path, leaves
from tests.oracle import Event, received

SEEDS = st.integers(0, 10**9)
# What is told of the events themselves, and who had been warned: notices are said once, on what
# was known at the time, so that they may differ (as in the central equality).
LEFT_OUT = {"events", "data_quality", "loyalty"}
Cells = dict[Any, dict[str, int]]


def judged(events: list[Event], as_of: int, rules: dict[str, Any]) -> Replay:
    replay = Replay(rules_of(rules))
    replay.run(lines(events), as_of)
    return replay


def numbers(events: list[Event], as_of: int, rules: dict[str, Any]) -> dict[Path, Any]:
    """Return every number of the report by its path, but what is left out."""
    report = judged(events, as_of, rules).report()
    return {path: each for path, each in leaves(report) if path[0] not in LEFT_OUT}


def counted(replay: Replay) -> Cells:
    """Return the cells of a replay without what is counted of events."""
    return {cell: each for cell, each in inbox.cells(replay.orders).items() if cell.carrier}


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_copies_and_the_order_of_a_file_change_no_number(seed):
    events, as_of, rules = world(seed)
    rng = Random(seed)  # noqa: S311
    more = events + [json.loads(json.dumps(rng.choice(events))) for _ in range(6)]
    rng.shuffle(more)
    assert numbers(more, as_of, rules) == numbers(events, as_of, rules)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_partitions_batches_and_upstreams_change_no_cell(seed):
    events, as_of, rules = world(seed)
    # Nobody is asked where he was; with couriers the rehearsals of tests/equality do the same.
    events = [
        {name: value for name, value in each.items() if name != "courier_id"}
        for each in events
        if "order_id" in each and received(each) <= as_of
    ]
    rng = Random(seed)  # noqa: S311
    places = [rng.randrange(3) for _ in range(4)]  # where each order's inbox is
    judgement = Judgement(rules_of(rules))
    folded = [
        inbox.cells(inbox.fold(inbox.log(part, as_of, rng), judgement, rng))
        for number in range(3)
        if (part := [each for each in events if places[int(each["order_id"][1:])] == number])
    ]
    merged = cells.merge(each for part in folded for each in part.items())
    assert merged == inbox.cells(judged(events, as_of, rules).orders)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_the_cells_of_a_file_split_by_order_are_those_of_the_whole(seed):
    events, as_of, rules = world(seed)
    of_couriers = [each for each in events if "order_id" not in each]
    orders = {each["order_id"] for each in events if "order_id" in each}
    parts = [
        counted(judged([*mine, *of_couriers], as_of, rules))
        for order in orders
        if (mine := [each for each in events if each.get("order_id") == order])
    ]
    merged = cells.merge(each for part in parts for each in part.items())
    assert merged == counted(judged(events, as_of, rules))


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_to_take_an_event_back_is_never_to_have_sent_it(seed):
    events, as_of, rules = world(seed)
    rng = Random(seed)  # noqa: S311
    names = [(each.get("order_id"), each["source"], each["event_id"]) for each in events]
    unsaid = rng.choice([
        each for each, name in zip(events, names, strict=True)
        if each["kind"] not in {"order_promised", "event_withdrawn"}
        and "order_id" in each and names.count(name) == 1
    ] or [None])  # fmt: skip
    if unsaid is None:
        return
    # It is taken back in the moment it is received: both hear of something then.
    withdrawal = {
        "kind": "event_withdrawn",
        "event_id": "withdrawal",
        "withdraws": unsaid["event_id"],
        **{name: unsaid[name] for name in ("order_id", "source", "occurred_at")},
        "observed_at": unsaid.get("observed_at") or unsaid["occurred_at"],
    }
    silent = [each for each in events if each is not unsaid]
    with_it = numbers([*events, withdrawal], as_of, rules)
    assert with_it == numbers([*silent, withdrawal], as_of, rules)
