"""Where a failpoint is due, and what it refuses to understand."""

import pytest

from streams.engine.failpoints import Failpoint
from streams.errors import TowerError


def test_due_at_the_wanted_flush_of_its_source_and_step() -> None:
    failpoint = Failpoint("orders:half-rows:2")
    failpoint.flush("orders")
    failpoint.flush("couriers")
    assert not failpoint.due("orders", "half-rows")
    failpoint.flush("orders")
    assert failpoint.due("orders", "half-rows")
    assert not failpoint.due("orders", "after-outputs")
    assert not failpoint.due("couriers", "half-rows")


def test_without_a_text_nothing_is_due() -> None:
    failpoint = Failpoint(None)
    failpoint.flush("")
    failpoint.reach("", "half-rows")


@pytest.mark.parametrize("text", ["orders", "orders:somewhere:1", "orders:half-rows:x"])
def test_a_wrong_text_is_one_sentence(text) -> None:
    with pytest.raises(TowerError, match="SOURCE:STEP:N"):
        Failpoint(text)
