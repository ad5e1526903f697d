# `make` alone lists the verbs.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3
UV_VERSION := 0.13.9
# uv from the path, or else from PyPI into .uv/
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := .venv/bin
PYTEST := OPENBLAS_NUM_THREADS=1 $(CURDIR)/$(RUN)/python -m pytest --numprocesses 2 --dist loadgroup
# Let Python keep its compiled files: without them every command takes seconds longer to start.
unexport PYTHONDONTWRITEBYTECODE
# `make build NHANES_DIR=DIR` reads files that lie in DIR instead of downloading them.
NHANES_DIR ?=
PEOPLE ?= 25735
# How long the fits may take: quick or full; the demo is quick unless told otherwise.
PROFILE ?=
# Recipes take them from the environment, character by character: no quote or $ in them is read as code.
override NHANES_DIR := $(value NHANES_DIR)
override PEOPLE := $(value PEOPLE)
override PROFILE := $(value PROFILE)
export NHANES_DIR PEOPLE PROFILE

.PHONY: help setup demo build report lint test test-statistical bench docs package clean

help:  ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

setup: .venv/.ready  ## make the Python environment from the lock file

.venv/.ready: pyproject.toml uv.lock mixepi/pyproject.toml | $(UV)
	$(UV) sync --frozen --quiet --python $(PYTHON)
	@touch $@

.uv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "expected Python 3.11 or newer as $(PYTHON), found $$($(PYTHON) --version): make PYTHON=/path/to/python"; \
		exit 1; }
	@echo "uv is not on this machine: fetching uv $(UV_VERSION) from PyPI into .uv/"
	@$(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) || { \
		echo "uv could not be fetched: install it (https://docs.astral.sh/uv) or Python's venv module, then try again"; \
		exit 1; }

demo: setup  ## the whole study on synthetic data, no download
	@$(RUN)/python -m publish build --profile "$${PROFILE:-quick}" demo --people "$$PEOPLE"
	@$(RUN)/python -m report.summary

build: setup  ## the whole study on NHANES (NHANES_DIR=DIR: files you have; else from CDC)
	@$(RUN)/python -m publish build --profile "$${PROFILE:-full}" $${NHANES_DIR:+directory} "$${NHANES_DIR:-cdc}"
	@$(RUN)/python -m report.summary

report: setup  ## the results of the last build as two HTML pages here, report.html and appendix.html
	@$(RUN)/python -m report.html

lint: setup  ## style and types of Python, style of SQL
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/sqlfluff lint --processes 2 models tests/data

test: setup  ## every test: Python, SQL, the study on demo and (where they are) real files
	$(PYTEST)
	cd mixepi && $(PYTEST)

test-statistical: setup  ## slow statistical checks (within an hour)
	$(PYTEST) -m statistical
	cd mixepi && $(PYTEST) -m statistical

bench: setup  ## speed and memory of the estimators, stored in mixepi/benchmarks/results/
	cd mixepi && $(CURDIR)/$(RUN)/python -m benchmarks.wqs
	cd mixepi && $(CURDIR)/$(RUN)/python -m benchmarks.bkmr --repeats 3
	cd mixepi && $(CURDIR)/$(RUN)/python -m benchmarks.rivals

docs: setup  ## the library's site, notebooks executed: mixepi/site/html/index.html
	$(UV) sync --frozen --quiet --group docs
	cd mixepi && $(CURDIR)/$(RUN)/python -m sphinx -W --keep-going -q -b html -d site/doctrees docs site/html
	cd mixepi && OPENBLAS_NUM_THREADS=1 $(CURDIR)/$(RUN)/python -m pytest -q -m distribution tests/test_site.py

package: setup  ## wheel and source distribution of the library, tried in empty environments
	cd mixepi && OPENBLAS_NUM_THREADS=1 $(CURDIR)/$(RUN)/python -m pytest -q -m distribution tests/test_distribution.py

clean:  ## remove what was built and published, but no downloaded files
	rm -rf results report.html appendix.html data/demo data/nhanes/*.duckdb data/nhanes/*.duckdb.wal data/nhanes/published data/nhanes/target data/nhanes/logs data/fits data/current target logs
