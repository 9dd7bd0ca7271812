"""`tower erase`: forget a person."""

from typing import Annotated

import typer

from streams.cli.options import Brokers, Namespace, run, settings_from
from streams.erasing import erase
from streams.errors import TowerError

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_LONGEST = 200


@app.command()
def command(
    customer_id: Annotated[
        str, typer.Argument(metavar="CUSTOMER_ID", help="Who is forgotten.")
    ],
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Forget a customer: no copy of the addresses can be read any more; KPIs stay.

    Say it where the dispatcher's claims are (TOWER_CLAIMS, TOWER_KEYS or
    TOWER_CLAIMS_DATABASE), and the key is destroyed at once; elsewhere the
    dispatcher does it when it reads of it.

    Example: tower erase customer-17
    """
    if not 0 < len(customer_id) <= _LONGEST:
        raise TowerError("A customer's id has 1 to 200 characters.")
    destroyed = run(erase(settings_from(brokers=brokers, namespace=namespace), customer_id))
    key = "the key is destroyed" if destroyed else "there is no key of theirs on this machine"
    print(f"Erased: {key}, and the dispatcher is told.")
