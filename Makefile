# A fresh clone needs Python 3.11 or later and make, nothing else.
#   make run    start the desk with sample data
#   make install    prepare .venv/bin/chatdesk for a real desk
#   make test   everything that must hold before a change is accepted
#   make test-postgres   the same tests on the other database
PYTHON ?= python3
WORKERS ?= 3
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(wildcard chatdesk adapters flows storage)
SOURCES := $(PACKAGES) $(wildcard tests bench)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input -qq

.PHONY: install screenshots migration new-desk help run test test-postgres lint format-check format types imports pytest bench browser dev lock clean
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

help:
	@echo "make run      start the desk with sample data"
	@echo "make install  prepare $(BIN)/chatdesk for a real desk (docs/operating.md)"
	@echo "make test     lint, format check, types, import contracts, tests"
	@echo "make test-postgres    the tests that use a database again, on a PostgreSQL of their own"
	@echo "make lint | format | types | imports | pytest    one part of it"
	@echo "make dev      only prepare $(VENV) with everything for development"
	@echo "make browser  find or install Chromium for the browser tests"
	@echo "make bench    measure"
	@echo "make migration NAME=what_changed    write the migration for changed models"
	@echo "make lock     renew requirements/*.txt from requirements/*.in"
	@echo "make clean    remove $(VENV), caches and build output"

# Setting up. Each stamp says that one step is done; a second run does nothing.

$(VENV)/.created: scripts/make_venv.sh
	@bash scripts/make_venv.sh "$(PYTHON)" "$(VENV)"
	@touch $@

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/.created
	@echo "Installing what the service needs"
	@$(PIP) install --require-hashes --requirement requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --no-index --editable .
	@$(BIN)/python -m compileall -q $(PACKAGES)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "Installing what the tests need"
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) check
	@touch $@

$(VENV)/.browser: scripts/ensure_chromium.py $(VENV)/.dev
	@$(BIN)/python scripts/ensure_chromium.py $(VENV)/chromium-path
	@touch $@

$(VENV)/.playground: scripts/ensure_playground.sh package-lock.json | $(VENV)/.created
	@bash scripts/ensure_playground.sh $(VENV)/playground
	@if [ -d $(VENV)/playground/node_modules ]; then touch $@; fi

$(VENV)/.emulator: scripts/ensure_emulator.sh requirements/emulator.txt | $(VENV)/.created
	@bash scripts/ensure_emulator.sh $(BIN)/python $(VENV)/backlot
	@if [ -d $(VENV)/backlot ]; then touch $@; fi

emulator: $(VENV)/.emulator

dev: $(VENV)/.dev

browser: $(VENV)/.dev
	@rm -f $(VENV)/.browser
	@$(MAKE) --no-print-directory $(VENV)/.browser

install: $(VENV)/.runtime

run: $(VENV)/.runtime
	$(BIN)/chatdesk demo

# Checking. `make test` runs the quick parts first.

test:
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory imports
	@$(MAKE) --no-print-directory pytest

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(VENV)/.dev
	$(BIN)/mypy $(SOURCES) scripts

imports: $(VENV)/.dev
	$(BIN)/lint-imports

# PostgreSQL comes from a package: nothing has to be installed or running.
test-postgres: export CHATDESK_TEST_DATABASE := postgres
# Its servers are further processes.
test-postgres: WORKERS := 2
test-postgres: pytest

pytest: $(VENV)/.dev $(VENV)/.browser $(VENV)/.playground $(VENV)/.emulator
	@sh scripts/ensure_dovecot.sh
	$(BIN)/pytest -n $(WORKERS) --dist loadfile $(PYTEST_ARGS)

bench: $(VENV)/.dev
	$(BIN)/python -m bench

# Keeping.

screenshots: $(VENV)/.dev $(VENV)/.browser
	@PYTHONPATH=. $(BIN)/python scripts/take_screenshots.py
	@PYTHONPATH=. $(BIN)/python scripts/draw_slack_cards.py

migration: $(VENV)/.dev
	@test -n "$(NAME)" || { echo "Say what changes: make migration NAME=what_changed"; exit 2; }
	@PYTHONPATH=. $(BIN)/python scripts/make_migration.py "$(NAME)"
	@PYTHONPATH=. $(BIN)/python -m scripts.new_desk

# For a migration that was changed by hand after that.
new-desk: $(VENV)/.dev
	@PYTHONPATH=. $(BIN)/python -m scripts.new_desk

lock:
	@bash scripts/lock.sh "$(PYTHON)"

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
