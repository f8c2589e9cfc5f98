# What a newcomer needs: `make compare` and `make test`. Everything is installed into
# this checkout (.tools, .venv), nothing into the system.

PYTHON ?= python3
CARGO ?= cargo

TOOLS := .tools
VENV := .venv
BIN := $(VENV)/bin
REPORT ?= report.html

HAS_CARGO := $(shell command -v $(CARGO) 2>/dev/null)
# Python 2 can read it too.
IS_NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11) and \
	"gilscope needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] \
	+ "; run: make PYTHON=python3.x")
SYNC := CARGO=$(CARGO) $(PYTHON) tools/sync.py

# An ordinary build lets warnings pass: the next compiler has new ones.
C_FLAGS = -O3 -Wall -Wextra -Werror -c -o /dev/null \
	-DGILSCOPE_CYTHON_VERSION='""' -DGILSCOPE_FREE_THREADED=0 \
	-isystem $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
C_SOURCES = $(shell git ls-files "*.c") build/lint/double_list.c

.PHONY: help compare compare-full demo test nightly bench pythons sanitize fuzz \
	lint docs format build backends clean
.DEFAULT_GOAL := help

help: ## Show this list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

compare: backends ## Build all backends and compare them in 10 s; writes report.html.
	@echo "make: the short form; for narrower ranges: make compare-full" >&2
	@$(BIN)/gilscope run --quick --html $(REPORT)

compare-full: backends ## The same at length, in a minute, with narrower ranges.
	@$(BIN)/gilscope run --html $(REPORT)

demo: backends ## Print the lecture's two threads, as measured.
	@$(BIN)/gilscope demo

# Hundreds of processes are started, each of which would compile all that it imports.
test nightly: export PYTHONDONTWRITEBYTECODE =

test: build ## Run the tests, three at a time.
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(PYTEST_ARGS)

nightly: build ## Run the tests that take minutes.
	@$(BIN)/python -m pytest -m nightly $(PYTEST_ARGS)

bench: build ## Run the benchmarks; print the figures of docs/explanation/performance.md.
	@$(BIN)/python -m pytest --benchmark-only
	@$(BIN)/python -m benchmarks.figures

pythons: build ## Run the contract on every Python that is found here.
	@$(BIN)/nox

sanitize: build ## Run the contract under AddressSanitizer and UndefinedBehaviorSanitizer.
	@$(BIN)/nox -s sanitize

fuzz: build ## Fuzz the arguments of the native backends, ten minutes each.
	@for backend in cython cffi pyo3; do \
		$(BIN)/python tests/fuzz.py --backend $$backend --seconds 600 || exit 1; done

build: ## Build what can be built here, and install what tests and lint need.
	@$(PYTHON) -c '$(IS_NEW_ENOUGH)'
	@$(SYNC) --dev

backends:
	@$(PYTHON) -c '$(IS_NEW_ENOUGH)'
	@$(SYNC)

lint: build ## Check style, types and the native sources.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PATH="$(abspath $(BIN)):$$PATH" cython-lint --max-line-length 88 cython_backend/src
	$(BIN)/clang-format --dry-run -Werror $(shell git ls-files "*.c" "*.h" "*.cpp")
	mkdir -p build/lint
	$(BIN)/cython -o build/lint/double_list.c cython_backend/src/double_list.pyx
	for source in $(C_SOURCES); do $(CC) $(C_FLAGS) $$source || exit 1; done
ifneq ($(HAS_CARGO),)
	cd pyo3_backend && $(CARGO) fmt --check
	cd pyo3_backend && PYO3_PYTHON=$(abspath $(BIN)/python) $(CARGO) clippy --locked --all-targets -- -D warnings
endif

docs: build ## Build the site of docs/ into build/docs.
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs

format: build ## Bring the sources into the house style.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(shell git ls-files "*.c" "*.h" "*.cpp")
ifneq ($(HAS_CARGO),)
	cd pyo3_backend && $(CARGO) fmt
endif

clean: ## Remove everything that was built here.
	rm -rf $(VENV) $(TOOLS) .nox build dist uv.lock
	rm -rf pyo3_backend/target cython_backend/build cffi_backend/build
	rm -rf *_backend/python/*.egg-info
	find . -name '*.so' -not -path './.git/*' -delete
	find . -name '__pycache__' -type d -prune -exec rm -rf {} +
