# `make` alone lists the targets. PORT, HOST and DATA_DIR in the environment change the site's address and data folder.

SHELL := /bin/sh
.DEFAULT_GOAL := help
# Only one pip or npm may run at a time, also with `make -j`.
.NOTPARALLEL:
.PHONY: help run dev test unit check fuzz bench samples admin api lock clean environment environment-dev page page-packages

# The programs of the installed packages: python, node, npm, pytest, ruff.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
MANAGE := python django_server/manage.py
# Checks and tests use this data folder, so that they do not change data/.
SCRATCH := .venv/scratch-data
IN_SERVER := cd django_server && DATA_DIR=../$(SCRATCH)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: environment page ## install missing packages, start the site, print its address; Ctrl+C stops it
	@exec $(MANAGE) serve

dev: environment-dev page-packages ## as run, with reloading of changed code; open the page at http://localhost:5173 (Vite)
	@exec $(MANAGE) serve --dev

test: environment-dev page ## every test; `make test T=tests/unit/imaging` runs one file, folder or pytest node id
	@sh scripts/test-tools.sh
	@rm -rf $(SCRATCH)
ifdef T
	@DATA_DIR="$(CURDIR)/$(SCRATCH)" sh scripts/run-tests.sh "$(T)"
else
	@cd svelte_app && npm test --silent
	@DATA_DIR="$(CURDIR)/$(SCRATCH)" sh scripts/run-tests.sh
endif

unit: environment-dev page-packages ## the tests that need no server, of Python and of the page: under a minute
	@cd svelte_app && npm test --silent
	@DATA_DIR="$(CURDIR)/$(SCRATCH)" sh scripts/run-tests.sh unit

check: environment-dev page-packages ## style, types, import rules, Dockerfiles, migrations, API types; CI runs it first
	@$(IN_SERVER) ruff check --config pyproject.toml . ../benchmarks
	@$(IN_SERVER) ruff format --config pyproject.toml --check . ../benchmarks
	@$(IN_SERVER) mypy . ../benchmarks
	@$(IN_SERVER) PYTHONPATH=. lint-imports
	@hadolint */Dockerfile
	@$(IN_SERVER) python manage.py makemigrations --check --dry-run
	@DATA_DIR=$(SCRATCH) sh scripts/api-types.sh check
	@cd svelte_app && npm run --silent check && npm run --silent lint

SECONDS := 300
fuzz: environment-dev page ## fuzz with new random input; SECONDS=600 is the time for each of the searches
	@$(IN_SERVER) FUZZ_SECONDS=$(SECONDS) python -m pytest --timeout=0 tests/stress/imaging tests/stress/api tests/unit/uploads \
		tests/service/processing/test_model.py tests/service/processing/test_concurrent_workers.py

bench: environment-dev ## run the benchmarks into benchmarks/results/; ONLY=list runs one, FULL=1 repeats each five times
	@mkdir -p $(SCRATCH)
	@DATA_DIR=$(SCRATCH) PYTHONPATH=django_server python benchmarks/run.py $(ONLY)

samples: environment ## generate photos to upload into samples/
	@python benchmarks/samples.py samples

admin: environment ## create an administrator for /admin/
	@$(MANAGE) migrate --verbosity 0
	@$(MANAGE) createsuperuser

api: environment-dev page-packages ## write the OpenAPI document, the page's types and the tables of docs/api.md
	@DATA_DIR=$(SCRATCH) sh scripts/api-types.sh write

# Universal: one lock file for all Python versions, systems and processors, with markers where packages differ.
PIN := ../.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --no-header
LOCKS := requirements.txt requirements-build.txt requirements-programs.txt requirements-dev.txt
lock: ## pin the packages of requirements*.in with hashes; UPGRADE=--upgrade selects newer versions
	@[ -x .venv-lock/bin/uv ] || { "$$(sh scripts/find-python.sh)" -m venv .venv-lock && \
		.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check uv; }
	@cd django_server && for lock in $(LOCKS); do \
		$(PIN) --generate-hashes --no-emit-index-url $(UPGRADE) --output-file $$lock $${lock%.txt}.in || exit; done
	@cd django_server && $(PIN) --output-file ../.venv-lock/pylock.toml $(LOCKS)
	@.venv-lock/bin/python scripts/wheel-names.py <.venv-lock/pylock.toml >django_server/wheels.sha256

clean: ## delete installed packages and build results; data/ and samples/ stay
	rm -rf .venv .venv-lock svelte_app/node_modules svelte_app/dist svelte_app/test-results svelte_app/playwright-report
	rm -rf django_server/.mypy_cache django_server/.ruff_cache django_server/.pytest_cache django_server/.hypothesis
	rm -rf django_server/.import_linter_cache .ruff_cache .cache
	find django_server benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@sh scripts/environment.sh

environment-dev:
	@sh scripts/environment.sh dev

page: environment
	@sh scripts/page.sh

page-packages: environment
	@sh scripts/page.sh packages
