"""Compare all implementations that are there: `python compare_all.py [--quick]`."""

import importlib.util
import sys

from contract import CONTRACT

import compare

NAMES = ("python", "numpy", "cython", "cffi", "pyo3")


def list_implementations() -> dict[str, str]:
    """Return the implementations whose modules are found, by name."""
    modules = {name: f"mandelbrot_{name}" for name in NAMES}
    modules_needed = {**modules, "cffi": "_mandelbrot_cffi"}
    return {
        name: f"{module}:count_row"
        for name, module in modules.items()
        if (found := importlib.util.find_spec(modules_needed[name]))
        and found.origin is not None
    }


if __name__ == "__main__":
    report = compare.run_all(
        list_implementations(), contract=CONTRACT, quick="--quick" in sys.argv
    )
    print(report)
    sys.exit(not report.ok)
