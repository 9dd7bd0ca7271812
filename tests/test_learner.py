"""The learner: each label once, its model its checkpoint, and what becomes of a bad one."""

from unittest.mock import patch

import msgspec
import numpy as np
import pytest
from aiokafka import TopicPartition

from models.facts import FACT
from models.rules import Rules
from streams import modelrows, replay, topics
from streams.clocks import origin_header
from streams.domain.scoring import drift, state
from streams.domain.scoring.labels import decode, encode
from streams.domain.scoring.state import FormError, packed, unpacked
from streams.engine.api import Record
from streams.engine.rows import PartitionRows, pack
from streams.engine.writer import Outbox
from streams.learner import MOST_LABELS, LearnerFold
from streams.modelfeed import Models
from streams.modelrows import pieces, whole
from streams.replay import Replay
from streams.simulate import DaySpec, day
from tests.story import delivered, promised, story


@pytest.fixture(scope="module")
def labels():
    """What the orders of a simulated day tell the learner."""
    told = []
    with patch.object(replay, "label_of", lambda value: told.append(value) or decode(value)):
        one = Replay(Rules(), predict=True)
        one.run(story(*day(DaySpec(seed=4, orders=120, couriers=6)).events))
    return told


def records(labels, begin=0):
    """Labels as they lie in `training`, each from another record of the inbox."""
    return [
        Record(begin + n, 0, b"", each, (("origin", origin_header("orders/0", begin + n)),))
        for n, each in enumerate(labels)
    ]


def learner(rows=None, meta=None, applied=-1):
    fold = LearnerFold("rules")
    fold.recover(meta, PartitionRows({} if rows is None else rows, applied), {})
    return fold


def written(fold):
    """Put the model and return the rows as the changelog has them."""
    out = Outbox()
    fold.publish(out)
    return dict(fold._rows.take().rest)


def test_a_model_survives_being_written_and_goes_on_the_same(labels):
    fold = learner()
    half = len(labels) // 2
    fold.fold(records(labels[:half]), Outbox())
    again = unpacked(packed(fold.model))
    assert again.version == fold.model.version > 20
    for each in labels[half:]:
        again.learn(decode(each))
        fold.model.learn(decode(each))
    assert packed(again) == packed(fold.model)


def test_what_was_predicted_by_a_model_that_knew_less_is_learnt_from():
    one = Replay(Rules(), predict=True)
    blank = one.model.__class__()  # never learns: what a worker holds before the first model
    one.orders.forecasting._models = lambda: blank
    late = [n % 3 == 0 for n in range(40)]
    one.run(story(*(event for n in range(40) for event in both(n, f"A-{n}", late[n]))))
    assert len(blank.learner.features.names()) < len(one.model.learner.features.names())
    assert one.model.version > 20


def test_a_label_sent_again_is_learnt_once(labels):
    once, twice = learner(), learner()
    once.fold(records(labels), Outbox())
    twice.fold(records(labels[:200]), Outbox())
    # A worker that died sends what it had sent, behind what it had sent.
    twice.fold([each._replace(offset=50 + each.offset) for each in records(labels[150:], 150)],
               Outbox())  # fmt: skip
    assert packed(twice.model) == packed(once.model)


def test_it_goes_on_where_its_model_is_whatever_the_partition_row_says(labels):
    calm = learner()
    calm.fold(records(labels), Outbox())
    first = learner()
    first.fold(records(labels[:100]), Outbox())
    rows, meta = written(first), first.meta()
    first.fold(records(labels[100:150], 100), Outbox())
    rows |= written(first)  # of the labels up to 149, but the partition row was not written
    second = learner(rows, meta, applied=99)
    second.fold(records(labels[100:], 100), Outbox())
    assert packed(second.model) == packed(calm.model)


def test_a_crash_among_the_pieces_leaves_the_model_before(labels):
    with patch.object(modelrows, "PIECE", 300):
        first = learner()
        first.fold(records(labels[:100]), Outbox())
        rows, meta = written(first), first.meta()
        before = packed(first.model)
        first.fold(records(labels[100:150], 100), Outbox())
        newer = written(first)
        assert len(newer) > 3
        newer.pop(sorted(newer)[1])
        second = learner(rows | newer, meta, applied=99)
        assert packed(second.model) == before
        second.fold(records(labels[100:150], 100), Outbox())
        assert packed(second.model) == packed(first.model)


def test_a_worker_takes_a_model_once_it_is_whole():
    models, tp = Models(), TopicPartition("model", 0)
    model = models.newest.__class__()
    model.version = 7
    with patch.object(modelrows, "PIECE", 100):
        cut = pieces(packed(model), b"a")
    *some, last = cut.items()
    for key, piece in some:
        models.heard(tp, key, pack(12, piece))
    models.heard(tp, b"~partition", pack(12, b"{}"))
    models.adopt()
    assert models.current().version == 0
    models.heard(tp, last[0], pack(12, last[1]))
    models.adopt()
    assert models.current().version == 7


def test_a_model_of_another_version_is_not_read_and_learnt_anew(labels):
    fold = learner()
    fold.fold(records(labels), Outbox())
    rows = written(fold)
    with patch.object(state, "form", lambda: "another"):
        with pytest.raises(FormError):
            unpacked(whole(rows)[1])
        assert learner(rows, fold.meta(), len(labels) - 1).model.version == 0
        models = Models()
        for key, row in rows.items():
            models.heard(TopicPartition("model", 0), key, row)
        models.adopt()
        assert models.current().version == 0


def test_of_too_many_names_those_heard_of_first_are_remembered():
    model = Models().newest
    model.shares = {(f"carrier {n}", "s"): (1, 2) for n in range(5)}
    with patch.object(state, "MOST_NUMBERS", 3), patch.object(state, "MOST_PARTS", 2):
        again = unpacked(packed(model))
    assert list(again.shares) == [(f"carrier {n}", "s") for n in range(3)]
    assert list(model.shares) == list(again.shares)


def test_a_state_that_nobody_writes_is_refused():
    model = Models().newest
    model.version = object()
    with pytest.raises(TypeError, match="holds object"):
        packed(model)


def test_workers_have_it_after_so_many_orders_or_at_the_barrier(labels):
    fold = learner()
    fold.fold(records(labels), Outbox())
    assert not fold.presses
    assert not fold._ended >= MOST_LABELS
    fold._ended = MOST_LABELS
    assert fold.presses
    assert written(fold)
    assert not fold.presses
    assert written(fold) == {}  # nothing new


def test_three_windows_without_skill_are_told_and_so_is_the_return(labels):
    ended = [each for each in map(decode, labels) if getattr(each, "judged", ())]
    assert len(ended) > 20

    def told(said):
        judged = (("d60", said, 500_000),)
        return [
            encode(msgspec.structs.replace(each, late=False, handed_at=None, judged=judged))
            for each in ended[:20]
        ]

    with patch.object(drift, "WINDOW", 5):
        fold, out = learner(), Outbox()
        fold.fold(records(told(900_000)), out)  # 4 windows, wrong throughout
        assert fold.model.watches["d60"].fallen
        fold.fold(records(told(100_000), 20), out)
    facts = [FACT.validate_json(record[1]) for record, _ in out.take()[topics.ORDER_FACTS]]
    assert [(each.kind, each.horizon, each.believed) for each in facts] == [
        ("forecast_turned", "d60", False), ("forecast_turned", "d60", True)
    ]  # fmt: skip
    assert facts[0].order_id == ended[14].order_id  # the third window's last
    assert facts[0].skill == pytest.approx(1 - 0.81 / 0.25)
    assert facts[0].fact_id == f"{facts[0].order_id}/forecast/d60/15"


def test_shuffled_ends_teach_nothing():
    """Ends dealt out to orders at random leave P(late) with an AUC of a half."""
    rng = np.random.default_rng(7)
    one = Replay(Rules(), predict=True)
    names = [f"A-{n}" for n in range(600)]
    late = rng.random(len(names)) < 0.3
    lines = story(*(event for n, name in enumerate(names) for event in both(n, name, late[n])))
    one.run(lines)
    found = one.report()["total"]["predictions"]["created"]
    assert found["n"] == len(names)
    # Of 600, 180 late, the AUC of chance is off by sqrt(601 / (12 x 180 x 420)) = 0.026: three.
    assert abs(found["auc"] - 0.5) < 0.078


def both(number, name, late):
    """An order a minute, each an hour long, with things to learn from; late by chance."""
    attributes = {"kg": float(number % 11), "van": "big" if number % 3 else "small"}
    said = {"region": f"r{number % 7}", "attributes": attributes}
    return (
        promised(number, instant=number + 60, order=name, **said),
        delivered(number + (100 if late else 50), order=name),
    )
