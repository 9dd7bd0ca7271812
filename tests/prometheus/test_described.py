"""docs/metrics.md says of every series what a scrape of the processes shows."""

import pytest

from tests.prometheus.described import exposition, rows

pytestmark = [pytest.mark.kafka, pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.mark.parametrize("section", ["Worker", "Dispatcher"])
def test_the_document_and_a_scrape_name_the_same_series(scene, section):
    processes = scene.workers if section == "Worker" else [scene.dispatcher]
    exposed = exposition(*processes)
    documented = {row.name: row for row in rows() if row.section == section}
    assert documented.keys() == exposed.keys()
    for name, row in documented.items():
        assert row.type == exposed[name].type, name
        assert exposed[name].labels in (None, row.labels), name


def test_most_series_were_counted_in_the_scene(scene):
    exposed = exposition(*scene.workers, scene.dispatcher)
    silent = {name for name, row in exposed.items() if row.labels is None}
    assert len(silent) < len(exposed) / 4, silent
