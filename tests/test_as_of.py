"""`--as-of`: what was received later is read and counted, and changes nothing else (L15)."""

import json
from random import Random

import pytest

from models.rules import Rules
from streams.domain.cells import EVENTS, merge
from streams.feed import in_order_of_arrival
from streams.lives import Lives
from streams.replay import Replay
from tests.domain.duel import rules_of
from tests.domain.histories import history, lines

HISTORIES = range(7_000, 7_060)


def fed(seed):
    """Return the lines of a random history with a courier's events between them, and rules."""
    events, as_of, rules = history(seed)
    rng = Random(seed)  # noqa: S311 - a seeded history, not a secret
    for number in range(3):
        events.append({
            "kind": "position_reported", "courier_id": "k-1", "carrier": "hermes",
            "source": "app", "event_id": f"p{number}", "lat": 52.5, "lon": 13.4,
            "occurred_at": rng.choice(events)["occurred_at"],
        })  # fmt: skip
    rng.shuffle(events)
    return lines(events), as_of, rules_of(rules), rng


def report(taken, at, rules):
    """Return the report as of an instant, and apart from it the counts of reading."""
    replay = Replay(rules)
    replay.run(taken, at)
    found = replay.report()
    return found, found.pop("events")


@pytest.mark.parametrize("seed", HISTORIES)
def test_what_was_received_later_changes_nothing_but_the_counts_of_reading(seed):
    taken, as_of, rules, rng = fed(seed)
    arrived = in_order_of_arrival(taken)
    times = sorted({each.received_at for each in arrived})
    for at in {times[0] - 1, as_of, times[-1], *rng.sample(times, min(3, len(times)))}:
        known = [each.raw for each in arrived if each.received_at <= at]
        then, counts = report(taken, at, rules)
        assert then == report(known, at, rules)[0]
        assert counts["read"] == len(taken)
        accounted = counts["accepted"] + counts["duplicate"] + sum(counts["rejected"].values())
        assert accounted == counts["read"]


@pytest.mark.parametrize("seed", HISTORIES)
def test_two_reports_differ_by_what_arrived_between(seed):
    taken, _, rules, rng = fed(seed)
    arrived = in_order_of_arrival(taken)
    times = sorted({each.received_at for each in arrived})
    first, second = sorted((rng.choice(times), rng.choice(times)))
    known = [each.raw for each in arrived if each.received_at <= first]
    between = [each.raw for each in arrived if first < each.received_at <= second]
    # Without what arrived between, the earlier report stands and time alone has passed.
    rest = [each.raw for each in arrived if not first < each.received_at <= second]
    assert report(rest, first, rules)[0] == report(taken, first, rules)[0]
    assert report(rest, second, rules)[0] == report(known, second, rules)[0]
    assert report(known + between, second, rules)[0] == report(taken, second, rules)[0]


@pytest.mark.parametrize("seed", HISTORIES)
def test_the_lives_of_a_file_add_up_to_its_report(seed):
    taken, as_of, rules, _ = fed(seed)
    replay = Replay(rules)
    lives = Lives([replay.orders])
    replay.run(taken, as_of)
    total = merge(
        (cell, measures)
        for life in lives
        for cell, measures in life.counted.items()
        if cell != EVENTS
    )
    replay.report()
    book = replay.orders.book.totals
    assert total == {cell: each for cell, each in book.items() if cell != EVENTS}
    numbered: dict[str, list[int]] = {}
    for life in lives:
        numbered.setdefault(life.order_id, []).append(life.number)
    assert all(each == list(range(1, len(each) + 1)) for each in numbered.values())


def test_the_events_after_the_instant_are_accepted_once():
    event = {
        "kind": "in_transit", "order_id": "A-1", "source": "hub", "event_id": "e1",
        "occurred_at": "2026-03-03T09:00:00Z",
    }  # fmt: skip
    raw = [json.dumps(event).encode()] * 2
    at = in_order_of_arrival(raw)[0].received_at - 1
    found, counts = report(raw, at, rules_of(history(0)[2]))
    assert found["total"]["orders"] == 0
    assert (counts["accepted"], counts["duplicate"]) == (1, 1)


def test_of_copies_received_later_in_one_millisecond_the_least_counts():
    # Both copies arrive after `at`; the one that says "hub" is the lesser whatever an unknown
    # field is called, so that its unknown field counts.
    event = {
        "kind": "in_transit", "order_id": "A", "source": "s", "event_id": "1",
        "occurred_at": "2026-03-03T09:00:00Z",
    }  # fmt: skip
    first = event | {"location": "hub", "zzz": 1}
    for copies in (
        [first, event | {"location": "town"}],
        [event | {"location": "town"}, first],
    ):
        raw = [json.dumps(each).encode() for each in copies]
        _, counts = report(raw, in_order_of_arrival(raw)[0].received_at - 1, Rules())
        assert (counts["accepted"], counts["duplicate"], counts["unknown_fields"]) == (1, 1, 1)
