# One line a verb. On a fresh machine `make demo` and `make test` install what they need by themselves.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
# Pages are tested in Debian's Chromium: installed where root may, asked for elsewhere (NO_BROWSER=1 goes without).
BROWSER := test -x /usr/bin/chromium || test -n "$$NO_BROWSER" || { apt-get update && apt-get install -y chromium; } > $(VENV)/browser.log 2>&1 || echo "no Chromium: install Debian's package chromium, or set NO_BROWSER=1"

.PHONY: help setup demo serve test check drill bench
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] <= (3, 13) else "dpe: Python 3.11 to 3.13 is needed, this is %d.%d: run make PYTHON=python3.11" % sys.version_info[:2])'
	@test -x $(PY) || $(PYTHON) -m venv $(VENV) || { echo "dpe: python3-venv is missing (Debian: apt-get install python3-venv)"; exit 1; }
	@echo "installing into $(VENV) (about two minutes the first time; log: $(VENV)/install.log)"
	@$(PY) -m pip install --quiet --disable-pip-version-check -e '.[dev]' > $(VENV)/install.log 2>&1 || { tail -n 15 $(VENV)/install.log; exit 1; }
	@touch $(STAMP)

setup: $(STAMP) ## install everything into .venv

demo: $(STAMP) ## one whole round in the mini world, dashboard live (PORT, DEMO_ROUNDS, DEMO_EXIT)
	@exec $(PY) -m demo.run

serve: $(STAMP) ## web, workers and beat on your own data (PORT, DATABASE_URL, REDIS_URL)
	@$(PY) manage.py migrate --verbosity 0 && exec $(PY) -m dpe_site.serve

test: $(STAMP) ## the whole test suite, on SQLite and on PostgreSQL with Redis
	@$(BROWSER)
	@exec $(PY) -m tests.run_all

check: $(STAMP) ## style, types, layers, migrations
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy && $(VENV)/bin/lint-imports
	@$(VENV)/bin/djlint templates --check --lint --quiet && $(PY) manage.py check && $(PY) manage.py makemigrations --check --dry-run

drill: $(STAMP) ## kill everything in every stage; the round must end the same
	@exec $(PY) -m demo.drill

bench: $(STAMP) ## all benchmarks that need no GPU
	@for name in web_start rate_limit pages grading answer_overhead import_tsv orchestrator generation_chaos generation_memory metric_ingest kill_resume hang demo_round; do $(PY) -m bench.$$name || exit 1; done
