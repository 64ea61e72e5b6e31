# Everything works from a fresh clone with Python 3.11 or newer and make. `make help` lists the targets.
# Plain pip installs the pinned versions of constraints.txt from wherever your own pip configuration says.

found = $(shell PYTHON='$(PYTHON)' sh tools/find_python.sh)
python = $(call checked,$(found))
checked = $(if $(filter none:,$(firstword $(1))),$(error $(wordlist 2,99,$(1))),$(1))
core = .cache/envs/core/bin

.DEFAULT_GOAL := help
.PHONY: help demo test lint format bench bench-install bench-peers cover docs lock clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

demo: ## Walk through the acts of the demo town (set-up included)
	@$(python) tools/environment.py venv
	@.venv/bin/hedgerow demo $(ARGS)

test: ## Run every test in every environment; T=path runs one file or folder (ENV=full with all extras)
	@$(python) tools/run_tests.py $(if $(T),--env $(or $(ENV),core) $(T))

lint: ## Check style, format, types and layers
	@$(python) tools/environment.py core
	$(core)/ruff check .
	$(core)/ruff format --check .
	$(core)/mypy
	$(core)/lint-imports --no-logo --cache-dir .cache/import-linter

format: ## Format the code and apply the safe fixes
	@$(python) tools/environment.py core
	$(core)/ruff check --fix-only --quiet .
	$(core)/ruff format .

cover: ## Run the core tests with branch coverage
	@$(python) tools/environment.py core
	$(core)/python -m pytest -q --cov --cov-report=term-missing $(T)

bench: ## Measure speed and memory as ratios, printed as a table
	@$(python) tools/environment.py bench
	@.cache/envs/bench/bin/python bench/run.py $(ARGS)

bench-install: ## Measure a fresh install of the core (ARGS=--full: and of all extras)
	@$(python) tools/measure_install.py $(ARGS)

bench-peers: ## Measure beside other projects, each in an environment of its own (PEERS=name builds one)
	@$(python) tools/peers.py $(PEERS)

docs: ## Build the documentation into build/site
	@$(python) tools/environment.py docs
	@NO_MKDOCS_2_WARNING=1 .cache/envs/docs/bin/mkdocs build --strict --quiet
	@echo build/site/index.html

lock: ## Resolve all extras together and write constraints.txt
	@$(python) tools/lock.py

clean: ## Remove environments, caches and builds
	rm -rf .venv .cache .hypothesis .import_linter_cache build dist src/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
