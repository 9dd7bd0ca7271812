"""The frame of the project holds together: files, targets, words, links and locked versions."""

import ast
import os
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from streams.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
DOCS = sorted(f"docs/{path.name}" for path in ROOT.glob("docs/*.md"))
PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", *DOCS]
LOCKS = [
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-build.lock",
    "requirements-bench.lock",
]

# Written in two pieces, so that this file does not contain what it forbids.
FORBIDDEN = [
    "/" + rest for rest in ("work/main", "work/shared", "root/", "home/runner", "Users/")
] + [
    host + rest
    for host, rest in (
        ("pypi.", "org"),
        ("pythonhosted", ".org"),
        ("npmjs", ".org"),
        ("repo1.maven", ".org"),
        ("maven.apache", ".org/maven2"),
        ("deb.debian", ".org"),
        ("crates", ".io"),
    )
]


@cache
def tracked():
    """Return the tracked files that exist; an archive without git has none to check."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


@cache
def text(name):
    return (ROOT / name).read_text()


@cache
def locked(name):
    """Return the versions a lock file pins, by canonical name."""
    return {
        canonicalize_name(found[1]): found[2]
        for found in re.finditer(r"(?m)^([A-Za-z0-9_.-]+)(?:\[[^]]*\])?==([^\s;]+)", text(name))
    }


def targets():
    return re.findall(r"(?m)^([a-z][a-z-]*):(?!=)", text("Makefile"))


def test_no_tracked_file_names_a_machine_or_a_registry():
    found = []
    for path in tracked():
        try:
            content = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [(path.relative_to(ROOT), word) for word in FORBIDDEN if word in content]
    assert found == []


def test_every_module_says_its_idea_in_its_first_line():
    silent = [
        path.relative_to(ROOT)
        for path in tracked()
        if path.suffix == ".py" and (code := path.read_text())
        if not ast.get_docstring(ast.parse(code))
    ]
    assert silent == []


def test_every_make_target_is_documented_and_phony():
    documented = re.findall(r"(?m)^([a-z][a-z-]*):[^=\n]*## \S", text("Makefile"))
    assert documented == targets()
    phony = re.search(r"\.PHONY: ((?:.*\\\n)*.*)", text("Makefile"))[1].replace("\\\n", " ")
    assert sorted(phony.split()) == sorted(targets())


def test_make_alone_lists_the_targets():
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "ARGS"))
    }
    done = subprocess.run(
        ["make"], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert [line.split()[1] for line in done.stdout.splitlines()] == targets()


@pytest.mark.parametrize(("given", "seconds"), [([], None), (["FOR=60"], "60")])
def test_make_demo_runs_until_somebody_stops_it_unless_told_how_long(given, seconds):
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("MAKE", "MFLAGS", "ARGS"))
    }
    done = subprocess.run(
        ["make", "-n", "demo", *given],
        cwd=ROOT, env=env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"tower demo(?: --seconds (\d+))? *;", done.stdout)
    assert found
    assert found[1] == seconds


@pytest.mark.parametrize("page", [*PAGES, ".ci/run"])
def test_pages_name_only_targets_and_commands_that_exist(page):
    said = text(page)
    assert set(re.findall(r"`?make ([a-z]+)(?:`| FOR|$|;)", said)) <= set(targets())
    assert set(re.findall(r"(?m)`tower ([a-z-]+)", said)) <= set(COMMANDS)
    assert set(re.findall(r"(?m)^tower ([a-z-]+)", said)) <= set(COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", text(page))
    missing = [
        link
        for link in links
        if "://" not in link and not ((ROOT / page).parent / link).exists()
    ]
    assert missing == []


def test_the_readme_links_every_page():
    assert {page for page in DOCS if f"]({page})" not in text("README.md")} == set()


def test_the_first_screen_shows_what_it_is_and_how_to_start():
    screen = "\n".join(text("README.md").splitlines()[:40])
    assert "make demo" in screen
    assert "make test" in screen
    assert "order-events" in screen
    assert "Python 3.11" in screen


def test_contributing_begins_with_the_welcome():
    assert (
        text("CONTRIBUTING.md")
        .splitlines()[2]
        .startswith("Patches that make the code simpler are welcome")
    )


def test_the_glossary_explains_every_word_once():
    words = [
        word.strip()
        for cell in re.findall(r"(?m)^\| \*\*([^*]+)\*\*", text("docs/glossary.md"))
        for word in cell.split(",")
    ]
    assert len(words) == len(set(words))
    named = {"order", "parcel", "stop", "route", "courier", "hub", "attempt", "ETA", "lateness"}
    assert named | {"deviation", "event time", "receipt time", "promise", "topic"} <= set(words)


def test_labels_of_rules_are_words_of_the_glossary():
    rules = "".join(path.read_text() for path in ROOT.glob("deploy/prometheus/rules/*.yml"))
    labels = set(re.findall(r"(\w+)=~?\"", rules)) - {"job", "slo", "le"}
    groups = re.findall(r"by \(([\w, ]+)\)", rules)
    labels |= {label for group in groups for label in group.split(", ")}
    labels -= {"kpi", "slo", "le"}
    glossary = text("docs/glossary.md")
    assert labels
    assert {label for label in labels if f"**{label}" not in glossary} == set()


def test_names_of_series_use_the_words_of_the_glossary():
    avoided = re.findall(r"(?m)^\| \*\*[^|]+\|[^|]+\| ([a-z, ]+) \|$", text("docs/glossary.md"))
    words = {word.strip() for cell in avoided for word in cell.split(",")}
    names = set(re.findall(r"tower_\w+", text("deploy/grafana/dashboards/tower-overview.json")))
    assert {"driver", "try"} <= words
    assert [name for name in names if words & set(name.split("_"))] == []


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_its_hashes(name):
    entries = re.split(r"(?m)^(?=[A-Za-z0-9])", text(name))[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text(name)
    assert "--index" not in text(name)


def test_the_locks_agree_with_each_other():
    for name in ("requirements.lock", "requirements-build.lock"):
        assert locked(name).items() <= locked("requirements-dev.lock").items(), name


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads(text("pyproject.toml"))
    asked = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-dev.lock": [
            each for each in project["dependency-groups"]["dev"] if isinstance(each, str)
        ],
        "requirements-build.lock": project["dependency-groups"]["build"],
        "requirements-bench.lock": project["dependency-groups"]["bench"],
    }
    for name, requirements in asked.items():
        for requirement in map(Requirement, requirements):
            version = locked(name).get(canonicalize_name(requirement.name))
            assert version, f"{requirement} is not in {name}: run make lock"
            assert requirement.specifier.contains(version), f"run make lock: {requirement}"


def test_the_ci_script_is_executable_and_parses():
    script = ROOT / ".ci/run"
    assert script.stat().st_mode & 0o111 == 0o111
    subprocess.run(["bash", "-n", script], check=True)


def test_the_licence_is_whole():
    licence = text("LICENSE")
    assert "Version 2.0, January 2004" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    assert tomllib.loads(text("pyproject.toml"))["project"]["license"] == "Apache-2.0"


def test_the_changelog_has_the_version():
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    headings = re.findall(r"(?m)^## \[([^]]+)\]", text("CHANGELOG.md"))
    assert headings[:2] == ["Unreleased", version]
