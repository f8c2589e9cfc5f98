"""The pytest plugin lists holds of the GIL, and fails tests for them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.looks import look_until
from tests.unit.test_watch import FORBID

pytest_plugins = ["pytester"]

pytestmark = pytest.mark.usefixtures("needs_watch")
ROOT = Path(__file__).parents[2]
HEAD = """
import ctypes, threading, time, pytest

def hold(seconds):
    # PyDLL keeps the GIL.

    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
"""
HOLDING = f"""
{HEAD}

def test_quiet():
    time.sleep(0.05)

def test_short():
    hold(0.03)

def test_long():
    hold(0.25)
    hold(0.15)
"""
MARKED = """
@pytest.mark.gil_max_hold("100ms")
def test_marked_long():
    def work():
        hold(0.3)
        time.sleep(0.1)
    thread = threading.Thread(target=work, name="worker")
    thread.start()
    thread.join()

@pytest.mark.gil_max_hold("100ms")
def test_marked_short():
    hold(0.03)

@pytest.mark.gil_max_hold("100ms")
def test_marked_slow():
    time.sleep(0.2)
"""
HOLDS = {"test_short": 1, "test_long": 2}
ALONE = {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@pytest.fixture
def run(pytester, monkeypatch):
    for name, value in ALONE.items():
        monkeypatch.setenv(name, value)

    def run_pytest(body, *options):
        pytester.makepyfile(body)
        return pytester.runpytest_subprocess("-p", "gilscope.pytest_plugin", *options)

    return run_pytest


LINE = re.compile(r"^ *(\S+ \S+)  (\d+) x  (\S+):(\d+)  (.*)  in (.*)$", re.MULTILINE)


def list_holds(run, *options):
    """Return how many holds of each test were listed; a busy machine misses some."""

    def look():
        result = run(HOLDING, *options)
        result.assert_outcomes(passed=3)
        holds = {
            match[6].split("::")[-1]: int(match[2])
            for match in LINE.finditer(result.stdout.str())
            if "usleep" in match[5]
        }
        assert all(count <= HOLDS.get(name, 0) for name, count in holds.items())
        return holds

    return look_until(HOLDS.__eq__, look)


def run_until_failed(run, *arguments):
    """Return a run in which a test fails for its hold, which may have been missed."""
    return look_until(
        lambda result: "failed" in result.parseoutcomes(), lambda: run(*arguments)
    )


def test_holds_are_listed_by_test_and_line(run):
    assert list_holds(run, "--gil-holds=20ms") == HOLDS
    assert len(LINE.findall(run(HOLDING, "--gil-holds=100s").stdout.str())) == 0


def test_a_test_that_holds_for_longer_fails_with_the_line(run):
    result = run_until_failed(run, HOLDING, "--gil-holds-fail=100ms")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.re_match_lines([r".*test_a_test\S*\.py:6 held the GIL for \d+ ms.*"])
    assert not LINE.search(result.stdout.str())


def test_a_mark_fails_its_test(run):
    result = run_until_failed(run, HOLDING + MARKED)
    result.assert_outcomes(passed=5, failed=1)
    result.stdout.re_match_lines([r".*held the GIL for \d+ ms in worker.*usleep.*"])


def test_a_mark_goes_before_the_option(run):
    body = HOLDING + MARKED.replace("100ms", "10s")
    result = run_until_failed(run, body, "--gil-holds-fail=100ms")
    result.assert_outcomes(passed=5, failed=1)


def test_what_workers_saw_is_brought_together(run):
    pytest.importorskip("xdist")
    options = ("-p", "xdist.plugin", "-n2", "--gil-holds=20ms", "--gil-holds-fail=9s")
    assert list_holds(run, *options) == HOLDS


@pytest.mark.parametrize(
    ("options", "status"),
    [(("--gil-holds=20",), 4), (("--gil-holds-fail=x",), 4)],
)
def test_a_duration_has_a_unit(run, options, status):
    assert run(HOLDING, *options).ret == status


def test_where_nothing_can_be_seen_marked_tests_are_skipped(run, pytester):
    pytester.makeconftest(FORBID)
    run(HOLDING + MARKED).assert_outcomes(passed=3, skipped=3)
    failing = run(HEAD + MARKED, "--gil-inconclusive=fail")
    failing.assert_outcomes(failed=3)
    assert run(HOLDING, "--gil-holds=20ms").ret == pytest.ExitCode.USAGE_ERROR


def test_nothing_is_imported_or_started_before_it_is_asked_for(run):
    body = """
import sys, threading, os
def test_it():
    assert not [name for name in sys.modules if name.startswith("gilscope.watcher")]
    assert threading.active_count() == 1
    assert len(os.listdir("/proc/self/task")) == 1
"""
    run(body).assert_outcomes(passed=1)


def test_the_import_of_gilscope_starts_nothing():
    program = (
        "import gilscope, os, sys\n"
        "assert not [name for name in sys.modules if 'watcher' in name]\n"
        "gilscope.watch()\n"
        "assert len(os.listdir('/proc/self/task')) == 1\n"
    )
    subprocess.run((sys.executable, "-c", program), cwd=ROOT, check=True, timeout=240)
