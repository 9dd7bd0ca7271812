"""Attempts after the first: how many, how long to the handover, at whose charge (kpis 2.3)."""

import pytest

from tests.domain.given import kpi
from tests.story import arrived, at_depot, delivered, failed, out, promised, turned

HOUR = 60
DAY = 24 * HOUR


def order(name, *events):
    """Return the events as those of one order, promised and out for delivery at nine."""
    told = promised(-60, window=(60, 180)), out(0), *events
    return [
        {**each, "order_id": name, "event_id": f"{name}-{each['event_id']}"} for each in told
    ]


# A at once; B a day later; C after three attempts; D never, refused at the second visit.
AT_ONCE = order("A", delivered(100))
NEXT_DAY = order("B", failed(100, "not_home"), out(DAY), delivered(DAY + 100))
THIRD_TIME = order(
    "C", failed(100, "vehicle_issue"), out(DAY), failed(DAY + 40, "not_home"), out(2 * DAY),
    delivered(2 * DAY + 160),
)  # fmt: skip
NEVER = order("D", failed(100, "weather"), out(DAY), failed(DAY + 60, "refused"))
ALL = [*AT_ONCE, *NEXT_DAY, *THIRD_TIME, *NEVER]


def test_attempts_per_delivered_parcel_leave_out_what_was_not_delivered():
    found = kpi(*ALL)["first_attempt"]["attempts_per_delivery"]
    assert found == {"n": 3, "mean": 2}  # 1, 2 and 3 attempts


def test_second_attempts_count_whether_or_not_a_third_followed():
    found = kpi(*ALL)["first_attempt"]["second_success"]
    assert (found["k"], found["n"]) == (1, 3)


def test_time_to_the_handover_runs_from_the_first_failure():
    found = kpi(*ALL)["first_attempt"]["first_attempt_to_delivery"]
    # B waited from 100 to a day and 100 minutes, C to two days and 160.
    assert found["n"] == 2
    assert found["mean"] == (24 * 3_600 + 49 * 3_600) / 2
    assert found["median"] == pytest.approx(24 * 3_600, rel=0.01)
    assert found["p90"] == pytest.approx(49 * 3_600, rel=0.01)


def test_every_failed_attempt_is_put_down_to_a_party():
    found = kpi(*ALL)["first_attempt"]
    assert found["failures"] == {
        "consignee": {"not_home": 2, "refused": 1},
        "carrier": {"vehicle_issue": 1},
        "shipper": {},
        "authority": {},
        "force_majeure": {"weather": 1},
    }
    assert found["reasons"] == {"not_home": 1, "vehicle_issue": 1, "weather": 1}


def test_a_failure_nobody_reported_is_the_carriers():
    found = kpi(*order("A", arrived(50), at_depot(90), out(DAY), turned("held", DAY + 60)))
    assert found["first_attempt"]["failures"]["carrier"] == {"unknown": 2}


def test_one_visit_with_two_scans_is_no_second_attempt():
    found = kpi(*order("A", failed(100), delivered(219)))["first_attempt"]
    assert found["attempts_per_delivery"] == {"n": 1, "mean": 1}
    assert (found["second_success"]["n"], found["first_attempt_to_delivery"]["n"]) == (0, 0)


def test_of_nothing_there_is_no_mean():
    found = kpi(*order("A"))["first_attempt"]
    assert found["attempts_per_delivery"] == {"n": 0, "mean": None}
    assert found["first_attempt_to_delivery"] == {
        "n": 0, "mean": None, "median": None, "p90": None,
    }  # fmt: skip
