# Everything a contributor or a CI needs; `make` alone lists it. Needs make and Python >= 3.11 with venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV ?= .venv
FOR ?=
RUNS ?= 30
SEED ?=
SHORT ?=
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
LOCK := env -u PIP_FIND_LINKS uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-header
SOURCES := models streams dashboards preview tests
GENERATED := deploy/grafana/dashboards deploy/prometheus/rules docs/lifecycle.md streams/dispatch/templates/notice.html.j2

.PHONY: help setup fmt lint types test coverage mutate integration rules generate check long crash bench history \
	preview demo lock secrets up down logs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(VENV)/.installed ## create the environment from the lock files (idempotent)

$(VENV)/.locked: requirements-dev.lock
	@command -v $(PYTHON) >/dev/null || \
		{ echo "The tower needs Python 3.11 or newer: install python3 or say make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "The tower needs Python 3.11 or newer, $(PYTHON) is older: say make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Python's venv module is missing: install the package python3-venv." >&2; exit 1; }
	@echo "Setting up $(VENV) from requirements-dev.lock; this takes about a minute."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

fmt: setup ## format the code and sort its imports
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

lint: setup ## check style and the arrows between packages
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports

types: setup ## check types: mypy everywhere, pyright on the pure part
	$(BIN)/mypy
	$(BIN)/pyright

test: setup ## run the quick tests, two at a time (some four minutes; starts its own Kafka)
	$(BIN)/pytest -m "not slow" -n 2 $(ARGS)

integration: setup ## run only the tests that need the embedded Kafka
	$(BIN)/pytest -m "kafka and not slow" $(ARGS)

long: setup ## run the long tests, three at a time: kills, restarts, whole files through a real Kafka
	$(BIN)/pytest -m slow -n 3 --dist loadscope --no-loadscope-reorder $(ARGS)

coverage: setup ## run the tests of what is judged; fail unless they take every branch of it
	$(BIN)/coverage run -m pytest -m "not slow and not kafka" tests/domain tests/models tests/explaining tests/docs \
		tests/test_codec.py tests/test_couriers.py tests/test_facts.py tests/test_rowcodec.py tests/test_rules.py
	$(BIN)/coverage report

mutate: setup ## change what judges orders, sign by sign, and list the changes no test notices (10 min at most)
	@rm -rf mutants
	timeout 600 $(BIN)/mutmut run --max-children 2 $(ARGS) || [ $$? = 124 ]
	$(BIN)/mutmut results

crash: setup ## play whole towers under faults and judge them by replay; make crash RUNS=30 SEED=7
	$(BIN)/python -m tests.crash --runs $(RUNS) $(if $(SEED),--seed $(SEED)) $(if $(SHORT),--short)
	@# A short form leaves to the tests what they play too.
	$(if $(SHORT),,$(BIN)/python -m tests.crash injection --runs 8 $(if $(SEED),--seed $(SEED)))
	$(if $(SHORT),,$(BIN)/python -m tests.crash mutants $(if $(SEED),--seed $(SEED)))

rules: setup ## check and test alerts, scrape and routing files with promtool and amtool
	@for tool in promtool amtool; do command -v $$tool >/dev/null || \
		{ echo "$$tool is missing: install the packages prometheus and prometheus-alertmanager." >&2; exit 1; }; done
	promtool check config deploy/prometheus/prometheus.yml
	promtool check rules --lint=all --lint-fatal deploy/prometheus/rules/*.yml
	promtool test rules deploy/prometheus/tests/*.yml
	amtool check-config deploy/alertmanager/alertmanager.yml

generate: setup ## write dashboards, Prometheus rules and the pages that code writes again
	$(BIN)/tower dashboards
	$(BIN)/python -m streams.pages
	$(BIN)/python -m streams.dispatch.mailing

check: lint types test rules generate ## all of the above, then fail if a generated file changed
	@git diff --exit-code -- $(GENERATED) || \
		{ echo "Generated files changed: review and commit them." >&2; exit 1; }

$(VENV)/bench/.installed: requirements-bench.lock | setup
	@$(PYTHON) -m venv $(VENV)/bench
	@$(VENV)/bench/bin/python -m pip --quiet --disable-pip-version-check install --require-hashes -r $<
	@touch $@

bench: $(VENV)/bench/.installed ## measure everything on this machine into var/benchmarks.md (docs/benchmarks.md)
	$(BIN)/python -m tests.bench --out var/benchmarks.md $(ARGS)

history: setup ## write four simulated weeks into var/history, for Prometheus (docs/boards.md)
	$(BIN)/python -m streams.history --into var/history

preview/built/page.js: preview/page.jsx preview/package.json
	@command -v npm >/dev/null || { echo "npm is missing: install node 20 or newer." >&2; exit 1; }
	cd preview && npm ci --no-audit --no-fund --ignore-scripts && npm run --silent build

preview: preview/built/page.js | setup ## draw the boards over var/history into var/preview, without a Grafana (docs/boards.md)
	$(BIN)/python preview/shoot.py --blocks var/history --into var/preview $(ARGS)

demo: setup ## run the whole tower on a simulated day until Ctrl-C; make demo FOR=60 stops after 60 seconds
	@# In a terminal the demo has a process group of its own (`exit` keeps bash there): Ctrl-C ends it, not make.
	@if [ -t 0 ]; then set -m; fi; $(BIN)/tower demo $(if $(FOR),--seconds $(FOR)) $(ARGS); exit $$?

secrets: ## write the secrets of the stack that are missing into deploy/secrets
	@mkdir -p -m 700 deploy/secrets
	@# A token's file is read by the user of a container; nobody else may enter the folder.
	@cd deploy/secrets; token() { $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(32))'; }; \
		for each in alertmanager_token desk_token grafana_admin; do [ -s $$each ] || token > $$each; done; \
		[ -s web_tokens ] || printf '%s alertmanager\n%s desk\n' "$$(cat alertmanager_token)" "$$(cat desk_token)" > web_tokens
	@echo "deploy/secrets is complete; the operations API takes the token in deploy/secrets/desk_token."

up: secrets ## start the stack of docker-compose.yml
	docker compose up --build --detach --wait

down: ## stop the stack of docker-compose.yml
	docker compose down

logs: ## follow the logs of worker and dispatcher
	docker compose logs --follow worker dispatcher

lock: ## resolve the lock files again (needs uv)
	@command -v uv >/dev/null || { echo "uv is missing: pip install uv." >&2; exit 1; }
	$(LOCK) pyproject.toml -o requirements.lock $(ARGS)
	$(LOCK) pyproject.toml --group dev -o requirements-dev.lock $(ARGS)
	$(LOCK) --group build -o requirements-build.lock $(ARGS)
	$(LOCK) --group bench -o requirements-bench.lock $(ARGS)

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
