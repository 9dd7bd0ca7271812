"""The truth file agrees with what a second, plain reading of the events comes to."""

import pytest

from tests.simulate.second_reading import instant, read


@pytest.mark.parametrize(
    ("scenario", "seed"),
    [("mixed", 7), ("rush", 7), ("hostile_day", 3), ("quarter", 7)],
)
def test_the_events_tell_the_truth(a_day, scenario, seed):
    day = a_day(scenario, seed)
    readings = read(day.events)
    for line in day.truth:
        reading = readings.pop((line["order_id"], line.get("life", 1)))
        assert {
            "carrier": reading.carrier,
            "promised_end": reading.promised_end,
            "handover": reading.handover,
            "outcome": reading.outcome,
            "late": reading.outcome == "late",
            "first_attempt": reading.first_attempt,
        } == {
            "carrier": line["carrier"],
            "promised_end": line["promised_end"] and instant(line["promised_end"]),
            "handover": line["handover"] and instant(line["handover"]),
            "outcome": line["outcome"],
            "late": line["late"],
            "first_attempt": line["first_attempt"],
        }, line["order_id"]
    # What is left was never an order: feedback on ids that nobody delivered.
    assert all(order_id.startswith("yx") for order_id, _ in readings)


def test_one_line_an_order(a_day):
    truth = a_day("mixed").truth
    assert len(truth) == 1_500
    assert len({line["order_id"] for line in truth}) == 1_500


def test_ids_come_back_in_a_quarter(a_day):
    again = [line for line in a_day("quarter").truth if line.get("life") == 2]
    first = {line["order_id"] for line in a_day("quarter").truth if "life" not in line}
    assert again
    assert all(line["order_id"] in first for line in again)
