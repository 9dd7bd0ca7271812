"""Records whose header names are not UTF-8 are read like any other."""

import pytest
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy as Builder

from streams import wire

NONE, GZIP, SNAPPY, LZ4, ZSTD = range(5)


class Name(str):
    """A header's name that is written as bytes that are no UTF-8."""

    __slots__ = ()

    def encode(self, *_):
        return b"\xff" + str.encode(self, "utf-8")


def batch(*headers, codec=NONE, first=0):
    builder = Builder(2, codec, 0, -1, -1, -1, 1 << 20)
    for number, each in enumerate(headers):
        builder.append(number, 1_000 + number, b"k", b"v%d" % number, each)
    octets = bytearray(builder.build())
    octets[:8] = first.to_bytes(8)  # the broker's offset, which no checksum covers
    return bytes(octets)


def read(octets):
    records = wire.TolerantRecords(octets)
    assert records.size_in_bytes() == len(octets)
    found = []
    while records.has_next():
        each = records.next_batch()
        assert each.validate_crc()
        found += [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in each]
    return found


@pytest.mark.parametrize("codec", [NONE, GZIP, SNAPPY, LZ4, ZSTD])
def test_a_name_that_is_no_utf8_is_read_with_its_bytes_spelt_out(codec):
    octets = batch(
        [("fine", b"1")], [(Name("odd"), b"2"), ("null", None)], [("é", b"3")], codec=codec
    )
    assert read(octets) == [
        (0, 1_000, b"k", b"v0", [("fine", b"1")]),
        (1, 1_001, b"k", b"v1", [("\\xffodd", b"2"), ("null", None)]),
        (2, 1_002, b"k", b"v2", [("é", b"3")]),
    ]


def test_batches_before_and_after_are_read_as_ever():
    octets = batch([("a", b"")]) + batch([(Name("b"), b"")], first=1) + batch([], first=2)
    assert [(offset, headers) for offset, *_, headers in read(octets)] == [
        (0, [("a", b"")]),
        (1, [("\\xffb", b"")]),
        (2, []),
    ]


def test_a_batch_that_was_not_fetched_whole_waits():
    whole = batch([("a", b"")])
    assert len(read(whole + batch([], first=1)[:-1])) == 1


def test_consumers_read_that_way_once_installed(monkeypatch):
    monkeypatch.setattr(fetcher, "MemoryRecords", fetcher.MemoryRecords)
    wire.install()
    assert fetcher.MemoryRecords is wire.TolerantRecords
