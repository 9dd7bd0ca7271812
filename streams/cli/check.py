"""`tower check`: settings, rules and topics, every finding on its own line."""

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from dashboards import slo
from models.contacts import ContactUpdate
from models.events import CourierEvent, OrderEvent
from models.letters import DeadLetter
from models.rules import Rules
from streams.admin import check_topics
from streams.cli.options import (
    Brokers,
    Namespace,
    run,
    setting_findings,
    settings_from,
    unknown_settings,
)
from streams.clockmode import clock_finding
from streams.config import Settings
from streams.dispatch.providers import provider_findings
from streams.errors import TowerError
from streams.kafka import findings as findings_of
from streams.rules import WrongRulesError, load
from streams.topics import CONTACT_UPDATES, COURIER_EVENTS, DEAD_LETTERS, ORDER_EVENTS

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def command(
    rules: Annotated[
        Path | None, typer.Option(help="Rules file (YAML).", show_default="TOWER_RULES")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON schemas instead.")
    ] = False,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Validate settings, rules and the topics of the broker; exit 1 with findings.

    Topics, and the clock the workers are on, are looked at when a broker was
    named (--brokers, TOWER_BROKERS) or answers at the default address.
    TOWER_KAFKA_* (TLS, logins), TOWER_RACK, TOWER_INSTANCE: docs/scaling.md.

    Example: tower check --rules rules.yaml --brokers 127.0.0.1:9092
    """
    if schema:
        print(json.dumps(schemas(), indent=2, sort_keys=True))
        return
    found, unseen = findings(rules, brokers, namespace)
    for each in [*found, *unseen]:
        print(each)
    if found:
        raise typer.Exit(1)
    print("No findings.")


def schemas() -> dict[str, object]:
    """Return the JSON schema of each public message, by topic, and of the rules file."""
    return {
        ORDER_EVENTS: TypeAdapter[OrderEvent](OrderEvent).json_schema(),
        COURIER_EVENTS: TypeAdapter[CourierEvent](CourierEvent).json_schema(),
        CONTACT_UPDATES: ContactUpdate.model_json_schema(),
        DEAD_LETTERS: DeadLetter.model_json_schema(mode="serialization"),
        "rules": Rules.model_json_schema(),
    }


def findings(
    rules: Path | None, brokers: str | None, namespace: str | None
) -> tuple[list[str], list[str]]:
    """Return what is wrong, and what could not be looked at."""
    found = unknown_settings(os.environ)
    try:
        Settings()
    except ValidationError as error:
        return found + setting_findings(error), ["Rules and topics were not looked at."]
    try:
        settings = settings_from(brokers=brokers, namespace=namespace, rules=rules)
    except TowerError as error:
        return [*found, str(error)], ["Rules and topics were not looked at."]
    keys = findings_of(settings.kafka)
    found += keys + provider_findings(settings) + rules_findings(settings.rules)
    if keys:
        return found, ["Topics were not looked at."]
    try:
        return found + run(_broker_findings(settings)), []
    except TowerError as error:
        if brokers or "TOWER_BROKERS" in os.environ:
            return [*found, str(error)], []
        return found, ["Topics were not looked at: no broker was named and none answers here."]


async def _broker_findings(settings: Settings) -> list[str]:
    """Return what is wrong with the topics, and with the clock of the workers."""
    clock = await clock_finding(settings)
    topics = await check_topics(settings.kafka, settings)
    return topics if clock is None else [*topics, clock]


def rules_findings(path: Path | None) -> list[str]:
    """Return what is wrong with a rules file; None is the file that ships."""
    try:
        rules = load(path)
    except WrongRulesError as error:
        return error.findings
    except TowerError as error:
        return [str(error)]
    return [
        f"carriers.{name}.objectives: {finding}."
        for name, carrier in rules.carriers.items()
        for finding in slo.findings(carrier.objectives)
    ]
