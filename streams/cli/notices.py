"""`tower notices`: stop what customers are told, and let it go on; who did so, and why."""

import time
from typing import Annotated

import typer

from models.notices import NoticeKind, NoticeSwitch
from streams.admin import connected
from streams.cli.options import Brokers, Namespace, run, settings_from
from streams.config import Settings
from streams.dispatch import switches
from streams.dispatch.stops import NEVER_STOPPED, Scope, switched
from streams.domain.zones import instant_text
from streams.errors import TowerError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Stop what customers are told, and let it go on.",
    epilog="Example: tower notices stop --carrier nordpost --by ann --why 'wrong ETAs'",
)

Carrier = Annotated[str | None, typer.Option(help="Only notices about this carrier.")]
Kind = Annotated[NoticeKind | None, typer.Option(help="Only notices of this kind.")]
All = Annotated[bool, typer.Option("--all", help="Every notice there is.")]
By = Annotated[str, typer.Option(help="Who does this.")]
Why = Annotated[str, typer.Option(help="What for.")]


@app.command()
def stop(
    by: By,
    why: Why,
    carrier: Carrier = None,
    kind: Kind = None,
    everything: All = False,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Send nothing of a carrier, of a kind, of both, or nothing at all, within a second.

    What is asked for meanwhile is not said later: it is suppressed, `stopped`.

    Example: tower notices stop --carrier nordpost --by ann --why 'wrong ETAs'
    """
    _switch(
        True,
        (carrier, kind),
        everything,
        (by, why),
        settings_from(brokers=brokers, namespace=namespace),
    )


@app.command()
def start(
    by: By,
    why: Why,
    carrier: Carrier = None,
    kind: Kind = None,
    everything: All = False,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Let go on what was stopped under the same words; --all lets everything go on.

    Example: tower notices start --carrier nordpost --by ann --why 'ETAs are right again'
    """
    _switch(
        False,
        (carrier, kind),
        everything,
        (by, why),
        settings_from(brokers=brokers, namespace=namespace),
    )


@app.command("list")
def list_(brokers: Brokers = None, namespace: Namespace = None) -> None:
    """Say what is stopped, and who stopped and started what, when and why.

    Example: tower notices list
    """
    settings = settings_from(brokers=brokers, namespace=namespace)
    made, stops = run(_logged(settings)), NEVER_STOPPED
    for each in made:
        stops = switched(stops, each)
        did = "stopped" if each.stopped else "started"
        scope = _words((each.carrier, each.kind))
        print(f"{instant_text(each.at)}  {each.by} {did} {scope}: {each.why}")
    print(f"Stopped: {', '.join(sorted(map(_words, stops))) or 'nothing'}.")


def _switch(
    stopped: bool, scope: Scope, everything: bool, who: tuple[str, str], settings: Settings
) -> None:
    if everything is (scope != (None, None)):
        raise TowerError("Say what: --carrier, --kind or both, or else --all.")
    made = NoticeSwitch.model_validate({
        "carrier": scope[0], "kind": scope[1], "stopped": stopped, "by": who[0],
        "why": who[1], "at": time.time_ns() // 1_000_000,
    })  # fmt: skip
    run(_made(settings, made))
    print(f"{'Stopped' if stopped else 'Started'}: {_words(scope)}.")


async def _made(settings: Settings, made: NoticeSwitch) -> None:
    async with connected(settings.kafka):
        pass  # one sentence at once instead of a producer's long patience
    await switches.switch(settings, made)


async def _logged(settings: Settings) -> list[NoticeSwitch]:
    async with connected(settings.kafka):
        return await switches.log(settings)


def _words(scope: Scope) -> str:
    carrier, kind = scope
    what = "every notice" if kind is None else f"{kind}"
    return what if carrier is None else f"{what} about {carrier}"
