"""The pages that are written from code: the life of an order, and the table of all numbers.

    python -m streams.pages      # what `make generate` runs

The diagram is found by trying: from every state each kind of event is folded, and where the
order then stands is an arrow. So the page cannot say anything else than the code does.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from models.base import Millis
from models.rules import Rules
from streams.codec import Decoded, decode_order
from streams.domain import lifecycle
from streams.domain.arrivals import Arrived
from streams.domain.judgement import Judgement
from streams.domain.kpi.catalogue import PLACES, SECTIONS, Number, numbers
from streams.domain.tracking import Track, derive
from streams.domain.zones import MINUTE_MS, instant
from streams.wording import duration

BEGINS, ENDS = "<!-- written by `make generate` -->", "<!-- end of what is written -->"
START: Millis = 1_772_528_400_000

# What a kind needs beside its name to be an event.
_PROMISE = {"end": "2026-03-04T12:00:00Z"}
_NEEDS: dict[str, dict[str, object]] = {
    "order_promised": {"carrier": "c", "promise": _PROMISE},
    "promise_changed": {"promise": _PROMISE, "by": "consignee"},
    "attempt_failed": {"reason": "not_home"},
    "eta_updated": {"eta": "2026-03-04T12:00:00Z", "by": "carrier"},
    "event_withdrawn": {"withdraws": "none"},
    "feedback_given": {"csat": 5},
    "customer_asked": {"topic": "other"},
    "intervention_made": {"action": "called", "by": "support"},
    "verdict_decided": {"verdict": "late", "by": "support", "reason": "dispute"},
}

# How to come to each state, and its name on the page.
_STATES: dict[str, tuple[str, tuple[str, ...]]] = {
    "promised": ("promised", ("order_promised",)),
    "under_way": ("under way", ("order_promised", "picked_up")),
    "out": ("out for delivery", ("order_promised", "out_for_delivery")),
    "handed_over": ("handed over", ("order_promised", "out_for_delivery", "delivered")),
    "failed": ("failed", ("order_promised", "lost")),
    "going_back": ("going back", ("order_promised", "returning")),
    "cancelled": ("called off", ("order_promised", "cancelled")),
}

# What the tables of lifecycle.py do not say, since it is what the tracking is about.
_OWN = {
    "order_promised": "names carrier, service, zone; the first promise is the original",
    "promise_changed": "the consignee's may be the effective promise; others move `latest`",
    "arrived_depot": "closes a leg: no attempt, unless the courier had arrived",
    "out_for_delivery": "begins a leg",
    "courier_arrived": "the courier is at the door of this leg",
    "attempt_failed": "concludes an attempt as failed",
    "held": "waits; by a consignee's or an authority's code it may excuse",
    "released": "ends a hold",
    "available_for_pickup": "waits to be fetched",
    "delivered": "the handover; concludes an attempt",
    "cancelled": "calls the order off, unless it was handed over before",
    "eta_updated": "an ETA",
    "event_withdrawn": "takes away an event of its own source",
    "feedback_given": "answers",
    "customer_asked": "a question",
    "intervention_made": "somebody stepped in",
    "verdict_decided": "the outcome of a dispute",
}


_LIFECYCLE = """# The life of an order

<!-- written by `make generate` from streams/domain/lifecycle.py; change that, not this -->

Events of one order are read by their time; those of one instant in the order of this table. A
*life event* makes an order and is its life; the others say something about one. What *moves*
the parcel shows that somebody touched it. Numbers: [kpis](kpis.md).

| rank | kind | life event | moves | what it does |
|---|---|---|---|---|
{table}

- {anywhere}: the order has failed, until a handover follows.
- Two conclusions within {visit}, without a new
  `out_for_delivery` between, are one visit.
- Another `out_for_delivery` more than {leg} after the first
  of a leg that has no conclusion: its attempt has failed.

## States

Each arrow was found by folding one event, two hours later, onto an order in that state; kinds
that leave a state as it is are left out. *Going back*: what is delivered now is the sender's
receipt. A verdict is another matter: it compares the handover with the promise, once the
deadline has passed ([kpis](kpis.md), section 5).

```mermaid
stateDiagram-v2
{named}
    [*] --> promised: order_promised
    [*] --> under_way: any event that moves
{arrows}
```
"""


def files(root: Path) -> dict[Path, str]:
    """Return every page as it should be."""
    kpis = root / "docs/kpis.md"
    return {
        root / "docs/lifecycle.md": lifecycle_page(),
        kpis: with_table(kpis.read_text(encoding="utf-8")),
    }


def with_table(page: str) -> str:
    """Return a page with the table of numbers between its two marks."""
    before, _, rest = page.partition(BEGINS)
    _, _, after = rest.partition(ENDS)
    return f"{before}{BEGINS}\n\n{numbers_table()}\n{ENDS}{after}"


def numbers_table() -> str:
    """Return every number of the report as tables, one a section."""
    known = list(numbers())
    parts = ["".join(_places())]
    for section in SECTIONS:
        count = len(section.numbers)
        mine, known = known[:count], known[count:]
        parts.append("\n".join(_rows(section.path or "report", section.file, mine)) + "\n")
    return "\n".join(parts)


def _places() -> Iterator[str]:
    """Yield a line for each name in angle brackets that stands for some names only."""
    for place, names in PLACES.items():
        said = ", ".join(f"`{name}`" for name in names.replace("\\", "").split("|"))
        yield f"- `{place}` is one of {said}\n"


def _rows(title: str, file: str, section: list[Number]) -> Iterator[str]:
    yield f"**`{title}`** (`{file}`)\n"
    yield "| report path | what | formula | metric |"
    yield "|---|---|---|---|"
    for each in section:
        metric = f"`{each.metric}`" if each.metric else ""
        cells = (f"`{each.path}`", each.meaning, each.formula.replace("|", "\\|"), metric)
        yield f"| {' | '.join(cells)} |"


def lifecycle_page() -> str:
    """Return docs/lifecycle.md."""
    table = "\n".join(
        f"| {rank} | `{kind}` | {'yes' if kind in lifecycle.LIFE else 'no'} |"
        f" {'yes' if kind in lifecycle.MOVES else 'no'} | {'; '.join(effects(kind))} |"
        for kind, rank in lifecycle.RANK.items()
    )
    arrows = "\n".join(
        f"    {here} --> {there}: {', '.join(kinds)}"
        for (here, there), kinds in transitions().items()
    )
    named = "\n".join(f'    state "{name}" as {key}' for key, (name, _) in _STATES.items())
    return _LIFECYCLE.format(
        table=table,
        arrows=arrows,
        named=named,
        anywhere=_failing_anywhere(),
        visit=duration(lifecycle.SAME_VISIT_MS),
        leg=duration(lifecycle.NEW_LEG_AFTER_MS),
    )


def _failing_anywhere() -> str:
    reasons = (r for r, kinds in lifecycle.FAILING_REASONS.items() if kinds == lifecycle.MOVES)
    return f"Any event that moves the parcel with reason {', '.join(f'`{r}`' for r in reasons)}"


def effects(kind: str) -> Iterator[str]:
    """Yield what a kind does, as the tables of lifecycle.py have it."""
    if kind in _OWN:
        yield _OWN[kind]
    if kind in lifecycle.ENDS_ATTEMPT:
        yield "in a leg without a conclusion: its attempt has failed, though nobody said so"
    if kind in lifecycle.FAILS:
        yield "the order has failed, until a handover follows"
    for reason, kinds in lifecycle.FAILING_REASONS.items():
        if kinds == {kind}:
            yield f"with reason `{reason}` the order has failed, until a handover follows"
    if kind in lifecycle.UNDOES:
        yield "voids a handover at any time"
    if kind in lifecycle.REOPENS:
        yield f"voids a handover {duration(lifecycle.REOPENS_AFTER_MS)} old or older"
    if kind in lifecycle.BACK_TO_SENDER:
        yield "`delivered` after it, without a new `out_for_delivery`, is the sender's receipt"


def transitions() -> dict[tuple[str, str], list[str]]:
    """Return the kinds that lead from one state to another."""
    found: dict[tuple[str, str], list[str]] = {}
    for here, (_, way) in _STATES.items():
        for kind in lifecycle.RANK:
            there = state(_track(*way, kind))
            if there != here:
                found.setdefault((here, there), []).append(kind)
        for reason, kinds in lifecycle.FAILING_REASONS.items():
            kind = min(
                kinds & lifecycle.REOPENS, key=lifecycle.RANK.__getitem__, default="held"
            )
            there = state(_track(*way, kind, reason=reason))
            if there not in (here, state(_track(*way, kind))):
                found.setdefault((here, there), []).append(f"{reason} as a reason")
    return found


def state(track: Track) -> str:
    """Return where an order stands, by the names of the page."""
    if track.handover is not None:
        return "handed_over"
    if track.failing is not None:
        return "going_back" if track.sent_back else "failed"
    if track.cancelled is not None:
        return "cancelled"
    if track.attempts.waiting:
        return "out"
    return "promised" if track.moved_at is None else "under_way"


def _track(*kinds: str, reason: str | None = None) -> Track:
    """Fold one event of each kind, two hours apart; the last with a reason of its own."""
    arrivals = []
    for number, kind in enumerate(kinds):
        at = START + number * 120 * MINUTE_MS
        said = {
            "kind": kind, "order_id": "o", "source": "s", "event_id": f"e{number}",
            "occurred_at": instant(at).isoformat(), **_NEEDS.get(kind, {}),
        }  # fmt: skip
        if reason is not None and number == len(kinds) - 1:
            said["reason"] = reason
        decoded = decode_order(json.dumps(said).encode())
        if not isinstance(decoded, Decoded):
            raise TypeError(f"{kind}: {decoded}")
        arrivals.append(Arrived(decoded.event, at, decoded.canonical))
    return derive(arrivals, Judgement(Rules()))


def main() -> None:
    """Write the pages below the folder it is run in, and name those that changed."""
    for path, text in files(Path()).items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path)  # noqa: T201 - a command prints


if __name__ == "__main__":
    main()
