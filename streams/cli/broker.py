"""`tower broker`: the embedded Kafka by itself, for trying the tower out on one machine."""

import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from streams.embedded import EmbeddedBroker
from streams.errors import TowerError

_LOOK_SECONDS = 0.2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: tower broker --folder kafka-data")
def command(
    folder: Annotated[
        Path | None, typer.Option(help="Keep the data here. Default: throw it away.")
    ] = None,
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="On 127.0.0.1; 0: a free one.")
    ] = 9092,
) -> None:
    """Run a Kafka broker on this machine until Ctrl-C or SIGTERM; not for production.

    Prints its address, which belongs into TOWER_BROKERS unless it is 127.0.0.1:9092, and
    nothing else, on standard output. No container and no server to install.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _serve(folder, port)


def _serve(folder: Path | None, port: int) -> None:
    """Run the broker; return never, but by KeyboardInterrupt or with its end as an error."""
    with EmbeddedBroker(folder, port=port or None, say=_tell) as broker:
        print(broker.bootstrap, flush=True)
        kept = f"Its data stays in {folder}." if folder else "Its data goes with it."
        _tell(f"Kafka runs on {broker.bootstrap}. {kept} Ctrl-C stops it.")
        while broker.running:
            time.sleep(_LOOK_SECONDS)
        raise TowerError("Kafka ended by itself." + (f" See {broker.log}." if folder else ""))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
