"""The headline numbers: k of n orders, as the report counts them, large or by carrier.

Their series are gauges of the KPI cells, so a board shows the report's numbers.
"""

from dataclasses import dataclass, replace

from grafana_foundation_sdk.builders import stat, table
from grafana_foundation_sdk.models import units

from dashboards import house, links, panels
from dashboards.house import CARRIERS, MINIMUM, Text
from dashboards.rules import KPI


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline number: its label, words and colours, its least n, and what n counts."""

    kpi: str
    text: Text
    steps: house.Steps
    least: int = MINIMUM
    counts: str = "Orders"

    @property
    def chosen(self) -> str:
        """Return the selector of this number for the carriers and days chosen on the board."""
        return f'{{{CARRIERS},kpi="{self.kpi}",window="$window"}}'

    @property
    def by_carrier(self) -> str:
        """Return the share by carrier, of those with enough orders."""
        return f"sum by (carrier) ({KPI}:ratio{self.chosen}) {self.enough}"

    @property
    def orders(self) -> str:
        """Return how many orders the number counts, by carrier."""
        return f"sum by (carrier) ({KPI}_denominator:sum{self.chosen})"

    @property
    def enough(self) -> str:
        """Return the condition that hides carriers with too few orders."""
        return f"and on (carrier) ({self.orders} >= {self.least})"

    def large(self) -> stat.Panel:
        """Return the number over the chosen carriers, hidden when too few orders count."""
        count = f"(sum({KPI}_denominator:sum{self.chosen}) >= {self.least})"
        share = f"sum({KPI}_numerator:sum{self.chosen}) / {count}"
        return panels.number(self.text, share, self.steps, nothing=f"n < {self.least}")

    def table(self) -> table.Panel:
        """Return the number by carrier with its interval and its number of orders."""
        columns = [
            (name, f"sum by (carrier) ({KPI}:{series}{self.chosen}) {self.enough}")
            for name, series in (
                ("Share", "ratio"),
                ("Low", "wilson_low"),
                ("High", "wilson_high"),
            )
        ]
        text = replace(self.text, title=f"{self.text.title} by carrier", to=ONWARD)
        table = panels.rows(text, "carrier", self.steps, (*columns, (self.counts, self.orders)))
        return table.no_value(f"n < {self.least}").override_by_name(self.counts, panels.COUNT)


ONWARD = ("What can still be saved there", links.board(links.RISK, links.NAMED))
SCORECARD = ("Scorecard", links.board(links.CARRIER))

STRICT: house.Steps = ((None, "red"), (0.9, "orange"), (0.95, "green"))
FIRST: house.Steps = ((None, "red"), (0.85, "orange"), (0.92, "green"))
NEAR: house.Steps = ((None, "red"), (0.7, "orange"), (0.85, "green"))

ON_TIME = Headline(
    "on_time",
    Text(
        "On-time accuracy",
        "Orders handed over inside the promise, of all that came due. When it falls, look "
        "at which carrier spends its budget and at its outcomes: early, late or failed.",
        units.PercentUnit,
        SCORECARD,
    ),
    STRICT,
)
FIRST_ATTEMPT = Headline(
    "first_attempt",
    Text(
        "First-attempt success",
        "First attempts that ended in a handover. When it falls, look at the reasons of "
        "failed attempts on the scorecard: they tell whether courier, address or customer is "
        "at fault.",
        units.PercentUnit,
        SCORECARD,
    ),
    FIRST,
)
ETA = Headline(
    "eta_within_10min",
    Text(
        "ETA within 10 minutes",
        "ETAs in force that were at most 10 minutes from the handover. When it falls, "
        "the feed is late or wrong: compare its freshness and its ETAs with the handovers.",
        units.PercentUnit,
        SCORECARD,
    ),
    NEAR,
)
HEADLINES = (ON_TIME, FIRST_ATTEMPT, ETA)
"""The three numbers of the product."""

OTD = Headline(
    "otd",
    Text(
        "On time or early",
        "On-time delivery as carriers quote it: early handovers count as kept. Far above "
        "on-time accuracy: the carrier comes before customers are at home; agree on windows.",
        units.PercentUnit,
    ),
    STRICT,
)
ACCOUNTABLE = Headline(
    "on_time_accountable",
    Text(
        "On time, carrier's fault",
        "On-time accuracy by the clock of the first attempt and without what others than the "
        "carrier caused. Low: claim by it. Only the raw number low: look for the cause "
        "elsewhere.",
        units.PercentUnit,
    ),
    STRICT,
)
FIRST_ACCOUNTABLE = Headline(
    "first_attempt_accountable",
    Text(
        "First attempt, carrier's fault",
        "First attempts without failures that others than the carrier caused. Low: talk to the "
        "carrier. Only the raw number low: addresses and time slots are what to mend.",
        units.PercentUnit,
    ),
    FIRST,
)
ETA_WIDE = Headline(
    "eta_within_15min",
    Text(
        "ETA within 15 minutes",
        "ETAs in force that were at most 15 minutes from the handover. Well above the share "
        "within 10 minutes: ETAs are biased a little; look at the signed deviation below.",
        units.PercentUnit,
    ),
    NEAR,
)
CSAT = Headline(
    "csat",
    Text(
        "Satisfied (CSAT 4 or 5)",
        "Fours and fives of all answers. When it falls, compare carriers below, and late "
        "orders with warned ones: an honest notice costs less goodwill than silence.",
        units.PercentUnit,
    ),
    ((None, "red"), (0.7, "orange"), (0.8, "green")),
    house.ANSWERS,
    "Answers",
)
COMPANIONS = (OTD, ACCOUNTABLE, FIRST_ACCOUNTABLE, ETA_WIDE)
"""What a scorecard shows beside the three numbers."""
