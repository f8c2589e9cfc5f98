"""The examples are built, compared and tested as their pages say."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import compare
from tests.looks import look_until, try_limits

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.fixture
def run(tmp_path, request):
    """Return what runs Python in a copy of an example, which is left as it was."""
    folder = tmp_path / "example"
    ignored = shutil.ignore_patterns("*.so", "target", "__pycache__")
    shutil.copytree(EXAMPLES / request.param, folder, ignore=ignored)
    # The crate is compiled once for all runs.
    target = EXAMPLES / request.param / "mandelbrot_pyo3" / "target"

    def run_python(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env={
                **os.environ,
                "CARGO_TARGET_DIR": str(target),
                "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=400,
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    return run_python


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
@pytest.mark.parametrize("run", ["mandelbrot"], indirect=True)
def test_the_worked_example_is_tested_by_its_suite(run) -> None:
    run("build.py", "cffi")
    text = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly")
    assert "failed" not in text
    # Python, numpy and cffi: four cases, three sizes with two seeds, and in threads.
    assert f"{3 * (4 + 3 * 2 + 3)} passed" in text


@pytest.mark.nightly
@pytest.mark.skipif(not shutil.which("cargo"), reason="there is no Rust")
@pytest.mark.parametrize("run", ["mandelbrot"], indirect=True)
def test_five_implementations_of_the_worked_example_are_compared(run) -> None:
    run("build.py")
    text = run("compare_all.py", "--quick")
    for name in ("python", "numpy", "cython", "cffi", "pyo3"):
        assert f"\n{name} " in text
    assert text.count("13/13") == 5


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
@pytest.mark.parametrize("run", ["fifth_backend"], indirect=True)
def test_the_fifth_backend_keeps_the_contract(run) -> None:
    run("build.py")
    scenarios = ("--scenario", "correctness", "--scenario", "gil")
    backend = ("--backend", "capi_backend:backend")
    words = ("-m", "gilscope", "run", "--quick", *scenarios, *backend)
    assert "releases" in look_until(
        lambda text: "releases" in text, lambda: run(*words)
    )


@pytest.mark.nightly
@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
@pytest.mark.parametrize("run", ["fifth_backend"], indirect=True)
def test_the_fifth_backend_passes_every_clause_of_the_contract(run, tmp_path) -> None:
    run("build.py")
    facts = tmp_path / "example" / "capi_backend-0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Name: capi-backend\nVersion: 0\n")
    (facts / "entry_points.txt").write_text(
        "[gilscope.backends]\ncapi = capi_backend:backend\n"
    )
    suite = ROOT / "tests" / "contract"
    # Its processes look for what is installed.
    left_out = f"--ignore={suite / 'test_known_gaps.py'}"
    words = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "capi", left_out)
    text = run(*words, str(suite))
    assert "failed" not in text
    assert "passed" in text


@pytest.fixture
def digest(monkeypatch):
    """Return what gives the name of what examples/digest.py has."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    yield "digest:{}".format
    sys.modules.pop("digest", None)


def test_of_the_two_digests_one_releases_the_gil(digest):
    names = {"at once": "digest_at_once", "in pieces": "digest_in_pieces"}

    def look():
        report = compare.run_all(
            {name: digest(function) for name, function in names.items()},
            contract=digest("Digest"),
            scenarios=["correctness", "gil"],
            quick=True,
        )
        assert report.ok, str(report)
        return [result.gil.verdict for result in report]

    verdicts = look_until(lambda found: "inconclusive" not in found, look)
    assert verdicts == ["releases", "preemptible"]


def test_the_deadlock_ends_with_the_stacks_of_both_threads():
    lines = (EXAMPLES / "deadlock.py").read_text("utf-8").splitlines()
    numbers = [
        number
        for number, line in enumerate(lines, 1)
        if "libc.read(" in line or "time.sleep(" in line
    ]

    def look(limit_s):
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "gilscope",
                    "check",
                    "--timeout",
                    f"{limit_s}s",
                ),
                *("-s", "import deadlock", "deadlock.wait_for_thread()"),
            ],
            cwd=EXAMPLES,
            env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )
        assert done.returncode == 3, done.stdout + done.stderr
        return [f'deadlock.py", line {number} in' in done.stdout for number in numbers]

    assert try_limits(all, look) == [True, True]
