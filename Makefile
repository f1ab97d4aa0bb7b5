# Each target does its own set-up: on a machine with Python 3.11 or newer, `make demo` and `make test` are enough.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

DOCUMENTED := client server tuning workflow choosing streaming forecaster artifact training models nn cells evaluation inspection datasets forecast data errors

.PHONY: setup demo test check bench wheel docs clean

setup: .venv/dev.stamp

.venv/core.stamp: pyproject.toml constraints.txt hatch_build.py $(wildcard src/gatecast/kernels/csrc/*)
	$(PYTHON) -c 'import sys; sys.exit("gatecast needs Python 3.11 or newer, this is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/dev.stamp: .venv/core.stamp
	$(PIP) --editable '.[dev]'
	touch $@

demo: .venv/core.stamp
	$(BIN)/gatecast demo

test: .venv/dev.stamp
	$(BIN)/python -m pytest --numprocesses 2 --cov --cov-report term:skip-covered --cov-fail-under 90

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The benchmarks read public data from the folder GATECAST_DATA, and skip what is not there.
bench: .venv/dev.stamp
	for script in benchmarks/[a-z]*.py; do $(BIN)/python $$script || exit 1; done

wheel: .venv/dev.stamp
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m pytest tests/test_wheel.py

docs: .venv/dev.stamp
	$(BIN)/pdoc --docformat google --output-directory docs/build $(addprefix gatecast.,$(DOCUMENTED))

clean:
	rm -rf .venv build dist docs/build .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
