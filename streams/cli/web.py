"""`tower web`: one process that answers operations."""

import logging

import typer

from streams.cli.options import run, settings_from
from streams.rules import read
from streams.stopping import told_to_stop
from streams.web.loop import serve

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: TOWER_BROKERS=127.0.0.1:9092 tower web")
def web() -> None:
    """Serve the operations API until SIGTERM or Ctrl-C: /api/v1/openapi.json lists it.

    Settings come from the environment: TOWER_BROKERS, TOWER_NAMESPACE, TOWER_RULES,
    TOWER_CLOCK, TOWER_WEB_HOST, TOWER_WEB_PORT and, for everybody who is not on this
    machine, TOWER_WEB_TOKENS_FILE.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(_until_stopped())


async def _until_stopped() -> None:
    stop, settings = told_to_stop(), settings_from()
    await serve(settings, read(settings.rules), stop, lambda line: print(line, flush=True))
