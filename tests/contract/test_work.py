"""Clauses 1.3, 1.4, 1.8 and 1.9: the order of work, and who may run beside it."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from backends import Backend

# So long that no thread is ever made to give the GIL away: whoever else runs, runs
# because it was given away.
NEVER_S = 1000.0
N_ATTEMPTS = 30
PASSES = (1, 1000, 10_000)
LONGEST_KERNEL_NS = 200_000_000


@contextmanager
def ticking() -> Iterator[list[int]]:
    """Give the times at which another thread ran Python code."""
    ticks: list[int] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.is_set():
            ticks.append(time.perf_counter_ns())
            time.sleep(0)

    thread = threading.Thread(target=tick)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(NEVER_S)
    try:
        thread.start()
        yield ticks
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        thread.join()


def has_tick(ticks: list[int], start: int, end: int) -> bool:
    """Return whether the other thread ran between the two."""
    return any(start < tick < end for tick in ticks)


@pytest.fixture
def gil() -> None:
    """Skip where there is no GIL to hold."""
    if not getattr(sys, "_is_gil_enabled", lambda: True)():
        pytest.skip("the GIL is off, so nobody can hold it")


def find_passes(backend: Backend, values: list[int], kernel_ns: int) -> int:
    """Return how many passes keep the kernel busy for that long."""
    passes = 1
    while True:
        trace: list[Any] = []
        backend.double_list(values, [0], 0, passes=passes, trace=trace)
        _, kernel_start, kernel_end, _, _ = trace[0]
        if kernel_end - kernel_start >= kernel_ns:
            return passes
        passes *= 2


def test_trace_is_five_stamps_in_order(backend: Backend) -> None:
    """1.9: one tuple of five ints, in order, on the clock of perf_counter_ns()."""
    trace: list[Any] = ["kept"]
    before = time.perf_counter_ns()
    backend.double_list([1, 2], [0], 0, trace=trace)
    after = time.perf_counter_ns()
    kept, stamps = trace
    assert kept == "kept"
    assert type(stamps) is tuple
    assert [*map(type, stamps)] == [int] * 5
    assert [before, *stamps, after] == sorted([before, *stamps, after])


def test_trace_grows_by_one_a_call(backend: Backend) -> None:
    """1.9: each call appends its own stamps, later than those before."""
    trace: list[Any] = []
    for n_calls in range(1, 4):
        backend.double_list([1], [0], 0, trace=trace)
        assert len(trace) == n_calls
    assert trace == sorted(trace)


def test_sleeps_lie_where_they_belong(backend: Backend) -> None:
    """1.3: one sleep before kernel_end, the other one after acquired."""
    trace: list[Any] = []
    backend.double_list([1], [0], 0, released_sleep=0.02, held_sleep=0.03, trace=trace)
    _, kernel_start, kernel_end, acquired, leave = trace[0]
    assert kernel_end - kernel_start >= 20_000_000
    assert leave - acquired >= 30_000_000


def test_sleeps_are_not_shared(backend: Backend) -> None:
    """1.3: either sleep alone lengthens its own part only."""
    for name, part in (("released_sleep", 0), ("held_sleep", 1)):
        trace: list[Any] = []
        # A busy machine may lengthen the other part at times.
        for _ in range(5):
            backend.double_list([1], [0], 0, trace=trace, **{name: 0.02})
        parts = [[end - start, leave - had] for _, start, end, had, leave in trace]
        assert min(each[part] for each in parts) >= 20_000_000
        assert min(each[1 - part] for each in parts) < 20_000_000


@pytest.mark.parametrize("passes", [1, 2, 3, 100])
@pytest.mark.parametrize("length", [0, 1, 9, 300])
def test_passes_do_not_change_the_answer(
    backend: Backend, passes: int, length: int
) -> None:
    """1.4: the answer is the double, however often the kernel ran."""
    values = [place - 7 for place in range(length)]
    result = [0]
    backend.double_list(values, result, 0, passes=passes)
    assert result == [[2 * item for item in values]]


def test_passes_are_work(backend: Backend) -> None:
    """1.4: a thousand passes take far more processor time than one."""
    values = [*range(1000 if backend.releases_gil else 50)]

    def measure_cpu_ns(passes: int) -> int:
        start = time.thread_time_ns()
        backend.double_list(values, [0], 0, passes=passes)
        return time.thread_time_ns() - start

    # Ten times the passes, of which a busy machine may hide two thirds.
    one, some, many = (min(measure_cpu_ns(n) for _ in range(5)) for n in PASSES)
    assert many > 3 * some > one


def test_kernel_runs_as_declared(backend: Backend, gil: None) -> None:
    """1.3: other threads run beside the kernel, of a backend that says so."""
    values = [*range(1000)]
    passes = find_passes(backend, values, 10_000_000)
    seen = False
    for _ in range(N_ATTEMPTS):
        trace: list[Any] = []
        with ticking() as ticks:
            backend.double_list(values, [0], 0, passes=passes, trace=trace)
        if seen := has_tick(ticks, *trace[0][1:3]):
            break
        if backend.releases_gil and trace[0][2] - trace[0][1] < LONGEST_KERNEL_NS:
            # On a busy machine the other thread may wait longer for a core.
            passes += passes // 2
    assert seen is backend.releases_gil


def test_released_sleep_lets_others_run(backend: Backend) -> None:
    """1.3: other threads run during released_sleep, in every backend."""
    for _ in range(N_ATTEMPTS):
        trace: list[Any] = []
        with ticking() as ticks:
            backend.double_list([1], [0], 0, released_sleep=0.02, trace=trace)
        if has_tick(ticks, *trace[0][1:3]):
            return
    pytest.fail("no other thread ran during the released sleep")


def test_held_sleep_lets_nobody_run(backend: Backend, gil: None) -> None:
    """1.3: no other thread runs during held_sleep."""
    for _ in range(N_ATTEMPTS):
        trace: list[Any] = []
        with ticking() as ticks:
            backend.double_list([1], [0], 0, held_sleep=0.02, trace=trace)
        assert not has_tick(ticks, *trace[0][3:5])


def test_held_call_lets_nobody_run(backend: Backend, gil: None) -> None:
    """1.8: release_gil=False does the same work with the GIL held throughout."""
    values = [*range(1000)]
    passes = find_passes(backend, values, 1_000_000)
    for _ in range(N_ATTEMPTS):
        trace: list[Any] = []
        result = [0]
        with ticking() as ticks:
            backend.double_list(
                values,
                result,
                0,
                passes=passes,
                release_gil=False,
                released_sleep=0.01,
                held_sleep=0.01,
                trace=trace,
            )
        enter, kernel_start, kernel_end, acquired, leave = trace[0]
        assert result == [[2 * item for item in values]]
        assert kernel_end - kernel_start >= 10_000_000
        assert leave - acquired >= 10_000_000
        assert not has_tick(ticks, enter, leave)
