# The two commands of the README are `make demo` and `make test`; the rest is for those who build Trellis.
SHELL := /bin/bash
BIN := .venv/bin
MATHS := trellis cdpr arm scan

.PHONY: demo test test-slow bench lint setup setup-dev wheel pictures clean

demo: setup  ## the simulated farm, the daemon and the dashboard; two plants scanned and weighed
	$(BIN)/trellis demo

test: setup-dev lint  ## everything that guards the house
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-slow: setup-dev  ## the long proofs
	$(BIN)/python -m pytest -m slow --timeout 5400

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup-dev  ## every benchmark, one after the other; results in benchmarks/results
	for file in benchmarks/*.py; do $(BIN)/python $$file || exit 1; done

pictures: setup-dev  ## the pictures in docs/
	$(BIN)/python docs/make_pictures.py

wheel: setup-dev
	$(BIN)/python -m build --wheel

setup:
	@.ci/setup

setup-dev:
	@.ci/setup dev chromium postgresql mosquitto

clean:
	rm -rf .venv dist demo-data
