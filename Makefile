# Two commands for a fresh machine: `make report` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS := 1

.PHONY: report test lint speed clean
report: $(VENV)/.ready
	$(BIN)/python -m benchmarks.correlation --proxies all --out runs/first --replace
	@echo "open runs/first/report.html"

test: $(VENV)/.ready
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

speed: $(VENV)/.ready
	$(BIN)/python -m pytest tests/bench_*.py --benchmark-only -m ""

$(VENV)/.ready: setup.cfg constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt setuptools wheel
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[test,dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
