# Two commands matter: `make demo` and `make test`. Both set up everything they need.
# Python 3.11 and make are all that must be there before.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RUNTIME_STAMP := $(VENV)/.runtime-installed
DEV_STAMP := $(VENV)/.dev-installed
SUDO := $(if $(filter-out 0,$(shell id -u)),sudo)
CHROMIUM := $(firstword $(shell command -v chromium chromium-browser google-chrome 2>/dev/null))

.PHONY: demo test lint bench generated setup-system requirements clean

demo: $(RUNTIME_STAMP)  ## forecast -> plan -> certificate -> dispatch -> observed load -> replan
	$(BIN)/fermata demo $(ARGS)

test: $(DEV_STAMP) setup-system  ## every test, PostgreSQL and the browser included
	$(BIN)/python -m pytest $(IN_PARALLEL) $(ARGS)

IN_PARALLEL := --numprocesses 2 --dist loadfile  # most tests wait for processes of their own

lint: $(DEV_STAMP)  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(RUNTIME_STAMP)  ## every benchmark: tables on the screen, JSON under var/bench
	mkdir -p var/bench
	for name in scheduler realtime threads tenants variance doors live live_simulated native planning replans certify forecasting; do $(BIN)/python -m bench.$$name --json var/bench/$$name.json || exit 1; done

generated: $(DEV_STAMP)  ## write anew the API's description and its Python client
	$(BIN)/python -m tools.build_client

setup-system:  ## the one system package that tests need: a Chromium for the browser tests
ifeq ($(CHROMIUM),)
	$(SUDO) apt-get update && $(SUDO) apt-get install -y --no-install-recommends chromium
endif

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(RUNTIME_STAMP): requirements/build.txt requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(PIP) install --require-hashes -r requirements/build.txt
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(DEV_STAMP): requirements/dev.txt $(RUNTIME_STAMP)
	$(PIP) install --require-hashes -r requirements/dev.txt
	touch $@

requirements: $(VENV)/bin/python  ## pin anew what pyproject.toml asks for
	$(PIP) install uv
	echo "setuptools>=77" | $(BIN)/uv pip compile - $(COMPILE) --output-file requirements/build.txt
	$(BIN)/uv pip compile pyproject.toml --all-extras $(COMPILE) --output-file requirements/dev.txt
	$(BIN)/uv pip compile pyproject.toml --extra dispatcher $(COMPILE) $(AS_TESTED) --output-file requirements/dispatcher.txt
	$(BIN)/uv pip compile pyproject.toml --extra server --extra dispatcher $(COMPILE) $(AS_TESTED) --output-file requirements/runtime.txt

COMPILE := --quiet --generate-hashes --python-version 3.11 --custom-compile-command "make requirements"
AS_TESTED := --constraint requirements/dev.txt

clean:  ## forget the environment and the local state
	rm -rf $(VENV) var build *.egg-info
