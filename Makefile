# The targets that a person types. Each does all of its own set-up: Python 3.10-3.12 and make are enough.
#   make demo SEED=7 HOURS=300     another recorded world
#   make demo MINE=all             also on pieces of yours that are wrong: the report shows what they do
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick prove lint docs serve lock clean

PYTHON := .venv/bin/python
# mkdocs-material announces its own end of life at every build; the lock keeps what works
export NO_MKDOCS_2_WARNING := 1
export PATH := $(CURDIR)/.venv/bin:$(PATH)
unexport PYTHONPATH PYTHONHOME

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## the environment: packages in .venv, nothing else
	@./lab setup

demo: setup ## the whole pipeline on a recorded feed, checked and reported (build/demo)
	@$(PYTHON) -m capstone_marketlag demo

test: lint ## everything: style, types, units, docs, services, faults, the pipeline
	@$(PYTHON) -m pytest -q -n 3 --dist loadscope --no-loadscope-reorder --reference

test-quick: setup-all ## what needs no service: seconds
	@$(PYTHON) -m pytest -q tests/unit

prove: setup-all ## every answer of every lab against its checks, and mutations of the solutions
	@./lab dev prove --jobs 2

lint: setup-all ## ruff and mypy
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

docs: setup-all ## the reading guide, built into site/
	@$(PYTHON) -m mkdocs build --strict --quiet

serve: setup-all ## the reading guide at 127.0.0.1:8000
	@$(PYTHON) -m mkdocs serve --dev-addr 127.0.0.1:8000

lock: setup-all ## resolve the three locks and the jar lock again (needs the network)
	@$(PYTHON) -m labkit.lock

clean: ## end what runs and delete everything that was downloaded or made
	@if [ -x $(PYTHON) ]; then ./lab down --all; fi
	@rm -rf .venv .lab build site

.PHONY: setup-all
setup-all:
	@./lab setup docs dev
