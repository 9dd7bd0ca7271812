"""The addresses that boards, alerts and bookmarks share: stable identifiers, never renamed."""

OVERVIEW = "tower-overview"

RUNBOOKS = "https://tower.example/docs/runbooks"
"""Where docs/runbooks is published; `tower dashboards --runbooks URL` takes another place."""


def runbook(alert: str, at: str = RUNBOOKS) -> str:
    """Return the address of an alert's runbook, whose file has the alert's name."""
    return f"{at.rstrip('/')}/{alert}.md"
