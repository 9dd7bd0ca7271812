"""The command `tower`: each subcommand is a Typer application, imported when called."""

import importlib
import sys
from importlib.metadata import version

from streams.errors import TowerError

COMMANDS = {
    "demo": "Run it all here: broker, simulated day, workers, mails, web.",
    "broker": "Run a Kafka broker on this machine, for trying the tower out.",
    "worker": "Run one worker: ingest, couriers and orders.",
    "dispatcher": "Run the dispatcher: notices to customers.",
    "web": "Answer operations: orders at risk, one order, carriers.",
    "notices": "Stop what customers are told, and let it go on.",
    "publish": "Send a file of events to the two inbound topics.",
    "replay": "Run a file of events through the same rules with no broker.",
    "export": "Write the running tower's inbox to a file, for audit and backup.",
    "rebuild": "Make a new namespace of an export, judged anew; the old stays.",
    "import": "Turn a CSV export into events by a YAML mapping.",
    "explain": "Tell the life of one order and the reasons of its verdicts.",
    "compare": "Say what differs between two reports, or under other rules.",
    "scorecard": "Write the closed month a carrier is reviewed on, or check one.",
    "tune": "Replay history; say what each threshold of an alert comes to.",
    "simulate": "Write a seeded delivery day as events, with the truth beside it.",
    "report": "Print the KPI report of the running tower.",
    "audit": "List notices that were sent under more than one key: none.",
    "erase": "Forget a customer; what was measured stays.",
    "dead-letters": "Look at what was set aside and send it again.",
    "doctor": "Say what is wrong with the running tower, and what to do first.",
    "check": "Validate configuration, rules and topics.",
    "dashboards": "Write the Grafana dashboards and the Prometheus rules.",
}


USAGE = "Usage: tower COMMAND [OPTIONS]\nOne command, with an example: tower COMMAND --help"


def main(argv: list[str] | None = None) -> None:
    """Run the command line; a mistake is one sentence on standard error and exit code 1."""
    name, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if name in {"--help", "-h", "help"}:
        width = max(map(len, COMMANDS))
        print(
            USAGE, *(f"  {each:{width}}  {does}" for each, does in COMMANDS.items()), sep="\n"
        )
        return
    if name == "--version":
        print(f"tower {version('tower')}")
        return
    if name not in COMMANDS:
        print(f"tower: there is no command {name!r}.\n{USAGE}", file=sys.stderr)
        sys.exit(2)
    rest = ["--help" if each == "-h" else each for each in rest[:1]] + rest[1:]
    module = importlib.import_module(f"streams.cli.{_module(name)}")
    try:
        module.app(args=rest, prog_name=f"tower {name}")
    except TowerError as error:
        print(f"tower: {error}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)


def _module(command: str) -> str:
    """Return the module of a command; `import` is a word of Python."""
    return "import_" if command == "import" else command.replace("-", "_")
