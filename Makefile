.DEFAULT_GOAL := help
BIN := .venv/bin
PYTHON ?= python3

.PHONY: help dev check lint test fuzz pii-report bench docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-10s %s\n", $$1, $$2}'

dev: ## make the environment for everything below
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --no-deps --editable .

check: lint test ## all that CI runs

lint: ## style, types, import directions, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

test: ## the whole suite, the real SDKs included
	$(BIN)/pytest

fuzz: ## property tests with many more examples (about ten minutes)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -m 'not sdk' --timeout 900 tests/core tests/redact tests/test_config.py

pii-report: ## measure the redactor beside others (a minute or two; installs them first)
	$(BIN)/python -m bench.pii.report

bench: ## measure the context cache (a minute)
	$(BIN)/python -m bench.chat_cache

docs: ## write the generated pages
	$(BIN)/python docs/generate.py

lock: ## pin every dependency with its hashes
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml --extra otel -o requirements-otel.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 pyproject.toml --group dev -o requirements-dev.txt

clean: ## remove everything that was built
	rm -rf .venv .cache build dist
