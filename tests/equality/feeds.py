"""The events of the equality: public tables, simulated days, and lives made to hit edges."""

import json
from pathlib import Path
from random import Random

import pytest

from streams.cli.main import main
from streams.feed import in_order_of_arrival, read_lines
from tests import story
from tests.domain.histories import Teller, text
from tests.domain.worlds import world

CLOSING = 1_793_628_000_000  # 2026-11-02T14:00Z
ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
TABLES = {
    "flights": "flights2013_jan_feb.csv.gz",
    "changshu": "changshu_history_2024_01_03.csv.gz",
    "shipments": "scms_shipments_2006_2009.csv.gz",
}
SIMULATED = {
    "day": "--orders 1500 --couriers 50 --scenario mixed",
    "quarter": "--orders 1500 --couriers 50 --scenario quarter",
    "small": "--orders 80 --couriers 8 --scenario mixed --start 2026-11-02T06:00:00Z",
}
COURIER_MARKS = ("courier_communication", "courier_professionalism", "parcel_care")


def tower(*words: object) -> None:
    """Run a `tower` command in this process."""
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert not ended.value.code


def table(name: str, folder: Path) -> Path:
    """Import a whole public table; skip if it is not there."""
    source = SHARED / TABLES[name]
    if not source.exists():
        pytest.skip(f"the whole public data is not there: {source.name}")
    return imported(name, source, folder)


def imported(name: str, source: Path, folder: Path) -> Path:
    made = folder / f"{name}.jsonl"
    tower("import", ROOT / "examples" / f"{name}.yaml", source, "--out", made)
    return made


def simulated(name: str, folder: Path, seed: int) -> Path:
    made = folder / f"{name}.jsonl"
    tower("simulate", *SIMULATED[name].split(), "--seed", seed, "--out", made)
    return made


def lives(folder: Path, seed: int, count: int) -> Path:
    """Write random lives, their times on the boundaries of the definitions.

    Every third is a return, every twentieth event cannot be read.
    """
    rng = Random(seed)  # noqa: S311
    events = []
    for number in range(count):
        for event in Teller(rng, f"life-{number}").life():
            if number % 3 == 0 and event["kind"] == "order_promised":
                event["direction"] = "return"
            unreadable = {"kind": rng.choice(("teleported", "delivered")), "event_id": ""}
            events.append(event | unreadable if rng.random() < 0.05 else event)
    made = folder / "lives.jsonl"
    made.write_text("".join(json.dumps(event) + "\n" for event in events))
    return made


def worlds(seed: int, count: int) -> list[bytes]:
    """Return random worlds with couriers who are asked where they were, ids of their own."""
    told: list[bytes] = []
    for number in range(count):
        events, _, _ = world(seed * 1_000 + number)
        for event in events:
            for name in ("order_id", "courier_id"):
                if isinstance(event.get(name), str):
                    event[name] = f"{number}-{event[name]}"
            told.append(json.dumps(event).encode())
    return told


def closing_scene(direction: str) -> list[bytes]:
    """Return a few orders by which every count of a report is above 0 as of `CLOSING`."""
    told = {"direction": direction, "carrier": "nordpost", "service": "next", "region": "mitte"}

    def at(minutes: float) -> str:
        return text(CLOSING + round(minutes * 60_000))

    def promised(order: str, made: float, end: float, **more: object) -> story.Event:
        window = None if more else (at(end - 60), at(end))
        return story.promised(at(made), window, order=f"{order}-{direction}", **told, **more)

    def happened(kind: str, when: float, order: str, **more: object) -> story.Event:
        return story.event(kind, at(when), f"{order}-{direction}", **more)

    def marked(order: str) -> list[story.Event]:
        marks = dict.fromkeys(COURIER_MARKS, 4)
        return [
            promised(order, -600, -300),
            happened("delivered", -310, order, courier_id="courier-1"),
            happened("feedback_given", -200, order, **marks),
        ]

    def customer(experience: str) -> list[story.Event]:
        """Somebody whose order of two parcels came to this end, and who came back."""
        who = {"customer_id": experience, "value": {"amount": 20, "currency": "EUR"}, **told}
        long_ago, end = -120 * 24 * 60, "delivered" if experience == "on-time" else "returning"
        said = [
            story.promised(at(long_ago + 20_000), order=f"{experience}-3-{direction}", **who)
        ]
        for name in (f"{experience}-1", f"{experience}-2"):
            window, group = (at(long_ago + 60), at(long_ago + 120)), f"{experience}-{direction}"
            order = f"{name}-{direction}"
            said += [
                story.promised(at(long_ago), window, order=order, group_id=group, **who),
                happened(end, long_ago + 100, name),
            ]
        return said

    past = -9 * 24 * 60  # long enough ago for a verdict that is kept
    return story.story(
        # Read in Kathmandu the time at the door was before the window, in UTC within it.
        promised("doubtful", past - 600, past, instant=at(past), timezone="Asia/Kathmandu"),
        happened("delivered", past - 5, "doubtful", time_quality="assumed"),
        promised("early", past - 600, past),
        happened("delivered", past - 100, "early"),
        promised("days", past - 600, past, date=at(past + 3 * 24 * 60)),
        happened("delivered", past, "days"),
        promised("turned", past - 600, past),
        happened("out_for_delivery", past - 300, "turned"),
        happened("arrived_depot", past - 100, "turned"),
        promised("rated", -600, -300),
        happened("out_for_delivery", -500, "rated"),
        happened(
            "eta_updated", -490, "rated", eta=at(-320), eta_low=at(-330), eta_high=at(-300),
            by="carrier",
        ),
        happened("eta_updated", -318, "rated", eta=at(-312), by="carrier"),
        happened("delivered", -310, "rated"),
        happened(
            "feedback_given", -200, "rated", csat=5, nps=9, ces=6,
            **dict.fromkeys(COURIER_MARKS, 3),
        ),
        promised("twice", -3_000, -300),
        happened("out_for_delivery", -2_900, "twice"),
        happened("attempt_failed", -2_700, "twice", reason="not_home"),
        happened("out_for_delivery", -1_400, "twice"),
        happened("delivered", -1_200, "twice"),
        *(each for number in range(5) for each in marked(f"marked-{number}")),
        *(each for name in ("on-time", "failed") for each in customer(name)),
        promised("overdue", -600, -120),
        happened("customer_asked", -100, "overdue", topic="where_is_my_order"),
        promised("forgotten", -2_000, 300),
        happened("feedback_given", -20, "overdue", csat=1),
        happened("feedback_given", past + 60, "early", csat=4),
        promised("refused", past - 600, past),
        happened("attempt_failed", past - 30, "refused", reason="refused"),
        happened("feedback_given", past + 60, "refused", csat=4),
        promised("open", -60, 300),
        happened("picked_up", 0, "open"),
    )  # fmt: skip


def everything_small(folder: Path, seed: int) -> Path:
    """Write samples, a small day, some lives and a closing scene into one file.

    It ends in the middle of the day, while orders are open and some of them overdue.
    """
    parts = [
        imported(name, ROOT / "examples" / f"{name}.csv", folder) for name in sorted(TABLES)
    ]
    parts += [simulated("small", folder, seed), lives(folder, seed, 250)]
    made = folder / "everything.jsonl"
    lines = [line for part in parts for line in read_lines(part)]
    lines += worlds(seed, 60) + closing_scene("forward") + closing_scene("return")
    kept = [each.raw for each in in_order_of_arrival(lines) if each.received_at <= CLOSING]
    made.write_bytes(b"".join(line + b"\n" for line in kept))
    return made
