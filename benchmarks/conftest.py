"""Benchmarks run when they are asked for, by `pytest --benchmark-only`."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave the benchmarks out of a plain run, which would spend its time on them."""
    del collection_path
    return None if config.getoption("benchmark_only", default=False) else True
