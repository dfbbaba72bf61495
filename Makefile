# Everything a newcomer, a developer and CI do; each target first makes .venv where it is missing or old.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

BIN := .venv/bin
STAMP := .venv/.set-up
TESTS := -n 2 --durations 20

# pyright's wheel fetches its program once with npm; which version is pinned with the wheel, so its nagging is off.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup run test check bench simulate mutants fuzz parity lock clean

help: ## Show what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with .venv/bin/autofutures; needs only Python 3.11 or newer

$(STAMP): pyproject.toml requirements/dev.txt
	@for python in python3.11 python3; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	    echo "autofutures needs Python 3.11 or newer; python3 is $$(python3 --version 2>&1 || true). Install python3.11." >&2; \
	    exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$found cannot make a virtual environment: on Debian, run 'apt-get install python3-venv'." >&2; exit 1; \
	fi; \
	set -x; \
	"$$found" -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

run: setup ## Watch the whole machine trade a generated session to its close
	$(BIN)/autofutures up --generate --speed max --until-end --strategy ema_cross --set fast=20 --set slow=60

test: setup ## Run every test
	$(BIN)/python -m pytest $(TESTS)

check: setup ## Exactly what CI checks: lint, format, types, floors, tests and coverage
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: setup ## Measure the way of an order beside the bare bus
	$(BIN)/autofutures bench order-path --json

simulate: setup ## Run the whole house from 500 seeds, with everything that can go wrong
	$(BIN)/autofutures simulate --seeds 500 --json

mutants: setup ## Plant faults, one changed line each, and say which seed of the simulation finds each
	$(BIN)/python -m tests.simulation.mutants

fuzz: setup ## Compare the kernel with the nodes, 20 x 100,000 events in which all that can occur does, 100 times
	$(BIN)/python -m tests.parity.fuzz --seeds 20 --events 100000 --least 100

parity: setup ## Record days, ten clean and one for each fault, and say what the certificate finds in them
	$(BIN)/python -m tests.parity.planted

lock: setup ## Pin the newest allowed versions of all dependencies in requirements/
	$(BIN)/uv pip compile pyproject.toml --upgrade --extra dev --extra backup --extra databento --extra postgres --extra sweep --output-file requirements/dev.txt \
	    --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet
	$(BIN)/uv pip compile pyproject.toml --constraints requirements/dev.txt --output-file requirements/run.txt \
	    --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet

clean: ## Remove .venv and all that the checks left
	rm -rf .venv dist build htmlcov .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	rm -f .coverage .coverage.*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
