"""The stubs say what the compiled modules have, and what the reference says."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import backends

ROOT = Path(__file__).parents[2]
STUBBED = ["cython", "pyo3"]


def find_signature(path: Path) -> tuple[str, str]:
    """Return arguments and return type of double_list, as written there."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef) and node.name == "double_list":
            assert node.returns
            return ast.unparse(node.args), ast.unparse(node.returns)
    raise AssertionError(path)


@pytest.mark.parametrize(
    "path",
    [
        "cython_backend/python/cython_backend/_native.pyi",
        "pyo3_backend/python/pyo3_backend/_native.pyi",
        "cffi_backend/python/cffi_backend/_native.py",
    ],
)
def test_same_types_everywhere(path: str) -> None:
    """Stubs and sources give double_list the types of the reference."""
    expected = find_signature(ROOT / "backends/reference.py")
    assert find_signature(ROOT / path) == expected


@pytest.mark.parametrize("name", STUBBED)
def test_stub_fits_the_module(name: str) -> None:
    """Stubtest finds no difference between the stub and what was built."""
    pytest.importorskip("mypy", reason="stubtest comes with mypy")
    try:
        backends.get(name)
    except backends.BackendNotBuiltError as error:
        pytest.skip(str(error))
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", f"{name}_backend._native"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
