# The two commands a newcomer needs: `make run` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install run test chaos check audit sbom fuzz mutants format lock clean

install: $(STAMP)

# Hash-locked: pip refuses any file whose digest is not in requirements.lock.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "需要 Python 3.11 或更高版本 / Python 3.11 or newer is needed"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(STAMP)

run: install
	$(BIN)/hotline up --demo

test: install
	$(BIN)/python -m pytest -n auto --dist loadscope

# Half an hour on an idle machine: ROUNDS=300 rounds of faults; the same SEED does the same. See docs/faults.md.
ROUNDS ?= 300
chaos: install
	$(BIN)/python -m tests.faults.chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED))

# Generated requests on every address as everybody, an hour: CASES=20000; the same SEED sends the same.
fuzz: install
	CASES=$(or $(CASES),20000) $(if $(SEED),SEED=$(SEED)) $(BIN)/python -m pytest tests/fuzz -s --timeout 0

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Our own code and what it stands on. A database of known faults that is away is said and fails nothing; a fault does.
audit: install
	$(BIN)/bandit -q -c pyproject.toml -r service workers sla_rules
	$(BIN)/python -m tests.supply.audit

# A bill of materials (CycloneDX) of what the lock holds.
sbom: install
	@mkdir -p build
	$(BIN)/python -W ignore -m cyclonedx_py requirements requirements.lock --pyproject pyproject.toml \
	  --output-reproducible --of JSON -o build/sbom.json
	@echo build/sbom.json

# An hour or more: one process, of the lowest priority. See docs/mutation.md.
mutants: install
	$(BIN)/python -m tests.mutants

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Resolve anew for every platform; writes hashes and no index address.
lock:
	uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header -o requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
