"""What `make` does on a fresh machine, and on one where a tool is missing."""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
C_BACKENDS = ["gilscope-cython", "gilscope-cffi"]


@pytest.fixture
def sync() -> ModuleType:
    """Return the script that sets up .venv, not run."""
    spec = importlib.util.spec_from_file_location("sync", ROOT / "tools" / "sync.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def add_tool(place: Path, name: str, output: str = "") -> None:
    """Put a command there that prints that."""
    path = place / name
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("tools", "left_out"),
    [
        ({"cc": "", "cargo": "cargo 99.0.1 (abc 2026-01-01)"}, []),
        ({"clang": "", "cargo": "cargo 99.0.1"}, []),
        ({"cc": ""}, ["gilscope-pyo3"]),
        ({"cc": "", "cargo": "cargo 1.9.0"}, ["gilscope-pyo3"]),
        ({"cc": "", "cargo": "error: no default toolchain"}, ["gilscope-pyo3"]),
        ({"cargo": "cargo 99.0.1"}, [*C_BACKENDS, "gilscope-pyo3"]),
        ({}, [*C_BACKENDS, "gilscope-pyo3"]),
    ],
)
def test_what_cannot_be_built_is_left_out(
    tools: dict[str, str],
    left_out: list[str],
    sync: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """And nothing else, whatever of the tools is there, or too old."""
    for name, output in tools.items():
        add_tool(tmp_path, name, output)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CARGO", raising=False)
    monkeypatch.setattr(sync.sysconfig, "get_path", lambda _: str(tmp_path))
    (tmp_path / "Python.h").touch()
    assert list(dict(sync.find_obstacles())) == left_out


def test_without_the_headers_of_python_rust_is_built_all_the_same(
    sync: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PyO3 brings its own declarations."""
    add_tool(tmp_path, "cc")
    add_tool(tmp_path, "cargo", "cargo 99.0.1")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sync.sysconfig, "get_path", lambda _: str(tmp_path))
    obstacles = dict(sync.find_obstacles())
    assert list(obstacles) == C_BACKENDS
    assert all("Python.h" in reason for reason in obstacles.values())


def test_an_old_python_is_told_what_is_needed(tmp_path: Path) -> None:
    """Before anything is installed, and before the script that it cannot read."""
    python = tmp_path / "python"
    old = "import sys; sys.version_info = (3, 10); exec(sys.argv.pop(1))"
    python.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -c "{old}" "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "backends", f"PYTHON={python}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "gilscope needs Python 3.11 or newer" in done.stderr


# What `make compare` may find on the machine besides what the test takes away.
COMMON = ("sh", "make", "env", "ld", "as", "ar", "uname", "sed", "grep", "expand")


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("tools", "built"),
    [
        (("cc", "gcc"), ["python", "cython", "cffi"]),
        ((), ["python"]),
    ],
)
def test_compare_works_on_a_machine_without(
    tools: tuple[str, ...], built: list[str], tmp_path: Path
) -> None:
    """No Rust, or no compiler at all: a table of what is there, and the page."""
    place = copy_sources(tmp_path / "clone")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in (*COMMON, *tools):
        found = shutil.which(name)
        if found:
            (programs / name).symlink_to(Path(found).resolve())
    (programs / "python3").symlink_to(sys._base_executable)
    done = subprocess.run(
        ["make", "compare", "REPORT=page.html"],
        cwd=place,
        env={**os.environ, "PATH": str(programs)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (place / "page.html").exists()
    for name in ("cython", "cffi", "pyo3"):
        told = f"make: gilscope-{name} is left out: no " in done.stderr
        assert told == (name not in built)
    assert "make compare-full" in done.stderr
    available = subprocess.check_output(
        [".venv/bin/python", "-c", "import backends; print(*backends.available())"],
        cwd=place,
        text=True,
    )
    assert available.split() == built


def copy_sources(place: Path) -> Path:
    """Copy what git would clone, as it is in the work tree now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return place
