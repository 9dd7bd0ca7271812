"""docs/getting-started.md does what it says: its commands, in their order, in one shell."""

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PAGE = Path(__file__).parents[2] / "docs" / "getting-started.md"
PORTS = ("9092", "9464", "9465", "9466", "2525")
SETUP = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT\n"


def free_ports(count):
    """As many ports as nobody listens on now, all different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def commands():
    """The commands of the page, with free ports in place of the usual ones."""
    text = "".join(re.findall(r"(?ms)^```sh\n(.*?)^```$", PAGE.read_text()))
    for usual, port in zip(PORTS, free_ports(len(PORTS)), strict=True):
        assert usual in text
        text = re.sub(rf"\b{usual}\b", str(port), text)
    return text


@pytest.mark.timeout(400)
def test_the_commands_of_the_page_do_what_it_says(tmp_path):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in os.environ.items() if not name.startswith("TOWER_")}
    done = subprocess.run(
        ["bash", "-c", SETUP + commands()], cwd=tmp_path, env=env | {"PATH": path},
        capture_output=True, text=True, timeout=390, check=False,
    )  # fmt: skip
    logs = "".join(each.read_text()[-1_500:] for each in sorted(tmp_path.glob("*.log")))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    for said in (
        "No findings.",
        "Nothing differs.",
        "bad_json",
        "this is no event",
        "tower_build_info",
    ):
        assert said in done.stdout
    live, replayed = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("report", "replay")
    )
    for block in (live["total"], replayed["total"]):
        assert block["delivery_time"]["due"] > 100
    live, replayed = (each["total"]["delivery_time"] for each in (live, replayed))
    # revisions depend on when a tower heard of things, and are the page's to leave out
    assert live | {"revisions": None} == replayed | {"revisions": None}
    assert json.loads((tmp_path / "mails.jsonl").read_text().splitlines()[0])["to"]
