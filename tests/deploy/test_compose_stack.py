"""The stack of docker-compose.yml, checked without a container engine."""

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from dashboards import rules
from streams.config import Settings
from streams.web.access import access
from tests.deploy.tools import output

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
ONCE = {"topics"}
CHECK = (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec")


@pytest.fixture(scope="module")
def services():
    return yaml.safe_load(COMPOSE.read_text())["services"]


@pytest.fixture(scope="module")
def scrape():
    return yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text())


def test_the_file_follows_the_compose_specification():
    assert "ok" in output(*CHECK, COMPOSE)


def test_the_validator_sees_a_mistake(tmp_path):
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchek:"))
    assert "healthchek" in output(*CHECK, wrong, code=1)


def test_the_services_are_those_of_the_tower(services):
    assert set(services) == {
        *("kafka", "topics", "worker", "dispatcher", "web", "mailpit"),
        *("prometheus", "alertmanager", "grafana"),
    }


def test_every_service_has_a_pinned_image_limits_and_says_how_it_is(services):
    for name, service in services.items():
        tag = service["image"].partition(":")[2]
        assert tag == "${TOWER_VERSION:-dev}" or re.fullmatch(r"v?\d+\.\d+\.\d+", tag), name
        assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name
        if name in ONCE:
            assert (service["restart"], service["healthcheck"]) == ("no", {"disable": True})
        else:
            assert service["restart"] == "unless-stopped", name
            assert service["healthcheck"]["test"], name


def test_only_kafka_s_image_chooses_its_own_user_who_is_not_root(services):
    users = {name: service.get("user") for name, service in services.items()}
    assert users.pop("kafka") is None  # appuser, 1000
    assert all(user and not user.startswith("0") for user in users.values()), users


def test_nothing_listens_beyond_this_machine(services):
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_every_service_waited_for_exists_and_says_what_is_waited_for(services):
    for service in services.values():
        for waited, how in service.get("depends_on", {}).items():
            ended = "completed_successfully" if waited in ONCE else "healthy"
            assert how == {"condition": f"service_{ended}"}
            assert "healthcheck" in services[waited]


def test_no_process_of_the_tower_starts_before_its_topics(services):
    for name in ("worker", "dispatcher", "web"):
        assert "topics" in services[name]["depends_on"]
    assert list(services["topics"]["depends_on"]) == ["kafka"]


def test_secrets_are_files_that_make_writes_and_nobody_commits(tmp_path):
    stack = yaml.safe_load(COMPOSE.read_text())
    used = {name for each in stack["services"].values() for name in each.get("secrets", [])}
    assert used == stack["secrets"].keys()
    (tmp_path / "Makefile").write_text((ROOT / "Makefile").read_text())
    for _ in range(2):
        output("make", "-C", tmp_path, "secrets", "PYTHON=" + sys.executable)
    made = {path: path.read_text() for path in (tmp_path / "deploy/secrets").iterdir()}
    assert {f"./{path.relative_to(tmp_path)}" for path in made} >= {
        each["file"] for each in stack["secrets"].values()
    }
    output("make", "-C", tmp_path, "secrets", "PYTHON=" + sys.executable)
    assert made == {path: path.read_text() for path in made}
    assert "/deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    callers = access("0.0.0.0", tmp_path / "deploy/secrets/web_tokens")  # noqa: S104
    sent = (tmp_path / "deploy/secrets/alertmanager_token").read_text().strip()
    assert callers.caller(f"Bearer {sent}").name == "alertmanager"
    routes = yaml.safe_load((ROOT / "deploy/alertmanager/alertmanager.yml").read_text())
    [hook] = [hook for each in routes["receivers"] for hook in each.get("webhook_configs", [])]
    inside = hook["http_config"]["authorization"]["credentials_file"]
    assert inside == "/run/secrets/alertmanager_token"
    assert stack["services"]["alertmanager"]["secrets"] == ["alertmanager_token"]
    port = Settings.model_fields["web_port"].default
    assert hook["url"] == f"http://web:{port}/hooks/alertmanager"


def test_every_mounted_file_is_in_the_repository_and_every_volume_declared(services):
    declared = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for service in services.values():
        for mount in service.get("volumes", []):
            usual = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", mount)
            source = usual.split(":")[0]
            assert (ROOT / source).is_dir() if source.startswith(".") else source in declared


def test_only_kafka_may_write_its_own_folder(services):
    assert [name for name, service in services.items() if not service.get("read_only")] == [
        "kafka"
    ]


def test_settings_of_the_tower_exist_and_are_accepted(services):
    known = {f"TOWER_{name.upper()}" for name in Settings.model_fields}
    for name in ("topics", "worker", "dispatcher", "web"):
        given = services[name]["environment"]
        assert set(given) <= known, name
        values = {
            key.removeprefix("TOWER_").lower(): re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
            for key, value in given.items()
        }
        settings = Settings.model_validate(values)
        assert settings.brokers == "kafka:19092"
        port = settings.web_port if name == "web" else settings.metrics_port
        assert name in ONCE or f":{port}/" in json.dumps(services[name]["healthcheck"])


def test_prometheus_scrapes_the_services_where_they_listen(services, scrape):
    jobs = {job["job_name"]: job for job in scrape["scrape_configs"]}
    for name in ("worker", "dispatcher"):
        [found] = jobs[f"tower-{name}"]["dns_sd_configs"]
        assert found["names"] == [name]
        assert str(found["port"]) == services[name]["environment"]["TOWER_METRICS_PORT"]
    [web] = jobs["tower-web"]["dns_sd_configs"]
    assert str(web["port"]) == services["web"]["environment"]["TOWER_WEB_PORT"]
    assert f'job="{jobs["tower-worker"]["job_name"]}"' == rules.JOB


def test_grafana_knows_the_scrape_interval_and_the_boards(services, scrape):
    provisioning = ROOT / "deploy/grafana/provisioning"
    sources = yaml.safe_load((provisioning / "datasources/tower.yml").read_text())
    [prometheus] = [each for each in sources["datasources"] if each["type"] == "prometheus"]
    assert prometheus["jsonData"]["timeInterval"] == scrape["global"]["scrape_interval"]
    [provider] = yaml.safe_load((provisioning / "dashboards/tower.yml").read_text())[
        "providers"
    ]
    mounts = [mount.split(":") for mount in services["grafana"]["volumes"]]
    inside = {target: source for source, target, *_ in mounts}
    home = services["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(provider["options"]["path"])
    board = home.replace(provider["options"]["path"], inside[provider["options"]["path"]])
    assert (ROOT / board).is_file()


def test_the_image_is_pinned_hash_locked_and_not_root():
    lines = (ROOT / "deploy/Dockerfile").read_text().splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM")}
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+", base) for base in bases)
    installs = [line for line in lines if "pip install" in line]
    assert all("--require-hashes" in line or "--no-deps" in line for line in installs)
    assert "USER 10001:10001" in lines
    copied = [part for line in lines if line.startswith("COPY ") for part in line.split()[1:-1]]
    sources = [part for part in copied if not part.startswith(("--", "/"))]
    assert all((ROOT / source).exists() for source in sources)
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    assert all(f"!{source}" in allowed for source in sources)
