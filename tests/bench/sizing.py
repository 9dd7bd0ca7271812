"""How many workers, brokers and bytes a volume takes: arithmetic on measured figures.

    python -m tests.bench.sizing            print the tables
    python -m tests.bench.sizing --write    put them into docs/scaling.md

The figures are the first table of that page, read from there, so they are changed in one place.
"""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from tests.bench.table import rows_only

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"
VOLUMES = (1e6, 10e6, 100e6)
PARTITIONS = (8, 16, 32, 64)
DAY = 86_400
UNITS = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (0.0, "B"))
_FIGURE = re.compile(r"^\| `(\w+)` \| ([\d.,]+) \|", re.MULTILINE)
_PLACE = re.compile(r"(<!-- sizing: (\w+) -->\n).*?(<!-- /sizing -->)", re.DOTALL)


def figures(page: str) -> dict[str, float]:
    """Return the figures of the page by name."""
    return {name: float(value.replace(",", "")) for name, value in _FIGURE.findall(page)}


@dataclass(frozen=True, slots=True)
class Load:
    """What a number of parcels a day asks for; `of` are the figures."""

    parcels: float
    of: dict[str, float]

    def busiest(self, a_parcel: str) -> float:
        """Return events a second in the busiest hour."""
        return self.parcels * self.of[a_parcel] * self.of["peak_hour_share"] / 3_600

    @property
    def cores(self) -> float:
        """Cores that are busy in the busiest hour, ticks left out."""
        spent = self.busiest("order_events_a_parcel") * self.of["order_event_us"]
        spent += self.busiest("courier_events_a_parcel") * self.of["courier_event_us"]
        return spent / 1e6

    @property
    def workers(self) -> int:
        """Workers of one core each that are busy no more than they should be."""
        return max(2, ceil(self.cores / self.of["busy_share"]))

    def rows(self, ended_days: float) -> float:
        """Return the rows that still have their events."""
        return self.parcels * (self.of["days_under_way"] + ended_days)

    def memory(self, ended_days: float, stub_days: float) -> float:
        """Return the bytes of memory that all workers take together."""
        stubs = self.parcels * stub_days
        rows = self.rows(ended_days) * self.of["row_memory_bytes"]
        return rows + stubs * self.of["stub_memory_bytes"]

    def recovery(self, ended_days: float, workers: int) -> float:
        """Return the seconds in which workers recover all rows, side by side."""
        return self.rows(ended_days) * self.of["recovery_us"] / 1e6 / workers

    @property
    def flows(self) -> dict[str, float]:
        """Bytes a parcel leaves on the broker, by topic, before replication."""
        of = self.of
        head = of["record_head_bytes"]
        orders, couriers = of["order_events_a_parcel"], of["courier_events_a_parcel"]
        # A row is written again with every event it takes, so on average it is half as long.
        changelog = orders * (of["row_bytes"] / 2 + head)
        return {
            "inbound": orders * (of["order_event_bytes"] + head)
            + couriers * (of["courier_event_bytes"] + head),
            "logs": orders * (of["order_event_bytes"] + 2 * head)
            + couriers * (of["courier_event_bytes"] + 2 * head),
            "changelogs": changelog + couriers * (of["courier_event_bytes"] + head),
            "facts": of["facts_a_parcel"] * (of["fact_bytes"] + head),
        }

    @property
    def written(self) -> float:
        """Bytes a second that producers write in the busiest hour, before replication."""
        return sum(self.flows.values()) * self.parcels * self.of["peak_hour_share"] / 3_600

    @property
    def brokers(self) -> int:
        """Brokers whose disks take the writes of all replicas."""
        return max(3, ceil(self.written * self.of["replicas"] / self.of["broker_write_bytes"]))

    @property
    def disk(self) -> float:
        """Bytes on the disks of all brokers, with the default retention."""
        of, flows = self.of, self.flows
        kept = flows["inbound"] * 7 + flows["logs"] * 30 + flows["facts"] * 30
        compacted = self.rows(30) * of["row_bytes"] + self.parcels * 365 * of["stub_bytes"]
        return (kept * self.parcels + 1.5 * compacted) * of["replicas"]


def load_table(of: dict[str, float]) -> str:
    """Return what flows and who carries it."""
    head = ("busiest hour of", *(f"{volume / 1e6:.0f} M a day" for volume in VOLUMES))
    loads = [Load(volume, of) for volume in VOLUMES]
    rows = [
        ["order events/s", *(f"{x.busiest('order_events_a_parcel'):,.0f}" for x in loads)],
        ["courier events/s", *(f"{x.busiest('courier_events_a_parcel'):,.0f}" for x in loads)],
        ["busy cores", *(f"{x.cores:.1f}" for x in loads)],
        ["workers for the events", *(str(x.workers) for x in loads)],
        ["written, before replication", *(f"{bytes_(x.written)}/s" for x in loads)],
        ["brokers for the writes", *(str(x.brokers) for x in loads)],
        ["disk, all replicas", *(bytes_(x.disk) for x in loads)],
    ]  # fmt: skip
    return rows_only(head, rows)


def memory_table(of: dict[str, float]) -> str:
    """Return what the workers hold in memory, by how long rows are kept."""
    head = ("ended_days / stub_days", *(f"{volume / 1e6:.0f} M a day" for volume in VOLUMES))
    rows = []
    for ended, stub in ((30, 365), (14, 60), (7, 14)):
        loads = [Load(volume, of) for volume in VOLUMES]
        rows.append([f"{ended} / {stub}", *(bytes_(x.memory(ended, stub)) for x in loads)])
        said = (f"{x.recovery(ended, PARTITIONS[-1]):,.0f} s" for x in loads)
        rows.append([f"{ended}, recovery by {PARTITIONS[-1]} workers", *said])
    return rows_only(head, rows)


def tick_table(of: dict[str, float]) -> str:
    """Return the ticks of a namespace by its partitions: they grow with the square."""
    head = ("partitions", "ticks/s", "to an inbox partition", "busy cores, all workers")
    each = of["tick_us"] + of["read_us"] + of["send_us"]
    rows = [
        [str(n), f"{4 * n * n:,}", f"{2 * n}", f"{4 * n * n * each / 1e6:.2f}"]
        for n in (*PARTITIONS, 256)
    ]
    return rows_only(head, rows)


def bytes_(number: float) -> str:
    """Return a number of bytes in the largest unit it has one of."""
    size, unit = next((size, unit) for size, unit in UNITS if number >= size)
    return f"{number / (size or 1):.3g} {unit}"


TABLES = {"load": load_table, "memory": memory_table, "ticks": tick_table}


def filled(page: str) -> str:
    """Return the page with every table computed from its figures."""
    of = figures(page)
    return _PLACE.sub(lambda place: place[1] + TABLES[place[2]](of) + place[3], page)


def main(words: Sequence[str] | None = None) -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--write", action="store_true", help="put them into docs/scaling.md")
    page = PAGE.read_text()
    if parser.parse_args(words).write:
        PAGE.write_text(filled(page))
        return
    for make in TABLES.values():
        print(make(figures(page)))


if __name__ == "__main__":
    main()
