"""The gauge of silent couriers, as a scrape sees it."""

from prometheus_client import CollectorRegistry

from streams.couriermetrics import CourierCollector
from streams.metrics import Names
from tests.test_couriers import DAY_MS, HOUR_MS, T, fold, record, said, tick
from tests.test_ingest import Sent

MINUTE_MS = 60_000
STOPS = [
    {"order_id": "A-1", "lat": 52.5, "lon": 13.4},
    {"order_id": "A-2", "lat": 53.0, "lon": 13.4},
]


def scraped(found):
    registry = CollectorRegistry()
    registry.register(CourierCollector(Names(), lambda: [found]))
    (family,) = registry.collect()
    return {each.labels["carrier"]: each.value for each in family.samples}


def heard(*more):
    found = fold()
    events = [
        said("route_planned", "09:59:00", stops=STOPS),
        said("shift_started", "08:00:00"),
        said(at="09:59:30"),
        said(at="10:00:00"),
        *more,
    ]
    found.fold([record(number, event, T) for number, event in enumerate(events)], Sent())
    return found, len(events)


def at(found, offset, when):
    found.fold([tick(offset, when)], Sent())
    return scraped(found)


def test_a_courier_who_stood_is_silent_after_half_an_hour_and_given_up_after_a_day():
    found, offset = heard()
    assert at(found, offset, T + 30 * MINUTE_MS - 1) == {"nordpost": 0}
    assert at(found, offset + 1, T + 30 * MINUTE_MS) == {"nordpost": 1}
    assert scraped(found) == {"nordpost": 1}
    found.fold([record(offset + 2, said(at="10:20:00"), T + 30 * MINUTE_MS)], Sent())
    assert scraped(found) == {"nordpost": 0}
    assert at(found, offset + 3, T + 50 * MINUTE_MS) == {"nordpost": 1}
    assert at(found, offset + 4, T + DAY_MS + 20 * MINUTE_MS) == {"nordpost": 0}


def test_nobody_is_silent_after_the_shift_or_without_a_route_or_a_stop():
    ended, offset = heard(said("shift_ended", "10:01:00"))
    assert at(ended, offset, T + HOUR_MS) == {"nordpost": 0}
    done, offset = heard(said("route_planned", "10:00:01", stops=STOPS[:1]))
    assert at(done, offset, T + HOUR_MS) == {"nordpost": 0}
    free = fold()
    free.fold([record(0, said())], Sent())
    assert at(free, 1, T + HOUR_MS) == {}
    unheard = fold()
    unheard.fold([record(0, said("route_planned", stops=STOPS))], Sent())
    assert at(unheard, 1, T + HOUR_MS) == {"nordpost": 0}
