"""The addresses that boards, alerts and bookmarks share: stable identifiers, never renamed."""

OVERVIEW = "tower-overview"
CARRIER = "tower-carrier"
RISK = "tower-risk"
CUSTOMERS = "tower-customers"
PIPELINE = "tower-pipeline"

RUNBOOKS = "https://tower.example/docs/runbooks"
"""Where docs/runbooks is published; `tower dashboards --runbooks URL` takes another place."""

CHOSEN = "${carrier:queryparam}"
"""The carriers chosen on a board, as the address of another takes them."""

NAMED = "var-carrier=${__data.fields.Carrier}"
"""The carrier of a table's row, as the address of a board takes it."""

CURVE = "var-carrier=${__field.labels.carrier}"
"""The carrier of a curve or bar, as the address of a board takes it."""


def runbook(alert: str, at: str = RUNBOOKS) -> str:
    """Return the address of an alert's runbook, whose file has the alert's name."""
    return f"{at.rstrip('/')}/{alert}.md"


def board(uid: str, carrier: str = CHOSEN) -> str:
    """Return the address of a board for a carrier, at the time looked at and its window."""
    return f"/d/{uid}?{carrier}&${{window:queryparam}}&${{__url_time_range}}"
