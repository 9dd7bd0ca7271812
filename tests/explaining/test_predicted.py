"""`tower explain`: what was predicted, why, and what became of it."""

from msgspec.structs import replace

from models.rules import Rules
from streams.cli.explained import pages
from streams.domain.scoring.said import Prediction
from streams.explaining import explain
from streams.explaining.predicted import WORDS, _clears, in_words
from streams.replay import Replay
from tests.story import delivered, promised, story

MINUTE = 60_000


def test_a_prediction_says_how_likely_why_and_what_became_of_it():
    replay = Replay(Rules(), predict=True)
    replay.run(story(promised(-60, window=(0, 120), carrier="swift"), delivered(150)))
    row = replay.orders.row("A-1")
    said = row.told.foreseen.said["created"]
    row.told.foreseen.said["created"] = replace(
        said, p=700_000, base=100_000, model=313, middle=said.deadline + 20 * MINUTE,
        high=said.deadline + 80 * MINUTE,
        reasons=(("number:kg", 20.0, 720.0), ("late.carrier", 9.0, -90.0)),
    )  # fmt: skip
    told = explain("A-1", row, replay.as_of)
    created, d120, *_ = told["predictions"]
    assert (created["late"], created["usual"], created["alert"]) == (0.7, 0.1, True)
    assert created["model"] == "learnt from 313 orders"
    assert created["reasons"] == [
        "`kg` is 20: 12 min later",
        "those of the carrier come 9 min after their promise: 1 min 30 s earlier",
    ]
    assert created["clears"] == "expected 20 min earlier"
    assert created["became"] == "late: right"
    assert (d120["alert"], d120["clears"]) == (False, None)
    page = " ".join(pages(told, 180).split())
    assert "70% to come late (like it: 10%)" in page
    assert "`kg` is 20: 12 min later" in page


def test_the_smallest_change_goes_through_the_quantiles():
    said = Prediction(
        at=0, model=1, p=700_000, base=0, threshold=500_000, deadline=100 * MINUTE,
        low=60 * MINUTE, middle=120 * MINUTE, high=180 * MINUTE,
    )  # fmt: skip
    # At the deadline 70 % are to come, 20 minutes later a half.
    assert _clears(said) == "expected 20 min earlier"


def test_every_number_has_words():
    assert in_words(("eta", 18.0, 720.0)) == (
        "the ETA in force is 18 min after the end: 12 min later"
    )
    assert in_words(("late_6h.carrier", 4.25, -60.0)) == (
        "in the last 6 h the carrier came 4.2 min late: 1 min earlier"
    )
    assert in_words(("text:van", 3.0, 60.0)) == "what `van` says: 1 min later"
    assert in_words(("now.day2", 0.5, 60.0)).startswith("the time and the day of the week: ")
    from streams.domain.forecast.features import NAMES  # noqa: PLC0415

    for name in NAMES:
        assert name in WORDS or name.startswith(("late_", "now.", "end.")), name
