"""A worker that stands still behind its log ends; one that waits or moves does not."""

import pytest

from streams.engine.watch import Standing, Watch
from streams.errors import TowerError

STILL = [Standing("order-log/0", 5, 41), Standing("order-log/1", 0, 7)]


def test_the_limit_is_ten_barriers_where_that_is_longer() -> None:
    assert Watch(30.0, 1.0).limit == 30.0
    assert Watch(30.0, 4.0).limit == 40.0


def test_a_partition_that_is_behind_and_still_ends_the_worker() -> None:
    watch = Watch(30.0, 1.0)
    watch.look(100.0, STILL)
    watch.look(130.0, STILL)  # exactly the limit is allowed
    with pytest.raises(TowerError, match=r"^order-log/0 is 5 records behind .* for 31 s"):
        watch.look(131.0, STILL)


def test_what_moves_has_its_whole_time_again() -> None:
    watch = Watch(30.0, 1.0)
    watch.look(100.0, STILL)
    watch.look(129.0, [Standing("order-log/0", 4, 42)])
    watch.look(159.0, [Standing("order-log/0", 9, 42)])
    with pytest.raises(TowerError):
        watch.look(159.1, [Standing("order-log/0", 9, 42)])


@pytest.mark.parametrize("between", [[], [Standing("order-log/0", 0, 41)]])
def test_caught_up_or_not_able_to_move_begins_anew(between) -> None:
    watch = Watch(30.0, 1.0)
    watch.look(100.0, STILL)
    watch.look(120.0, between)
    watch.look(140.0, STILL)
    watch.look(170.0, STILL)
    with pytest.raises(TowerError):
        watch.look(171.0, STILL)
