"""Keys meet the partitions that Java's client gives them."""

import pytest
from aiokafka.partitioner import murmur2 as reference
from hypothesis import given
from hypothesis import strategies as st

from streams.partitioner import by_key, murmur2, partition_of

# From the unit tests of the Java client (UtilsTest.testMurmur2), there as signed numbers.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), JAVA.items())
def test_the_hash_is_the_one_of_the_java_client(key, signed):
    assert murmur2(key) == signed % 2**32


@given(st.binary(max_size=40))
def test_the_hash_agrees_with_the_slow_reference(key):
    assert murmur2(key) == reference(key)


def test_the_partition_drops_the_sign_before_it_divides():
    # 1173551340 = 8 * 146693917 + 4 = 7 * 167650191 + 3
    assert (-973932308) & 0x7FFFFFFF == 1173551340
    assert partition_of(b"21", 8) == 4
    assert partition_of(b"21", 7) == 3


def test_a_producer_is_told_the_partition_of_the_key():
    assert by_key(b"21", range(8), range(8)) == 4


def test_a_record_without_a_key_goes_where_a_leader_is():
    assert by_key(None, range(8), [5]) == 5
    assert by_key(None, [2], []) == 2
