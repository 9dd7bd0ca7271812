"""`tower audit`: whether anybody was told the same thing twice."""

import typer

from streams.cli.options import settings_from
from streams.dispatch.auditing import sent_twice
from streams.errors import TowerError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command() -> None:
    """List notices that were sent under more than one key; exit 1 if there is any.

    Looks into the dispatcher's claims (TOWER_CLAIMS or
    TOWER_CLAIMS_DATABASE), which hold the last eight days.

    Example: TOWER_CLAIMS=claims.sqlite tower audit
    """
    sent, found = sent_twice(settings_from())
    for each in found:
        print(each)
    if found:
        raise TowerError(f"{len(found)} of {sent} notices were sent under more than one key.")
    print(f"{sent} notices sent, none under more than one key.")
