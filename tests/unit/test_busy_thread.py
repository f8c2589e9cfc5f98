"""A thread that computes while it is told to, and how fast it gets on."""

import threading
import time

import pytest

from gilscope.busy_thread import BusyThread
from gilscope.environment import is_gil_enabled

SECOND = 1_000_000_000


def make_busy_thread(stamps: list[int], waiting: float) -> BusyThread:
    """Return one that computed all the time, but for its run-queue wait."""
    busy_thread = BusyThread()
    busy_thread.stamps += stamps
    busy_thread._waits_ns += [int(stamp * waiting) for stamp in stamps]
    busy_thread._cpus_ns += [int(stamp * (1 - waiting)) for stamp in stamps]
    return busy_thread


@pytest.mark.parametrize("waiting", [0.0, 0.5, 0.9])
def test_speed_is_the_share_of_the_time_with_a_core(waiting: float) -> None:
    """A loaded machine takes the core away, and says nothing about the GIL."""
    stamps = [*range(0, 2 * SECOND, SECOND // 100)]
    busy_thread = make_busy_thread(stamps, waiting)
    speed = busy_thread.compute_speed(SECOND // 2, SECOND)
    assert speed == pytest.approx(1.0, rel=0.03)


def test_waiting_for_the_gil_is_no_progress() -> None:
    """It computes until the GIL is taken, and then after it is released again."""
    busy_thread = make_busy_thread([*range(0, SECOND, SECOND // 100)], 0.0)
    busy_thread.stamps.append(2 * SECOND)
    # It woke up now and then to ask for the GIL, and waited for a core to do so.
    busy_thread._cpus_ns.append(busy_thread._cpus_ns[-1] + 100_000)
    busy_thread._waits_ns.append(SECOND // 4)
    assert busy_thread.compute_speed(0, SECOND) == pytest.approx(0.99, rel=0.01)
    assert busy_thread.compute_speed(SECOND, 3 * SECOND // 2) == 0.0


def test_it_computes_only_when_told() -> None:
    """Its speed is known after each time, and it ends with the block."""
    # Threads of other tests may end meanwhile.
    before = {*threading.enumerate()}
    with BusyThread() as busy_thread:
        assert busy_thread.speed == 0
        for _ in range(2):
            with busy_thread.computing():
                # The suite limits how long it may wait for a core.
                n_before = len(busy_thread.stamps)
                while len(busy_thread.stamps) < n_before + 2:
                    time.sleep(0.001)
            assert busy_thread.speed > 0
            n_ticks = len(busy_thread.stamps)
            time.sleep(0.01)
            assert len(busy_thread.stamps) == n_ticks
    assert {*threading.enumerate()} <= before


@pytest.mark.skipif(not is_gil_enabled(), reason="without a GIL nobody waits for it")
def test_a_call_that_holds_the_gil_stops_it() -> None:
    """Between its last tick before and its first tick after."""
    with BusyThread() as busy_thread, busy_thread.computing():
        start_ns, start_cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
        sum(range(3_000_000))
        end_ns, end_cpu_ns = time.perf_counter_ns(), time.thread_time_ns()
    inside = [stamp for stamp in busy_thread.stamps if start_ns < stamp < end_ns]
    # The call computes all the while; before and after it each waits for a core.
    assert max(
        later - earlier
        for earlier, later in zip([start_ns, *inside], [*inside, end_ns], strict=True)
    ) > 0.9 * (end_cpu_ns - start_cpu_ns)


def test_it_ends_after_an_error() -> None:
    """What is raised beside it comes out, and nothing hangs."""
    message = "stop"
    with (
        pytest.raises(RuntimeError, match=r"^stop$"),
        BusyThread() as busy_thread,
        busy_thread.computing(),
    ):
        raise RuntimeError(message)
