"""The pytest plugin, in test runs of their own."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.looks import look_until
from tests.native import build_calls

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED") or sys._is_gil_enabled()
needs_gil = pytest.mark.skipif(not HAS_GIL, reason="there is no GIL to hold here")
# Nothing else is loaded: what is installed for the suite takes longer than a test.
ALONE = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PLUGIN = ("-p", "gilscope.pytest_plugin")
# Of tests, or of checks: a limit can be unclear where the verdict is not.
UNTOLD = re.compile(r"(\d+) (?:skipped|of \d+ checks could not be judged)")

HOLDING = """
import functools
import json
import time

import pytest

hold = functools.partial(json.loads, json.dumps(list(range(50_000))))

def token():
    time.sleep(0)
    hold()
"""


EACH_METHOD = [
    f"gil.{method}(lambda: (yield))" for method in ("assert_releases", "assert_holds")
]


@pytest.fixture
def run(pytester, monkeypatch):
    """Return what runs pytest on a test or a list of them, in a process of its own.

    It runs them until no more of them than `n_untold` could not be judged.
    """
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)

    def run_pytest(body, *options, n_untold=0):
        bodies = {"": body} if isinstance(body, str) else dict(enumerate(body))
        tests = (f"def test_it{n}(gil):\n    {text}\n" for n, text in bodies.items())
        source = "\n\n".join([HOLDING, *tests])
        pytester.makepyfile(source)
        return look_until(
            lambda found: count_untold(found) == n_untold,
            lambda: pytester.runpytest_subprocess(*PLUGIN, *options),
        )

    return run_pytest


def count_untold(found):
    """Return how many tests or checks of a run could not be judged."""
    return max(map(int, UNTOLD.findall(found.stdout.str())), default=0)


@needs_gil
def test_what_is_as_expected_passes(run):
    bodies = [
        "gil.assert_releases(time.sleep, 0.001)",
        "gil.assert_releases(time.sleep, 0.005, min_fraction=0.5)",
        "gil.assert_releases(token)",
        "gil.assert_holds(hold)",
        "assert gil.check(hold).verdict == 'holds'",
        "gil.assert_holds(list.sort, prepare=lambda: (list(range(50_000, 0, -1)),))",
        "import gilscope; assert isinstance(gil, gilscope.GilFixture)",
    ]
    run(bodies).assert_outcomes(passed=len(bodies))


@needs_gil
def test_a_call_that_holds_fails_with_what_a_maintainer_needs(run):
    result = run("gil.assert_releases(hold)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "expected that json.loads releases the GIL",
            "json.loads: holds (keeps other threads out)",
            "*released fraction*0.0% of the call",
            "*evidence*0 of * calls released the GIL*",
            "*controls*releaser * of *, holder 0 of *",
            "*what usually causes it:",
            "*PyO3:*Python::detach (allow_threads before 0.26) is missing*",
            "*Cython:*with nogil:*",
            "*cffi:*PyGILState_Ensure*",
            "*pybind11:*gil_scoped_release*",
            "*C API:*Py_BEGIN_ALLOW_THREADS*",
        ]
    )
    assert "compare/" not in result.stdout.str()


@needs_gil
def test_a_release_that_is_too_small_fails(run):
    result = run("gil.assert_releases(token, min_fraction=0.5)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "expected that *.token releases the GIL for at least 50% of the call (*",
            "*.token: releases (*",
            "*what usually causes it:",
        ]
    )


@needs_gil
def test_what_does_not_hold_fails_assert_holds(run):
    calls = ["time.sleep, 0.001", "lambda: [0 for _ in range(9999)]"]
    result = run([f"gil.assert_holds({call})" for call in calls])
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["expected that * holds the GIL"] * 2)


def test_what_cannot_be_judged_is_skipped_with_the_reason(run):
    result = run(EACH_METHOD, "-rs", n_untold=2)
    result.assert_outcomes(skipped=2)
    reason = "SKIPPED*could not be judged: it is a generator*"
    result.stdout.fnmatch_lines([reason] * 2)


def test_what_cannot_be_judged_fails_if_that_is_asked_for(run):
    result = run(EACH_METHOD, "--gil-inconclusive=fail", n_untold=2)
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["expected that * can be judged"] * 2)


def test_an_error_of_the_callable_or_a_wrong_fraction_fails_the_test(run):
    result = run(
        [
            "gil.assert_releases(json.loads, '{')",
            "gil.assert_releases(hold, min_fraction=2)",
        ]
    )
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["E*JSONDecodeError*", "E*ValueError: gil min_fraction: expected 0 to 1*"]
    )


def test_margins_are_shown_with_v_and_only_then(run):
    result = run("gil.check(hold)", "-v")
    result.stdout.fnmatch_lines(
        [
            "*= gilscope =*",
            "test_*::test_it: json.loads: *, 0 of * calls released the GIL*",
        ]
    )
    result = run("gil.check(hold)")
    assert "gilscope =" not in result.stdout.str()


def test_nothing_heavy_is_imported_before_the_fixture_is_used():
    """What the plugin adds to a test run is two small modules of our own."""
    program = (
        "import sys, pytest\n"
        "before = set(sys.modules)\n"
        "import gilscope.pytest_plugin\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"gilscope.probe", "gilscope.model", "ctypes"} & {*done.stdout.split()}
    assert len(done.stdout.split()) < 6


@needs_gil
def test_a_hold_that_is_too_long_fails(run):
    result = run("gil.assert_releases(token, max_hold_s=1e-4)")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["expected that * keeps others out for at most 100 us at a time (*"]
    )
    run("gil.assert_releases(time.sleep, 0.002, max_hold_s=1)").assert_outcomes(
        passed=1
    )


@needs_gil
def test_a_call_that_releases_in_some_calls_only_fails(run):
    body = (
        "turns = iter(range(10**9))\n"
        "    call = lambda: next(turns) % 2 and time.sleep(0.01) or hold()\n"
        "    gil.assert_releases(call)"
    )
    result = run(body)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*varies (lets*", "* of * calls released the GIL: *"])


def test_what_a_call_gains_can_be_measured(run):
    body = "assert gil.measure(time.sleep, 0.001).to_dict()"
    result = run(body)
    result.assert_outcomes(passed=1)


@needs_gil
def test_checks_that_could_not_be_judged_are_counted(run, pytester):
    body = "gil.assert_holds(hold); gil.assert_holds(lambda: (yield))"
    result = run(body, n_untold=1)
    result.stdout.fnmatch_lines(
        ["*= gilscope =*", "1 of 2 checks could not be judged;*"]
    )
    assert "gilscope =" not in run("gil.assert_holds(hold)").stdout.str()


@needs_gil
@pytest.mark.skipif(sys.platform != "linux", reason="it needs an alarm")
def test_a_call_that_does_not_come_back_fails_its_test_and_no_other(pytester, run):
    pytester.makepyfile(
        test_other="import time\ndef test_it(gil): gil.assert_releases(time.sleep, 0)"
    )
    body = (
        "import threading\n    lock = threading.Lock(); lock.acquire()\n"
        "    gil.assert_releases(lock.acquire, timeout_s=1)"
    )
    result = run(body, n_untold=1)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["expected that * comes back", "no answer after 1 s: deadlock?", "*in test_it*"]
    )


@needs_gil
def test_a_call_that_never_releases_the_gil_ends_the_run_with_its_stacks(pytester, run):
    build_calls(pytester.path)
    body = "import calls; gil.assert_releases(calls.wait_for, lambda: 1, timeout_s=1)"
    result = run(body)
    assert result.ret != 0
    result.stderr.fnmatch_lines(
        [
            "Timeout (*",
            "*in check of calls.wait_for in test_a_call*.py::test_it, * gil_isolate *",
            "*test_a_call*.py*in test_it",
        ]
    )


@needs_gil
@pytest.mark.parametrize(
    ("options", "mark"), [(["--gil-isolate"], ""), ([], "@pytest.mark.gil_isolate")]
)
def test_in_a_copy_of_the_process_such_a_call_fails_its_test_alone(
    pytester, run, options, mark
):
    build_calls(pytester.path)
    pytester.makepyfile(
        test_other="import time\ndef test_it(gil): gil.assert_releases(time.sleep, 0)",
        test_stuck=f"""
import calls, pytest
{mark}
def test_one(gil):
    # Longer than what goes before the call may wait for a core.
    gil.assert_releases(calls.wait_for, lambda: 1, timeout_s=3)
""",
    )
    result = run("gil.assert_holds(hold)", "-W", "error", *options, n_untold=1)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "expected that calls.wait_for comes back",
            "no answer after 3 s: deadlock?",
            "Thread 0x*",
            "*test_stuck.py*in test_one",
            "FAILED test_stuck.py::test_one*",
        ]
    )


@needs_gil
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("gil.assert_releases(json.loads, '{')", "E*JSONDecodeError*"),
        ("gil.assert_releases(os.abort)", "posix.abort: the call ended with SIGABRT"),
        ("gil.assert_releases(threading.Event().wait, timeout_s=1)", "*comes back"),
        ("gil.assert_releases(hold)", "expected that json.loads releases the GIL"),
    ],
)
def test_a_check_in_a_copy_of_the_process_fails_with_its_reason(run, body, line):
    n_untold = "timeout_s" in body
    result = run(f"import os, threading; {body}", "--gil-isolate", n_untold=n_untold)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([line])


@needs_gil
def test_a_call_after_one_that_raised_is_judged(run):
    body = (
        "with pytest.raises(ZeroDivisionError): gil.check(lambda: 1 / 0)\n"
        "    gil.assert_holds(hold)"
    )
    run(body).assert_outcomes(passed=1)


@needs_gil
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_test_may_fork_after_a_check(run):
    """Python warns of threads in a process that forks, and none of ours is left."""
    body = (
        "import os; gil.assert_holds(hold)\n"
        "    pid = os.fork()\n    if pid == 0: os._exit(0)\n"
        "    assert os.waitpid(pid, 0)[1] == 0; gil.assert_holds(hold)"
    )
    run(body, "-W", "error").assert_outcomes(passed=1)


@needs_gil
def test_checks_leave_no_thread_that_is_listed(run):
    body = (
        "import threading; gil.assert_holds(hold)\n"
        "    assert threading.active_count() == 1"
    )
    run(body).assert_outcomes(passed=1)
