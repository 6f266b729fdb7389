# One definition of green: people, hooks and .ci/run all call these.
# Needs make, git and a Python of 3.11 or newer; everything else is installed into .venv.
PYTHON ?= python3
JOBS ?= 4
ARGS ?=

# Only relative paths below: the folder's own name may hold spaces.
RUN := .venv/bin/python

# The tests start Python hundreds of times: what one process has compiled serves them all.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test real test-real check format bench lock environment

help:
	@echo "make demo     see briefs become commits, in a scratch repository"
	@echo "make test     run the tests (ARGS='-k claim' to choose)"
	@echo "make test-real  run real agents and a real small model (installs them into .real/)"
	@echo "make check    formatting, lint, types and import contracts"
	@echo "make format   rewrite the code in the house format"
	@echo "make bench    run the benchmarks"
	@echo "make lock     pin the requirements again"

environment:
	@$(PYTHON) requirements/install.py

demo: environment
	@$(RUN) -m demo.run $(ARGS)

# The hash seed is fixed so that a seed of the simulation is the same day here and when it is replayed.
test: environment
	PYTHONHASHSEED=0 $(RUN) -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

# What cannot be had here is left out, and the tests that need it are skipped with the reason.
real: environment
	$(PYTHON) -m tests.real.install

test-real: real
	PYTHONHASHSEED=0 $(RUN) -m pytest -n $(JOBS) --dist loadgroup -m real tests/real $(ARGS)

check: environment
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	.venv/bin/lint-imports

format: environment
	$(RUN) -m ruff format .
	$(RUN) -m ruff check --fix-only .

bench: environment
	@set -e; for script in benchmarks/*.py; do \
	  echo "== $$script"; $(RUN) "$$script" $(ARGS); \
	done

PIN := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --custom-compile-command 'make lock'

lock: environment
	$(PIN) pyproject.toml -o requirements/runtime.txt
	$(PIN) --group pyproject.toml:test -c requirements/runtime.txt -o requirements/test.txt
	$(PIN) --group pyproject.toml:lint -c requirements/runtime.txt -c requirements/test.txt \
	  -o requirements/lint.txt
	echo 'setuptools>=77' | $(PIN) - -o requirements/build.txt
	echo 'uv>=0.9' | $(PIN) - -o requirements/installer.txt
