"""What each backend costs before it works: `python -m benchmarks.start [--builds]`.

Import, first call, size and lines of source; with --builds also how long a release
build from nothing takes, in a copy of the member and without any cache of its own.
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import backends

ROOT = Path(__file__).parents[1]
UV = ROOT / ".tools/bin/uv"
N_PROCESSES = 9

SOURCES = {
    "python": ["backends/reference.py"],
    "cython": ["cython_backend/src/double_list.pyx"],
    "cffi": [
        "cffi_backend/python/cffi_backend/_native.py",
        "cffi_backend/src/double_list.c",
        "cffi_backend/src/double_list.h",
    ],
    "pyo3": ["pyo3_backend/src/lib.rs"],
}
MODULES = {
    "python": "backends.reference",
    "cython": "cython_backend._native",
    "cffi": "cffi_backend._native",
    "pyo3": "pyo3_backend._native",
}
BINARIES = {
    "cython": "cython_backend._native",
    "cffi": "cffi_backend._double_list",
    "pyo3": "pyo3_backend._native",
}
START = """
import importlib, sys, time
start = time.perf_counter_ns()
double_list = importlib.import_module(sys.argv[1]).double_list
imported = time.perf_counter_ns()
double_list([1, 2, 3], [None], 0)
print(imported - start, time.perf_counter_ns() - imported)
"""


def measure_start_ns(name: str) -> tuple[float, float]:
    """Return how long import and first call take, medians of fresh processes."""
    taken: list[list[int]] = []
    for _ in range(N_PROCESSES):
        done = subprocess.run(
            [sys.executable, "-c", START, MODULES[name]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append([int(number) for number in done.stdout.split()])
    imports, calls = zip(*taken, strict=True)
    return statistics.median(imports), statistics.median(calls)


def find_binary_bytes(name: str) -> int | None:
    """Return the size of the extension module, where there is one."""
    if name not in BINARIES:
        return None
    spec = importlib.util.find_spec(BINARIES[name])
    assert spec
    assert spec.origin
    return Path(spec.origin).stat().st_size


def count_lines(name: str) -> int:
    """Return the lines of source, with comments and docstrings."""
    return sum(len((ROOT / path).read_text().splitlines()) for path in SOURCES[name])


def measure_build_s(name: str) -> float | None:
    """Return how long a release build from nothing takes, for a native backend."""
    if name not in BINARIES:
        return None
    uv = str(UV) if UV.exists() else "uv"
    with tempfile.TemporaryDirectory() as place:
        member = f"{name}_backend"
        built = shutil.ignore_patterns("build", "target", "*.so", "*.egg-info")
        shutil.copytree(ROOT / member, Path(place, member), ignore=built)
        environment = os.environ | {"CARGO_TARGET_DIR": f"{place}/target"}
        start = time.perf_counter()
        subprocess.run(
            [uv, "build", "--quiet", "--wheel", "--out-dir", place, member],
            cwd=place,
            env=environment,
            check=True,
        )
        return time.perf_counter() - start


def make_table(*, is_building: bool) -> str:
    """Measure all that is built and return the table, in Markdown."""
    names = [name for name in backends.available() if name in SOURCES]
    starts = {name: measure_start_ns(name) for name in names}
    sizes = {name: find_binary_bytes(name) for name in names}
    rows = {
        "import, ms": [f"{starts[name][0] / 1e6:.0f}" for name in names],
        "first call, us": [f"{starts[name][1] / 1e3:.0f}" for name in names],
        "binary, kB": [f"{size / 1e3:.0f}" if size else "-" for size in sizes.values()],
        "lines of source": [str(count_lines(name)) for name in names],
    }
    if is_building:
        taken = [measure_build_s(name) for name in names]
        rows["release build from nothing, s"] = [
            f"{seconds:.0f}" if seconds else "-" for seconds in taken
        ]
    lines = [f"| | {' | '.join(names)} |", f"| --- |{' --: |' * len(names)}"]
    lines += [f"| {head} | {' | '.join(cells)} |" for head, cells in rows.items()]
    return "\n".join(lines)


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--builds", action="store_true")
    arguments = parser.parse_args()
    sys.stdout.write(make_table(is_building=arguments.builds) + "\n")


if __name__ == "__main__":
    main()
