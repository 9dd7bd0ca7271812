"""`tower dead-letters`: look at what was set aside and send it again."""

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from models.letters import DeadLetter, Reason
from streams import dead_letters
from streams.cli.options import Brokers, Namespace, run, settings_from
from streams.config import Settings
from streams.dead_letters import Kept
from streams.errors import TowerError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    help="Look at what was set aside and send it again.",
)

WhyOption = Annotated[Reason | None, typer.Option("--reason", help="Only letters of a reason.")]


@app.command("list")
def list_(
    reason: WhyOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    brokers: Brokers = None,
    namespace: Namespace = None,
) -> None:
    """List the letters, the newest last: id, reason, when it arrived, what was wrong.

    Example: tower dead-letters list --reason bad_time --limit 20
    """
    settings = settings_from(brokers=brokers, namespace=namespace)
    kept, total = run(_newest(settings, _chosen(reason, ()), limit))
    for each in kept:
        print(*map(_printable, _row(each)), sep="  ")
    print(
        f"{total} dead letters, the newest {len(kept)} shown." if total else "No dead letters."
    )


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
    kept, _ = run(_newest(settings, _chosen(None, (letter_id,)), limit=100))
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
    """Send the bytes of letters to their inbound topic again, once the cause is mended.

    Example: tower dead-letters replay --reason unknown_kind
    """
    settings = settings_from(brokers=brokers, namespace=namespace)
    ids = tuple(letter_ids or ())
    kept, _ = run(_newest(settings, _chosen(reason, ids), limit=None))
    absent = set(ids) - {each.id for each in kept}
    if absent:
        raise TowerError(f"There is no such dead letter: {', '.join(sorted(absent))}.")
    done = run(dead_letters.replay(settings, kept))
    left = f"; {done.left} came from no inbound topic and stay" if done.left else ""
    print(f"Sent {done.sent} again{left}.")


def _chosen(reason: Reason | None, ids: tuple[str, ...]) -> Callable[[Kept], bool]:
    def chosen(kept: Kept) -> bool:
        if ids and kept.id not in ids:
            return False
        return reason is None or (kept.letter is not None and kept.letter.reason == reason)

    return chosen


async def _newest(
    settings: Settings, chosen: Callable[[Kept], bool], limit: int | None
) -> tuple[list[Kept], int]:
    """Return the newest letters, oldest first, and how many there are in all."""
    newest: dict[str, deque[Kept]] = {}
    total = 0
    async for kept in dead_letters.read(settings):
        if chosen(kept):
            total += 1
            source = kept.id.rsplit("/", 1)[0]
            newest.setdefault(source, deque(maxlen=limit)).append(kept)
    kept_now = sorted((each for kept in newest.values() for each in kept), key=_when)
    return kept_now[-limit:] if limit else kept_now, total


def _when(kept: Kept) -> tuple[int, str]:
    return (kept.letter.received_at if kept.letter else 0, kept.id)


def _row(kept: Kept) -> tuple[str, str, str, str]:
    letter = kept.letter
    if letter is None:
        return (kept.id, "?", "?", "written by another version of the tower")
    return (kept.id, letter.reason.value, _instant(letter), letter.detail)


def _pages(kept: Kept) -> list[str]:
    letter = kept.letter
    if letter is None:
        return [f"{kept.id} was written by another version of the tower"]
    raw = letter.raw or b""
    headers = [
        f"header       {_printable(name)}: {value!r}" for name, value in letter.headers.items()
    ]
    return [
        f"id           {kept.id}",
        f"index        {letter.index}",
        f"reason       {letter.reason.value}",
        f"detail       {_printable(letter.detail)}",
        f"received_at  {_instant(letter)}",
        *headers,
        f"bytes        {len(raw)}",
        _printable(raw.decode("utf-8", "backslashreplace")),
    ]


def _printable(text: str) -> str:
    """Return text that cannot steer a terminal: what does not print is shown escaped."""
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def _instant(letter: DeadLetter) -> str:
    moment = datetime.fromtimestamp(letter.received_at / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
