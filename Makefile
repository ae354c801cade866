# Every command installs what it needs into .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --allow-unsafe --strip-extras

.PHONY: setup setup-dev demo down check test examples browser screenshots profile faults operations audit schemas evidence lock
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else f"renown: Python {v[0]}.{v[1]} found, 3.11 or 3.12 needed; run make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "renown: installing the locked packages into .venv, about a minute the first time"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@echo "renown: compiling the kernels, half a minute the first time"
	@$(BIN)/python -m agents.warm
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@echo "renown: installing the locked tools for checks and tests"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.installed-browser: requirements-browser.lock .venv/.installed-dev
	@echo "renown: installing the locked tools for tests in a browser"
	@$(INSTALL) --require-hashes -r requirements-browser.lock
	@touch $@

setup: .venv/.installed

setup-dev: .venv/.installed-dev

demo: setup
	@$(BIN)/renown demo

down: setup
	@$(BIN)/renown down

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: setup-dev
	$(BIN)/python -m pytest

# Of docs/redis.md; Node, Go and Java where they are installed, with clients that the lock files pin.
examples: setup-dev
	@$(BIN)/python -m tests.examples

# Needs a Chromium on PATH (apt install chromium), which `make test` must not.
browser: .venv/.installed-browser
	$(BIN)/python -m pytest tests/browser

# Of a running `renown serve`.
screenshots: .venv/.installed-browser
	$(BIN)/python -m tests.browser.screenshots $(or $(ADDRESS),http://127.0.0.1:8080) docs

# Where a worker's time goes: a table, and a flame graph in build/profile.svg.
profile: setup-dev
	@mkdir -p build
	$(BIN)/renown bench pipeline --runs 1 --events 300000 --users 100000 --workers 1 --profile build/profile.pstats
	$(BIN)/renown bench pipeline --runs 1 --events 300000 --users 100000 --workers 1 --flame build/profile.svg

# QUICK=1 for the ten-minute selection.
faults: setup-dev
	@$(BIN)/renown faults $(if $(QUICK),--quick)

# Prometheus, kustomize and a reader of compose files, from sources that go.sum pins; takes Go, and minutes the first time.
TOOLS := build/tools
$(TOOLS)/.built: deploy/tools/go.sum
	@command -v go >/dev/null || { echo "renown: go not found; make operations builds its tools with Go 1.26.7 or later"; exit 1; }
	cd deploy/tools && go build -tags remove_all_sd,enable_dns_sd -trimpath -o $(CURDIR)/$(TOOLS)/ tool
	@touch $@

operations: setup-dev $(TOOLS)/.built
	@$(BIN)/python -m tests.operations $(TOOLS)

# The recordings are not ours to ship: docs/evidence.md says whose they are.
DATA ?= $(or $(RENOWN_DATASETS),datasets)
evidence: setup-dev
	$(BIN)/renown evidence $(DATA) --to docs

audit: setup-dev
	@$(BIN)/python -m deploy.audit

schemas: setup
	$(BIN)/python -m schemas.json_schema schemas/json

lock: setup-dev
	$(COMPILE) --extra stream --extra local --extra build -o requirements.lock pyproject.toml
	$(COMPILE) $(foreach extra,stream local evidence faults build dev,--extra $(extra)) -o requirements-dev.lock pyproject.toml
	$(COMPILE) --extra browser --constraint requirements-dev.lock -o requirements-browser.lock pyproject.toml
