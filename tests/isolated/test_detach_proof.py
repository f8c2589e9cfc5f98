"""The proof: taking `Python::detach` out of the Rust backend makes the fixture fail.

A copy of the crate is built twice, as it is and with the kernel called where the
thread is still attached. Nothing else differs, and the answers stay right.
"""

import importlib.machinery
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from benchmarks.known_callables import run_beside
from tests.isolated.test_pytest_plugin import ALONE, PLUGIN, ROOT

pytest_plugins = ["pytester"]

N_TIMES = 20
DETACHED, ATTACHED = "py.detach(run_kernel)", "run_kernel()"
SUFFIX = importlib.machinery.EXTENSION_SUFFIXES[0]

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not shutil.which("cargo"), reason="there is no cargo"),
]

USER_TEST = f"""
import pytest
from _native import double_list

@pytest.mark.parametrize("time", range({N_TIMES}))
def test_it(gil, time):
    result = [None]
    gil.assert_releases(double_list, [1] * 1000, result, 0, passes=5000)
    assert result == [[2] * 1000]
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Return what builds the crate with one text in it replaced."""
    folder = tmp_path_factory.mktemp("crate")

    def build_crate(name, old, new):
        crate = folder / name
        shutil.copytree(
            ROOT / "pyo3_backend", crate, ignore=shutil.ignore_patterns("target")
        )
        source = crate / "src" / "lib.rs"
        text = source.read_text(encoding="utf-8")
        assert text.count(old) == 1
        source.write_text(text.replace(old, new), encoding="utf-8")
        target = folder / "target"
        done = subprocess.run(
            ["cargo", "build", "--release", "--locked"],
            cwd=crate,
            env=os.environ
            | {"CARGO_TARGET_DIR": str(target), "PYO3_PYTHON": sys.executable},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        library = sysconfig.get_config_var("SHLIB_SUFFIX") or ".so"
        library = ".dylib" if sys.platform == "darwin" else library
        shutil.copy(
            target / "release" / f"lib_native{library}", crate / f"_native{SUFFIX}"
        )
        return crate

    return build_crate


@pytest.fixture(scope="module")
def detached(build):
    """Return the folder of the crate as it is."""
    return build("detached", DETACHED, DETACHED)


@pytest.fixture(scope="module")
def attached(build):
    """Return the folder of the crate without the release."""
    return build("attached", DETACHED, ATTACHED)


@pytest.fixture(params=[0, 2 * (os.cpu_count() or 1)], ids=["idle", "loaded"])
def run(request, pytester, monkeypatch):
    """Return what runs the user's test beside that many busy loops."""

    def run_pytest(folder: Path):
        for name, value in ALONE.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(folder)]))
        pytester.makepyfile(USER_TEST)
        with run_beside(request.param):
            return pytester.runpytest_subprocess(*PLUGIN)

    return run_pytest


def test_the_fixture_passes_with_detach(run, detached):
    run(detached).assert_outcomes(passed=N_TIMES)


def test_the_fixture_fails_without_detach(run, attached):
    result = run(attached)
    result.assert_outcomes(failed=N_TIMES)
    result.stdout.fnmatch_lines(["expected that *double_list releases the GIL"])
