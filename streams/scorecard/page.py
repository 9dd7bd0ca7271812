"""The scorecard as a page for the screen and for print: no script, nothing from elsewhere."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from streams.domain.kpi.figures import Json
from streams.scorecard.orders import Line
from streams.wording import plain, printable

_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)

HEADLINES = (
    ("On time, first attempt, what the carrier answers for", "on_time",
     ("delivery_time", "accountable", "accuracy")),
    ("On time, handover, as the customer saw it", "", ("delivery_time", "accuracy")),
    ("On time or early, handover", "", ("delivery_time", "otd")),
    ("First attempt succeeded, what the carrier answers for", "first_attempt",
     ("first_attempt", "accountable", "success")),
    ("First attempt succeeded", "", ("first_attempt", "success")),
    ("ETA after out for delivery within 10 minutes", "",
     ("eta_deviation", "ofd", "within_10min")),
)  # fmt: skip
OUTCOMES = ("on_time", "early", "late", "failed", "indeterminate", "excluded")


class Headline(NamedTuple):
    """A share as it is shown: in percent, its interval, of how many, and what was agreed."""

    name: str
    value: str
    interval: str
    of: str
    objective: str


def page(numbers: Json, content_hash: str, orders: Sequence[Line]) -> str:
    """Return the page; orders that are on time in both views are in the CSV alone."""
    shown = [line for line in orders if not line["outcome"] == line["accountable"] == "on_time"]
    return _PAGES.get_template("scorecard.html.j2").render(
        numbers=numbers,
        hash=content_hash,
        headlines=list(_headlines(numbers)),
        outcomes=list(_outcomes(numbers)),
        reasons=sorted(
            numbers["kpi"]["first_attempt"]["reasons"].items(),
            key=lambda each: (-each[1], each[0]),
        ),
        services=list(_services(numbers)),
        orders=[{name: printable(value) for name, value in line.items()} for line in shown],
        count=len(orders),
        plain=plain,
    )


def _headlines(numbers: Json) -> Iterator[Headline]:
    for name, objective, path in HEADLINES:
        share = numbers["kpi"]
        for part in path:
            share = share[part]
        agreed = numbers["objectives"].get(objective)
        yield Headline(
            name, percent(share["value"]), interval(share), f"{share['k']} of {share['n']}",
            "" if agreed is None else percent(agreed),
        )  # fmt: skip


def _outcomes(numbers: Json) -> Iterator[tuple[str, int, int]]:
    raw = numbers["kpi"]["delivery_time"]
    for outcome in OUTCOMES:
        yield plain(outcome), raw[outcome], raw["accountable"][outcome]


def _services(numbers: Json) -> Iterator[tuple[str, int, str, str]]:
    for service, kpi in numbers["by"]["service"].items():
        raw, fair = kpi["delivery_time"], kpi["delivery_time"]["accountable"]
        yield (
            printable(service), raw["due"],
            percent(raw["accuracy"]["value"]), percent(fair["accuracy"]["value"]),
        )  # fmt: skip


def percent(share: float | None) -> str:
    """Return a share in percent with one digit."""
    return "none" if share is None else f"{100 * share:.1f} %"


def interval(share: Json) -> str:
    """Return the interval of a share in percent, nothing of nothing."""
    if not share["n"]:
        return ""
    return f"{100 * share['low']:.1f} to {100 * share['high']:.1f} %"
