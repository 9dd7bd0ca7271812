"""`tower dead-letters`: look at what was set aside and send it again."""

from collections.abc import Callable
from typing import Annotated

import typer

from models.letters import Reason
from streams import dead_letters
from streams.cli.options import Brokers, Namespace, run, settings_from
from streams.config import Settings
from streams.dead_letters import Kept, Pile
from streams.domain.zones import instant_text
from streams.errors import TowerError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Look at what was set aside and send it again.",
    epilog="Example: tower dead-letters list --reason bad_time",
)

WhyOption = Annotated[Reason | None, typer.Option("--reason", help="Only letters of a reason.")]


@app.command("list")
def list_(
    reason: WhyOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """List the messages set aside, the newest last: id, reason, arrival, what was wrong.

    A message that came several times is listed once, with how often.

    Example: tower dead-letters list --reason bad_time --limit 20
    """
    settings = settings_from(brokers=brokers, namespace=namespace)
    pile = run(_piled(settings, _chosen(reason, ()), limit))
    kept = pile.newest()
    for each in kept:
        print(*map(_printable, _row(each, pile.copies(each))), sep="  ")
    said = f"{len(pile)} dead letters, the newest {len(kept)} shown."
    print(said if kept else "No dead letters.")


@app.command()
def show(
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="As `list` prints it.")],
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Show everything about one letter, its bytes as text.

    Example: tower dead-letters show order-events/3/1234
    """
    settings = settings_from(brokers=brokers, namespace=namespace)
    kept = run(_piled(settings, _chosen(None, (letter_id,)), limit=100)).newest()
    if not kept:
        raise TowerError(f"There is no dead letter {letter_id}; they are kept for 14 days.")
    for each in kept:
        print("\n".join(_pages(each)))


@app.command()
def replay(
    letter_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Which; default: all.")
    ] = None,
    reason: WhyOption = None,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """Send letters' bytes to their inbound topic again, once the cause is mended.

    Each message is sent once, however many letters it has by now.

    Example: tower dead-letters replay --reason unknown_kind
    """
    settings = settings_from(brokers=brokers, namespace=namespace)
    ids = tuple(letter_ids or ())
    pile = run(_piled(settings, _chosen(reason, ids), limit=None))
    absent = set(ids) - pile.ids
    if absent:
        raise TowerError(f"There is no such dead letter: {', '.join(sorted(absent))}.")
    done = run(dead_letters.replay(settings, pile.newest()))
    spared = len(pile.ids) - len(pile)
    copies = f", each message once of {len(pile.ids)} letters" if spared > 0 else ""
    left = f"; {done.left} are no inbound events and stay" if done.left else ""
    print(f"Sent {done.sent} again{copies}{left}.")


def _chosen(reason: Reason | None, ids: tuple[str, ...]) -> Callable[[Kept], bool]:
    def chosen(kept: Kept) -> bool:
        if ids and kept.id not in ids:
            return False
        return reason is None or (kept.letter is not None and kept.letter.reason == reason)

    return chosen


async def _piled(settings: Settings, chosen: Callable[[Kept], bool], limit: int | None) -> Pile:
    """Return the letters chosen, piled up by their message."""
    pile = Pile(limit)
    async for kept in dead_letters.read(settings):
        if chosen(kept):
            pile.add(kept)
    return pile


def _row(kept: Kept, copies: int) -> tuple[str, ...]:
    letter = kept.letter
    if letter is None:
        return (kept.id, "?", "?", "written by another version of the tower")
    often = (f"({copies} times)",) if copies > 1 else ()
    return (
        kept.id,
        letter.reason.value,
        instant_text(letter.received_at),
        letter.detail,
        *often,
    )


def _pages(kept: Kept) -> list[str]:
    letter = kept.letter
    if letter is None:
        return [f"{kept.id} was written by another version of the tower"]
    raw = letter.raw or b""
    headers = [
        f"header       {_printable(name)}: {_text(value)}"
        for name, value in letter.headers.items()
    ]
    return [
        f"id           {kept.id}",
        f"index        {letter.index}",
        f"reason       {letter.reason.value}",
        f"detail       {_printable(letter.detail)}",
        f"received_at  {instant_text(letter.received_at)}",
        *headers,
        f"bytes        {len(raw)}",
        _text(raw),
    ]


def _text(octets: bytes) -> str:
    return _printable(octets.decode("utf-8", "backslashreplace"))


def _printable(text: str) -> str:
    """Return text that cannot steer a terminal: what does not print is shown escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
