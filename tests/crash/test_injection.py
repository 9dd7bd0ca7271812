"""Whatever befalls batches between the broker's answers and the fold changes nothing."""

import logging
from collections import Counter
from unittest.mock import patch

import pytest

from streams.engine.contiguity import Contiguity
from tests.crash.injection_reader import wrong
from tests.crash.injection_run import EVERY, injected

RUNS = 40


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("streams.engine.feed").setLevel(logging.ERROR)


def test_every_mishap_befalls_the_feed_and_none_is_felt(seed: int) -> None:
    mishaps: Counter[str] = Counter()

    def tell(line: str) -> None:
        mishaps[max((each for each in EVERY if line.startswith(each)), key=len)] += 1

    found = {each: wrong(each, tell) for each in range(seed, seed + RUNS)}
    assert {each: problems for each, problems in found.items() if problems} == {}
    assert [kind for kind in EVERY if not mishaps[kind]] == []


def test_a_feed_that_goes_on_believing_after_a_leap_is_felt(seed: int) -> None:
    """The control: answers between a leap and the next seek certify holes."""
    with patch.object(Contiguity, "broken", lambda _: None):
        assert any(wrong(each, str) for each in range(seed, seed + RUNS))


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_real_run_with_mishaps_kills_and_rebalances(seed: int, tmp_path) -> None:
    done = injected(seed, tmp_path)
    assert done.outcome.findings == []
    assert done.outcome.events > 0
    assert len(done.mishaps) > len(EVERY) / 2
