"""The file of an export: the same record comes back, and every damage is named."""

import gzip
import hashlib
import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.engine.api import Record
from streams.errors import TowerError
from streams.exporting.building import Moved, Surveyed, survey
from streams.exporting.files import ExportWriter, opened, writing
from streams.exporting.lines import (
    Header,
    Kept,
    Line,
    Read,
    encoded,
    line_from,
    line_of,
    record_from,
)

ORDERS, COURIERS = "order-log/0", "courier-log/0"


def header(begin=0, judged=2, end=3, **more):
    said = {
        "tower_export": 1, "namespace": "t", "clock": "wall", "rules": ["r"], "partitions": 1,
        "logs": {ORDERS: Kept(begin, judged, end), COURIERS: Kept(0, 1, 1)},
        "inbound": {
            "order-events/0": Read(7, {"read": 7}, 1),
            "courier-events/0": Read(4, {}, 1),
        },
        "couriers": {"0": {"accepted": 1}},
    } | more  # fmt: skip
    return Header(**said)


def event(offset, origin="order-events/0/0/0", log=ORDERS):
    headers = (("received_at", b"5"), ("origin", origin.encode()))
    return line_from(log, Record(offset, 5, b"A-1", b'{"kind":"in_transit"}', headers))


def written(path, head=None, lines=None, report=None):
    head = header() if head is None else head
    if lines is None:
        lines = [event(each) for each in range(*head_range(head))]
    with writing(path) as file:
        writer = ExportWriter(file)
        writer.begin(head)
        for line in lines:
            writer.add(line)
        writer.close(report)
    return path


def head_range(head):
    return head.logs[ORDERS].begin, head.logs[ORDERS].end


def read(*paths):
    exports = opened(paths)
    return exports, list(exports.lines())


@settings(deadline=None)
@given(
    st.integers(0, 2**62), st.integers(0, 2**50), st.none() | st.binary(max_size=20),
    st.none() | st.binary(max_size=40) | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    ).map(lambda said: json.dumps(said, ensure_ascii=False).encode()),
    st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=9)), max_size=3).map(tuple),
)  # fmt: skip
def test_a_record_comes_back_from_its_line_as_it_was(offset, time, key, value, headers):
    record = Record(offset, time, key, value, headers)
    raw = encoded(line_from(ORDERS, record))
    assert b"\n" not in raw
    assert record_from(line_of(raw)) == record
    assert encoded(line_from(ORDERS, record)) == raw


def test_a_value_stands_in_its_line_as_it_stood_in_the_log():
    value = b'{"b":1.50,"a":"\xc3\xa9"}'
    raw = encoded(line_from(ORDERS, Record(3, 9, b"A-1", value, (("origin", b"x/0/1/0"),))))
    assert raw == (
        b'{"log":"order-log/0","offset":3,"time":9,"key":"A-1",'
        b'"headers":[["origin","x/0/1/0"]],"value":' + value + b"}"
    )


def test_a_file_is_read_as_it_was_written(tmp_path):
    report = {"total": {"orders": 1}}
    exports, lines = read(written(tmp_path / "a.jsonl", report=report))
    assert [line.offset for line in lines] == [0, 1, 2]
    assert (exports.header, exports.report) == (header(), report)
    packed, same = read(written(tmp_path / "a.jsonl.gz", report=report))
    assert (packed.header, [record_from(each) for each in same]) == (
        exports.header,
        [record_from(each) for each in lines],
    )


def test_the_last_line_holds_the_digest_of_all_before_it(tmp_path):
    *before, last = written(tmp_path / "a.jsonl").read_bytes().splitlines(keepends=True)
    assert json.loads(last) == {
        "records": 3,
        "sha256": hashlib.sha256(b"".join(before)).hexdigest(),
        "report": None,
    }


def test_equal_lines_are_equal_bytes_also_packed(tmp_path):
    one, other = (written(tmp_path / f"{name}.jsonl.gz").read_bytes() for name in "ab")
    assert one == other


def damaged(tmp_path, change):
    """Return what reading says of a file whose lines were changed."""
    file = written(tmp_path / "a.jsonl")
    file.write_bytes(b"\n".join(change(file.read_bytes().splitlines())) + b"\n")
    with pytest.raises(TowerError) as caught:
        read(file)
    said = str(caught.value)
    assert said.count("\n") == 0
    return said.replace(str(file), "a.jsonl")


def replaced(number, old, new):
    def change(lines):
        assert old in lines[number]
        lines[number] = lines[number].replace(old, new)
        return lines

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: [], "The file a.jsonl is not an export: `tower export` writes one."),
        (lambda lines: lines[1:], "is not an export"),
        (lambda lines: lines[:-1], "cut off after 3 records: its last line is missing"),
        (lambda lines: lines[:2], "is cut off after 1 records"),
        (lambda lines: [*lines[:2], lines[2][:30]], "damaged at line 3: no record can be read"),
        (lambda lines: [lines[0], *lines[2:]], "line 4: it held 3 records and has 2"),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
         "damaged at line 3: offset 0 of order-log/0 has no place here"),
        (lambda lines: [*lines, lines[1]], "line 6: something follows its last line"),
        (replaced(1, b"in_transit", b"on_its_way"),
         "damaged at line 5: what is above is not what was written"),
        (replaced(1, b"order-log/0", b"order-log/9"), "offset 0 of order-log/9 has no place"),
        (replaced(0, b'"wall"', b'"feed"'), "what is above is not what was written"),
        (replaced(0, b'"tower_export":1', b'"tower_export":2'),
         "has format 2, this version of the tower reads format 1"),
        (replaced(0, b'"namespace"', b'"name"'), "line 1: its header cannot be read"),
        (replaced(4, b'"sha256"', b'"sha1"'), "damaged at line 5: its end cannot be read"),
    ],
)  # fmt: skip
def test_every_damage_is_named(tmp_path, change, says):
    assert says in damaged(tmp_path, change)


def test_a_packed_file_that_was_cut_off_is_named(tmp_path):
    file = written(tmp_path / "a.jsonl.gz")
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(TowerError, match="could not be read"):
        read(file)


def test_what_could_not_be_written_whole_is_not_there(tmp_path):
    file = written(tmp_path / "a.jsonl")
    before = file.read_bytes()
    with suppress(KeyError), writing(file) as part:
        part.write(b"half")
        raise KeyError
    assert file.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize("path", ["nowhere/a.jsonl", "."])
def test_where_nothing_can_be_written_one_sentence_says_so(tmp_path, path):
    with pytest.raises(TowerError, match="cannot be written"), writing(tmp_path / path):
        pass


def test_a_device_stays_a_device(tmp_path):
    with writing("/dev/null") as file:
        file.write(b"gone")


def test_a_file_of_addresses_is_its_owners_alone(tmp_path):
    with writing(tmp_path / "contacts.jsonl", mode=0o600):
        pass
    assert (tmp_path / "contacts.jsonl").stat().st_mode & 0o777 == 0o600


def more(tmp_path, begin=3, **changed):
    logs = {ORDERS: Kept(begin, 5, 6), COURIERS: Kept(1, 1, 1)}
    return written(tmp_path / "b.jsonl", header(logs=logs, **changed), [event(begin)])


def test_exports_that_continue_each_other_are_read_as_one(tmp_path):
    first = written(tmp_path / "a.jsonl")
    exports, lines = read(first, more(tmp_path))
    assert [line.offset for line in lines] == [0, 1, 2, 3]
    assert (exports.begin(ORDERS), exports.header.logs[ORDERS].judged) == (0, 5)
    assert exports.missing("order-log") == 0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        (
            {"begin": 4},
            "not continue .*: order-log/0 begins at offset 4, and 3 comes",
        ),
        ({"begin": 2}, "order-log/0 begins at offset 2, and 3 comes next"),
        ({"namespace": "u"}, "is of another tower than .*: namespace u, not t"),
        ({"clock": "feed"}, "clock feed, not wall"),
        ({"partitions": 2}, "partitions 2, not 1"),
    ],
)
def test_exports_that_do_not_continue_each_other_are_refused(tmp_path, changed, says):
    with pytest.raises(TowerError, match=says):
        read(written(tmp_path / "a.jsonl"), more(tmp_path, **changed))


def test_a_log_without_its_beginning_makes_no_new_tower(tmp_path):
    file = written(tmp_path / "a.jsonl", header(begin=2), [event(2)])
    with pytest.raises(TowerError, match="2 earlier records of order-log are missing"):
        survey(opened([file]))


def test_a_survey_finds_the_highest_origin_of_each_upstream(tmp_path):
    origins = ("order-events/0/3/0", "couriers/0/8/1", "order-events/0/9/0")
    lines = [event(number, origin) for number, origin in enumerate(origins)]
    found = survey(opened([written(tmp_path / "a.jsonl", lines=lines)]))
    assert found == Surveyed({ORDERS: 3, COURIERS: 0}, {"order-events/0": 9, "couriers/0": 8})


@pytest.mark.parametrize(
    ("origin", "becomes"),
    [
        # Read up to 7 as the row says, up to 9 as the log says: 10 comes next and will be 0.
        ("order-events/0/9/0", "order-events/0/-1/0"),
        ("order-events/0/3/2", "order-events/0/-7/2"),
        # Nothing of it in the log: 4 comes next.
        ("courier-events/0/3/0", "courier-events/0/-1/0"),
        # The courier log had 20 records, of which the last 5 are held: 15 was the first.
        ("couriers/0/15/0", "couriers/0/0/0"),
        ("couriers/0/14/1", "couriers/0/-1/1"),
    ],
)
def test_origins_lie_below_those_that_are_to_come(tmp_path, origin, becomes):
    head = header(logs={ORDERS: Kept(0, 1, 1), COURIERS: Kept(15, 20, 20)})
    found = Surveyed({ORDERS: 1, COURIERS: 5}, {"order-events/0": 9, "couriers/0": 12})
    exports = opened([written(tmp_path / "a.jsonl", head, [])])
    moved = Moved(exports, found).record(event(0, origin))
    assert dict(moved.headers) == {"received_at": b"5", "origin": becomes.encode()}
    assert moved._replace(headers=()) == record_from(event(0))._replace(headers=())


def test_offsets_begin_at_0_and_have_no_holes(tmp_path):
    head = header(logs={ORDERS: Kept(0, 9, 9), COURIERS: Kept(15, 20, 20)})
    exports = opened([written(tmp_path / "a.jsonl", head, [])])
    moved = Moved(exports, Surveyed({ORDERS: 2, COURIERS: 1}))
    lines = [event(0), event(4), Line(COURIERS, 17, 5)]
    assert [moved.record(each).offset for each in lines] == [0, 1, 0]


def test_a_file_in_a_gzip_is_the_same_lines(tmp_path):
    plain = written(tmp_path / "a.jsonl").read_bytes()
    assert gzip.decompress(written(tmp_path / "a.jsonl.gz").read_bytes()) == plain
