"""`make preview`: pictures of the boards, drawn by Grafana's own components, without a Grafana.

Asks a running Prometheus what each panel asks, and lets a browser without a window draw the
answers (page.jsx). Grafana itself draws heat maps, tables and states a little differently.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from streams.history.blocks import serving

HERE = Path(__file__).parent
BOARDS = HERE.parent / "deploy" / "grafana" / "dashboards"
POINTS = 240
CELL, HEAD = 38, 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
NOTE = "Preview with Grafana's components, no Grafana. Data: a simulated month."

Json = dict[str, Any]


class Asked:
    """A Prometheus, asked for one stretch of time."""

    def __init__(self, base: str, until: datetime, hours: float, scale: float) -> None:
        self.scale = scale
        self._base = base.rstrip("/")
        self.to = int(until.timestamp())
        self.since = self.to - int(hours * 3_600)
        self.step = max(15, (self.to - self.since) // POINTS)
        # As Grafana has it for scrapes every 15 s; the simulated month has one in 240 s.
        self._values = {
            "__rate_interval": f"{max(self.step + 15, 600)}s",
            "carrier": ".+",
            "window": "7d",
        }

    def answer(self, target: Json) -> list[Json]:
        """Return the series that answer a query: their labels, and instants with values."""
        asked = re.sub(r"\$(\w+)", lambda name: self._values[name[1]], target["expr"])
        if target["instant"]:
            found = self._get("query", query=asked, time=self.to)
            return [each | {"values": [each["value"]]} for each in found]
        span = {"start": self.since, "end": self.to, "step": self.step}
        return self._get("query_range", query=asked, **span)

    def _get(self, path: str, **query: object) -> list[Json]:
        url = f"{self._base}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - the user's
            found: list[Json] = json.load(answer)["data"]["result"]
        return found


def shoot(board: Json, asked: Asked, browser: str, into: Path) -> None:
    """Write the picture of one board."""
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    answers = {
        panel["id"]: {each["refId"]: asked.answer(each) for each in panel["targets"]}
        for panel in panels
    }
    shown = {
        "board": board,
        "answers": answers,
        "from": asked.since,
        "to": asked.to,
        "step": asked.step,
        "note": NOTE,
    }
    bottom = max(each["gridPos"]["y"] + each["gridPos"]["h"] for each in panels)
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "board.js").write_text(f"window.BOARD = {json.dumps(shown)};")
        for built in (HERE / "built").iterdir():
            shutil.copy(built, folder)
        (folder / "index.html").write_text(
            '<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="page.css">'
            '<body><div id="root"></div><script src="board.js"></script>'
            '<script src="page.js"></script>'
        )
        subprocess.run(
            [
                browser,
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--hide-scrollbars",
                "--allow-file-access-from-files",
                "--virtual-time-budget=10000",
                f"--force-device-scale-factor={asked.scale}",
                f"--user-data-dir={folder}/profile",
                f"--window-size=1920,{bottom * CELL + HEAD}",
                f"--screenshot={into}",
                f"file://{folder}/index.html",
            ],
            check=True,
            capture_output=True,
        )


def main() -> None:
    """Read the command line, and write a picture a board."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--prometheus", default="", help="address of a running one; or")
    words.add_argument("--blocks", type=Path, help="the blocks that make history wrote")
    words.add_argument("--until", type=datetime.fromisoformat, help="default: now")
    words.add_argument("--hours", type=float, default=72)
    words.add_argument("--scale", type=float, default=1, help="of 1920 pixels; smaller files")
    words.add_argument("--into", type=Path, required=True)
    words.add_argument("--board", action="append", help="only these, by identifier")
    said = words.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("preview: a browser is missing: install the package chromium.")
    said.into.mkdir(parents=True, exist_ok=True)
    with nullcontext(said.prometheus) if said.prometheus else serving(said.blocks) as base:
        asked = Asked(base, said.until or datetime.now(UTC), said.hours, said.scale)
        for file in sorted(BOARDS.glob("*.json")):
            if said.board is None or file.stem in said.board:
                picture = said.into / f"{file.stem}.png"
                shoot(json.loads(file.read_text()), asked, browser, picture)
                print(picture)


if __name__ == "__main__":
    main()
