"""Every operation and condition of the mapping language, by hand-worked values."""

import pytest

from .importing import at, text

TIMES = [
    # an instant that is written as one needs no operation; seconds and fractions are optional
    ('"{x}"', "2013-01-01T10:15Z", "2013-01-01T10:15:00Z"),
    ('"{x}"', "2013-01-01 10:15:30.25+01:00", "2013-01-01T10:15:30.25+01:00"),
    ('{instant: "{x}"}', "2013-01-01T10:15Z", "2013-01-01T10:15:00Z"),
    # Lisbon in July is an hour ahead of UTC, in January not
    ('{instant: "{x}", zone: Europe/Lisbon}', "2024-07-01T10:00", "2024-07-01T10:00:00+01:00"),
    ('{instant: "{x}", zone: Europe/Lisbon}', "2024-01-01T10:00", "2024-01-01T10:00:00Z"),
    ('{instant: "{x}", zone: Europe/Lisbon}', "2024-01-01T10:00-05:00",
     "2024-01-01T10:00:00-05:00"),
    ('{instant: "{x}", format: "%d.%m.%Y %H:%M", zone: Asia/Shanghai}', "31.12.2023 22:00",
     "2023-12-31T22:00:00+08:00"),
    # clocks show 01:30 twice on this night: the first; they skip 02:30 on that one
    ('{instant: "{x}", zone: Europe/Berlin}', "2024-10-27T02:30", "2024-10-27T02:30:00+02:00"),
    ('{instant: "{x}", zone: Europe/Berlin}', "2024-03-31T02:30", "2024-03-31T02:30:00+01:00"),
    ('{at: "07:00", day: "{x}", zone: Asia/Shanghai}', "2024-01-31",
     "2024-01-31T07:00:00+08:00"),
    ('{at: "24:00", day: "{x}", zone: UTC}', "2024-02-28", "2024-02-29T00:00:00Z"),
    ('{at: "9:05:07", day: {date: "{x}", format: "%m/%d/%y"}, zone: UTC}', "2/3/07",
     "2007-02-03T09:05:07Z"),
    ('{add: "{x}", hours: -2}', "2013-01-01T01:00Z", "2012-12-31T23:00:00Z"),
    ('{add: "{x}", minutes: 16.1106}', "2024-01-01T00:00Z", "2024-01-01T00:16:06.636Z"),
    # elapsed time, not clock faces: the night is an hour longer
    ('{add: {instant: "{x}", zone: Europe/Berlin}, hours: 3}', "2024-10-27T01:00",
     "2024-10-27T03:00:00+01:00"),
    ('{at: "00:00", day: {add: "{x}", days: -30}, zone: UTC}', "2009-03-15",
     "2009-02-13T00:00:00Z"),
    ('{earliest: ["{x}", "2013-01-01T10:00Z"]}', "2013-01-01T11:00+02:00",
     "2013-01-01T11:00:00+02:00"),
    ('{latest: ["{x}", "2013-01-01T10:00Z"]}', "2013-01-01T11:00+02:00",
     "2013-01-01T10:00:00Z"),
    ('{earliest: ["{x}", "2013-01-01T10:00Z"]}', "", "2013-01-01T10:00:00Z"),
    ('{first: ["{x}", "2013-01-01T10:00Z"]}', "", "2013-01-01T10:00:00Z"),
    ('{add: "{x}", hours: 1}', "", None),
    ('{at: "12:00", day: {date: {instant: "{x}"}}, zone: UTC}', "2013-01-01T23:00-05:00",
     "2013-01-01T12:00:00Z"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "cell", "expected"), TIMES)
def test_a_time(tmp_path, expression, cell, expected):
    found = at(tmp_path, expression, {"x": cell})
    same = None if found is None else found.replace(".250000", ".25").replace("636000", "636")
    assert same == expected


VALUES = [
    ('"{x}-{y}"', "a", "b", "a-b"),
    ('"{x}{{{y}}}"', "a", "b", "a{b}"),
    ('"{x}-{y}"', "a", "", None),
    ('{number: "{x}"}', "007.50", "", 7.5),
    ('{sum: ["{x}", "{y}", 1]}', "0.1", "0.2", 1.3),
    ('{product: [2, "{x}"]}', "3", "", 6.0),
    ('{quotient: ["{x}", 7]}', "20", "", 2.0),
    ('{remainder: ["{x}", 7]}', "20", "", 6.0),
    ('{map: "{x}", to: {"0": human, "1": robot}}', "1", "", "robot"),
    ('{map: "{x}", to: {a: b}, else: "other {x}"}', "z", "", "other z"),
    ('{map: "{x}", to: {NO: Norway}}', "NO", "", "Norway"),
    ('{cut: "{x}", length: 4}', "abc def", "", "abc"),
    ('{if: {value: "{x}", equals: 1}, then: "{y}"}', "1", "yes", "yes"),
    ('{if: {value: "{x}", equals: 1}, then: "{y}"}', "2", "yes", None),
    ('{if: {value: "{x}", one_of: [1, 2]}, then: a, else: b}', "2", "", "a"),
    ('{if: {value: {number: "{x}"}, equals: 1}, then: a, else: b}', "1.0", "", "a"),
    ('{if: {value: "{x}", less_than: 10}, then: a, else: b}', "9", "", "a"),
    ('{if: {value: {date: "{x}"}, less_than: {date: "{y}"}}, then: a, else: b}',
     "2024-01-01", "2024-01-02", "a"),
    ('{if: {value: "{x}", less_than: "{y}"}, then: a, else: b}', "9", "", "b"),
    ('{if: {present: "{x}"}, then: a, else: b}', "", "", "b"),
    ('{if: {absent: "{x}"}, then: a, else: b}', "", "", "a"),
    ('{if: {not: {present: "{x}"}}, then: a, else: b}', "1", "", "b"),
    ('{if: {any: [{present: "{x}"}, {present: "{y}"}]}, then: a, else: b}', "", "1", "a"),
    ('{if: {all: [{present: "{x}"}, {present: "{y}"}]}, then: a, else: b}', "", "1", "b"),
    ('{if: [{present: "{x}"}, {absent: "{y}"}], then: a, else: b}', "1", "", "a"),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "x", "y", "expected"), VALUES)
def test_a_value(tmp_path, expression, x, y, expected):
    assert text(tmp_path, expression, {"x": x, "y": y}) == expected


REFUSED = [
    ('"{x}"', "25:99", "'25:99' is not an instant"),
    ('"{x}"', "2024-01-01", "'2024-01-01' is a day, not an instant"),
    ('"{x}"', "2024-01-01T10:00", ("'2024-01-01T10:00' has no offset and the mapping gives "
     "no zone")),
    ('{instant: "{x}", format: "%d.%m.%Y", zone: UTC}', "2024-01-01",
     "'2024-01-01' is not an instant written as %d.%m.%Y"),
    ('{instant: "{x}", zone: "{x}"}', "Mars", "'Mars' is not a time zone of the IANA database"),
    ('{at: "12:00", day: "{x}", zone: UTC}', "Date Not Captured",
     "'Date Not Captured' is not a day"),
    ('{at: "{x}", day: "2024-01-01", zone: UTC}', "25:00", "'25:00' is not a time of day"),
    ('{add: "2024-01-01T00:00Z", hours: "{x}"}', "soon", "'soon' is not a number"),
    ('{add: "2024-01-01T00:00Z", hours: "{x}"}', "NaN", "'NaN' is not a number"),
    ('{add: "2024-01-01T00:00Z", days: "{x}"}', "1e99", "the result is out of range"),
    ('{add: "2024-01-01T00:00Z", days: {quotient: [1, "{x}"]}}', "0",
     "the result is out of range"),
    ('{add: {date: "{x}"}, hours: 1}', "2024-01-01", "a day moves by whole days only"),
    ('{earliest: ["{x}", "2013-01-01T10:00Z"]}', "2013-01-01",
     "days and instants cannot be compared"),
    ('{map: "{x}", to: {a: "2024-01-01T00:00Z"}}', "b", ("'b' is not in the table of the "
     "mapping")),
]  # fmt: skip


@pytest.mark.parametrize(("expression", "cell", "why"), REFUSED)
def test_a_cell_that_is_refused_is_named(tmp_path, expression, cell, why):
    assert at(tmp_path, expression, {"x": cell}) == (
        f"shop.csv row 1 column x: {why} (line 2)."
    )


FORMS = '["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M"]'


@pytest.mark.parametrize(
    ("cell", "is_"),
    [
        ("01.02.2024 10:20:30", "2024-02-01T10:20:30Z"),
        ("01.02.2024 10:20", "2024-02-01T10:20:00Z"),
    ],
)
def test_formats_are_tried_in_their_order(tmp_path, cell, is_):
    expression = f'{{instant: "{{t}}", format: {FORMS}, zone: UTC}}'
    assert at(tmp_path, expression, {"t": cell}) == is_


def test_a_text_of_no_format_names_them_all(tmp_path):
    said = at(tmp_path, f'{{instant: "{{t}}", format: {FORMS}, zone: UTC}}', {"t": "noon"})
    wanted = "written as %d.%m.%Y %H:%M:%S or %d.%m.%Y %H:%M"
    assert said == f"shop.csv row 1 column t: 'noon' is not an instant {wanted} (line 2)."


def test_a_day_takes_several_formats_too(tmp_path):
    expression = '{date: "{t}", format: ["%d.%m.%Y", "%d.%m.%y"]}'
    assert text(tmp_path, expression, {"t": "01.02.24"}) == "2024-02-01"
