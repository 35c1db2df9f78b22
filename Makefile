.DEFAULT_GOAL := help
BIN := .venv/bin
PYTHON ?= python3
BUILDER ?= $(firstword $(foreach tool,docker podman buildah,$(if $(shell command -v $(tool)),$(tool))))
VERSION := $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' sidecar/__init__.py)
REVISION := $(shell git rev-parse HEAD 2>/dev/null)
COMPILE = uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.PHONY: help dev native pure check lint test fuzz pii-report bench bench-quick bench-instructions drill image image-test sbom docs lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "%-10s %s\n", $$1, $$2}'

dev: ## make the environment for everything below
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .

native: ## compile the request path again, after a change of its source
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .

pure: ## run the request path as Python, to debug it
	rm -f *.so
	find sidecar -name "*.so" -delete

check: lint test ## all that CI runs

lint: ## style, types, import directions, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

test: ## the whole suite, the real SDKs included
	$(BIN)/pytest -n 4

fuzz: ## property tests with many more examples (about ten minutes)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/pytest -m 'not sdk' --timeout 900 tests/core tests/redact tests/test_config.py

pii-report: ## measure the redactor beside others (a minute or two; installs them first)
	$(BIN)/python -m bench.pii.report

bench: ## measure cache and proxy beside others (a quarter of an hour; needs nginx, wrk, valgrind)
	$(BIN)/python -m bench.chat_cache
	$(BIN)/python -m bench.proxy.run --name $(shell date +%F)

bench-quick: ## measure the proxy only, and less of it (three minutes)
	$(BIN)/python -m bench.proxy.run --quick

bench-instructions: ## count instructions per request; fails where there are too many (five minutes)
	$(BIN)/python -m bench.proxy.instructions --require

drill: ## play the six drills (a quarter of a minute)
	$(BIN)/zep-sidecar drill

image: ## build the image, with Docker, Podman or Buildah
	$(BUILDER) build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
		$(IMAGE_ARGS) --tag zep-sidecar:$(VERSION) .

image-test: ## build the image on a base made here, and run it (as root; see docs/image.md)
	$(BIN)/pytest -m image tests/image

sbom: ## write dist/sbom.json: what is in the image, with licences
	rm -rf .cache/sbom && mkdir -p dist
	$(PYTHON) -m venv .cache/sbom/tool
	.cache/sbom/tool/bin/pip install --quiet --require-hashes -r requirements-sbom.txt
	$(PYTHON) -m venv --without-pip .cache/sbom/content
	.cache/sbom/tool/bin/pip --python .cache/sbom/content/bin/python3 install --quiet \
		--require-hashes -r requirements.txt
	.cache/sbom/tool/bin/cyclonedx-py environment --output-reproducible --pyproject pyproject.toml \
		--mc-type application --output-format JSON --output-file dist/sbom.json .cache/sbom/content

docs: ## write the generated pages
	$(BIN)/python docs/generate.py

lock: ## pin every dependency with its hashes
	$(BIN)/pip install --quiet uv
	$(BIN)/$(COMPILE) pyproject.toml -o requirements.txt
	$(BIN)/$(COMPILE) pyproject.toml --extra otel -o requirements-otel.txt
	$(BIN)/$(COMPILE) pyproject.toml --group dev -o requirements-dev.txt
	$(BIN)/$(COMPILE) --group pyproject.toml:build -o requirements-build.txt
	$(BIN)/$(COMPILE) --group pyproject.toml:sbom -o requirements-sbom.txt

clean: ## remove everything that was built
	rm -rf .venv .cache build dist
