# The whole developer interface. `make setup` needs Python 3.11, pip and make; all else comes from requirements.lock.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WORKERS ?= 2
STAMP  := $(VENV)/.installed
COMPAT := tests/compat/node_modules/.installed
GRAPHIQL := src/callpark/graphql/graphiql/static/graphiql.min.js

.DEFAULT_GOAL := help
.PHONY: help setup demo dev test soak soak-cluster check format bench lock clean

help:            ## this list
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */  make \1\t/'

setup: $(STAMP) $(COMPAT) $(GRAPHIQL)  ## create .venv and install the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "callpark needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null 2>&1 || test -x $(BIN)/uv || { echo "installing uv into $(VENV)"; $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@UV=$$(command -v uv || echo $(BIN)/uv); \
	  echo "installing requirements.lock"; \
	  $$UV pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock && \
	  $$UV pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(COMPAT): tests/compat/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
	  echo "installing the JavaScript clients of tests/compat" && \
	  npm ci --prefix tests/compat --ignore-scripts --no-audit --no-fund --silent && touch $@; \
	else echo "npm is missing: tests of JavaScript clients will be skipped"; fi

$(GRAPHIQL): web/graphiql/package-lock.json
	@if command -v npm >/dev/null 2>&1; then \
	  echo "installing GraphiQL" && \
	  npm ci --prefix web/graphiql --ignore-scripts --no-audit --no-fund --silent && sh web/graphiql/collect $(@D); \
	else echo "npm is missing: /graphql has no GraphiQL for browsers"; fi

demo: setup      ## both examples, before and after, in under a minute
	@$(BIN)/callpark demo

dev: setup       ## serve the story example with hot reload
	@$(BIN)/callpark dev examples/story-stream

check: setup     ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: check      ## check, then every test, in WORKERS processes (2)
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

soak: setup      ## 20,000 events, 200 kill -9: nothing lost, nothing run too often (10 to 15 minutes)
	$(BIN)/python -m tests.soak

soak-cluster: setup ## three NATS servers, three nodes, 50 kills, stops and cut networks: nothing lost, FIFO order kept (15 to 30 minutes)
	$(BIN)/python -m tests.soak cluster

format: setup    ## let ruff rewrite what it can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup     ## our figures beside peers', as ratios
	$(BIN)/python -m bench

lock: setup      ## compile requirements.lock from pyproject.toml
	UV=$$(command -v uv || echo $(BIN)/uv); \
	$$UV pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade -o requirements.lock

clean:           ## remove what setup made
	rm -rf $(VENV) tests/compat/node_modules web/graphiql/node_modules $(dir $(GRAPHIQL))
