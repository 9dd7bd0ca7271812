"""What customers answered, as numbers with an interval: means, and the NPS.

The series hold every answer on file, mark by mark, so that means and intervals are the
report's: the normal ones of the sample's variance.
"""

from dataclasses import dataclass, replace

from grafana_foundation_sdk.builders import stat, table

from dashboards import house, panels
from dashboards.house import ANSWERS, CARRIERS, Text
from dashboards.rules import Z

OVER_ALL, BY_CARRIER = "", "by (carrier)"


@dataclass(frozen=True, slots=True)
class Answers:
    """An instrument: how many answered, and the sum and the sum of squares of their marks.

    Each is a query with PER where `by (carrier)` may stand.
    """

    text: Text
    steps: house.Steps
    n: str
    total: str
    squares: str

    def large(self) -> stat.Panel:
        """Return the mean over the chosen carriers, hidden when too few answered."""
        n, total, _ = self._per(OVER_ALL)
        mean = f"{total} / ({n} >= {ANSWERS})"
        return panels.number(self.text, mean, self.steps, nothing=f"n < {ANSWERS}").decimals(1)

    def table(self) -> table.Panel:
        """Return the mean by carrier with its interval and how many answered."""
        n, total, squares = self._per(BY_CARRIER)
        mean = f"{total} / ({n} > 0)"
        spread = f"{Z!r} / {n} * sqrt(({n} * {squares} - {total} ^ 2) / ({n} - 1 > 0))"
        columns = (
            ("Mean", mean),
            ("Low", f"{mean} - {spread}"),
            ("High", f"{mean} + {spread}"),
            ("Answers", n),
        )
        text = replace(self.text, title=f"{self.text.title} by carrier")
        return (
            panels.rows(text, "carrier", self.steps, columns)
            .decimals(2)
            .no_value("n < 2")
            .override_by_name("Answers", panels.COUNT)
        )

    def _per(self, what: str) -> tuple[str, str, str]:
        n, total, squares = (
            f"({each.replace('PER', what)})" for each in (self.n, self.total, self.squares)
        )
        return n, total, squares


def marks(text: Text, steps: house.Steps, series: str, most: int, more: str = "") -> Answers:
    """Return the answers of a histogram of marks from 1 to `most`.

    The square of a mark is most^2 less 2k + 1 for each k from the mark to most - 1; a bucket
    counts the marks up to k.
    """
    chosen = f"{CARRIERS}{more}"
    n = f"sum PER ({series}_count{{{chosen}}})"
    less = " - ".join(
        f'{2 * k + 1} * sum PER ({series}_bucket{{{chosen},le="{float(k)}"}})'
        for k in range(1, most)
    )
    total = f"sum PER ({series}_sum{{{chosen}}})"
    return Answers(text, steps, n, total, f"{most**2} * {n} - {less}")


def promoters(text: Text, steps: house.Steps) -> Answers:
    """Return the NPS: a promoter is 100, a detractor -100, everybody else 0."""
    group = f"sum PER (tower_feedback_nps_responses_total{{{CARRIERS}%s}})"
    for_it, against = (group % f',group="{name}"' for name in ("promoter", "detractor"))
    return Answers(
        text,
        steps,
        group % "",
        f"100 * ({for_it} - {against})",
        f"10000 * ({for_it} + {against})",
    )
