"""The input of the benchmarks: replay counts of it what its maker says it holds."""

from models.rules import Rules
from streams.replay import Replay
from tests.bench.day import CARRIERS, END, day
from tests.bench.towers import counted


def test_replay_counts_what_the_day_says():
    made = day(4_000)
    replay = Replay(Rules())
    replay.run([line.raw for line in made.lines], END)
    assert counted(replay.report()) == made.counts
    assert sum(counts["orders"] for counts in made.counts.values()) >= 4_000 / 10
    for carrier in CARRIERS:
        assert min(made.counts[carrier].values()) > 0


def test_the_day_is_its_seed():
    assert day(500) == day(500)
    assert day(500).lines != day(500, seed=2).lines
