# Set up, run and check CPDS. Everything works whatever the path of the clone contains: paths are relative,
# and the environment's tools are started by its Python, since the scripts beside it do not bear a space there.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-dev run lint test coverage docs picture bench bench-http bench-memory chaos clean

# Without compiled bytecode every process compiles all of CPDS anew, which is a third of its start.
unexport PYTHONDONTWRITEBYTECODE

PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
quote = '$(subst ','\'',$(1))'

# make run: which workflow, its parameters (name=value, separated by spaces), and more for the command.
EXAMPLE := config/workflows/feature-delivery.yaml
WORKFLOW ?= $(EXAMPLE)
PARAMS ?=
PARAMS_FILE ?= $(if $(filter $(EXAMPLE),$(WORKFLOW)),config/workflows/feature.example.yaml)
STATE_DIR ?=
PORT ?=
ARGS ?=

help:
	@echo 'make run     set up, start CPDS here and run a workflow; Ctrl-C stops it'
	@echo '             WORKFLOW=my.yaml PARAMS="name=x n=3" PARAMS_FILE=params.yaml PORT=8848 STATE_DIR=var'
	@echo '             ARGS="--auto-shutdown --json ..." (all of them: $(PY) manage.py standalone --help)'
	@echo 'make setup   the environment alone, in .venv'
	@echo 'make lint    format, lint, import rules, types, checks, migrations'
	@echo 'make test    make lint, then all tests, on SQLite and on PostgreSQL'
	@echo 'make coverage  which lines and branches the tests run, on SQLite; in htmlcov what they leave out'
	@echo 'make docs    write the tables of docs/ that come from the code; make picture draws the README'"'"'s picture'
	@echo 'make bench   steps per second, beside bare Celery'
	@echo 'make bench-http  requests per second of the API, beside bare Django and bare ASGI'
	@echo 'make bench-memory  memory of a worker whose calls to Claude wait, and of each more'
	@echo 'make chaos   kill, freeze and restart everything under load, and prove that nothing was lost'
	@echo 'make clean   remove the environment and the caches; what CPDS stored in var stays'

setup: .venv/set-up
	@:

setup-dev: .venv/set-up-dev
	@:

# A .venv that could not be completed is removed, so that the next try starts afresh. Where the venv module
# is without its parts (some distributions package them apart), virtualenv makes the same.
.venv/bin/python:
	@found=; \
	for each in "$(PYTHON)" python3.11 python3 python; do \
	  if "$$each" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then \
	    found="$$each"; break; \
	  fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo 'CPDS needs Python 3.11, and found none. Install it, or name it: make PYTHON=/path/to/python3.11' >&2; \
	  exit 1; \
	fi; \
	echo "Making .venv with $$("$$found" --version)"; \
	rm -rf .venv; \
	"$$found" -m venv .venv >/dev/null 2>&1 || { \
	  rm -rf .venv .venv-maker; \
	  "$$found" -m pip --disable-pip-version-check install --quiet --target .venv-maker virtualenv \
	    && PYTHONPATH=.venv-maker "$$found" -m virtualenv --quiet .venv; \
	  made=$$?; rm -rf .venv-maker; [ $$made -eq 0 ]; \
	} || { rm -rf .venv; echo 'No virtual environment could be made; is pip installed?' >&2; exit 1; }

.venv/set-up: requirements.txt | .venv/bin/python
	@echo 'Installing what CPDS needs to run'
	@$(PIP) install --quiet -r requirements.txt
	@$(PY) -m compileall -q cpds config tasks_app workers_app
	@touch $@

.venv/set-up-dev: requirements-dev.txt requirements.txt | .venv/bin/python
	@echo 'Installing what the checks and tests need'
	@$(PIP) install --quiet -r requirements-dev.txt
	@touch $@ .venv/set-up

run: setup
	@exec $(PY) manage.py standalone \
	  --execute $(call quote,$(WORKFLOW)) \
	  $(if $(PARAMS_FILE),--params-file $(call quote,$(PARAMS_FILE))) \
	  $(foreach each,$(PARAMS),--param $(call quote,$(each))) \
	  $(if $(STATE_DIR),--state-dir $(call quote,$(STATE_DIR))) \
	  $(if $(PORT),--port $(call quote,$(PORT))) \
	  $(ARGS)

lint: setup-dev
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	$(PY) -m mypy
	$(PY) manage.py check
	$(PY) manage.py makemigrations --check --dry-run

test: setup-dev lint
	$(PY) -m pytest -n auto --dist worksteal --db=sqlite
	$(PY) -m pytest -n auto --dist worksteal --db=postgresql -m 'not any_database'

# ARGS="tests/unit" measures a part. The programs that tests start are measured too, but for those they kill.
coverage: setup-dev
	$(PY) -m coverage erase
	$(PY) -m coverage run -m pytest -n auto --dist worksteal --db=sqlite $(ARGS)
	$(PY) -m coverage combine --quiet
	$(PY) -m coverage html --quiet --skip-covered
	$(PY) -m coverage report --skip-covered --sort=miss

docs: setup-dev
	@$(PY) -m docs.generate

picture: setup-dev
	@$(PY) -m docs.generate.picture

bench: setup-dev
	@exec $(PY) -m tests.benchmarks $(ARGS)

bench-http: setup-dev
	@exec $(PY) -m tests.benchmarks.http $(ARGS)

bench-memory: setup-dev
	@exec $(PY) -m tests.benchmarks.memory $(ARGS)

chaos: setup-dev
	@exec $(PY) -m tests.chaos $(ARGS)

clean:
	rm -rf .venv .venv-maker .coverage .coverage.* htmlcov .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
