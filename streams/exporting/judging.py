"""An export judged again: the worker's own folds over the records of its logs, with no broker.

Each partition takes its records in the order in which the tower took them, ticks and receipts
among them, so not only the KPIs but every field of the report comes out as it was published.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import groupby, islice

from models.base import Millis
from models.rules import Rules
from streams import topics
from streams.couriers import CouriersFold
from streams.domain.cells import Measures, add, merge
from streams.domain.judgement import Judgement
from streams.domain.report import report
from streams.engine.api import Outputs, PartitionFold, Record
from streams.exporting.files import Exports
from streams.exporting.lines import record_from
from streams.groups import GroupsFold, Passing
from streams.ingest import COURIERS, ORDERS
from streams.orders import KIND, TICK, OrdersFold
from streams.reporting import Json

FOLLOWING = ("groups/", "loyalty/")  # they are counted of group-log, not of the inbox
AT_ONCE = 500  # records of one partition to a fold


class Folds:
    """The folds of all partitions of one tower, as its workers have them (streams/app.py)."""

    def __init__(self, rules: Rules, partitions: int) -> None:
        self.judgement = Judgement(rules)
        numbers = range(partitions)
        inbox = [
            f"{upstream}/{p}" for upstream in (ORDERS.upstream, "couriers") for p in numbers
        ]
        intake = [f"{COURIERS.upstream}/{p}" for p in numbers]
        self.orders = {
            f"{topics.ORDER_LOG}/{p}": OrdersFold(
                p, inbox, self.judgement, group_logs=partitions
            )
            for p in numbers
        }
        self.couriers = {
            f"{topics.COURIER_LOG}/{p}": CouriersFold(p, intake, partitions) for p in numbers
        }
        orders = [f"orders/{p}" for p in numbers]
        self.groups = {f"{topics.GROUP_LOG}/{p}": GroupsFold(p, orders) for p in numbers}
        self.by_place: dict[str, PartitionFold] = {
            **self.orders, **self.couriers, **self.groups
        }  # fmt: skip

    def passing(self, out: Outputs) -> Passing:
        """Return outputs that let the groups hear at once what the orders tell them."""
        return Passing(out, list(self.groups.values()))


class Judging:
    """An export under way through the folds."""

    def __init__(self, exports: Exports, rules: Rules) -> None:
        self.exports = exports
        self.folds = Folds(rules, exports.header.partitions)

    def run(self, out: Outputs, until: Millis | None = None) -> None:
        """Take every record that the tower had applied, in the order of its partition.

        With `until` as if nothing later had been received and no clock had gone further.
        """
        logs = self.exports.header.logs
        judged = (line for line in self.exports.lines() if line.offset < logs[line.log].judged)
        records = ((line.log, _known(record_from(line), until)) for line in judged)
        known = ((log, record) for log, record in records if record is not None)
        passing = self.folds.passing(out)
        for log, some in batches(known):
            self.folds.by_place[log].fold(some, passing)

    @property
    def clock(self) -> Millis:
        """Return the least clock of the partitions of orders that a worker had begun."""
        header = self.exports.header
        clocks = [
            fold.clock
            for place, fold in self.folds.orders.items()
            if header.logs[place].judged >= 0
        ]
        return min(clocks, default=0)

    def report(self) -> Json:
        """Return the report as of the end, by the rules given."""
        header = self.exports.header
        parts = []
        for place, fold in self.folds.orders.items():
            if header.logs[place].judged >= 0:
                fold.settle_cells()
                parts += list(fold.book.totals.items())
        for group in self.folds.groups.values():
            group.advance(self.clock, 0)
            parts += list(group.book.totals.items())
        events: Measures = {}
        for read in header.inbound.values():
            add(events, read.counts)
        for place in self.folds.couriers:
            add(events, self.courier_counts(place))
        rules = self.folds.judgement.id
        return report(merge(parts), events, self.clock, rules)

    def courier_counts(self, place: str) -> Measures:
        """Return what is counted of couriers' events in a partition.

        Where the file does not hold their log from its beginning, the tower's own counts.
        """
        if self.whole(place):
            return self.folds.couriers[place].counts()
        return self.exports.header.couriers[place.rpartition("/")[2]]

    def whole(self, place: str) -> bool:
        """Tell whether a log is held from its beginning."""
        return place in self.exports.header.logs and self.exports.begin(place) == 0


def _known(record: Record, until: Millis | None) -> Record | None:
    """Return a record as it was known at an instant; None: it was received later.

    What couriers' positions answered has no time of its own and is taken: an answer is of the
    day of an attempt, and comes when it is asked for.
    """
    if until is None:
        return record
    headers = dict(record.headers)
    if headers.get(KIND) == TICK:
        said = json.loads(record.value or b"{}")
        capped = {upstream: min(at, until) for upstream, at in said.items()}
        return record._replace(value=json.dumps(capped).encode())
    received = headers.get("received_at")
    return None if received is not None and int(received) > until else record


def batches(records: Iterable[tuple[str, Record]]) -> Iterator[tuple[str, list[Record]]]:
    """Yield records of one log as a fold takes them, a few hundred at a time."""
    for log, ones in groupby(records, key=lambda each: each[0]):
        while gathered := [record for _, record in islice(ones, AT_ONCE)]:
            yield log, gathered


def audited(judging: Judging) -> str | None:
    """Return why the report of an export cannot be held against what the tower published.

    None: it can be, and then every field must be the same.
    """
    header = judging.exports.header
    rules = judging.folds.judgement.id
    if judging.exports.report is None:
        return "the tower had published no report"
    if missing := judging.exports.missing(topics.ORDER_LOG):
        return (
            f"{missing:,} earlier records of order-log are not in it (retention, or an earlier"
            " export that was not given), so this report is only of what came after"
        )
    if header.rules != [rules]:
        return f"the tower judged by the rules {'+'.join(header.rules)}, this report by {rules}"
    return None


def differences(published: Json, again: Json) -> list[str]:
    """Return the fields in which two reports differ, a few words each, the totals first.

    What follows the inbox at a distance may have been published of an earlier moment, and
    what was predicted depends on when a model arrived.
    """
    one, other = dict(_leaves(published)), dict(_leaves(again))
    paths = sorted(one.keys() | other.keys(), key=lambda path: (path[:5] != "total", path))
    return [
        f"{path} was {one.get(path, 'absent')!r} and is {other.get(path, 'absent')!r}"
        for path in paths
        if one.get(path, "absent") != other.get(path, "absent")
        and not path.startswith(FOLLOWING)
        and "/predictions/" not in f"/{path}/"
    ]


def _leaves(said: object, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(said, dict) and said:
        for name, part in said.items():
            yield from _leaves(part, f"{path}/{name}" if path else str(name))
    else:
        yield path, said
