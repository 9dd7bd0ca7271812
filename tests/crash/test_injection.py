"""Whatever befalls batches between the broker's answers and the fold changes nothing."""

import logging
from collections import Counter
from unittest.mock import patch

import pytest

from streams.engine.contiguity import Contiguity
from tests.crash.injection_reader import wrong
from tests.crash.injection_run import EVERY, injected

RUNS = 25


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("streams.engine.feed").setLevel(logging.ERROR)


def played(seed: int) -> tuple[dict[int, list[str]], Counter[str]]:
    """Return what was wrong in which run, and how often each mishap befell one."""
    mishaps: Counter[str] = Counter()

    def tell(line: str) -> None:
        kind = next(
            each for each in sorted(EVERY, key=len, reverse=True) if line.startswith(each)
        )
        mishaps[kind] += 1

    found = {each: wrong(each, tell) for each in range(seed, seed + RUNS)}
    return {each: problems for each, problems in found.items() if problems}, mishaps


def test_every_mishap_befalls_the_feed_and_none_is_felt(seed: int) -> None:
    found, mishaps = played(seed)
    assert found == {}
    assert [kind for kind in EVERY if not mishaps[kind]] == []


def test_a_feed_that_goes_on_believing_after_a_leap_is_felt(seed: int) -> None:
    """The control: the answers after a leap, before the next seek, certify holes."""
    with patch.object(Contiguity, "broken", lambda _: None):
        found, _ = played(seed)
    assert found


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.timeout(300)
def test_a_real_run_with_mishaps_kills_and_rebalances(seed: int, tmp_path) -> None:
    done = injected(seed, tmp_path)
    assert done.outcome.findings == []
    assert done.outcome.events > 0
    assert len(done.mishaps) > len(EVERY) / 2
