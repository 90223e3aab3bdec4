# Signalbox: everything a developer does. Needs Python 3.11 to 3.13, make, and for the real broker a C compiler.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
AZURITE := local/azurite
INSTALLED_AZURITE := $(AZURITE)/node_modules/.package-lock.json
SDKS := tests/sources/sdks
KUSTO := tests/infra/kusto
ACTIONLINT := 1.7.12

# The newest Python that really runs: a version manager's shim may be on the path and only print an error.
SUITABLE := import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
	$$name -c '$(SUITABLE)' >/dev/null 2>&1 && { echo $$name; break; }; done)

PIP := $(BIN)/python -m pip --disable-pip-version-check install --require-hashes
# Counts what pip has fetched, on a terminal only: a log has no use for it.
COUNT := awk -v shown="$$(test -t 2 && echo 1 || true)" '/^Collecting/ && shown {printf "\r  %d packages", ++n; fflush()} END {if (n) print ""}'
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --loglevel=error
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 4
ARGS ?=

.PHONY: help
help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter of a new environment; ARGS='-k words' goes to pytest;"
	@echo "  EMBEDDED=1 runs with the embedded queue in the broker's place."

.PHONY: run
run: setup  ## Start everything and send the sample; ONCE=1 stops after it
	@$(BIN)/python -m local run

.PHONY: test
test: setup sdks  ## Run the whole suite, with Azurite and the broker
	@$(PYTEST) $(ARGS)

.PHONY: check
check: lint types layers infra test-all  ## Run what CI runs: formatting, lint, types, layers, templates, all tests

.PHONY: bench
bench: setup  ## Measure each part of the way, and the accept path against the plain design
	@$(BIN)/python -m bench

REQUESTS ?= 200000
.PHONY: fuzz
fuzz: setup  ## Send REQUESTS=200000 bent and hostile requests to the running stack; FUZZ_SEED repeats them
	@FUZZ_REQUESTS=$(REQUESTS) $(BIN)/python -m pytest tests/fuzz -q -s -p no:randomly

.PHONY: soak
soak: setup  ## Kill hosts 600 times over 100,000 events in half an hour or more, and print what came of it
	@SIGNALBOX_KILL_ROUNDS=$${SIGNALBOX_KILL_ROUNDS:-20} \
		$(BIN)/python -m pytest tests/kill/test_random_kills.py -q -p no:randomly -o log_cli=true $(ARGS)

.PHONY: verify-azure
verify-azure: setup  ## Run the contract, fault and smoke tests on a real account and namespace, which VERIFY_... name
	@SIGNALBOX_VERIFY=1 $(BIN)/python -m pytest tests/verify -q -p no:randomly $(ARGS)

.PHONY: sdks
sdks: $(STAMPS)/sdks $(STAMPS)/actionlint-$(ACTIONLINT)  ## Install the SDKs of vendors that tests sign with; test does it, too
	@:

TEMPLATES := $(VENV)/templates
.PHONY: infra
infra: setup $(STAMPS)/templates  ## Check the deployment's templates, with checkov and by Microsoft's own models
	@$(TEMPLATES)/bin/checkov --config-file infra/.checkov.yaml \
		-o cli -o json --output-file-path console,$(TEMPLATES)/found.json
	@! grep -q '"parsing_errors": [1-9]' $(TEMPLATES)/found.json || { echo "checkov cannot read a template"; exit 1; }
	@SIGNALBOX_REQUIRE_REAL=1 $(BIN)/python -m pytest -q tests/infra

SUDO := $(shell test "$$(id -u)" = 0 || echo sudo)
.PHONY: browser
browser:  ## Install Chromium from Debian's packages, for the test of web pages
	@command -v chromium >/dev/null || { echo "Installing Chromium (about half a minute)"; \
		$(SUDO) apt-get update -qq && $(SUDO) env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends chromium >/dev/null; }

.PHONY: format
format: setup  ## Format the code and repair what lint can repair
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

.PHONY: clean
clean:  ## Remove the environment and all caches; local data in .local/ stays
	@rm -rf $(VENV) $(AZURITE)/node_modules $(SDKS)/node_modules $(KUSTO)/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what check is made of --------------------------------------------------------------------------------

.PHONY: lint
lint: setup
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

.PHONY: types
types: setup
	@$(BIN)/mypy

.PHONY: layers
layers: setup
	@$(BIN)/lint-imports

.PHONY: test-all
test-all: setup sdks
	@$(PYTEST) $(ARGS)

.PHONY: deployer
deployer: $(STAMPS)/deployer  ## Install only what the scripts of a deployment need; setup has it all
	@:

# --- the environment: one stamp a lock, so that nothing is done twice -------------------------------------

.PHONY: setup
setup: $(STAMPS)/dev $(STAMPS)/host $(STAMPS)/broker $(INSTALLED_AZURITE)
	@:

$(VENV)/pyvenv.cfg:
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with venv runs here; name one: make PYTHON=/path/to/python"; exit 1; }
	@$(PYTHON) -c '$(SUITABLE)' 2>/dev/null || { echo "$(PYTHON) is not a Python 3.11 to 3.13 with venv"; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(STAMPS)/dev: requirements/dev.txt | $(VENV)/pyvenv.cfg
	@echo "Installing the packages of $< (about a minute)"
	@$(PIP) -r $< | $(COUNT)
	@mkdir -p $(@D) && touch $@

# What is deployed is all that the scripts around a deployment need.
$(STAMPS)/deployer: requirements.txt | $(VENV)/pyvenv.cfg
	@echo "Installing the packages of $< (half a minute)"
	@$(PIP) -r $< | $(COUNT)
	@mkdir -p $(@D) && touch $@

# The runtime asks for Python 3.13 and runs on 3.11 too, so it stays outside the resolved lock.
$(STAMPS)/host: requirements/host.txt | $(STAMPS)/dev
	@echo "Installing Microsoft's Functions runtime"
	@$(PIP) --quiet --no-deps --ignore-requires-python -r $<
	@touch $@

$(STAMPS)/broker: requirements/broker.txt | $(STAMPS)/dev
	@echo "Compiling the AMQP broker's engine, Qpid Proton (about half a minute)"
	@$(PIP) -r $< >$(VENV)/broker.log 2>&1 || { \
		echo "  Qpid Proton does not compile here (see $(VENV)/broker.log): the embedded queue takes its place."; \
		echo "  With a C compiler and Python's headers installed: rm $@ && make setup"; }
	@touch $@

$(INSTALLED_AZURITE): $(AZURITE)/package-lock.json | $(STAMPS)/dev
	@echo "Installing Azurite, the storage emulator (about ten seconds)"
	@cd $(AZURITE) && $(NPM) ci >/dev/null
	@touch $@

# What only tests need is not part of setup, so that the way to a running stack stays short.
$(STAMPS)/sdks: requirements/sdks.txt $(SDKS)/package-lock.json | $(STAMPS)/dev
	@echo "Installing the vendors' SDKs that tests sign with (about half a minute)"
	@$(PIP) -r $< | $(COUNT)
	@cd $(SDKS) && $(NPM) ci >/dev/null
	@touch $@

# On PyPI it only fetches a program from elsewhere; without Go the workflows have their other tests.
$(STAMPS)/actionlint-$(ACTIONLINT): | $(VENV)/pyvenv.cfg
	@if command -v go >/dev/null; then \
		echo "Building actionlint, which reads the workflows (about half a minute)"; \
		GOBIN="$(CURDIR)/$(BIN)" go install github.com/rhysd/actionlint/cmd/actionlint@v$(ACTIONLINT) \
			>$(VENV)/actionlint.log 2>&1 || echo "  It does not build here (see $(VENV)/actionlint.log)"; fi
	@mkdir -p $(@D) && touch $@

# In an environment of their own: checkov wants other versions than ours of what both use.
$(STAMPS)/templates: requirements/templates.txt requirements/uv.txt $(KUSTO)/package-lock.json | $(STAMPS)/dev
	@echo "Installing what reads the templates (about ten seconds)"
	@$(PIP) --quiet -r requirements/uv.txt
	@$(BIN)/uv --quiet venv --clear --python $(BIN)/python $(TEMPLATES)
	@$(BIN)/uv --quiet pip install --python $(TEMPLATES)/bin/python --require-hashes -r $<
	@cd $(KUSTO) && $(NPM) ci >/dev/null
	@touch $@

# --- the locks -------------------------------------------------------------------------------------------

UPGRADE ?=
COMPILE = $(BIN)/uv --quiet pip compile --universal --generate-hashes --no-header $(UPGRADE)

.PHONY: lock
lock: setup  ## Write the locks anew; UPGRADE=--upgrade takes the newest versions
	@echo "Resolving the locks"
	@$(PIP) --quiet -r requirements/uv.txt
	@$(COMPILE) --python-version 3.11 requirements/runtime.in -o requirements.txt
	@$(COMPILE) --python-version 3.11 -c requirements.txt requirements/dev.in -o requirements/dev.txt
	@$(COMPILE) --python-version 3.11 -c requirements/dev.txt requirements/broker.in -o requirements/broker.txt
	@$(COMPILE) --python-version 3.11 -c requirements/dev.txt requirements/sdks.in -o requirements/sdks.txt
	@$(COMPILE) --python-version 3.11 requirements/templates.in -o requirements/templates.txt
	@$(COMPILE) --python-version 3.13 --no-deps requirements/host.in -o requirements/host.txt
	@$(COMPILE) --python-version 3.11 requirements/uv.in -o requirements/uv.txt
	@cd $(AZURITE) && $(NPM) install --package-lock-only
	@cd $(SDKS) && $(NPM) install --package-lock-only
	@cd $(KUSTO) && $(NPM) install --package-lock-only
