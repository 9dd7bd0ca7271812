"""One run of dispatchers killed at every point; `python -m tests.dispatch.kills` plays many."""

import random

import pytest

from tests.dispatch.kills import LANES, NOTICES, play


@pytest.mark.kafka
@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_killed_at_every_point_nothing_is_lost_and_keys_repeat_alone(
    broker, database, tmp_path, seed
):
    played = await play(broker.bootstrap, tmp_path, random.Random(seed), database)  # noqa: S311
    assert (played.kills, played.lost, played.keys) == (4, 0, NOTICES)
    assert played.repeats <= LANES * played.kills
