# Needs Python 3.11 or newer, git and make; everything else is installed into .venv. `make` alone lists the targets.
VENV := .venv
BIN := $(VENV)/bin
PREFIX ?= /opt/nats-alert-bridge
CONFIG := /etc/nats-alert-bridge
UNITS := /etc/systemd/system
LOCK := .cache/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-config --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' --no-annotate

# Most tests wait for servers: three at a time keep two cores busy. Named tests run one by one.
WORKERS = $(if $(ARGS),,--numprocesses 3 --dist worksteal)

.DEFAULT_GOAL := help
.PHONY: help demo test long causes search check format bench pictures lock install clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-8s %s\n' "$$name" "$$text"; done

demo: $(VENV)/.run ## show the bridge at work on a real nats-server, in under a minute; KEEP=1 stays up
	@$(BIN)/nats-alert-bridge demo $(if $(filter-out 0,$(KEEP)),--keep)

test: $(VENV)/.dev ## run all tests but the long ones; ARGS="-k slack" passes on to pytest
	@$(BIN)/python -m pytest -m "not long" $(WORKERS) $(ARGS)

long: $(VENV)/.dev ## run the tests that take minutes each
	@$(BIN)/python -m pytest -m long $(ARGS)

causes: $(VENV)/.dev ## all ways in which a client of NATS goes deaf, and how soon the bridge tells it and hears again; 7 minutes
	@$(BIN)/python -m tests.causes

search: $(VENV)/.dev ## let the property tests look for cases that `make test` does not try; ROUNDS=3 times
	@for round in $$(seq $(or $(ROUNDS),3)); do \
		HYPOTHESIS_PROFILE=search $(BIN)/python -m pytest -m "hypothesis and not long" $(WORKERS) $(ARGS) || exit 1; done

check: $(VENV)/.dev ## formatting, lint, types and the direction of imports
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## format, and mend what lint can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/.dev ## speed and size, into benchmarks/RESULTS.md; some figures: ARGS="cpu replay"; ARGS=--help lists them
	@$(BIN)/python -m benchmarks $(ARGS)

pictures: $(VENV)/.dev ## draw the README's pictures of Slack anew; wants chromium
	@$(BIN)/python -m tests.pictures

lock: $(VENV)/.dev ## renew the lock files within the bounds of pyproject.toml
	$(BIN)/python -m pip install --quiet --upgrade --target .cache/uv uv
	$(LOCK) --group pyproject.toml:build --output-file requirements-build.lock
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock

install: ## as root: the program into PREFIX, units and a first rules.yaml beside them; keeps a rules.yaml that is there
	PYTHON="$(or $(PYTHON),/usr/bin/python3 python3)" .ci/venv $(PREFIX) requirements.lock
	install -D --mode=644 --target-directory=$(UNITS) systemd/nats-alert-bridge.service systemd/nats-alert-bridge@.service
	install -d --mode=755 $(CONFIG)
	install -d --mode=700 $(CONFIG)/credentials
	test -e $(CONFIG)/rules.yaml || install --mode=644 rules.example.yaml $(CONFIG)/rules.yaml

clean: ## remove what the targets above made here; the nats-servers in the user's cache stay
	rm -rf $(VENV) .cache build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find bridge tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.run: pyproject.toml requirements.lock requirements-build.lock .ci/venv
	@.ci/venv $(VENV) requirements.lock -e
	@touch $@

$(VENV)/.dev: pyproject.toml requirements-dev.lock requirements-build.lock .ci/venv
	@.ci/venv $(VENV) requirements-dev.lock -e
	@touch $@ $(VENV)/.run
