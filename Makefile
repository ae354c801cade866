# Every command installs what it needs into .venv; nothing else on the machine is touched.
PYTHON ?= python3
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
	--no-emit-trusted-host --allow-unsafe --strip-extras

.PHONY: setup setup-dev demo down check test faults audit schemas evidence lock
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else f"renown: Python {v[0]}.{v[1]} found, 3.11 or 3.12 needed; run make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "renown: installing the locked packages into .venv, about a minute the first time"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@echo "renown: compiling the kernels, half a minute the first time"
	@$(BIN)/python -m streams.warm
	@touch $@

.venv/.installed-dev: requirements-dev.lock .venv/.installed
	@echo "renown: installing the locked tools for checks and tests"
	@$(INSTALL) --require-hashes -r requirements-dev.lock
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

# QUICK=1 for the ten-minute selection.
faults: setup-dev
	@$(BIN)/renown faults $(if $(QUICK),--quick)

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
	$(COMPILE) --all-extras -o requirements-dev.lock pyproject.toml
