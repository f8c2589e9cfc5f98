# What a newcomer needs: `make compare` and `make test`. Everything is installed into
# this checkout (.tools, .venv), nothing into the system.

PYTHON ?= python3
CARGO ?= cargo

TOOLS := .tools
UV := $(TOOLS)/bin/uv
VENV := .venv
BIN := $(VENV)/bin
REPORT ?= report.html

# The interpreter itself and not a shim, so that uv never looks further.
BASE_PYTHON := $(shell $(PYTHON) -c 'import sys; print(sys.executable)' 2>/dev/null)

# A backend whose tool is missing is left out; the report says what to install.
HAS_CARGO := $(shell command -v $(CARGO) 2>/dev/null)
HAS_CC := $(shell command -v cc 2>/dev/null || command -v gcc || command -v clang)
WITHOUT_CARGO := $(if $(HAS_CARGO),,gilscope-pyo3)
# Rust links with the C compiler.
WITHOUT_CC := $(if $(HAS_CC),,gilscope-cython gilscope-cffi gilscope-pyo3)
SKIPPED := $(sort $(WITHOUT_CARGO) $(WITHOUT_CC))
SYNC := $(UV) sync --quiet --python $(BASE_PYTHON) --all-packages \
	$(foreach name,$(SKIPPED),--no-install-package $(name))

.PHONY: help compare demo test bench pythons sanitize fuzz lint docs format build clean
.DEFAULT_GOAL := help

help: ## Show this list.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

compare: build ## Build all backends and compare them; writes report.html.
	@$(BIN)/gilscope run --html $(REPORT)

demo: build ## Print the lecture's two threads, as measured.
	@$(BIN)/gilscope demo

test: build ## Run the tests.
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: build ## Run the benchmarks; print the figures of docs/performance.md.
	@$(BIN)/python -m pytest --benchmark-only
	@$(BIN)/python -m benchmarks.figures

pythons: build ## Run the contract on every Python that is found here.
	@$(BIN)/nox

sanitize: build ## Run the contract under AddressSanitizer and UndefinedBehaviorSanitizer.
	@$(BIN)/nox -s sanitize

fuzz: build ## Fuzz the arguments of the native backends, ten minutes each.
	@for backend in cython cffi pyo3; do \
		$(BIN)/python tests/fuzz.py --backend $$backend --seconds 600 || exit 1; done

build: $(UV) ## Build what can be built here.
	$(if $(WITHOUT_CARGO),@echo "no cargo: $(WITHOUT_CARGO) is left out; install Rust" >&2)
	$(if $(WITHOUT_CC),@echo "no C compiler: $(WITHOUT_CC) are left out; install gcc or clang" >&2)
	$(if $(wildcard $(VENV)),,@echo "building the backends, about half a minute" >&2)
	@$(SYNC)

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gilscope needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; run: make PYTHON=python3.x")'
	@$(BASE_PYTHON) -m venv $(TOOLS) || { rm -rf $(TOOLS); echo "$(BASE_PYTHON) cannot make a virtual environment; on Debian install python3-venv" >&2; exit 1; }
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'

lint: build ## Check style, types and the native sources.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" cython-lint --max-line-length 88 cython_backend/src
	$(BIN)/clang-format --dry-run -Werror $(shell git ls-files "*.c" "*.h")
ifneq ($(HAS_CARGO),)
	cd pyo3_backend && $(CARGO) fmt --check
	cd pyo3_backend && PYO3_PYTHON=$(abspath $(BIN)/python) $(CARGO) clippy --locked --all-targets -- -D warnings
endif

docs: build ## Build the site of docs/ into build/docs.
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

format: build ## Bring the sources into the house style.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(shell git ls-files "*.c" "*.h")
ifneq ($(HAS_CARGO),)
	cd pyo3_backend && $(CARGO) fmt
endif

clean: ## Remove everything that was built here.
	rm -rf $(VENV) $(TOOLS) .nox build dist uv.lock
	rm -rf pyo3_backend/target cython_backend/build cffi_backend/build
	find . -name '*.so' -not -path './.git/*' -delete
	find . -name '__pycache__' -type d -prune -exec rm -rf {} +
