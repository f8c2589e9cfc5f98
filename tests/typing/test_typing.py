"""The types that users see are the contract's."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_types_are_the_contract() -> None:
    """Mypy accepts what the contract has and refuses what it forbids."""
    pytest.importorskip("mypy", reason="the type checker is a tool of `make lint`")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "tests/typing/use_backends.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
