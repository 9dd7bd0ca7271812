"""`tower demo`: everything on this machine, nothing to install."""

import logging
import secrets
from typing import Annotated

import typer

from streams.demo.run import Show, run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower demo --seconds 60")
def command(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="Stop by itself after this long.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of the simulated day; default: a fresh one.")
    ] = None,
    speed: Annotated[float, typer.Option(min=1, help="Times the pace of the day.")] = 60.0,
    orders: Annotated[int, typer.Option(min=100, help="Orders of the day.")] = 900,
    couriers: Annotated[int, typer.Option(min=5, help="Couriers of the day.")] = 30,
) -> None:
    """Run the whole tower on a simulated day: broker, worker, dispatcher, a mail sink.

    No container and no server to install. Ctrl-C stops it and leaves nothing running.
    """
    for noisy in ("aiokafka", "faust", "mode", "mail.log"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    run(Show(chosen, seconds, speed, orders, couriers))
