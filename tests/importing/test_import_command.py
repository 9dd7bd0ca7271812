"""`tower import` as a user runs it."""

import gzip
import json
import sys
from typing import NamedTuple

import pytest

from streams.cli.main import main

MAPPING = """\
schema: 1
common: {source: shop, order_id: "{id}"}
events: [{kind: delivered, occurred_at: "{when}"}]
"""
TABLE = "id,when\n1,2024-01-01T00:00Z\n2,25:99\n3,2024-01-01T00:02Z\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "shop.yaml").write_text(MAPPING, encoding="utf-8")
    (tmp_path / "good.csv").write_text(TABLE.replace("2,25:99\n", ""), encoding="utf-8")
    (tmp_path / "bad.csv").write_text(TABLE, encoding="utf-8")
    (tmp_path / "hopeless.csv").write_text("id,when\n1,never\n", encoding="utf-8")
    return tmp_path


class Run(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def run(folder, monkeypatch, capfd):
    """Run the command in the folder, within this process."""
    monkeypatch.chdir(folder)

    def command(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["import", *arguments])
        sys.stdout.flush()
        return Run(ended.value.code, *capfd.readouterr())

    return command


def test_events_go_to_standard_output_and_the_count_beside_it(run):
    done = run("shop.yaml", "good.csv")
    assert done.returncode == 0
    assert [json.loads(line)["order_id"] for line in done.stdout.splitlines()] == ["1", "3"]
    assert done.stderr == "good.csv: 2 events of 2 rows.\n"


def test_gz_is_compressed_and_the_same_bytes_every_time(folder, run):
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        assert run("shop.yaml", "good.csv", "--out", name).returncode == 0
    packed = (folder / "a.jsonl.gz").read_bytes()
    assert packed == (folder / "b.jsonl.gz").read_bytes()
    assert len(gzip.decompress(packed).splitlines()) == 2


def test_a_bad_row_stops_the_import_and_leaves_no_file(folder, run):
    done = run("shop.yaml", "bad.csv", "--out", "out.jsonl")
    assert done.returncode == 1
    assert done.stderr == (
        "tower: bad.csv row 2 column when: '25:99' is not an instant (line 3).\n"
    )
    assert sorted(each.suffix for each in folder.iterdir()) == [".csv"] * 3 + [".yaml"]


def test_bad_rows_can_be_left_out(run):
    done = run("shop.yaml", "bad.csv", "--skip-bad")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 2
    assert done.stderr == (
        "bad.csv row 2 column when: '25:99' is not an instant (line 3).\n"
        "bad.csv: 2 events of 2 rows, 1 bad row left out.\n"
    )


def test_a_table_of_bad_rows_alone_is_a_failure(run):
    done = run("shop.yaml", "hopeless.csv", "--skip-bad")
    assert done.returncode == 1
    assert done.stderr.endswith("tower: hopeless.csv has no row that could be read.\n")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("none.yaml", "good.csv"), "none.yaml cannot be read: No such file or directory."),
        (("shop.yaml", "none.csv"), "none.csv cannot be read: No such file or directory."),
        (("shop.yaml", "."), ". cannot be read: Is a directory."),
        (
            ("shop.yaml", "good.csv", "--out", "no/where.jsonl"),
            "no/where.jsonl cannot be written: No such file or directory.",
        ),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence(run, arguments, says):
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (1, f"tower: {says}\n")


def test_wrong_usage_and_help(run):
    assert run("shop.yaml").returncode == 2
    done = run("--help")
    assert done.returncode == 0
    assert "tower import examples/flights.yaml" in done.stdout
