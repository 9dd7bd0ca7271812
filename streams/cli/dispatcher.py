"""`tower dispatcher`: one process that tells customers."""

import logging

import typer

from streams.cli.options import run, settings_from
from streams.dispatch.starting import dispatch
from streams.stopping import told_to_stop

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command(
    epilog="Example: TOWER_BROKERS=127.0.0.1:9092 TOWER_SMTP_HOST=127.0.0.1"
    " TOWER_SMTP_PORT=2525 TOWER_CLAIMS=claims.sqlite tower dispatcher"
)
def dispatcher() -> None:
    """Run the dispatcher: notices to customers, until SIGTERM or Ctrl-C.

    Settings come from the environment: TOWER_BROKERS, TOWER_NAMESPACE,
    TOWER_CLAIMS, TOWER_CLAIMS_DATABASE, TOWER_KEYS, TOWER_SMTP_HOST,
    TOWER_SMTP_PORT, TOWER_SMTP_USERNAME, TOWER_SMTP_PASSWORD,
    TOWER_SMTP_TLS, TOWER_SMTP_TIMEOUT_SECONDS, TOWER_MAIL_FROM,
    TOWER_PROVIDERS, TOWER_FEEDBACK_URL, TOWER_PREFERENCES_URL, TOWER_RULES,
    TOWER_SANDBOX, TOWER_METRICS_HOST, TOWER_METRICS_PORT.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    run(_until_stopped())


async def _until_stopped() -> None:
    await dispatch(settings_from(), told_to_stop(), lambda line: print(line, flush=True))
