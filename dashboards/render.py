"""Boards and rules as files: the same code, the same bytes, so that a review sees a change."""

import json
from pathlib import Path
from typing import Any

import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model

from dashboards import customers, overview, pipeline, risk, rules, scorecard
from dashboards.links import PLACES, Places

BOARDS = (overview, scorecard, risk, customers, pipeline)
RULES = "prometheus/rules"
HEADER = "# Written by `tower dashboards` from dashboards/; change that, not this.\n"


def files(at: Places = PLACES) -> dict[str, str]:
    """Return every generated file: its path below deploy/, and its text."""
    built = [each.board().build() for each in BOARDS]
    boards = {f"grafana/dashboards/{board.uid}.json": written(board) for board in built}
    return boards | {
        f"{RULES}/{name}.yml": HEADER + _yaml({"groups": groups})
        for name, groups in rules.files(at).items()
    }


def write(folder: Path, at: Places = PLACES) -> list[Path]:
    """Write the files below a folder and return those whose bytes changed."""
    changed = []
    for name, text in files(at).items():
        path = folder / name
        if path.exists() and path.read_bytes() == text.encode():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        changed.append(path)
    return changed


def written(board: model.Dashboard) -> str:
    """Return the text of a board, with what the SDK leaves out or says too much mended."""
    shown: dict[str, Any] = json.loads(JSONEncoder().encode(board))
    # The SDK numbers no panel, and links to panels need numbers.
    for number, panel in enumerate(shown["panels"], start=1):
        panel["id"] = number
        # Where a click leads is of the type of a board's link, with more than it needs.
        said = panel.get("fieldConfig", {}).get("defaults", {})
        for link in said.get("links", []):
            said["links"] = [{"title": link["title"], "url": link["url"]}]
    # The SDK's default placement hides links and alerts in a menu.
    for each in (*shown["links"], *shown["annotations"]["list"]):
        del each["placement"]
    return json.dumps(shown, sort_keys=True, indent=2, ensure_ascii=False) + "\n"


def _yaml(value: object) -> str:
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=1000, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes text of several lines as a block, which is how people read an expression."""


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
