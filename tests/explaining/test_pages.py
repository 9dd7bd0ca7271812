"""docs/architecture.md names what exists; docs/topics.md says what streams/topics.py says."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from streams.ingest import FEED_TICK, RECEIVED_AT
from streams.topics import DAY_MS, HOUR_MS, MIB, TOPICS

ROOT = Path(__file__).parents[2]
PAGES = ["docs/architecture.md", "docs/topics.md"]
FILE = r"`((?:models|streams|tests|dashboards)/[\w./]*)`"


def text(page):
    return (ROOT / page).read_text()


@cache
def names(path):
    """Return what a module defines: functions, classes, their members, assignments."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        if isinstance(node, ast.Assign):
            found |= {each.id for each in node.targets if isinstance(each, ast.Name)}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.ClassDef):
            found.add(node.name)
            found |= {
                f"{node.name}.{each.name}"
                for each in node.body
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_file_and_folder_that_is_named_exists(page):
    named = re.findall(FILE, text(page))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", PAGES)
def test_every_name_is_defined_where_the_page_says(page):
    named = re.findall(rf"{FILE} · `([\w.]+)`", text(page))
    assert named
    assert [(path, name) for path, name in named if name not in names(path)] == []


def test_every_step_of_the_walk_names_a_file_and_a_name():
    page = text("docs/architecture.md").split("## One event, step by step", 1)[1]
    walk = re.findall(r"(?m)^\| (\d+) \| .+ \| ([^|]+) \|$", page.split("\n## ", 1)[0])
    assert [int(number) for number, _ in walk] == list(range(1, len(walk) + 1))
    assert len(walk) > 20
    for _, where in walk:
        for place in where.split("; "):
            assert re.fullmatch(rf"{FILE} · `[\w.]+`", place), place


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#:]+)", text(page))
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def cleanup(topic):
    """Say a topic's settings as the page does."""
    config = topic.config
    if config["cleanup.policy"] == "delete":
        kept = int(config["retention.ms"])
        parts = ["kept for ever" if kept == -1 else f"delete {kept // DAY_MS} d"]
    else:
        parts = [f"compact {int(config['min.compaction.lag.ms']) // HOUR_MS} h"]
    if "message.timestamp.type" in config:
        parts.append(config["message.timestamp.type"])
    if "max.message.bytes" in config:
        parts.append(f"{int(config['max.message.bytes']) // MIB} MiB")
    return ", ".join(parts)


def test_the_page_of_topics_has_each_topic_with_its_settings():
    table = text("docs/topics.md").split("\n## ")[0]
    rows = re.findall(r"(?m)^\| `([\w-]+)` \|.*\| ([^|]+) \|$", table)
    assert rows == [(topic.name, cleanup(topic)) for topic in TOPICS]
    one_partition = re.findall(r"(?m)^\| `([\w-]+)` \|.*one partition", table)
    assert one_partition == [topic.name for topic in TOPICS if topic.partitions == 1]


def test_the_headers_are_those_of_the_code():
    page = text("docs/topics.md")
    table = page.split("\n## Headers")[1].split("\n## ")[0]
    said = set(re.findall(r"(?m)^\| `([\w-]+)` \|", table))
    assert said == {
        RECEIVED_AT, FEED_TICK, "received_at", "origin", "unknown", "kind", "caught_up",
    }  # fmt: skip
