"""The four backends on every Python that is here: `nox`.

A free-threaded interpreter takes part where its path is given:

    GILSCOPE_FREE_THREADED_PYTHON=/path/to/python3.14t nox
"""

import os

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False

GIL_PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
FREE_THREADED_PYTHON = os.environ.get("GILSCOPE_FREE_THREADED_PYTHON")
MEMBERS = ["./cython_backend", "./cffi_backend", "./pyo3_backend"]
TESTS = ["tests/contract", "tests/parity"]
REQUIREMENTS = ["hypothesis>=6.130", "numpy>=2.0", "pytest>=8.4,<10", "pytest-timeout"]

# Importing a module that does not declare its support turns the GIL back on for the
# whole process, which is what this finds.
CHECK_GIL = """
import importlib, sys
for name in ("cython", "cffi", "pyo3"):
    importlib.import_module(f"{name}_backend._native")
    assert not sys._is_gil_enabled(), name
"""


def prepare(session: nox.Session) -> None:
    """Install what the tests need, and the backends from the tree."""
    session.install(*REQUIREMENTS)
    session.install("--no-deps", "cffi>=2.0,<3", "pycparser")
    session.install("--no-deps", "--force-reinstall", *MEMBERS)


def run_tests(session: nox.Session, **env: str) -> None:
    """Run the whole contract suite, of which no backend may be missing."""
    arguments = session.posargs or TESTS
    session.run(
        "python",
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--require-backends"),
        *arguments,
        env=env,
    )


@nox.session(python=GIL_PYTHONS)
def contract(session: nox.Session) -> None:
    """Run the contract suite on one Python with a GIL."""
    prepare(session)
    run_tests(session)


@nox.session(python=FREE_THREADED_PYTHON or False)
def free_threaded(session: nox.Session) -> None:
    """Run the contract suite without the GIL, and once more with it."""
    if not FREE_THREADED_PYTHON:
        session.skip("GILSCOPE_FREE_THREADED_PYTHON gives no interpreter")
    prepare(session)
    session.run("python", "-c", CHECK_GIL)
    run_tests(session, PYTHON_GIL="0")
    run_tests(session, PYTHON_GIL="1")
