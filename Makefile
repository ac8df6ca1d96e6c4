PYTHON ?= python3.11
BIN := .venv/bin

# Without bytecode every process, and each program that a test starts, compiles all of it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check soak spark bench lock wheel clean

demo: .venv
	$(BIN)/python -m sandbox

test: .venv
	$(BIN)/pytest

check: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 0 -q tests/architecture

# The same questions as of the other engines, to Spark on two workers; it takes Java 17 and minutes.
spark: .venv
	$(BIN)/python -m tests.soak.spark

# LIFE: what whole lives are told with, as in `make soak LIFE="--minutes 60"`.
soak: .venv
	$(BIN)/python -m tests.soak
	$(BIN)/python -m tests.soak.sending
	$(BIN)/python -m tests.soak.workers
	$(BIN)/python -m tests.soak.life $(LIFE)

# `built` is written last, so that an interrupted build is never taken for a finished one.
.venv: .venv/built
.venv/built: requirements.lock pyproject.toml
	@$(PYTHON) -m tools.build_venv

# BENCH: which of benchmarks/ to run, as in `make bench BENCH=clicking`.
BENCH := month_end
bench: .venv
	$(BIN)/python -m benchmarks.$(BENCH)

# LOCK: as in `make lock LOCK=--upgrade`; else what is locked already stays as it is. It asks for no
# more than a uv, since a change of pyproject.toml may be why .venv cannot be built before.
# The second is for machines that run it and ask warehouses: more than anybody wants beside the tools.
WAREHOUSES := bigquery clickhouse databricks duckdb snowflake spark trino
lock: $(BIN)/uv
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --extra dev pyproject.toml --no-emit-package countersign -o requirements.lock $(LOCK)
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header $(WAREHOUSES:%=--extra %) --extra e-invoice pyproject.toml --no-emit-package countersign \
	  --constraints requirements.lock -o requirements-warehouses.lock $(LOCK)

$(BIN)/uv:
	@$(MAKE) .venv

# The product alone, for machines that run it and need none of the tools here.
wheel: .venv
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf .venv .venv.lock dist .countersign
