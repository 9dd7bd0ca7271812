"""An explanation as pages for a terminal: what was promised, what happened, what was judged."""

import io
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table

from streams.explaining.doors import SNAPSHOTS
from streams.explaining.faults import PLACE as FAULT
from streams.wording import plain, printable, readable, signed

Json = dict[str, Any]

NARROWEST, WIDEST = 100, 180
_WHOLE_CELLS = {"when", "said", "asked"}  # columns of instants, never broken
_PROMISES = ("", "promise", "said", "by", "why")
_ATTEMPTS = ("", "when", "outcome", "notes")
_ETAS = ("against", "the handover was")
_NOTICES = ("notice", "about", "asked", "became")
_PREDICTED = ("predicted", "because", "became")
_RULES = ("rule", "is", "said in", "here")
_LEVELS = ("service level", "stands", "says")
_EVENTS = ("when", "event", "says", "source", "notes")


def pages(told: Json, width: int | None = None) -> str:
    """Return an explanation as text, `width` columns wide (None: as the terminal is)."""
    if width is None:
        columns = shutil.get_terminal_size((120, 24)).columns
        width = max(NARROWEST, min(columns, WIDEST))
    console = Console(
        file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False,
        force_terminal=False,
    )  # fmt: skip
    for part in _parts(told):
        console.print(part)
    text = console.file.getvalue() if isinstance(console.file, io.StringIO) else ""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def _parts(told: Json) -> Iterator[RenderableType]:
    yield from _header(told)
    if "timeline" not in told:
        yield from _table("Parked", _EVENTS, _events(told["parked"]))
        return
    yield from _table("Promises", _PROMISES, _promises(told["promises"]))
    yield from _table("Timeline", _EVENTS, _events([*told["timeline"], *told["parked"]]))
    yield from _table("Attempts", _ATTEMPTS, _attempts(told["attempts"]))
    yield from _table("ETAs at the handover", _ETAS, _deviations(told["etas"]))
    yield from _verdict(told)
    yield from _table("Service levels", _LEVELS, _levels(told["sla"]))
    yield from _table("Rules", _RULES, _rules(told["rules_used"]))
    yield from _table("Predictions", _PREDICTED, _predicted(told["predictions"]))
    yield from _table("Notices", _NOTICES, _notices(told["notices"]))
    yield from _coming(told)


def _header(told: Json) -> Iterator[str]:
    yield f"Order {printable(told['order_id'])}"
    facts: list[tuple[str, object]] = []
    if "state" in told:
        facts = [
            ("state", told["state"]),
            ("carrier", told["carrier"]),
            ("service", told["service"] or "unknown"),
            ("region", told["region"] or "unknown"),
            ("direction", told["direction"]),
            ("customer", told["customer_id"] or "unknown"),
        ]
    facts += [
        ("zone", told["timezone"]),
        ("as of", _when(told["as_of"])),
        ("rules", told["rules"]),
    ]
    if "events" in told:
        facts.append(("events", _counts(told["events"])))
    closed = told["closed"]
    if closed is not None:
        facts.append(("closed", _closed(closed, alone="state" not in told)))
    facts += [("note", told["note"])] if "note" in told else []
    for name, value in facts:
        yield f"  {name:9}  {printable(str(value))}"


def _counts(events: Json) -> str:
    words = {
        "accepted": "accepted",
        "duplicate": "further copies",
        "id_conflict": "copies that say something else",
        "too_large": "refused for want of room",
    }
    said = [f"{events[name]} {word}" for name, word in words.items() if events[name]]
    return ", ".join(said) or "none"


def _closed(closed: Json, *, alone: bool) -> str:
    whose = "the order ended and its row was closed" if alone else "an earlier life was closed"
    last = (
        ""
        if closed["last_event_at"] is None
        else f"; last event {_when(closed['last_event_at'])}"
    )
    return (
        f"{whose} on {_when(closed['at'])}{last}; the id is remembered until "
        f"{_when(closed['remembered_until'])}"
    )


def _promises(promises: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in promises:
        roles, said = ", ".join(each["roles"]), _when(each["said_at"])
        yield roles, each["promise"], said, each["by"], each["why"]


def _levels(levels: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in levels:
        broken = ", broken" if each["breached"] else ""
        yield each["rule"], f"{plain(each['state'])}{broken}", each["says"]


def _rules(rules: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in rules:
        value = each["value"]
        shown = f"{value:g}" if isinstance(value, float) else str(value)
        yield each["rule"], shown, each["where"], each["says"]


def _notices(notices: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in notices:
        yield each["notice_id"], each["about"], _when(each["asked_at"]), each["became"]


def _events(events: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in events:
        received = [f"received {_when(each['received_at'])}"] if each["received_late"] else []
        notes = "; ".join([*each["flags"], *received])
        yield _when(each["at"]), plain(each["kind"]), each["says"], each["source"], notes


def _attempts(attempts: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in attempts:
        notes = "; ".join(each["notes"])
        yield str(each["number"]), _when(each["at"]), each["says"], notes


def _deviations(etas: Json) -> Iterator[tuple[str, ...]]:
    for name, seconds in etas["deviations"].items():
        yield SNAPSHOTS[name], signed(seconds * 1_000)


def _verdict(told: Json) -> Iterator[str]:
    verdict = told["verdict"]
    frozen, restated = verdict["frozen"], verdict["restated"]
    yield "\nVerdict"
    yield f"  {printable(frozen['why'])}"
    yield from _ruled(frozen)
    fault = verdict["fault"]
    if fault is not None:
        yield f"  whose fault: {printable(fault['says'])}"
        yield f"  rule: {printable(fault['rule_says'])} ({FAULT})"
        yield from _evidence(fault["evidence"])
    freezes_at = verdict["freezes_at"]
    if freezes_at is not None and verdict["final"]:
        yield f"  frozen: judged by what was received up to {_when(freezes_at)}"
    elif freezes_at is not None:
        yield f"  not frozen: what is received up to {_when(freezes_at)} can change it"
    if restated["why"] != frozen["why"]:
        yield f"  restated by all that is known: {printable(restated['why'])}"
        yield from _ruled(restated)
    yield from _accountable(verdict["accountable"])


def _accountable(views: Json) -> Iterator[str]:
    """Yield what the carrier answers for: by the first attempt, without what others caused."""
    frozen, restated = views["frozen"], views["restated"]
    yield "\nWhat the carrier answers for"
    yield f"  {printable(frozen['why'])}"
    yield from _ruled(frozen)
    if restated["outcome"] != frozen["outcome"]:
        yield f"  restated by all that is known: {printable(restated['why'])}"
        yield from _ruled(restated)


def _ruled(view: Json) -> Iterator[str]:
    """Yield the rule of a verdict with its place, its evidence, and what would turn it."""
    where = view["definition"]
    place = f"{where['page']}, {where['table']}, line {where['line']}"
    yield f"  rule: {printable(view['rule_says'])} ({place})"
    yield from _evidence(view["evidence"])
    for each in view["would_turn"]:
        yield f"  what would have changed it: {printable(each['says'])}"


def _evidence(events: Sequence[Json]) -> Iterator[str]:
    for each in events:
        said = f"{plain(each['kind'])} {_when(each['at'])}, {each['event']}"
        yield f"  evidence: {printable(said)}"


def _coming(told: Json) -> Iterator[str]:
    if told["outlook"] is not None:
        yield "\nOutlook"
        yield f"  {told['outlook']['says']}"
    if told["next_look"] is not None:
        yield "\nNext look"
        yield f"  {_when(told['next_look']['at'])}: {told['next_look']['why']}"


def _table(
    title: str, heads: Sequence[str], rows: Iterator[tuple[str, ...]]
) -> Iterator[RenderableType]:
    table = Table(
        title=f"\n{title}", title_justify="left", title_style="", box=box.SIMPLE_HEAD,
        pad_edge=False, padding=(0, 1),
    )  # fmt: skip
    for head in heads:
        table.add_column(head, overflow="fold", no_wrap=head in _WHOLE_CELLS)
    for row in rows:
        table.add_row(*map(printable, row))
    if table.row_count:
        yield table


def _when(iso: str | None) -> str:
    """Return an instant of an explanation for reading, nothing for none."""
    return "" if iso is None else readable(iso)


def _predicted(told: Sequence[Json]) -> Iterator[tuple[str, ...]]:
    for each in told:
        alert = f"; an alert, {each['clears']}: none" if each["clears"] else ""
        because = "; ".join(each["reasons"]) or "nothing learnt that would move it"
        yield f"{each['says']}{alert}", f"{because} ({each['model']})", each["became"]
