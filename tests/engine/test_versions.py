"""The engine leans on the insides of two libraries; another version has to be read first."""

import inspect
from importlib.metadata import version

from aiokafka.consumer import fetcher
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance, GroupCoordinator
from aiokafka.consumer.subscription_state import Assignment
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.protocol.group import JoinGroupRequest
from faust.app.base import BootStrategy

from streams.engine.pulse import UNKNOWN_MEMBER


def test_the_versions_that_were_read() -> None:
    assert version("aiokafka") == "0.14.0"
    assert version("faust-streaming") == "0.15.3"


def test_what_the_engine_touches_is_there() -> None:
    assert GroupCoordinator._do_heartbeat
    assert Assignment.state_value
    assert BootStrategy.enable_kafka_consumer is None
    for name in ("_consume_aborted_up_to", "_contains_abort_marker"):
        assert getattr(fetcher.PartitionRecords, name)
    for name in ("check_assignment", "has_more", "_update_position", "getall"):
        assert getattr(fetcher.FetchResult, name)


def source(of) -> str:
    return inspect.getsource(of)


def test_what_the_readme_says_of_their_insides_is_still_so() -> None:
    assert "type(res_or_error) is FetchResult" in source(fetcher.Fetcher.fetched_records)
    assert "self._records = collections.OrderedDict()" in source(fetcher.Fetcher.__init__)
    # What a batch's append does beside asking for the time, and all that counts its records.
    append = source(BatchBuilder.append)
    assert "self._builder.append(" in append
    assert "self._relative_offset += 1" in append
    assert "return self._relative_offset" in source(BatchBuilder.record_count)
    # The request to join is made once for every assignor, so there is one.
    join = source(CoordinatorGroupRebalance.perform_group_join)
    indents = {
        line.strip(): len(line) - len(line.lstrip())
        for line in join.splitlines()
        if line.strip()
    }
    assert indents["request = JoinGroupRequest("] > indents["for assignor in self._assignors:"]
    # No generation reaches the assignor: ours counts rounds itself.
    assert "on_generation_assignment" not in source(GroupCoordinator._on_join_complete)
    # A static member sends no LeaveGroup, and a heartbeat without its name.
    assert "self._group_instance_id is None" in source(GroupCoordinator._maybe_leave_group)
    assert "_group_instance_id" not in source(GroupCoordinator._do_heartbeat)
    assert JoinGroupRequest.UNKNOWN_MEMBER_ID == UNKNOWN_MEMBER
