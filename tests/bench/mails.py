"""Pictures of every mail in every language, as a browser shows them.

    python -m tests.bench.mails [FOLDER]

Needs Chromium (Debian: `apt-get install chromium fonts-noto-core`) on this machine; it opens
files only. One picture a language, the kinds below each other, small enough for a page.
"""

import base64
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import get_args

from models.contacts import ContactUpdate
from models.notices import DELAYS, NoticeCommand, NoticeKind
from streams.dispatch.languages import SPOKEN
from streams.dispatch.text import Links, write
from streams.errors import TowerError

FOLDER = Path("docs/mails")
LINKS = Links("https://shop.example/f/{order_id}", "https://shop.example/me")
HOUR = 3_600_000
NOON = 1_795_518_000_000  # 24 November 2026, 12:00 in Berlin
REASONS = {"attempt_failed": "not_home", "action_needed": "wrong_address_given"}
WIDTH, HEIGHT = 460, 400


def command(kind: NoticeKind) -> NoticeCommand:
    """Return a notice of a kind, of one parcel promised between two and four."""
    timed = kind in DELAYS or kind in {"near", "out_for_delivery"}
    eta = {"delay_cleared": 3 * HOUR, "near": HOUR // 4}.get(kind, 5 * HOUR)
    return NoticeCommand(
        notice_id=f"4711/1/{kind}/1", order_id="4711", kind=kind, version=1,
        cause="eta_after_promise" if kind in DELAYS else "happened", carrier="Nordpost",
        customer_id="ann", timezone="Europe/Berlin", promise_start=NOON + 2 * HOUR,
        promise_end=NOON + 4 * HOUR, eta=NOON + eta if timed else None, decided_at=NOON,
        expires_at=NOON + HOUR, reason=REASONS.get(kind),
    )  # fmt: skip


def page(locale: str) -> str:
    """Return all mails of a language on one page, two beside each other."""
    contact = ContactUpdate.model_validate(
        {"customer_id": "ann", "channels": [], "locale": locale}
    )
    frames = []
    for kind in get_args(NoticeKind):
        html = write(command(kind), contact, LINKS).html
        packed = base64.b64encode(html.encode()).decode()
        frames.append(
            f'<iframe width="{WIDTH}" height="{HEIGHT}" style="border:0"'
            f' src="data:text/html;charset=utf-8;base64,{packed}"></iframe>'
        )
    return f'<body style="margin:0;line-height:0">{"".join(frames)}</body>'


def picture(html: str, target: Path, browser: str, rows: int) -> None:
    """Let the browser draw a page into a file."""
    size = f"{2 * WIDTH},{rows * HEIGHT}"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(html, encoding="utf-8")
        subprocess.run(
            [
                browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                f"--user-data-dir={folder}/profile", f"--window-size={size}",
                "--virtual-time-budget=2000", f"--screenshot={target}", source.as_uri(),
            ],
            check=True, capture_output=True, timeout=120,
        )  # fmt: skip


def main() -> None:
    """Draw one picture a language."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise TowerError("There is no chromium here to draw the mails with.")
    folder.mkdir(parents=True, exist_ok=True)
    rows = -(-len(get_args(NoticeKind)) // 2)
    for locale in sorted(SPOKEN):
        picture(page(locale), (folder / f"{locale}.png").absolute(), browser, rows)


if __name__ == "__main__":
    main()
