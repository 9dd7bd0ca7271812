"""The generated rules, evaluated for many carriers and minutes at once.

A second reading of PromQL, of what the budgets' rules use of it: a value is a row a carrier and
a column a minute, NaN where Prometheus has no series. The last row is the small carriers. A
counter is sampled each minute on the minute, where `increase` is the plain difference.
"""

import numpy as np
import promql_parser as promql

from dashboards import budgets, rules, slo

MINUTES = {window: round(hours * 60) for window, hours in slo.HOURS.items()}
COMPARED = {">": np.greater, ">=": np.greater_equal, "<": np.less}
RECKONED = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
RECORDED = [
    rule for group in rules.files()["budgets"] for rule in group["rules"] if "record" in rule
]


class Minutes:
    """One objective over some carriers: `counters` by metric and result, a row a carrier."""

    def __init__(self, name, counters):
        self.name = name
        self.counters = counters
        self.size = next(iter(counters.values())).shape
        self.known = {}

    def series(self, name):
        """Return a recorded series, of the single carriers and of the small ones."""
        if name not in self.known:
            written = [rule for rule in RECORDED if rule["record"] == name]
            own = [r for r in written if r.get("labels", {}).get("slo") in {None, self.name}]
            self.known[name] = np.full(self.size, np.nan)
            # The small ones are made of the single ones.
            for rule in sorted(own, key=lambda rule: "carrier" in rule.get("labels", {})):
                value = self.value(promql.parse(rule["expr"]))
                before = self.known[name]
                self.known[name] = np.where(np.isnan(before), value, before)
        return self.known[name]

    def value(self, node):
        """Return the value of a parsed query."""
        kind = type(node).__name__
        return getattr(self, f"_{kind.lower()}")(node)

    def _parenexpr(self, node):
        return self.value(node.expr)

    def _numberliteral(self, node):
        return node.val

    def _vectorselector(self, node):
        if node.name == budgets.REREADING or node.name not in {r["record"] for r in RECORDED}:
            return np.full(self.size, np.nan)
        value = self.series(node.name)
        for matcher in node.matchers.matchers:
            if matcher.name == "carrier":  # every matcher of it leaves out the small ones
                value = np.vstack([value[:-1], np.full_like(value[-1:], np.nan)])
            else:
                assert matcher.name == "slo"
                assert matcher.value == self.name
        return value

    def _call(self, node):
        if node.func.name == "clamp_max":
            value, most = map(self.value, node.args)
            return np.minimum(value, most)
        if node.func.name == "last_over_time":
            return np.full(self.size, np.nan)  # no carrier's rules name an objective
        assert node.func.name == "increase"
        [matrix] = node.args
        chosen = matrix.vector_selector
        key = chosen.name, *(m.value for m in chosen.matchers.matchers)
        counter = self.counters[key]
        window = round(matrix.range.total_seconds() / 60)
        before = np.zeros_like(counter)
        before[:, window:] = counter[:, :-window]
        return counter - before

    def _aggregateexpr(self, node):
        value = self.value(node.expr)
        if "carrier" in node.modifier.labels:
            return value
        known = ~np.isnan(value)
        total = np.where(known.any(axis=0), np.nansum(value, axis=0), np.nan)
        return np.vstack([np.full_like(value[:-1], np.nan), total])

    def _binaryexpr(self, node):
        left, right = self.value(node.lhs), self.value(node.rhs)
        op = str(node.op)
        if op in RECKONED:
            with np.errstate(invalid="ignore", divide="ignore"):
                return RECKONED[op](left, right)
        if op in COMPARED:
            return np.where(COMPARED[op](left, right), left, np.nan)
        if op == "or":
            return np.where(np.isnan(left), right, left)
        assert op in {"and", "unless"}
        return np.where(np.isnan(right) == (op == "unless"), left, np.nan)
