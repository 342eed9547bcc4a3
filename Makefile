# Everything a developer or a CI machine runs. Needs make and a Python with venv; the rest goes into .venv.
PYTHON ?= python3
VENV ?= .venv

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SAY := printf '\n== %s\n'
CGROUP2 := tests/cgroup2/run '$(abspath $(BIN))/python'
SPACE := $(subst ,, )

# With HOME empty, pip would look for its cache in the root folder and complain about what it finds there.
ifeq ($(strip $(HOME)),)
export PIP_NO_CACHE_DIR := 1
endif

.NOTPARALLEL:
.DELETE_ON_ERROR:
.PHONY: help setup demo check images test test-long test-cpython test-cgroup2 test-cgroup2-whole bench bench-containers clean

help:
	@echo 'make demo    set up what the demo needs, and run the main job on real data'
	@echo 'make check   the fast lane: format, lint, layers, types, unit tests'
	@echo 'make test    everything: check, then conformance, security, regressions, integration and packaging'
	@echo 'make test-long   the long tables of regression tests, whole and in every sandbox; make test runs a sample of them'
	@echo 'make test-cpython   the tests of CPython itself in the process sandbox; make test runs six modules of them'
	@echo 'make images  the images of the Docker sandbox, where they are missing or out of date; make test does it too'
	@echo 'make test-cgroup2   the tests that depend on the cgroup version, in an emulated machine that has only v2'
	@echo 'make test-cgroup2-whole   all conformance and security tests there; it takes long'
	@echo 'make bench   measure calls, calls in flight, overshoot, large values, decoding, what code orders, attackers, cold starts, the host part and scans (docs/performance.md)'
	@echo 'make bench-containers   the same calls in containers, and what containers cost, with runc and with gVisor'
	@echo 'make setup   make the virtual environment $(VENV) with all that development needs'
	@echo 'make clean   remove the virtual environment and everything that was generated'
	@echo
	@echo 'PYTHON=python3.12 make ... chooses the interpreter (3.11 or later).'

setup: $(VENV)/.has-dev

demo: $(VENV)/.has-data
	@$(BIN)/poet demo

check: $(VENV)/.has-dev
	@$(SAY) 'format and lint'
	@$(BIN)/ruff format --check --quiet . || { echo 'mend with: $(BIN)/ruff format .' >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(SAY) 'layers'
	@$(BIN)/lint-imports --no-logo
	@$(SAY) 'types'
	@$(BIN)/mypy
	@$(SAY) 'unit tests'
	@$(BIN)/pytest -q tests/unit

images: $(VENV)/.has-dev
	@$(SAY) 'images of the Docker sandbox'
	@tests/docker/images '$(BIN)'

test: check images
	@$(SAY) 'conformance and security tests'
	@$(BIN)/pytest -q tests/conformance tests/security
	@$(SAY) 'regression tests, of those in containers a sample; make test-long runs all'
	@$(BIN)/pytest -q --sample tests/regressions
	@$(SAY) 'integration and packaging tests' # apart: some count what is left, while sandboxes of the others stay open
	@$(BIN)/pytest -q tests/integration tests/packaging
	@$(SAY) 'cgroup v2'
	@case ',$(subst $(SPACE),,$(POET_REQUIRE)),' in \
	*,cgroup2,*) $(CGROUP2) ;; \
	*) echo 'not run: it boots an emulated machine, which takes minutes; make test-cgroup2, or POET_REQUIRE=cgroup2 make test' ;; \
	esac

test-long: images
	@$(SAY) 'all regression tests'
	@$(BIN)/pytest -q --durations=10 tests/regressions

test-cpython: $(VENV)/.has-dev
	@$(SAY) 'the tests of CPython itself'
	@$(BIN)/python tools/cpython_suite.py

test-cgroup2: $(VENV)/.has-dev
	@$(CGROUP2)

test-cgroup2-whole: $(VENV)/.has-dev
	@POET_CGROUP2_WHOLE=1 $(CGROUP2)

bench: $(VENV)/.has-dev
	@$(BIN)/python benchmarks/call_latency.py
	@$(BIN)/python benchmarks/call_latency.py --policy data
	@$(BIN)/python benchmarks/call_latency.py --fresh none
	@$(BIN)/python benchmarks/in_flight.py
	@$(BIN)/python benchmarks/overshoot.py
	@$(BIN)/python benchmarks/values.py
	@$(BIN)/python benchmarks/decoding.py
	@$(BIN)/python benchmarks/host_costs.py
	@$(BIN)/python benchmarks/attackers.py
	@$(BIN)/python benchmarks/cold_start.py
	@$(BIN)/python benchmarks/host_overhead.py
	@$(BIN)/python benchmarks/gate.py

bench-containers: images
	@$(BIN)/python benchmarks/call_latency.py --sandbox docker --runtime runc
	@$(BIN)/python benchmarks/containers.py --runtime runc
	@$(BIN)/python benchmarks/call_latency.py --sandbox docker --runtime runsc
	@$(BIN)/python benchmarks/containers.py --runtime runsc

clean:
	@rm -rf '$(VENV)' build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis poet-demo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps depend on pyproject.toml: a changed dependency is installed by the next command that needs it.
$(VENV)/.has-data: pyproject.toml $(VENV)/.has-pip
	@echo 'installing poet-engine and what the demo needs into $(VENV) ...'
	@$(PIP) install --editable '.[data]'
	@touch $@

$(VENV)/.has-dev: pyproject.toml $(VENV)/.has-pip
	@echo 'installing poet-engine and what development needs into $(VENV) ...'
	@$(PIP) install --editable '.[dev]'
	@touch $@ $(VENV)/.has-data

$(VENV)/.has-pip:
	@command -v '$(PYTHON)' >/dev/null || { \
		echo "setup: there is no '$(PYTHON)' on this machine; install Python 3.11 or later (Debian, Ubuntu: apt install python3 python3-venv), or name one: make PYTHON=/path/to/python3" >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "setup: '$(PYTHON)' is $$('$(PYTHON)' --version 2>&1), but poet-engine needs Python 3.11 or later; name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@'$(PYTHON)' -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "setup: '$(PYTHON)' cannot make a virtual environment, because its venv module is not installed; install it (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@'$(PYTHON)' -m venv '$(VENV)'
	@touch $@
