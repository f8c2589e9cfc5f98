"""The four backends on every Python that is here, and under sanitizers: `nox`.

A free-threaded interpreter takes part where its path is given:

    GILSCOPE_FREE_THREADED_PYTHON=/path/to/python3.14t nox
"""

import os
import shutil
import subprocess
import sys

import nox

nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
# The sanitizers are asked for by name.
nox.options.sessions = ["contract", "free_threaded"]

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


def forget_builds() -> None:
    """Remove what an earlier build left beside the sources.

    It would be taken for up to date, whatever flags it was compiled with.
    """
    for member in MEMBERS:
        shutil.rmtree(f"{member}/build", ignore_errors=True)


def prepare(session: nox.Session) -> None:
    """Install what the tests need, and the backends from the tree."""
    forget_builds()
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


# Undefined behaviour ends the run, where a mere report would be overlooked.
C_FLAGS = "-g -fno-omit-frame-pointer -fsanitize=address,undefined"
C_FLAGS += " -fno-sanitize-recover=undefined"
# A limit on addresses or a look at resident pages meets the sanitizer's own memory.
NOT_SANITIZED = "not huge_list and not no_memory_is_kept"
SANITIZER_OPTIONS = "detect_leaks=0:allocator_may_return_null=1"
# A module that was compiled without the sanitizer would pass whatever it does.
CHECK_SANITIZED = """
import importlib.util, pathlib
for name in ("cython_backend._native", "cffi_backend._double_list",
             "pyo3_backend._native"):
    binary = pathlib.Path(importlib.util.find_spec(name).origin).read_bytes()
    assert b"__asan_report" in binary, name
"""


def find_host() -> str:
    """Return what Rust calls this machine."""
    facts = subprocess.run(
        ["rustc", "-vV"],  # noqa: S607 (the one that cargo finds)
        capture_output=True,
        text=True,
        check=True,
    )
    return facts.stdout.split("host: ")[1].split()[0]


@nox.session(python=False)
def sanitize(session: nox.Session) -> None:
    """Run the contract suite with AddressSanitizer and UndefinedBehaviorSanitizer.

    C and Cython get both, Rust the first. The runtime is that of gcc for all three.
    """
    if sys.platform != "linux" or not shutil.which("gcc"):
        session.skip("the sanitizers need Linux and gcc")
    place = os.path.abspath("build/sanitize")  # noqa: PTH100 (nox itself uses str)
    python = f"{place}/bin/python"
    session.run(sys.executable, "-m", "venv", "--clear", place)
    pip = [python, "-m", "pip", "install", "--quiet"]
    session.run(*pip, *REQUIREMENTS, "cffi>=2.0,<3", external=True)
    build = {
        "CC": "gcc",
        "CFLAGS": C_FLAGS,
        "LDFLAGS": "-fsanitize=address,undefined",
        # Stable Rust has sanitizers, but only admits it when told to.
        "RUSTC_BOOTSTRAP": "1",
        "RUSTFLAGS": "-Zsanitizer=address",
        "CARGO_TARGET_DIR": f"{place}/target",
        # With a target of its own nothing is instrumented that runs while building.
        "CARGO_BUILD_TARGET": find_host(),
    }
    forget_builds()
    fresh = ["--no-deps", "--no-cache-dir", "--force-reinstall"]
    session.run(*pip, *fresh, *MEMBERS, env=build, external=True)
    runtimes = [
        subprocess.run(  # noqa: S603
            ["gcc", f"-print-file-name={name}"],  # noqa: S607
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for name in ("libasan.so", "libubsan.so")
    ]
    env = {
        "LD_PRELOAD": " ".join(runtimes),
        "ASAN_OPTIONS": SANITIZER_OPTIONS,
        "UBSAN_OPTIONS": "print_stacktrace=1",
        # Else Python's own arenas hide what is beyond an object.
        "PYTHONMALLOC": "malloc",
    }
    session.run(python, "-c", CHECK_SANITIZED, env=env, external=True)
    session.run(
        python,
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--require-backends"),
        *("-k", NOT_SANITIZED, "tests/contract"),
        env=env,
        external=True,
    )
