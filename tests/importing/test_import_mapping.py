"""Mistakes in a mapping are found before the first row and named by their place."""

import pytest

from streams.errors import TowerError
from streams.importing.fields import kinds

from .importing import HEADER, convert

TABLE = "id,when,amount\n1,2024-01-01T00:00Z,\n"
GOOD = '{kind: delivered, occurred_at: "{when}"}'


def occurring(expression):
    """A mapping with one event at the time that an expression makes."""
    return f"{HEADER}events: [{{kind: delivered, occurred_at: {expression}}}]"


MISTAKES = [
    ("schema: [", "shop.yaml line 1 is not YAML"),
    ("- a\n", "shop.yaml is no mapping"),
    ("schema: 2\nevents: []", "shop.yaml schema: "),
    (f"{HEADER}events: []", "shop.yaml events: "),
    (f"{HEADER}evnts: []\nevents: [{GOOD}]", "shop.yaml evnts: "),
    (f"{HEADER}events: [{{occurred_at: x}}]", "shop.yaml events[0].kind: "),
    (f"{HEADER}events:\n  - {GOOD}\n  - kind: delivred", "events[1]: kind 'delivred' is none"),
    (f"{HEADER}events: [{{kind: delivered, occured_at: x}}]", "events[0].occured_at: no such"),
    (f"{HEADER}events: [{{kind: delivered}}]", "events[0]: occurred_at must be given"),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: "{{wen}}"}}]',
        "events[0].occurred_at: there is no column or `let` named 'wen'; did you mean 'when'",
    ),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: {{plus: "{{when}}"}}}}]',
        "events[0].occurred_at: an expression names one of instant, date",
    ),
    (
        (
            f'{HEADER}events: [{{kind: delivered, occurred_at: {{at: "26:00", day: 2024-01-01,'
            " zone: UTC}}]"
        ),
        "events[0].occurred_at.at: '26:00' is not a time of day",
    ),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: {{at: "06:00", zone: UTC}}}}]',
        "events[0].occurred_at: `at` has a mistake at day: Field required",
    ),
    (
        (
            f'{HEADER}events: [{{kind: delivered, occurred_at: {{instant: "{{when}}",'
            " zone: Mars/Port}}]"
        ),
        "events[0].occurred_at.zone: 'Mars/Port' is not a time zone",
    ),
    (
        f"{HEADER}events: [{{kind: delivered, occurred_at: yesterday}}]",
        "events[0].occurred_at: 'yesterday' is not an instant",
    ),
    (f'{HEADER}events: [{{kind: delivered, occurred_at: "{{when"}}]', "has a lone '{'"),
    (f"{HEADER}events: [{GOOD}, {GOOD}]", "events[1]: its event_id is that of an event above"),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: "{{when}}", when: {{is: 1}}}}]',
        "events[0].when: a condition has one of equals",
    ),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: "{{when}}", when: {{equals: 1}}}}]',
        "events[0].when: `equals` needs a `value` beside it",
    ),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: "{{when}}", consented: maybe}}]',
        "events[0].consented: 'maybe' is neither true nor false",
    ),
    (
        (
            f'{HEADER}events: [{{kind: order_promised, carrier: c, occurred_at: "{{when}}",'
            " promise: {precision: date}}]"
        ),
        "events[0].promise: end must be given",
    ),
    (
        f'schema: 1\ncommon: {{source: My Shop, order_id: "{{id}}"}}\nevents: [{GOOD}]',
        "events[0].source: 'My Shop': String should match pattern",
    ),
    (
        (
            f'{HEADER}events: [{{kind: order_promised, carrier: c, occurred_at: "{{when}}",'
            ' promise: {end: "{when}", precision: hour}}]'
        ),
        "events[0].promise.precision: 'hour': ",
    ),
    (
        (
            f'{HEADER}events: [{{kind: order_promised, carrier: c, occurred_at: "{{when}}",'
            " timezone: Mars/Port}]"
        ),
        "events[0].timezone: 'Mars/Port': ",
    ),
    (occurring('{at: "25:00", day: "{when}", zone: UTC}'), ".at: '25:00' is not a time of day"),
    (occurring('{at: "06:00", day: today, zone: UTC}'), ".day: 'today' is not a day"),
    (occurring('{instant: "{when}", format: "%Q"}'), ".format: '%Q' is not a format of strp"),
    (occurring('{instant: "{when}", format: ["%Y", "%Y %Y"]}'), ".format: '%Y %Y' is not a"),
    (occurring('{instant: "{when}", format: []}'), "`instant` has a mistake at format"),
    (occurring('{date: "{when}", format: "%"}'), ".format: '%' is not a format of strptime"),
    (occurring('{add: "{when}", hours: one}'), ".hours: 'one' is not a number"),
    (occurring('{earliest: ["{when}", soon]}'), ".earliest[1]: 'soon' is not a day"),
    (
        occurring("x").replace(
            "x", '"{when}", when: {value: {number: "{amount}"}, less_than: x}'
        ),
        "events[0].when.less_than: 'x' is not a number",
    ),
    (
        f'{HEADER}events: [{{kind: delivered, occurred_at: "{{zeit}}"}}]',
        "there is no column or `let` named 'zeit'; the columns are 'id', 'when', 'amount'.",
    ),
    (f"{HEADER}let: {{id: x}}\nevents: [{GOOD}]", "let.id: there is a column of that name"),
    (f"{HEADER}events: [{GOOD}]\nevents: [{GOOD}]", "line 4 is not YAML: the key 'events'"),
]


@pytest.mark.parametrize(("mapping", "says"), MISTAKES)
def test_a_mistake_is_named_by_its_place(tmp_path, mapping, says):
    with pytest.raises(TowerError) as refused:
        convert(tmp_path, mapping, TABLE)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)


def test_parts_without_any_of_their_cells_are_left_out(tmp_path):
    mapping = f"""{HEADER}
events:
  - kind: order_promised
    occurred_at: "{{when}}"
    carrier: c
    value: {{amount: "{{amount}}", currency: EUR}}
"""
    rows = convert(tmp_path, mapping, "id,when,amount\n1,2024-01-01T00:00Z,\n"
                                      "2,2024-01-01T00:00Z,3.50\n")  # fmt: skip
    assert "value" not in rows[0][0]
    assert rows[1][0]["value"] == {"amount": 3.5, "currency": "EUR"}


def test_words_that_mean_nothing_and_blanks_are_empty(tmp_path):
    mapping = f"{HEADER}table: {{empty: [N/A]}}\nevents: [{GOOD}]\n"
    rows = convert(tmp_path, mapping, "id,when\n1, N/A \n2,  \n3, 2024-01-01T00:00Z \n")
    assert [len(row) for row in rows] == [0, 0, 1]


def test_events_of_couriers_come_from_tables_too(tmp_path):
    mapping = """
schema: 1
common: {source: gps, courier_id: "{van}", carrier: acme}
events:
  - kind: position_reported
    event_id: "{van}/{at}"
    occurred_at: "{at}"
    lat: "{lat}"
    lon: "{lon}"
"""
    rows = convert(tmp_path, mapping, "van,at,lat,lon\nv7,2024-01-01T00:00Z,48.1,11\n"
                                      "v7,2024-01-01T00:01Z,91,11\n")  # fmt: skip
    assert rows[0] == [
        {"kind": "position_reported", "event_id": "v7/2024-01-01T00:00Z", "source": "gps",
         "courier_id": "v7", "carrier": "acme", "occurred_at": "2024-01-01T00:00:00Z",
         "lat": 48.1, "lon": 11.0}
    ]  # fmt: skip
    assert rows[1].startswith("shop.csv row 2 column lat: position_reported: lat: ")


def test_every_kind_but_the_one_that_is_a_list_can_be_written():
    assert "route_planned" not in kinds()
    assert {"order_promised", "attempt_failed", "feedback_given", "shift_ended"} < set(kinds())
