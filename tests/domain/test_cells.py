"""Measures are added and exchanged; what sums to nothing is not there."""

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.domain.cells import add, exchange

MEASURES = st.dictionaries(st.sampled_from("abc"), st.integers(-3, 3).filter(bool))


@settings(max_examples=200, deadline=None)
@given(others=MEASURES, old=MEASURES, new=MEASURES)
def test_an_exchange_is_to_take_the_old_away_and_add_the_new(others, old, new):
    total = {**others}
    add(total, old)
    exchange(total, old, new)
    expected = {name: others.get(name, 0) + new.get(name, 0) for name in "abc"}
    assert total == {name: value for name, value in expected.items() if value}
