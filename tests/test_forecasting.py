"""`tower replay --predictions`: one line an order and horizon, of what was known by then."""

import json
from types import SimpleNamespace

import pytest

from models.rules import Rules
from streams.app import sources
from streams.config import Settings
from streams.domain.judgement import Judgement
from streams.domain.order import NEVER
from streams.modelfeed import Models
from streams.replay import Replay

DAY = "2026-03-10T"


def line(kind, clock, order="A-1", **said):
    """Return an event of an order at a clock time of the day, UTC."""
    at = clock if "T" in clock else f"{DAY}{clock}:00Z"
    event = {
        "kind": kind, "order_id": order, "source": "shop", "occurred_at": at,
        "event_id": f"{order}/{kind}/{at}",
    }  # fmt: skip
    return json.dumps(event | said).encode()


def promised(clock, end, order="A-1", precision="window", **said):
    """Return a promise made at a clock time; a window is two hours long."""
    promise = {"end": f"{DAY}{end}:00Z", "precision": precision}
    if precision == "window":
        promise["start"] = f"{DAY}{int(end[:2]) - 2:02}{end[2:]}:00Z"
    return line("order_promised", clock, order, carrier="fast", promise=promise, **said)


def frozen(*lines, as_of=None):
    """Return (order, horizon, clock) of every prediction of a replay."""
    replay = Replay(Rules(), predict=True)
    replay.run(lines, as_of)
    return [
        (each["order_id"], each["horizon"], each["predicted_at"][11:16])
        for each in replay.predictions
    ]


def test_each_horizon_is_frozen_once_while_the_order_is_open():
    found = frozen(
        promised("08:00", "16:00"),
        line("picked_up", "09:00"),
        line("out_for_delivery", "10:00"),
        line("out_for_delivery", "11:00"),
        line("delivered", "15:20"),
        line("customer_asked", "17:00", topic="other"),
    )
    assert found == [
        ("A-1", "created", "08:00"),
        ("A-1", "picked_up", "09:00"),
        ("A-1", "ofd", "10:00"),
        ("A-1", "d120", "14:00"),
        ("A-1", "d60", "15:00"),  # at half past three it had been handed over
    ]


def test_a_promise_made_late_has_no_early_horizons():
    found = frozen(promised("15:15", "16:00"), line("customer_asked", "17:00", topic="other"))
    assert found == [("A-1", "created", "15:15"), ("A-1", "d30", "15:30")]


def test_a_promised_day_ends_at_midnight_and_is_looked_at_five_days_before():
    promise = {"end": "2026-03-10T12:00:00Z", "precision": "date"}
    found = frozen(
        line("order_promised", "2026-03-01T12:00:00Z", carrier="fast", promise=promise,
             timezone="Europe/Berlin"),
        line("delivered", "2026-03-10T22:20:00Z"),
    )  # fmt: skip
    # The day ends at 23:00 UTC: looked at 5 days, 2 hours, 1 hour before; then it had come.
    assert found == [
        ("A-1", "created", "12:00"),
        ("A-1", "d7200", "23:00"),
        ("A-1", "d120", "21:00"),
        ("A-1", "d60", "22:00"),
    ]


def test_an_order_without_a_promise_or_called_off_is_not_predicted():
    assert frozen(line("order_promised", "08:00", carrier="fast"), line("lost", "09:00")) == []
    assert frozen(line("delivered", "08:00"), promised("09:00", "16:00")) == []
    found = frozen(
        promised("08:00", "16:00"),
        line("cancelled", "09:00", by="consignee"),
        line("customer_asked", "17:00", topic="other"),
    )
    assert found == [("A-1", "created", "08:00")]


def test_an_order_whose_carrier_turns_out_to_be_another_is_closed_where_it_was_opened():
    promise = {"end": f"{DAY}16:00:00Z", "precision": "instant"}
    told_late = f"{DAY}08:30:00Z"
    found = frozen(
        *(
            each
            for order in ("A-1", "A-2")  # two open orders that `other` never had
            for each in (
                promised("08:00", "16:00", order),
                line("order_promised", "07:00", order, carrier="other", promise=promise,
                     observed_at=told_late),
                line("delivered", "09:00", order),
            )
        ),
        line("order_promised", "10:00", "A-3", carrier="other", promise=promise),
    )  # fmt: skip
    assert found == [(f"A-{each}", "created", "08:00") for each in (1, 2)] + [
        ("A-3", "created", "10:00")
    ]


def test_nothing_that_comes_later_changes_what_was_said():
    day = [
        each
        for number in range(40)
        for each in (
            promised(f"{8 + number // 10:02}:{number % 10:02}", "16:00", f"A-{number}"),
            line("delivered", f"{12 + number // 10:02}:{number % 10:02}", f"A-{number}"),
        )
    ]
    later = [line("delivered", "15:59", f"A-{number}") for number in range(40)]
    short, long = (Replay(Rules(), predict=True) for _ in range(2))
    short.run(day)
    long.run([*day, *later])
    assert long.predictions[: len(short.predictions)] == short.predictions
    assert {each["horizon"] for each in short.predictions} == {"created", "d120", "d60"}


def test_the_file_is_that_of_the_contract(tower, tmp_path):
    day = tmp_path / "day.jsonl"
    day.write_bytes(b"\n".join([
        promised("08:00", "16:00", attributes={"kg": 3.5, "van": "big"}),
        line("out_for_delivery", "10:00", stop=3, stops=9),
        line("delivered", "15:20"),
    ]))  # fmt: skip
    out = tmp_path / "said.jsonl"
    ran = tower("replay", str(day), "--predictions", str(out))
    assert (ran.code, ran.err) == (0, "")
    said = [json.loads(each) for each in out.read_text().splitlines()]
    assert [each["horizon"] for each in said] == ["created", "ofd", "d120", "d60"]
    for each in said:
        assert each.keys() - {"attempt_fails"} == {
            "order_id", "horizon", "predicted_at", "p10", "p50", "p90", "late",
        }  # fmt: skip
        assert each["p10"] <= each["p50"] <= each["p90"]
        assert each["late"].keys() == {"0", "600", "840"}
        assert ("attempt_fails" in each) is (each["horizon"] == "created")
    assert said[0]["predicted_at"] == "2026-03-10T08:00:00.000Z"
    # Nothing learnt yet: a window is expected at its middle, an hour before its end.
    assert said[0]["p50"] == pytest.approx(-3_600, abs=1)
    again = tmp_path / "again.jsonl"
    tower("replay", str(day), "--predictions", str(again))
    assert again.read_bytes() == out.read_bytes()


def test_predictions_do_not_take_the_place_of_what_is_read(tower, tmp_path):
    day = tmp_path / "day.jsonl"
    day.write_bytes(promised("08:00", "16:00"))
    ran = tower("replay", str(day), "--predictions", str(day))
    assert ran.code == 1
    assert ran.err.startswith("tower: The predictions would overwrite")
    ran = tower("replay", str(day), "--predictions", str(tmp_path / "nowhere" / "said.jsonl"))
    assert ran.code == 1
    assert ran.err.startswith("tower: The predictions could not be written to")
    ran = tower("replay", str(day), "--report", "x", "--predictions", "x")
    assert ran.code == 1
    assert "name two files" in ran.err


@pytest.mark.parametrize("predict", [True, False])
def test_a_worker_predicts_where_it_is_told_to(predict):
    metrics = SimpleNamespace(received=None, observe=None, expected=None)
    found = sources(Settings(predict=predict), Judgement(Rules()), metrics, Models())
    (orders,) = [each for each in found if each.name == "orders"]
    assert (orders.fold(0).forecasting is not None) is predict


def test_who_predicts_no_more_lets_the_next_horizon_pass():
    replay = Replay(Rules(), predict=True)
    replay.run([promised("08:00", "16:00")])
    replay.orders.forecasting = None
    foreseen = replay.orders.row("A-1").told.foreseen
    horizon = foreseen.next_at
    replay.run([line("picked_up", "09:00")])
    assert foreseen.next_at == horizon  # it may be predicted again by then
    replay.advance(horizon)
    assert list(foreseen.said) == ["created"]
    assert foreseen.next_at == NEVER
