# One command sets up and runs the tests: make test. One sets up and runs the main job: make demo.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: test demo check lint format benchmark clean

test: $(BIN)/.installed
	$(BIN)/python -m pytest -n auto --maxprocesses 4

demo: $(BIN)/.installed
	$(BIN)/streamsql run examples/wordcount/wordcount.sql --input lines=examples/wordcount/words.txt --output counts.jsonl
	$(BIN)/streamsql compare examples/flights/hourly_delays.sql

check: lint test

lint: $(BIN)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(BIN)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: $(BIN)/.installed
	$(BIN)/python -m benchmarks

$(BIN)/.installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(BIN)/python -m compileall -q streamsql connectors catalog repl
	touch $@

clean:
	rm -rf .venv build dist counts.jsonl
