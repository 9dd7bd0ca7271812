"""The addresses that boards, alerts and bookmarks share: stable identifiers, never renamed."""

from dataclasses import dataclass

OVERVIEW = "tower-overview"
CARRIER = "tower-carrier"
RISK = "tower-risk"
CUSTOMERS = "tower-customers"
PIPELINE = "tower-pipeline"

RUNBOOKS = "https://tower.example/docs/runbooks"
"""Where docs/runbooks is published; `tower dashboards --runbooks URL` takes another place."""

GRAFANA = "https://grafana.tower.example"
"""Where the boards are; `tower dashboards --grafana URL` takes another place."""

CHOSEN = "${carrier:queryparam}"
"""The carriers chosen on a board, as the address of another takes them."""

NAMED = "var-carrier=${__data.fields.Carrier}"
"""The carrier of a table's row, as the address of a board takes it."""

CURVE = "var-carrier=${__field.labels.carrier}"
"""The carrier of a curve or bar, as the address of a board takes it."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where people who get an alert find its runbook and its board."""

    runbooks: str = RUNBOOKS
    grafana: str = GRAFANA

    def runbook(self, alert: str) -> str:
        """Return the address of an alert's runbook, whose file has the alert's name."""
        return f"{self.runbooks.rstrip('/')}/{alert}.md"

    def board(self, uid: str, *, of_carrier: bool = False) -> str:
        """Return the address of a board; of the alert's carrier, as Prometheus fills it in."""
        address = f"{self.grafana.rstrip('/')}/d/{uid}"
        chosen = "?var-carrier={{ $labels.carrier | urlquery }}"
        return address + chosen if of_carrier else address


PLACES = Places()
"""Where they are unless somebody says otherwise."""


def board(uid: str, carrier: str = CHOSEN) -> str:
    """Return the address of a board for a carrier, at the time looked at and its window."""
    return f"/d/{uid}?{carrier}&${{window:queryparam}}&${{__url_time_range}}"
