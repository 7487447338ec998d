# make sync      set up, then sync a copy of the sample vault with a folder of contact files
# make test      set up, then run the tests
# make thorough  the tests that take longer: more histories, runs against servers, and of the service
# make proof     what the README promises, attacked for a quarter of an hour: histories, known bugs, kills, races, fuzzing
# make check     lint, types, import contracts
# make format    bring the layout of all code into the agreed form
# make lock      remake the lock files from pyproject.toml; delete them first to move to newer versions
# make clean     remove everything that the above made, the copy of the sample vault included

VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin
LOCKS := requirements-dev.txt requirements.txt requirements-build.txt requirements-peers.txt

# The first that is new enough and can make environments (Debian ships that part as python3-venv).
PYTHON ?= $(firstword $(foreach python,python3.11 python3,$(shell \
	$(python) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(python))))
MAKE_VENV = $(if $(PYTHON),$(PYTHON),$(error Python 3.11 or newer with venv is needed: apt-get install python3-venv)) -m venv --clear

# Wheels only: building from source would run code that no hash covers.
PIP := -m pip --disable-pip-version-check --quiet
LOCKED := install --require-hashes --only-binary :all:

.PHONY: sync test thorough proof check lint types imports format lock clean
.DELETE_ON_ERROR:

sync: $(VENV)/.runtime
	@$(BIN)/python tests/tools/main_job.py build/demo

test: $(VENV)/.dev $(PEERS)/.peers
	@$(BIN)/python -m pytest -q -n 4

thorough: $(VENV)/.dev $(PEERS)/.peers
	@$(BIN)/python -m pytest -q -n 4 -m thorough

proof: $(VENV)/.dev $(PEERS)/.peers
	@PYTHONPATH=.:tests $(BIN)/python -m proof $(PIECES)

check: lint types imports

lint: $(VENV)/.dev
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { echo 'Not formatted as agreed; `make format` does it:'; $(BIN)/ruff format --check; }

types: $(VENV)/.dev
	@$(BIN)/mypy
	@$(BIN)/pyright

imports: $(VENV)/.dev
	@$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev
	@$(BIN)/ruff format

$(VENV)/pyvenv.cfg:
	@echo 'Making an environment in $(VENV).'
	@$(MAKE_VENV) $(VENV)

$(VENV)/.runtime: requirements.txt requirements-build.txt pyproject.toml | $(VENV)/pyvenv.cfg
	@echo 'Installing contactd and what it needs.'
	@$(BIN)/python $(PIP) $(LOCKED) -r requirements.txt -r requirements-build.txt
	@$(BIN)/python $(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@echo 'Installing what tests and checks need.'
	@$(BIN)/python $(PIP) $(LOCKED) -r requirements-dev.txt
	@touch $@

$(PEERS)/.peers: requirements-peers.txt
	@echo 'Installing the programs that tests run beside contactd, in $(PEERS).'
	@$(MAKE_VENV) $(PEERS)
	@$(PEERS)/bin/python $(PIP) $(LOCKED) -r requirements-peers.txt
	@touch $@

# Every lock holds the hashes of all files of a version, so that it serves every platform, and no address.
UV_COMPILE = build/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links

lock: build/uv/bin/uv
	@$(UV_COMPILE) pyproject.toml --group dev --output-file requirements-dev.txt
	@$(UV_COMPILE) pyproject.toml --constraint requirements-dev.txt --output-file requirements.txt
	@$(UV_COMPILE) --group build --constraint requirements-dev.txt --output-file requirements-build.txt
	@$(UV_COMPILE) --group peers --output-file requirements-peers.txt

build/uv/bin/uv:
	@$(MAKE_VENV) build/uv
	@build/uv/bin/python $(PIP) install uv

clean:
	rm -rf $(VENV) $(PEERS) build .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
