# The commands of the project; `make` alone lists them. GNU Make 3.81 suffices.

UV := $(shell command -v uv || echo .uv/bin/uv)
RUN := $(UV) run -p '>=3.12'
PORT ?=
FIGURES ?=
ROUNDS ?=
# Tests at once; most wait for processes rather than for a core.
JOBS ?= 4
# Seconds that the tests may take.
LIMIT ?= 580
# What runs the program and builds behind it; `make run BEHIND=` builds nothing.
BEHIND := $(if $(shell command -v bash || true),.ci/behind)

# What is built, and from what; folders are named too, since a file that is gone changes them.
ISLANDS_BUILT := packages/web/src/schedulezero/web/microsites/container/assets/built
MERMAID_BUILT := docs_site/assets/built
DOCS_SHIPPED := packages/web/src/schedulezero/web/microsites/docs/site
NODE_MODULES := islands/node_modules/.package-lock.json
ISLANDS := islands/vite.config.ts $(wildcard islands/scripts islands/scripts/* islands/src islands/src/* islands/src/*/*)
DOCS := mkdocs.yml $(filter-out %.pyc %/__pycache__,$(wildcard \
	docs_site docs_site/* docs_site/*/* docs_site/*/*/* docs_site/*/*/*/*))

.DEFAULT_GOAL := help
.PHONY: help run test test-all bench bench-docs ratios lint format types contracts islands islands-check docs screenshots build clean ready

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ready ## start everything with the demo; PORT=8889 takes another port; Ctrl+C ends it
	@exec $(BEHIND) $(RUN) --no-dev schedulezero up --demo $(if $(PORT),--port $(PORT))

test: ready ## run the tests, in ten minutes at most, JOBS=4 at once; ends with what could not run here
	@$(RUN) pytest -m 'not slow' -n $(JOBS) --session-timeout=$(LIMIT)

test-all: ready ## run the slow tests too, in fifteen minutes at most
	@$(RUN) pytest -n $(JOBS) --session-timeout=880

bench: ready ## measure beside Celery, Dramatiq, Huey and Taskiq; FIGURES="batch idle" chooses, ROUNDS=1 is quick
	@$(RUN) --group bench python -m tests.benchmarks $(if $(ROUNDS),--rounds $(ROUNDS)) $(FIGURES)
	@$(RUN) --group bench python -m tests.benchmarks.page

bench-docs: ready ## write the page on performance anew from the last results
	@$(RUN) python -m tests.benchmarks.page

ratios: ready ## check that we are several times as fast as Huey on SQLite, in a minute and a half
	@$(RUN) python -m tests.benchmarks.ratios

lint: ready ## check the style
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .

format: ready ## put the code into shape
	@$(RUN) ruff check --fix .
	@$(RUN) ruff format .

types: ready ## check the types
	@$(RUN) mypy

contracts: ready ## check who imports whom
	@$(RUN) lint-imports --no-logo

islands: $(ISLANDS_BUILT)/licences.txt ## build the islands, and fetch what else comes from npm; at once where nothing has changed

islands-check: $(NODE_MODULES) ## check the types of the islands and run their tests
	@.ci/npm $(UV) run --silent check

docs: docs_site_build/index.html ## build the documentation into docs_site_build/; at once where nothing has changed

$(ISLANDS_BUILT)/licences.txt: $(NODE_MODULES) $(ISLANDS)
	@echo "Building the islands"
	@.ci/npm $(UV) run --silent build

$(NODE_MODULES): islands/package-lock.json islands/package.json islands/.npmrc
	@echo "Downloading what the islands are made of"
	@.ci/npm $(UV) ci
	@touch $@

# Nobody is served a half of it: it is made elsewhere and then moved.
docs_site_build/index.html: $(DOCS)
	@.ci/ready $(UV)
	@echo "Building the documentation"
	@NO_MKDOCS_2_WARNING=1 $(RUN) --only-group docs mkdocs build --strict --site-dir docs_site_build.new >docs_site_build.log 2>&1 \
		|| { cat docs_site_build.log; exit 1; }
	@rm -rf docs_site_build docs_site_build.log && mv docs_site_build.new docs_site_build && touch $@

screenshots: islands ready ## make the pictures of the pages anew, for README and documentation; needs Chromium, takes two minutes
	@$(RUN) python -m schedulezero.testkit.screenshots docs_site/assets/screenshots

build: islands docs ready ## build the wheels into dist/, islands and documentation in the web package's
	@rm -rf $(DOCS_SHIPPED) && cp -r docs_site_build $(DOCS_SHIPPED)
	@$(UV) build --quiet --all-packages --out-dir dist
	@ls dist/*.whl

clean: ## remove what was built and downloaded; data files stay
	rm -rf .venv .uv dist docs_site_build docs_site_build.new docs_site_build.log islands/node_modules islands/dist .ci/behind.log
	rm -rf $(ISLANDS_BUILT) $(MERMAID_BUILT) $(DOCS_SHIPPED)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

ready:
	@.ci/ready $(UV)
