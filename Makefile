# Two commands: `make run` and `make test`. Both set everything up first, and are safe to repeat.
SHELL := /bin/sh
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PORT ?= 8000

PROFILE ?= ci

FAULTS_DEPTH ?= 3

.PHONY: run test chaos faults peers bench check format setup setup-dev screenshots lock clean

run: setup
	@$(BIN)/groupkeeper run --port $(PORT)

test: setup-dev
	@$(BIN)/python -m tests.browser_install
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# The whole service killed, frozen, cut off and lied to, on both databases: docs/reliability.md.
chaos: setup-dev
	$(BIN)/python -m tests.chaos --profile $(PROFILE) $(ARGUMENTS)

# Every sequence of three events, and long stories: a quarter of an hour. With FAULTS_DEPTH=2 what `make test` does.
faults: setup-dev
	FAULTS_DEPTH=$(FAULTS_DEPTH) $(BIN)/python -m pytest -n 2 --dist loadgroup -rP tests/faults

# The usual designs on the same faults: make peers PEER=cron. Their names are in bench/peers.
peers: setup-dev .venv-peers/run.stamp
	$(BIN)/python -m tests.chaos --profile $(PROFILE) --peer $(PEER) $(ARGUMENTS)

# All of it takes about half an hour: make bench NAME=sms for one, ARGUMENTS=--list for what there is.
bench: setup-dev .venv-peers/run.stamp
	$(BIN)/python -m bench $(NAME) $(ARGUMENTS)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: setup-dev
	$(BIN)/python -m tests.screenshots

setup: .venv/run.stamp
setup-dev: .venv/dev.stamp

# Packages by hash, wheels only; then this checkout itself, without another trip to the index.
# With pip a changed lock starts from an empty environment: an install in place would leave old packages behind.
define install
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and was not found." >&2; exit 2; }
	@echo "Setting up $(1); the first time takes a minute ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv venv -q --allow-existing --python $(PYTHON) .venv && \
		uv pip sync -q --python $(BIN)/python --require-hashes $(1); \
	else \
		rm -rf .venv && \
		{ $(PYTHON) -m venv .venv 2>/dev/null || \
		  { rm -rf .venv; $(PYTHON) -m venv --without-pip .venv; }; } && \
		{ $(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -m pip install -q --disable-pip-version-check \
			--require-hashes --only-binary :all: --no-compile -r $(1) || \
		  $(PYTHON) -m pip --python $(BIN)/python install -q --require-hashes --only-binary :all: -r $(1); }; \
	fi
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation --offline -e .; \
	else \
		$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation --no-index -e . || \
		$(PYTHON) -m pip --python $(BIN)/python install -q --no-deps --no-build-isolation --no-index -e .; \
	fi
endef

# The development environment holds the run-time one. A stamp is written only after success.
.venv/run.stamp: requirements.txt pyproject.toml
	@if [ -e .venv/dev.stamp ]; then $(MAKE) --no-print-directory .venv/dev.stamp; fi
	$(if $(wildcard .venv/dev.stamp),,$(call install,requirements.txt))
	@touch $@

.venv/dev.stamp: requirements-dev.txt pyproject.toml
	$(call install,requirements-dev.txt)
	@touch $@ .venv/run.stamp

# What our service is measured against: Celery and RQ, used in the usual way. Not in our own environment. Compiled at
# once: where PYTHONDONTWRITEBYTECODE is set, RQ's forks would compile what they import for every single message.
.venv-peers/run.stamp: bench/peers/requirements.txt
	@echo "Setting up the peers ..."
	@rm -rf .venv-peers
	@if command -v uv >/dev/null 2>&1; then \
		uv venv -q --python $(PYTHON) .venv-peers && \
		uv pip sync -q --python .venv-peers/bin/python --require-hashes $<; \
	else \
		$(PYTHON) -m venv .venv-peers && \
		.venv-peers/bin/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r $<; \
	fi
	@.venv-peers/bin/python -m compileall -q .venv-peers/lib >/dev/null || true
	@touch $@

# No index addresses may stand in these files: --no-header, and no lock of uv's own.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-build --no-header pyproject.toml --group setup -o requirements.txt
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-build --no-header -c requirements.txt pyproject.toml --group setup --group dev -o requirements-dev.txt
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-build --no-header bench/peers/requirements.in -o bench/peers/requirements.txt

clean:
	rm -rf .venv .venv-peers var .mypy_cache .ruff_cache .import_linter_cache .hypothesis
