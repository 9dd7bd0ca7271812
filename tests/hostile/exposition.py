"""What `/metrics` must be, whatever was sent: readable by Prometheus and bounded."""

import subprocess

from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.tools import tool

MOST_VALUES = 201  # of one label: 200 carriers and `other`
MOST_BYTES = 2_000_000


def families(text):
    """Return the metrics of an exposition in the text format."""
    return list(text_string_to_metric_families(text))


def label_values(found):
    """Return the distinct values of each label of each metric."""
    values = {}
    for family in found:
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault((family.name, label), set()).add(value)
    return values


def checked(process):
    """Check what a process exposes, in both formats, and return its metrics."""
    text = process.metrics()
    assert len(text.encode()) < MOST_BYTES
    found = families(text)
    assert all(len(each) <= MOST_VALUES for each in label_values(found).values())
    assert not [each.name for each in found if each.name.endswith("_created")]
    linted(text)
    status, kind, body = process.get("metrics", "application/openmetrics-text; version=1.0.0")
    assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
    assert {each.name for each in openmetrics_families(body)} >= {"tower_build"}
    return found


def linted(text):
    """Have promtool look at an exposition."""
    promtool = tool("promtool", "prometheus")
    ran = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr.strip()) == (0, ""), ran.stdout + ran.stderr
