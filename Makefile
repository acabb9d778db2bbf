# Two commands do everything on a fresh machine: `make run` and `make test`.
# The environment lives outside the clone in a folder named by the lock's hash, so that a second
# clone with the same lock reuses it; `.venv` is a link to it.
SHELL := /bin/bash
PYTHON ?= python3
LOCK := requirements.lock
KEY := $(shell $(PYTHON) -c "import hashlib,sys; print('py%d%d-' % sys.version_info[:2] + hashlib.sha256(open('$(LOCK)','rb').read()).hexdigest()[:16])")
VENV ?= $(HOME)/.cache/cim-pipeline/venv-$(KEY)
READY := $(VENV)/.ready
PY := $(VENV)/bin/python

# Libraries' own telemetry switches, off; PYTHONDONTWRITEBYTECODE would make every import a cold one.
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export HF_HUB_DISABLE_TELEMETRY := 1
export DVC_NO_ANALYTICS := 1
export RAY_USAGE_STATS_ENABLED := 0
export VLLM_NO_USAGE_STATS := 1
# Threads that wait asleep: on a shared machine, spinning ones slow torch tenfold.
export OMP_WAIT_POLICY := PASSIVE
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(VENV)/bin:$(PATH)

.PHONY: run test lint types unit bench env lock clean

run: env ## everything: environment, pipeline, before/after table
	$(PY) -m flows.pipeline

test: lint types unit ## lint, types, then all tests in one process

lint: env
	$(PY) -m ruff check .

types: env
	$(PY) -m mypy cim

unit: env
	$(PY) -m pytest

bench: env ## benchmarks; each prints a table with a calibration
	$(PY) -m benchmarks.pipeline
	$(PY) -m benchmarks.report
	$(PY) -m benchmarks.reward

env: $(READY)
	@ln -sfn $(VENV) .venv

# Pinned and resolved beforehand: --no-deps spares pip the resolving. The marker comes last. The lock's hash is
# in the folder's name, so its time stamp says nothing: a new clone must not rebuild what it can use.
$(READY):
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --no-deps --disable-pip-version-check -r $(LOCK)
	$(PY) -m pip check
	touch $(READY)

lock: ## resolve pyproject.toml again for all supported Pythons (needs uv)
	uv pip compile --universal --python-version 3.11 pyproject.toml --extra dev --no-header -o $(LOCK)

clean: ## remove artefacts that `make run` can make again
	find data -mindepth 1 -maxdepth 1 ! -name README.md ! -name .gitignore -exec rm -rf {} +
	rm -rf .dvc/cache .dvc/tmp
