"""What orders keep to themselves is no news: asked at every event they say the same."""

from random import Random

import pytest

from streams import orders, topics
from streams.replay import Replay

from .history import RULES, History, history

SEEDS = range(390, 490)  # in 439 a leg comes late that moves the promise


def said(seen: History) -> list[tuple[bytes | None, bytes | None]]:
    """Return what is told to groups and customers, in order."""
    replay = Replay(RULES, keep_outputs=True)
    replay.as_of = seen.as_of
    for arrival in seen.arrivals:
        replay.take(arrival)
    replay.advance(seen.as_of)
    return [
        (key, value) for topic, key, value in replay.out.messages if topic == topics.GROUP_LOG
    ]


def test_no_event_that_is_quiet_would_have_said_anything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    histories = [history(Random(seed)) for seed in SEEDS]  # noqa: S311 - no secret
    found = [said(each) for each in histories]
    assert sum(map(len, found)) > len(SEEDS)
    monkeypatch.setattr(orders, "QUIET", frozenset())
    monkeypatch.setattr(orders, "LEGS", frozenset())
    assert found == [said(each) for each in histories]
