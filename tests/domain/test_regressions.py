"""Histories on which the tower once differed from a second reading of the definitions.

Each expected value is worked out by hand in the test's comment.
"""

from typing import Any

from models.rules import Rules
from streams.replay import Replay
from tests.domain.histories import lines
from tests.domain.oracle import instant
from tests.story import Event, delivered, event, promised


def report_of(*events: Event, as_of: str | None = None) -> dict[str, Any]:
    replay = Replay(Rules())
    replay.run(lines(list(events)), None if as_of is None else instant(as_of))
    return replay.report()


def test_a_copy_that_is_only_spelt_otherwise_is_no_conflict() -> None:
    # The same instant in another zone, a default written out, observed a minute later.
    first = {**delivered(30), "occurred_at": "2026-03-03T09:30:00Z"}
    again = {
        **first,
        "occurred_at": "2026-03-03T10:30:00+01:00",
        "observed_at": "2026-03-03T09:31:00Z",
        "schema_version": 1,
        "time_quality": "offset",
    }
    counts = report_of(promised(window=(0, 60)), first, again)["events"]
    assert (counts["accepted"], counts["duplicate"], counts["id_conflict"]) == (2, 1, 0)


def test_which_of_two_equal_copies_counts_its_unknown_field_is_not_the_order_in_the_file() -> None:
    # Both hold the same known fields and were received together: the one that holds no more
    # is the event, whichever line comes first.
    plain = delivered(30)
    coloured = {**plain, "colour": "red"}
    for copies in ((plain, coloured), (coloured, plain)):
        assert report_of(promised(window=(0, 60)), *copies)["events"]["unknown_fields"] == 0
