"""The four backends on every Python that is here, and under sanitizers: `nox`.

Interpreters are found on PATH, among those of pyenv and uv, and by their paths:

    GILSCOPE_PYTHONS=/path/to/python3.14t:/path/to/python3.15 nox

`nox -l` lists them. `nox -s "contract(3.14t)"` runs one, `nox -s report` compares the
backends on each and gathers the reports into one table.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
# The others are asked for by name.
nox.options.sessions = ["contract"]

PYTHONS_VARIABLE = "GILSCOPE_PYTHONS"
LABELS = ["3.11", "3.12", "3.13", "3.14", "3.14t", "3.15", "3.15t"]
# Where pyenv and uv keep what they installed.
FOLDERS = {
    "PYENV_ROOT": ("~/.pyenv", "versions/*/bin/python3"),
    "UV_PYTHON_INSTALL_DIR": ("~/.local/share/uv/python", "cpython-*/bin/python3"),
}
MEMBERS = ["./cython_backend", "./cffi_backend", "./pyo3_backend"]
TESTS = ["tests/contract", "tests/parity"]
REQUIREMENTS = ["hypothesis>=6.130", "numpy>=2.0", "pytest>=8.4,<10", "pytest-timeout"]
REPORTS = Path("build", "reports")

# The label of an interpreter, and the path of the one behind a shim or an environment.
ASK = """
import sys, sysconfig
free_threaded = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
print("%d.%d%s" % (*sys.version_info[:2], free_threaded), sys._base_executable)
"""


def find_pythons() -> dict[str, str]:
    """Return the path of an interpreter for each label, as far as one is found."""
    named = os.environ.get(PYTHONS_VARIABLE, "")
    candidates = [path for path in named.split(os.pathsep) if path]
    for path in candidates:
        if read_label(path) is None:
            known = ", ".join(LABELS)
            message = f"{PYTHONS_VARIABLE}: expected paths of {known}, got {path}"
            raise SystemExit(message)
    candidates += [sys.executable, *(f"python{label}" for label in LABELS)]
    for variable, (default, pattern) in FOLDERS.items():
        folder = Path(os.environ.get(variable, default)).expanduser()
        candidates += sorted(map(str, folder.glob(pattern)), reverse=True)
    found: dict[str, str] = {}
    for candidate in candidates:
        path = shutil.which(candidate)
        answer = read_label(path) if path else None
        if answer is not None:
            found.setdefault(*answer)
    return {label: found[label] for label in LABELS if label in found}


def read_label(path: str) -> tuple[str, str] | None:
    """Return label and path of that interpreter, None if it is none for us."""
    try:
        done = subprocess.run(  # noqa: S603
            [path, "-c", ASK], capture_output=True, text=True, check=False
        )
    except OSError:
        return None
    label, _, real = done.stdout.strip().partition(" ")
    return (label, real) if label in LABELS else None


PYTHONS = find_pythons()
each_python = nox.parametrize(
    "python", [nox.param(path, id=label) for label, path in PYTHONS.items()]
)

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


def find_session_label(session: nox.Session) -> str:
    """Return the label of the interpreter that this session runs."""
    return next(label for label, path in PYTHONS.items() if path == session.python)


@nox.session
@each_python
def contract(session: nox.Session) -> None:
    """Run the contract suite; on a free-threaded build without the GIL and with it."""
    forget_builds()
    session.install(*REQUIREMENTS, *MEMBERS)
    command = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")
    arguments = ("--require-backends", *(session.posargs or TESTS))
    if not find_session_label(session).endswith("t"):
        session.run(*command, *arguments)
        return
    session.run("python", "-c", CHECK_GIL)
    session.run(*command, *arguments, env={"PYTHON_GIL": "0"})
    session.run(*command, *arguments, env={"PYTHON_GIL": "1"})


@nox.session
@each_python
def report(session: nox.Session) -> None:
    """Compare the backends on one Python, in the short form unless told otherwise."""
    forget_builds()
    session.install(".", *MEMBERS)
    REPORTS.mkdir(parents=True, exist_ok=True)
    path = (REPORTS / f"{find_session_label(session)}.json").absolute()
    options = session.posargs or ["--quick"]
    # What went wrong, status 1 or 3, stands in the report and in the table.
    codes = [0, 1, 3]
    with session.chdir(session.create_tmp()):
        session.run(
            "gilscope", "run", *options, "--json", str(path), success_codes=codes
        )
    session.notify("gather")


@nox.session(python=False)
def gather(session: nox.Session) -> None:
    """Print one table of all reports that the sessions `report` wrote."""
    found = sorted(map(str, REPORTS.glob("*.json")))
    if not found:
        session.skip(f"no report in {REPORTS}; run: nox -s report")
    command = [sys.executable, "-m", "gilscope", "gather", *found]
    session.run(*command, external=True, success_codes=[0, 1, 3])


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
