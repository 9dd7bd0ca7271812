"""`tower worker`: one worker process, configured by its environment."""

import logging
import sys

import typer

from streams.cli.options import settings_from
from streams.domain.judgement import Judgement
from streams.rules import load
from streams.working import work

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(epilog="Example: TOWER_BROKERS=127.0.0.1:9092 TOWER_METRICS_PORT=0 tower worker")
def command() -> None:
    """Run one worker: ingest, couriers and orders, until SIGTERM or Ctrl-C.

    Settings come from the environment: TOWER_BROKERS, TOWER_NAMESPACE,
    TOWER_CLOCK (wall or feed), TOWER_RULES, TOWER_PARTITIONS, TOWER_METRICS_HOST,
    TOWER_METRICS_PORT. Missing topics are created; wrong ones are refused.
    TOWER_KAFKA_* (TLS, logins), TOWER_RACK, TOWER_INSTANCE: docs/scaling.md.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = settings_from()
    sys.exit(work(settings, Judgement(load(settings.rules))))
