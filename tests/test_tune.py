"""`tower tune`: history in, the trade-off of every threshold out."""

import json
from itertools import pairwise

from tests.test_forecasting import line, promised


def history(path):
    """Write twenty orders of which every second one is a minute late, and a courier's day."""
    lines = []
    for number in range(20):
        order = f"A-{number}"
        lines += [
            promised("08:00", "16:00", order),
            line("delivered", "16:01" if number % 2 else "15:30", order),
        ]
    lines.append(line("customer_asked", "2026-04-30T12:00:00Z", "A-1", topic="other"))
    path.write_bytes(b"\n".join(lines))
    return str(path)


def test_the_curve_falls_from_telling_everybody_to_telling_nobody(tower, tmp_path):
    ran = tower("tune", history(tmp_path / "h.jsonl"), "--json")
    assert (ran.code, ran.err) == (0, "")
    curve = json.loads(ran.out)
    assert {(each["orders"], each["late"]) for each in curve} == {(20, 10)}
    assert [each["threshold"] for each in curve] == sorted(each["threshold"] for each in curve)
    for each, after in pairwise(curve):
        assert each["notices"] >= after["notices"]
        assert each["missed"] <= after["missed"]
    for each in curve:
        # Every notice is of a late order or false; every late order was told or missed.
        assert each["notices"] == each["false"] + each["late"] - each["missed"]


def test_a_table_says_how_many_orders_it_is_of(tower, tmp_path):
    file = history(tmp_path / "h.jsonl")
    ran = tower("tune", file, "--promise", "window", "--carrier", "fast", "--budget", "0")
    head, _, *rows = ran.out.splitlines()
    assert head == "20 orders predicted and judged, 10 of them late"
    # Nothing may be told: no notice, all ten missed.
    assert {tuple(row.split()[1:]) for row in rows} == {("0.0", "0", "10", "-")}


def test_orders_that_are_not_there_are_said_in_a_sentence(tower, tmp_path):
    ran = tower("tune", history(tmp_path / "h.jsonl"), "--carrier", "slow")
    assert ran.code == 1
    assert ran.err == (
        "tower: No prediction of such orders was scored: there is nothing to tune by.\n"
    )
