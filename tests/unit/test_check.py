"""gilscope.check: the verdict on callables whose behaviour is known, and its manners.

Verdicts are judged, not times: what is asserted here holds on a loaded machine too.
"""

import _pickle
import ctypes
import functools
import gc
import hashlib
import json
import pickle
import signal
import sys
import sysconfig
import threading
import time
import zlib
from pathlib import Path

import pytest

import gilscope
from compare import check
from gilscope.check import check_statement
from gilscope.model import Check
from gilscope.probe import switch_interval, witness
from gilscope.probe.deadline import NoAnswerError, choose_ending, limit_silence
from gilscope.probe.judge import judge
from gilscope.probe.statement import Subject
from gilscope.record import structure
from gilscope.stats import Figure
from gilscope.threads import run_together
from tests.looks import (
    check_clearly,
    check_figures,
    has_note,
    has_verdict,
    look_until,
)

HAS_GIL = not sysconfig.get_config_var("Py_GIL_DISABLED") or sys._is_gil_enabled()
needs_gil = pytest.mark.skipif(not HAS_GIL, reason="there is no GIL to hold here")

BIG = bytes(10**6)
TEXT = json.dumps(list(range(50_000)))


def run_loop(steps=20_000):
    for _ in range(steps):
        pass


release_shortly = ctypes.CDLL(None).getpid


def run_token():
    release_shortly()
    run_loop(200_000)


KNOWN = {
    "sleep": (functools.partial(time.sleep, 0.001), "releases"),
    "sha256": (functools.partial(hashlib.sha256, BIG), "releases"),
    "crc32": (functools.partial(zlib.crc32, BIG), "releases"),
    "crc32 small": (functools.partial(zlib.crc32, bytes(1000)), "holds"),
    "CDLL": (ctypes.CDLL(None).getpid, "releases"),
    "PyDLL": (functools.partial(ctypes.PyDLL(None).usleep, 1000), "holds"),
    "json.loads": (functools.partial(json.loads, TEXT), "holds"),
    "sorted": (functools.partial(sorted, list(range(10**5, 0, -1))), "holds"),
    "loop": (run_loop, "preemptible"),
    "token": (run_token, "releases"),
}


@needs_gil
@pytest.mark.parametrize("name", KNOWN)
def test_a_known_callable_is_judged_rightly(name):
    call, expected = KNOWN[name]
    found = check_clearly(call)
    assert found.verdict == expected, str(found)


@needs_gil
@pytest.mark.parametrize("name", ["sleep", "sha256", "CDLL", "PyDLL", "sorted", "loop"])
def test_it_is_judged_rightly_without_help_of_the_kernel(name, monkeypatch):
    monkeypatch.setattr(witness, "open_view", lambda *_: None)
    call, expected = KNOWN[name]
    found = look_until(has_verdict, lambda: judge(Subject(name, call), budget_s=0.5))
    assert found.verdict == expected, str(found)
    assert not found.environment.tells_wakeups
    assert found.evidence.n_wakeups is None


def test_arguments_and_keywords_are_passed_on():
    seen = set()

    def note(*args, **kwargs):
        seen.add((args, tuple(kwargs.items())))
        run_loop()

    check(note, 1, 2, func=3, args=4, budget_s=0.1)
    assert seen == {((1, 2), (("func", 3), ("args", 4)))}


@needs_gil
def test_a_token_release_is_a_release_of_next_to_nothing():
    found = check_figures(run_token)
    assert found.released_fraction.low < 0.1
    assert found.longest_hold.value > 1e-4


@needs_gil
def test_a_full_release_covers_nearly_all_of_the_call():
    found = check_figures(time.sleep, 0.005)
    assert found.released_fraction.high > 0.9
    assert found.evidence.n_ticks > 1
    assert found.controls.told_apart


@needs_gil
def test_a_hold_is_as_long_as_the_call():
    found = check_figures(ctypes.PyDLL(None).usleep, 20_000)
    assert found.released_fraction == Figure(0, 0, 0)
    assert found.longest_hold.low > 0.015
    assert found.longest_hold_by_clock.value >= found.longest_hold.low


@needs_gil
def test_a_call_longer_than_the_budget_is_judged_by_few_calls():
    hold = functools.partial(ctypes.PyDLL(None).usleep, 100_000)
    # A call in which a busy machine showed nothing is made again.
    found = look_until(
        lambda each: each.n_calls_made == 5, lambda: check(hold, budget_s=0.01)
    )
    assert found.verdict == "holds"
    assert found.n_calls == 2
    assert found.n_calls_made == 5


@needs_gil
def test_a_call_longer_than_the_shortest_huge_interval_is_judged_too(monkeypatch):
    monkeypatch.setattr(switch_interval, "HUGE_S", 0.25)
    found = check_figures(ctypes.PyDLL(None).usleep, 300_000)
    assert found.verdict == "holds"
    assert found.longest_hold.low > 0.25


@needs_gil
def test_a_call_that_does_nothing_is_too_short():
    found = look_until(
        lambda each: "too short" in each.reason, lambda: check(lambda: None)
    )
    assert found.verdict == "inconclusive"
    assert "too short" in found.reason


@needs_gil
def test_a_first_call_that_releases_does_not_count():
    waits = [0.001]

    def load_then_loop():
        if waits:
            time.sleep(waits.pop())
        run_loop()

    assert check_clearly(load_then_loop).verdict == "preemptible"


@needs_gil
def test_calls_that_differ_are_said_to():
    turns = iter(range(10**9))

    def sometimes():
        if next(turns) % 2:
            time.sleep(0.002)
        else:
            run_loop(100_000)

    found = check_clearly(sometimes)
    assert found.verdict == "varies"
    assert 0 < found.n_released < found.n_calls
    assert f"{found.n_released} of {found.n_calls} calls" in found.reason


@needs_gil
def test_a_cache_is_said_to_hide_the_work():
    is_said = functools.partial(has_note, "remembers its answer")
    found = look_until(
        is_said, lambda: check(functools.cache(lambda: time.sleep(0.05)))
    )
    assert is_said(found), str(found)


async def run_coroutine():
    """Do nothing."""


def run_generator():
    yield


async def run_async_generator():
    yield


def hide(function):
    return lambda: [function()][0]


class Later:
    def __await__(self):
        yield


class Awaited:
    async def __call__(self):
        """Do nothing."""


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (run_coroutine, "a coroutine function"),
        (functools.partial(run_coroutine), "a coroutine function"),
        (Awaited(), "a coroutine function"),
        (run_generator, "a generator function"),
        (run_async_generator, "a generator function"),
        (hide(run_coroutine), "returned a coroutine"),
        (hide(run_generator), "returned a generator"),
        (Later, "returned a Later"),
    ],
)
def test_what_works_later_is_not_judged(call, kind):
    found = check(call)
    assert found.verdict == "inconclusive"
    assert kind in found.reason


@pytest.mark.parametrize("n_before", [0, 1, 5])
@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()])
def test_what_the_callable_raises_comes_through_and_nothing_is_left(error, n_before):
    calls = iter(range(10**9))

    def fail():
        if next(calls) >= n_before:
            raise error
        run_loop()

    # What other tests left may be gone afterwards.
    left = set(threading.enumerate())
    before = sys.getswitchinterval(), gc.isenabled(), sys.getprofile()
    with pytest.raises(type(error)) as caught:
        check(fail)
    assert caught.value is error
    assert (sys.getswitchinterval(), gc.isenabled(), sys.getprofile()) == before
    assert set(threading.enumerate()) <= left


@pytest.mark.parametrize("call", [run_loop, functools.partial(sum, range(10_000))])
def test_nothing_is_left_after_a_verdict_either(call):
    # What other tests left may be gone afterwards.
    left = set(threading.enumerate())
    before = sys.getswitchinterval(), gc.isenabled(), sys.getprofile()
    files = {*Path("/dev/fd").iterdir()}
    check(call)
    assert (sys.getswitchinterval(), gc.isenabled(), sys.getprofile()) == before
    assert set(threading.enumerate()) <= left
    assert {*Path("/dev/fd").iterdir()} <= files


def test_no_garbage_is_collected_meanwhile_that_might_release_the_gil():
    seen = []
    check(lambda: seen.append(gc.isenabled()), budget_s=0.1)
    # The first call is the first thing that is done.
    assert not any(seen)
    assert gc.isenabled()


def test_a_profiler_of_the_user_is_left_alone():
    def profile(*_):
        """Do nothing."""

    sys.setprofile(profile)
    try:
        found = check(functools.partial(sum, range(10_000)), budget_s=0.1)
        assert sys.getprofile() is profile
    finally:
        sys.setprofile(None)
    assert found.verdict in ("holds", "inconclusive")


def test_a_check_inside_the_callable_of_another_is_an_error():
    with pytest.raises(RuntimeError, match="one check or measurement at a time"):
        check(lambda: check(run_loop))


@needs_gil
def test_two_checks_at_once_take_turns():
    found = run_together(
        lambda: check_clearly(time.sleep, 0.001),
        lambda: check_clearly(run_loop),
    )
    assert [each.verdict for each in found] == ["releases", "preemptible"]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="it needs an alarm")
def test_the_wait_for_another_check_is_no_silence_of_the_call(monkeypatch):
    """The limit begins with the first sign of life, when the check has its turn."""
    # A plugin may have taken the alarm, which the check then leaves alone.
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)
    with choose_ending(None), limit_silence(0.02) as tell_life:
        time.sleep(0.1)
        tell_life()
        with pytest.raises(NoAnswerError):
            time.sleep(60)


@needs_gil
def test_a_call_that_changes_the_switch_interval_is_not_judged():
    before = sys.getswitchinterval()

    def change():
        sys.setswitchinterval(1e-4)
        run_loop()

    words = "changes the switch interval"
    found = look_until(lambda each: words in each.reason, lambda: check(change))
    assert found.verdict == "inconclusive"
    assert words in found.reason
    assert sys.getswitchinterval() == before


@needs_gil
def test_another_thread_that_computes_is_named(monkeypatch):
    monkeypatch.setattr(switch_interval, "HUGE_S", 0.25)
    name, stop = "another thread of this process computes in Python (rival", []

    def compute():
        while not stop:
            pass

    rival = threading.Thread(target=compute, name="rival")
    rival.start()
    try:
        found = look_until(
            lambda each: name in each.reason, lambda: check(time.sleep, 0.001)
        )
    finally:
        stop.append(True)
        rival.join()
    assert found.verdict == "inconclusive"
    assert name in found.reason


@needs_gil
def test_a_callable_with_threads_of_its_own_is_judged():
    def work():
        thread = threading.Thread(target=run_loop)
        thread.start()
        thread.join()

    assert check_clearly(work).verdict == "releases"


@needs_gil
@pytest.mark.skipif(not hasattr(_pickle, "__file__"), reason="it is built in")
def test_an_extension_module_that_cannot_release_is_named_beside_a_hold():
    words = "the extension module _pickle never imports PyEval_SaveThread: "
    found = check_clearly(pickle.dumps, list(range(50_000)), budget_s=0.1)
    assert found.verdict == "holds"
    assert sum(note.startswith(words) for note in found.notes) == 1
    # Reading the file would take longer than the verdict alone.
    found = check(pickle.dumps, list(range(50_000)), figures=False)
    assert not any(note.startswith(words) for note in found.notes)


@needs_gil
def test_an_extension_module_that_can_release_is_not_named():
    found = check_clearly(zlib.crc32, bytes(1000), budget_s=0.1)
    assert found.verdict == "holds"
    assert not any("PyEval_SaveThread" in note for note in found.notes)


class Unnamed:
    def __call__(self):
        run_loop()

    def __repr__(self):
        raise ZeroDivisionError


def test_a_callable_that_cannot_be_named_is_named_by_its_type():
    assert check(Unnamed(), budget_s=0.1).name == "Unnamed"


@pytest.mark.parametrize("value", [None, 3, "time.sleep"])
def test_what_cannot_be_called_is_refused(value):
    kind = type(value).__name__
    with pytest.raises(
        TypeError, match=f"^check.. func: expected a callable, got {kind}"
    ):
        check(value)


@pytest.mark.parametrize(
    ("budget_s", "error"),
    [("1", TypeError), (True, TypeError), (0, ValueError), (float("nan"), ValueError)],
)
def test_a_budget_that_is_no_time_is_refused(budget_s, error):
    with pytest.raises(error, match="budget_s"):
        check(run_loop, budget_s=budget_s)


@needs_gil
@pytest.mark.parametrize(
    ("statement", "setup", "expected"),
    [
        ("time.sleep(0.001)", "import time", "releases"),
        ("x += 1\nfor _ in range(10000): x += 1", "x = 0", "preemptible"),
        ("json.loads(text)", "import json; text = json.dumps([1] * 50000)", "holds"),
        ("    pass", "pass", "inconclusive"),
    ],
)
def test_a_statement_is_judged_like_a_callable(statement, setup, expected):
    look = functools.partial(check_statement, statement, setup)
    found = look() if expected == "inconclusive" else look_until(has_verdict, look)
    assert found.verdict == expected, str(found)
    assert found.name == statement


def test_a_statement_sees_the_namespace_it_is_given():
    names = {"calls": []}
    check_statement("calls.append(1)", namespace=names, budget_s=0.05)
    assert names["calls"]


def test_a_statement_that_is_no_python_is_an_error():
    with pytest.raises(SyntaxError):
        check_statement("import")


def test_the_check_goes_to_json_and_back():
    found = check(run_loop, budget_s=0.1)
    content = json.loads(found.to_json())
    assert content.pop("schema") == 2
    assert structure(content, Check) == found


def test_the_text_has_the_verdict_the_evidence_and_the_controls():
    found = check_clearly(run_loop, budget_s=0.1)
    text = " ".join(str(found).split())
    assert text.startswith(f"{found.name}: {found.verdict} (")
    for part in (found.reason, found.controls.reason, found.environment.python):
        assert part in text


def test_the_function_is_not_hidden_by_its_module():
    assert gilscope.check is check
    assert callable(gilscope.check)


@needs_gil
def test_what_only_the_second_call_releases_does_not_count_either():
    def look():
        calls = iter(range(10**9))

        def load_late():
            if next(calls) == 1:
                time.sleep(0.001)
            run_loop()

        return check(load_late)

    found = look_until(has_verdict, look)
    assert found.verdict == "preemptible", str(found)
