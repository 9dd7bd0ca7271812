"""The page about scaling holds what its figures come to; the arithmetic by hand, once."""

import pytest

from tests.bench.sizing import PAGE, Load, bytes_, figures, filled, tick_table
from tests.bench.weighing import sizes

# One parcel: 2 order events of 100 bytes at 500 us and 1 courier event at 1,000 us, half of
# them in the busiest hour; every record 10 bytes of head.
OF = {
    "order_event_us": 500, "courier_event_us": 1_000, "recovery_us": 10, "peak_hour_share": 0.5,
    "order_events_a_parcel": 2, "order_event_bytes": 100, "courier_events_a_parcel": 1,
    "courier_event_bytes": 50, "facts_a_parcel": 1, "fact_bytes": 90, "row_bytes": 200,
    "row_memory_bytes": 1_000, "stub_bytes": 10, "stub_memory_bytes": 100, "tick_us": 6,
    "read_us": 3, "send_us": 1, "record_head_bytes": 10, "days_under_way": 1,
    "busy_share": 0.5, "replicas": 3, "broker_write_bytes": 100_000,
}  # fmt: skip


def test_the_page_is_what_its_figures_come_to():
    page = PAGE.read_text()
    assert filled(page) == page, "run python -m tests.bench.sizing --write"
    assert figures(page).keys() == OF.keys()


def test_a_volume_by_hand():
    load = Load(7.2e6, OF)  # 7.2 million x 0.5 / 3,600 s = 1,000 parcels a second
    assert load.busiest("order_events_a_parcel") == 2_000
    assert load.cores == pytest.approx(2_000 * 0.0005 + 1_000 * 0.001)
    assert load.workers == 4  # two cores, half busy
    assert load.rows(9) == 72e6
    assert load.memory(9, 20) == 72e6 * 1_000 + 144e6 * 100
    assert load.recovery(9, 8) == pytest.approx(90)  # 72 million x 10 us / 8
    assert load.flows == {
        "inbound": 2 * 110 + 60,
        "logs": 2 * 120 + 70,
        "changelogs": 2 * 110 + 60,
        "facts": 100,
    }
    assert load.written == (280 + 310 + 280 + 100) * 1_000
    assert load.brokers == 30  # 2.91 MB/s at 100 kB/s each
    kept = 280 * 7 + 310 * 30 + 100 * 30
    rows = 7.2e6 * 31 * 200 + 7.2e6 * 365 * 10
    assert load.disk == pytest.approx((kept * 7.2e6 + 1.5 * rows) * 3)


def test_ticks_grow_with_the_square():
    rows = [line.split(" | ") for line in tick_table(OF).splitlines()[2:]]
    assert [row[1] for row in rows] == ["256", "1,024", "4,096", "16,384", "262,144"]
    assert rows[3][2:] == ["128", "0.16 |"]  # 16,384 x 10 us


@pytest.mark.parametrize(
    ("number", "said"),
    [(999, "999 B"), (1_500, "1.5 kB"), (2.5e9, "2.5 GB"), (56.7e12, "56.7 TB")],
)
def test_bytes_in_the_largest_unit(number, said):
    assert bytes_(number) == said


@pytest.mark.slow
def test_a_parcel_is_still_about_what_the_page_says():
    page = figures(PAGE.read_text())
    found = sizes()
    assert {name: page[name] for name in found} == pytest.approx(found, rel=0.25), (
        "put in the figures of python -m tests.bench.weighing"
    )
