# Two commands: `make run` and `make test`. Both set everything up first and are safe to repeat.
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PORT ?= 8000

.PHONY: run test check format setup setup-dev lock clean

run: setup
	@$(BIN)/groupkeeper run --port $(PORT)

test: setup-dev
	@$(BIN)/python -m tests.browser_install
	$(BIN)/python -m pytest -n auto

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

format: setup-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: .venv/run.stamp
setup-dev: .venv/dev.stamp

# A good development environment holds the run-time one; the stamp is written only after success.
.venv/run.stamp: requirements.txt pyproject.toml
	@if [ -e .venv/dev.stamp ]; then $(MAKE) --no-print-directory .venv/dev.stamp; else sh docs/setup.sh "$(PYTHON)" requirements.txt; fi
	@touch $@

.venv/dev.stamp: requirements-dev.txt pyproject.toml
	@sh docs/setup.sh "$(PYTHON)" requirements-dev.txt
	@touch $@ .venv/run.stamp

# No index addresses may stand in these files: --no-header, and no lock of uv's own.
lock:
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-build --no-header pyproject.toml --group setup -o requirements.txt
	uv pip compile --universal --generate-hashes --python-version 3.11 --no-build --no-header -c requirements.txt pyproject.toml --group setup --group dev -o requirements-dev.txt

clean:
	rm -rf .venv var .mypy_cache .ruff_cache
