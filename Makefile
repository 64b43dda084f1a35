# The commands of the project; `make` alone lists them. GNU Make 3.81 suffices.

UV := $(shell command -v uv || echo .uv/bin/uv)
RUN := $(UV) run -p '>=3.12'
PORT ?=

.DEFAULT_GOAL := help
.PHONY: help run test test-all lint format types contracts docs build clean ready

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: ready ## start everything with the demo; PORT=8889 takes another port; Ctrl+C ends it
	@exec $(RUN) --no-dev schedulezero up --demo $(if $(PORT),--port $(PORT))

test: ready ## run the tests, in ten minutes at most; ends with what could not run here
	@$(RUN) pytest -m 'not slow' --session-timeout=580

test-all: ready ## run the slow tests too, in fifteen minutes at most
	@$(RUN) pytest --session-timeout=880

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

docs: ready ## build the documentation into docs_site_build/
	@NO_MKDOCS_2_WARNING=1 $(RUN) --only-group docs mkdocs build --strict --quiet

build: ready ## build the wheels into dist/
	@$(UV) build --quiet --all-packages --out-dir dist
	@ls dist/*.whl

clean: ## remove what was built and downloaded; data files stay
	rm -rf .venv .uv dist docs_site_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

ready:
	@.ci/ready $(UV)
