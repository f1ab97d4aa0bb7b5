# Each target does its own set-up: on a machine with Python 3.11 or newer, `make demo` and `make test` are enough.

PYTHON ?= python3
BIN := .venv/bin
# Every file that is installed has the bytes of constraints.lock; gatecast itself is built from this folder.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
FETCH := $(BIN)/python -m pip download --quiet --disable-pip-version-check
LOCKED := $(PIP) --constraint constraints.lock --requirement
EDITABLE := $(PIP) --no-deps --no-build-isolation --editable .

.PHONY: setup demo test check audit bench fuzz wheel release-check docs clean

setup: .venv/dev.stamp

.venv/core.stamp: pyproject.toml constraints.lock lock.py hatch_build.py $(wildcard src/gatecast/kernels/csrc/*)
	$(PYTHON) -c 'import sys; sys.exit("gatecast needs Python 3.11 or newer, this is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python lock.py pin pip > .venv/pip.txt
	$(PIP) --requirement .venv/pip.txt
	rm -rf .venv/torch
	$(FETCH) --no-deps --constraint constraints.txt --dest .venv/torch torch
	$(BIN)/python lock.py check .venv/torch/torch-*.whl
	$(PIP) --no-deps .venv/torch/torch-*.whl
	rm -r .venv/torch
	$(BIN)/python lock.py needs > .venv/core.txt
	$(LOCKED) .venv/core.txt
	$(EDITABLE)
	touch $@

.venv/dev.stamp: .venv/core.stamp
	$(BIN)/python lock.py needs dev > .venv/dev.txt
	$(LOCKED) .venv/dev.txt
	touch $@

demo: .venv/core.stamp
	$(BIN)/gatecast demo

test: .venv/dev.stamp
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report term:skip-covered --cov-fail-under 90

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: .venv/dev.stamp
	$(BIN)/python lock.py audit

# The benchmarks read public data from the folder GATECAST_DATA, and skip what is not there.
bench: .venv/dev.stamp
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

# Each target for so many seconds; an hour or more for a night.  The inputs grow in fuzz/grown; see fuzz/README.md.
SECONDS ?= 60
fuzz: .venv/dev.stamp
	$(BIN)/python lock.py needs fuzz > .venv/fuzz.txt
	$(LOCKED) .venv/fuzz.txt
	test -d fuzz/grown || $(BIN)/python -m fuzz.seeding fuzz/grown
	for target in csv settings artifact; do $(BIN)/python -m fuzz $$target $(SECONDS) || failed=1; done; test -z "$$failed"

# The sources and a wheel for this machine; where there is a compiler for ARM, a wheel for that too.
wheel: .venv/dev.stamp
	rm -rf dist
	$(BIN)/python -m hatchling build --target sdist --target wheel
	if command -v aarch64-linux-gnu-g++ > /dev/null; then GATECAST_TARGET=aarch64 $(BIN)/python -m hatchling build --target wheel; fi
	$(BIN)/python -m pytest tests/test_wheel.py tests/test_neon.py

# What must hold before a version is released; CONTRIBUTING.md has the steps.
release-check: wheel check audit
	$(BIN)/python -m pytest tests/test_release.py tests/test_completion.py tests/test_lock.py
	rm -rf .venv/released
	$(PYTHON) -m venv .venv/released
	.venv/released/bin/pip install --quiet --constraint constraints.txt --find-links dist gatecast==$$($(BIN)/gatecast --version)
	.venv/released/bin/gatecast doctor
	cd .venv/released && PYTHONPATH= bin/gatecast demo --out demo --quiet

# The site, with the reference: open build/site/index.html.
docs: .venv/dev.stamp
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean:
	rm -rf .venv build dist .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
