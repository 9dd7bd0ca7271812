"""A seed is a run: the same one each time, and a few in a row meet every fault."""

import pytest

from tests.crash.faults import KINDS
from tests.crash.plan import DEALT, DRAWN, plan_of


def test_the_same_seed_is_the_same_run(seed: int) -> None:
    assert plan_of(seed, list(KINDS)) == plan_of(seed, list(KINDS))
    assert plan_of(seed, list(KINDS)) != plan_of(seed + 1, list(KINDS))


@pytest.mark.parametrize("first", range(20))
def test_four_runs_in_a_row_meet_every_kind(first: int) -> None:
    met = {each.kind for n in range(4) for each in plan_of(first + n, list(KINDS)).strikes}
    assert met == set(KINDS)


def test_a_short_run_has_the_same_faults_and_no_long_silence(seed: int) -> None:
    for number in range(seed, seed + 20):
        long, short = (plan_of(number, list(KINDS), short=short) for short in (False, True))
        assert long.strikes == short.strikes
        assert short.longest == 5
        assert 5 <= long.longest <= 30


def test_faults_strike_one_after_the_other_while_events_are_sent(seed: int) -> None:
    plan = plan_of(seed, list(KINDS))
    times = [each.at for each in plan.strikes]
    assert len(times) == DEALT + DRAWN
    assert times == sorted(set(times))
    assert times[-1] < plan.seconds
