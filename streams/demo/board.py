"""The scoreboard in the terminal: carriers, orders at risk, notices, the latest mail."""

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from models.base import Millis
from streams.demo.watch import Watch
from streams.domain.zones import instant
from streams.reporting import kpi_table

SHOWN_AT_RISK = 4
WHOLE_MAIL_FROM = 45  # lines of the terminal
REASONS = {
    "eta_after_promise": "ETA past the promise",
    "silent": "nobody has touched it yet",
}


def board(watch: Watch, heading: str, addresses: dict[str, str], height: int) -> RenderableType:
    """Return the whole picture; where `height` lines are few, of the mail only the subject."""
    report = watch.report()
    parts: list[RenderableType] = [Text(heading, style="bold")]
    if report is None:
        parts.append(Text("The tower is catching up with the hours before ..."))
        return Group(*parts)
    notices = report["total"]["notices"]
    parts += [
        kpi_table(report),
        Text(
            f"Notices: {notices['requested']} requested, {notices['sent']} sent, "
            f"{sum(notices['suppressed'].values())} suppressed, {notices['failed']} failed, "
            f"{notices['waiting']} waiting"
        ),
        _at_risk(watch),
        _latest_mail(watch, whole=height >= WHOLE_MAIL_FROM),
    ]
    if addresses:
        where = "   ".join(f"{name} {where}" for name, where in addresses.items())
        parts.append(Text(f"{where}   Ctrl-C stops", style="dim"))
    return Group(*parts)


def clock_text(at: Millis) -> str:
    """Return an instant for people: UTC, to the minute."""
    return instant(at).strftime("%H:%M UTC")


def _at_risk(watch: Watch) -> Table:
    table = Table(
        title="Orders at risk", title_justify="left", box=SIMPLE_HEAD, show_edge=False
    )
    for name in ("order", "carrier", "promised by", "expected", "why"):
        table.add_column(name)
    waiting = watch.at_risk()
    for each in waiting[:SHOWN_AT_RISK]:
        table.add_row(
            each.order_id,
            each.carrier,
            clock_text(each.promise_end),
            "unknown" if each.eta is None else clock_text(each.eta),
            REASONS[each.cause],
        )
    if len(waiting) > SHOWN_AT_RISK:
        table.add_row(f"and {len(waiting) - SHOWN_AT_RISK} more", "", "", "", "")
    return table


def _latest_mail(watch: Watch, *, whole: bool) -> RenderableType:
    if not watch.mails:
        return Panel("No customer had to be told yet.", title="Latest mail")
    mail = watch.mails[-1]
    if not whole:
        return Text(f"Latest mail: {mail.subject}")
    return Panel(
        Text(f"To: {mail.recipient}\nSubject: {mail.subject}\n\n{mail.text.strip()}"),
        title="Latest mail, as the customer sees it",
    )
