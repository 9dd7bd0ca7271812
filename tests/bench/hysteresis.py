"""What hysteresis costs and saves: the same orders, planned by one policy after the other.

    python -m tests.bench.hysteresis [FILE.jsonl] [--seed N] [--orders N]

Without a file a simulated day of the scenario `rush` is taken. Every notice is taken to be
accepted at once. An order is late by what the file says in the end; a warning that comes
before its deadline is in time. Times are when things were received.
"""

import argparse
import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from models.base import Millis
from models.notices import NoticeCommand, NoticeReceipt
from models.rules import NoticePolicy, Rules
from streams.codec import Decoded, decode_order
from streams.domain import notices
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.ledger import Ledger, settle
from streams.domain.order import Order
from streams.feed import in_order_of_arrival
from streams.simulate import DaySpec, day
from streams.simulate.lines import said

MINUTE = 60_000
POLICIES: dict[str, dict[str, float]] = {
    "at 15 min, no hysteresis": {
        "enter_minutes": 15, "leave_minutes": 15, "hold_minutes": 0, "clear_hold_minutes": 0,
        "cooldown_minutes": 0, "worse_minutes": 5, "at_most": 99, "in_all": 99,
    },
    "cool down 30, cap 3, no hold": {
        "leave_minutes": 15, "hold_minutes": 0, "clear_hold_minutes": 0, "worse_minutes": 5,
    },
    "hold 2": {"hold_minutes": 2},
    "hold 6": {"hold_minutes": 6},
    "as shipped (hold 10)": {},
    "hold 20": {"hold_minutes": 20},
    "enter 10": {"enter_minutes": 10},
    "enter 20, worse 20, cool down 45": {
        "enter_minutes": 20, "worse_minutes": 20, "cooldown_minutes": 45,
    },
    "enter 30": {"enter_minutes": 30},
}  # fmt: skip


@dataclass
class Tally:
    """What one policy did to all orders."""

    orders: int = 0
    late: int = 0
    messages: list[int] = field(default_factory=list[int])
    false: int = 0
    missed: int = 0
    cleared: int = 0
    leads: list[Millis] = field(default_factory=list[Millis])

    def row(self, name: str) -> str:
        """Return the row of the table."""
        in_time = self.orders - self.late
        lead = statistics.median(self.leads) / MINUTE if self.leads else 0.0
        return (
            f"| {name} | {sum(self.messages) / self.orders:.2f} | {max(self.messages)} "
            f"| {self.false / in_time:.1%} | {self.missed / self.late:.1%} | {lead:.0f} min "
            f"| {1_000 * self.cleared / self.orders:.0f} |"
        )


def orders(lines: Iterable[bytes]) -> list[list[Arrived]]:
    """Return the events of each order of a file, as they were received."""
    found: dict[str, list[Arrived]] = defaultdict(list)
    for each in in_order_of_arrival(lines):
        decoded = decode_order(each.raw)
        if isinstance(decoded, Decoded):
            event = decoded.event
            arrived = Arrived(event, each.received_at, decoded.canonical)
            found[event.order_id].append(arrived)
    return list(found.values())


def told(events: Sequence[Arrived], judgement: Judgement) -> tuple[Order, list[NoticeCommand]]:
    """Return an order as it ended, and what its customer was told on the way."""
    order, ledger, asked = Order(judgement), Ledger(), list[NoticeCommand]()
    now = events[0].received_at

    def look(at: Millis) -> None:
        for each in notices.plan(ledger, order, "order", at):
            if isinstance(each, NoticeCommand):
                asked.append(each)
                settle(ledger, NoticeReceipt(
                    notice_id=each.notice_id, order_id="order", kind=each.kind,
                    version=each.version, result="sent", eta=each.eta, at=at,
                ))  # fmt: skip

    for event in [*events, None]:
        until = events[-1].received_at + 86_400_000 if event is None else event.received_at
        while order.arrivals and (due := notices.next_look(ledger, order, now)) <= until:
            now = due
            look(now)
        if event is not None:
            now = event.received_at
            order.add(event)
            look(now)
    return order, asked


def measured(days: Sequence[Sequence[Arrived]], policy: dict[str, float]) -> Tally:
    """Return what a policy does; only notices of delays are on."""
    off = {kind: False for kind, _ in NoticePolicy().kinds if not kind.startswith("delay")}
    judgement = Judgement(Rules.model_validate({"notices": {**policy, "kinds": off}}))
    tally = Tally()
    for events in days:
        order, asked = told(events, judgement)
        promise, track = order.promise, order.track
        if promise is None or (track.handover is None and track.ending is not None):
            continue  # nothing was promised, or nothing was to be handed over any more
        late = track.handover is None or track.handover.at > promise.last_good
        first = next((each.decided_at for each in asked), None)
        tally.orders += 1
        tally.late += late
        tally.messages.append(len(asked))
        tally.cleared += sum(each.kind == "delay_cleared" for each in asked)
        tally.false += first is not None and not late
        tally.missed += first is None and late
        if late and first is not None:
            tally.leads.append(promise.late_from - first)
    return tally


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--orders", type=int, default=2_000)
    given = parser.parse_args()
    if given.file is None:
        lines = said(day(DaySpec(given.orders, 50, given.seed, scenario="rush")).events)
    else:
        lines = given.file.read_bytes().splitlines()
    days = orders(lines)
    tallies = {name: measured(days, policy) for name, policy in POLICIES.items()}
    first = next(iter(tallies.values()))
    print(f"{first.orders} orders, {first.late / first.orders:.1%} late\n")
    names = (
        "policy", "messages an order", "most", "false alarms", "late, not told", "lead",
        "all-clears of 1,000",
    )  # fmt: skip
    print(f"| {' | '.join(names)} |")
    print("|---|---|---|---|---|---|---|")
    for name, tally in tallies.items():
        print(tally.row(name))


if __name__ == "__main__":
    main()
