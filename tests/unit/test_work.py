"""Calls are made in order, timed and checked."""

import gc
import sys
import threading
import time
from typing import Any

import pytest

from backends.reference import double_list
from compare.measure.calibration import (
    PASSES_MAX,
    calibrate,
    find_missing_work,
    time_call,
)
from compare.measure.work import (
    Calls,
    Work,
)
from gilscope.busy_thread import Companion
from gilscope.threads import collect_no_garbage

WORK = Work(double_list, passes=2, n=5)


def make(work: Work, count: int = 1, **options: Any) -> Calls:
    """Make calls in this thread."""
    calls = Calls(work, count, **options)
    calls.prepare()
    calls.run()
    return calls


def double_without_passes(*arguments: Any, passes: int = 1, **options: Any) -> None:
    """Do the work once."""
    double_list(*arguments, **options)


def double_asleep(*arguments: Any, passes: int = 1, **options: Any) -> None:
    """Sleep instead."""
    double_list(*arguments, released_sleep=passes * 1e-6, **options)


def test_each_call_has_its_place_and_stamps() -> None:
    """One after the other, all of them right."""
    calls = make(WORK, 3)
    assert calls.find_fault() == ""
    assert calls.n_done == 3
    assert [len(answer) for answer in calls.result[:3]] == [5, 5, 5]
    assert calls.stamps == sorted(calls.stamps)
    assert calls.elapsed_s >= calls.kernel_s > 0
    assert 0 < (calls.held_share or 0) < 1


def test_no_two_sets_of_calls_have_the_same_values() -> None:
    """An answer that was kept is wrong the next time."""
    first, second = make(WORK), make(WORK)
    assert set(first.values).isdisjoint(second.values)


def test_a_window_that_is_over_leaves_the_rest_uncalled() -> None:
    """One call at least is made."""
    calls = make(WORK, 1000, limit_s=0.0)
    assert calls.n_done == 1
    assert calls.find_fault() == ""


def test_without_traces_none_is_missed() -> None:
    """As users call it, and nothing is known of the kernel then."""
    calls = make(Work(double_list, n=5, is_traced=False), 2)
    assert calls.find_fault() == ""
    assert calls.kernel_s == 0.0
    assert calls.held_share is None


def test_time_with_a_core_is_no_less_than_the_cpu_time() -> None:
    """A wait just before or after the call must not be taken off it."""
    calls = Calls(WORK)
    calls.stamps, calls.waited_s, calls.own_cpu_s = [(0, 3 * 10**9)], 1.0, 0.5
    assert calls.cored_s == 2.0
    calls.waited_s = 2.9
    assert calls.cored_s == 0.5


def test_the_passes_make_the_work() -> None:
    """Sixteen times as many take several times the CPU time; told if they do not."""
    work = calibrate(Work(double_list), 0.005)
    assert 1 < work.passes < PASSES_MAX
    assert find_missing_work(work) == ""
    for double in (double_without_passes, double_asleep):
        fault = find_missing_work(Work(double, passes=4096))
        assert fault.startswith("double_list() passes: expected 16 times the work to")
        assert "passes=64" in fault
        assert "passes=1024" in fault


def test_slow_conversions_are_not_taken_for_the_kernel() -> None:
    """Nearly all of a calibrated call is kernel, however slow the rest of it is."""

    def convert_slowly(*arguments: Any, passes: int = 1, **options: Any) -> None:
        compute(0.002)
        compute(passes * 20e-6)
        double_list(*arguments, **options)

    work = calibrate(Work(convert_slowly, n=5), 0.005)
    # Thirty-two times the conversions, less the room for noise.
    assert work.passes * 20e-6 > 0.03
    assert find_missing_work(work) == ""


def compute(seconds: float) -> None:
    """Take so much CPU time."""
    end_s = time.thread_time() + seconds
    while time.thread_time() < end_s:
        pass


def test_calibration_ends_where_no_work_is_done() -> None:
    """A backend that ignores the passes gets a number of them, not a hang."""
    assert calibrate(Work(double_without_passes, n=5), 10.0).passes == PASSES_MAX


def test_one_call_is_made_by_one_call() -> None:
    """What calibrates is an ordinary, checked call."""
    assert time_call(WORK).find_fault() == ""


def test_the_collector_is_left_as_it_was() -> None:
    """Off inside; on or off outside, as before."""
    assert gc.isenabled()
    with collect_no_garbage():
        assert not gc.isenabled()
        with collect_no_garbage():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_companion_computes_only_when_told() -> None:
    """Its speed is known after each time, and it ends with the block."""
    # Threads of other tests may end meanwhile.
    before = {*threading.enumerate()}
    with Companion() as companion:
        assert companion.speed == 0
        assert companion.measure_alone(0.01) > 0
        with companion.computing():
            make(WORK, 10)
        assert companion.speed > 0
    assert {*threading.enumerate()} <= before


def test_the_companion_ends_after_an_error() -> None:
    """What is raised beside it comes out, and nothing hangs."""
    message = "stop"
    with (
        pytest.raises(RuntimeError, match=r"^stop$"),
        Companion() as companion,
        companion.computing(),
    ):
        raise RuntimeError(message)
    assert sys.getswitchinterval() > 0
