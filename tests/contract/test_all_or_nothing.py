"""Clauses 1.6 and 1.7: what hostile objects and failures leave behind."""

import inspect
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backends import Backend, contract


class Act:
    """An integer whose __index__ does something first."""

    def __init__(self, act: Callable[[], object], number: int = 0) -> None:
        self.act = act
        self.number = number

    def __index__(self) -> int:
        """Act, then answer."""
        self.act()
        return self.number


class Last:
    """An object that does something when it goes."""

    def __init__(self, act: Callable[[], object]) -> None:
        self.act = act

    def __del__(self) -> None:
        """Act."""
        self.act()


def outside(index: int, length: int) -> str:
    """Return the sentence on an index outside result."""
    return contract.INDEX_OUTSIDE.format(index=index, length=length)


def test_result_written_while_read(backend: Backend) -> None:
    """1.6: what an __index__ puts into result is replaced at the position alone."""
    result: list[Any] = [0, 0]

    def write() -> None:
        result[:] = ["first", "second"]

    backend.double_list([Act(write, 3)], result, 1)
    assert result == ["first", [6]]


@pytest.mark.parametrize("length", [0, 1])
def test_result_shrank_while_read(backend: Backend, length: int) -> None:
    """1.6: a result that is too short in the end is an IndexError."""
    result: list[Any] = [0, 0]
    trace: list[Any] = []
    cut = Act(lambda: result.__delitem__(slice(length, None)), 3)
    with pytest.raises(IndexError) as raised:
        backend.double_list([cut], result, -1, trace=trace)
    assert str(raised.value) == outside(1, length)
    assert raised.value.__suppress_context__ or raised.value.__context__ is None
    assert result == [0] * length
    assert trace == []


def shrink_during_a_sleep(backend: Backend, sleep_s: float) -> tuple[list[str], Any]:
    """Return what a call said, and its lists, that were emptied while it slept."""
    result: list[Any] = [0, 0]
    trace: list[Any] = []
    texts: list[str] = []
    is_reading = threading.Event()

    def call() -> None:
        values = [Act(is_reading.set, 1)]
        try:
            backend.double_list(values, result, 1, released_sleep=sleep_s, trace=trace)
        except IndexError as error:
            texts.append(str(error))

    thread = threading.Thread(target=call)
    thread.start()
    is_reading.wait()
    result.clear()
    thread.join()
    return texts, (result, trace)


def test_result_shrank_during_sleep(backend: Backend) -> None:
    """1.6: another thread may shrink result while the call sleeps."""
    # On a busy machine the call may end before anybody comes to clear the list.
    for sleep_s in (0.1, 0.5, 2.0, 10.0):
        texts, lists = shrink_during_a_sleep(backend, sleep_s)
        if texts:
            break
    assert texts == [outside(1, 0)]
    assert lists == ([], [])


def test_result_is_values(backend: Backend) -> None:
    """1.7: values and result may be one list."""
    both: list[Any] = [1, 2, 3]
    backend.double_list(both, both, 1)
    assert both == [1, [2, 4, 6], 3]


def test_trace_is_result(backend: Backend) -> None:
    """1.9: trace and result may be one list."""
    both: list[Any] = [0]
    backend.double_list([5], both, 0, trace=both)
    assert both[0] == [10]
    assert len(both[1]) == 5


def test_one_list_for_all(backend: Backend) -> None:
    """1.7: values, result and trace may be one list."""
    one: list[Any] = [4]
    backend.double_list(one, one, -1, trace=one)
    assert one[0] == [8]
    assert len(one[1]) == 5


def test_values_within_result(backend: Backend) -> None:
    """1.7: values may be what the call replaces."""
    result: list[Any] = [[1, 2]]
    backend.double_list(result[0], result, 0)
    assert result == [[2, 4]]


def test_finalizer_of_the_replaced_item(backend: Backend) -> None:
    """1.6: what result[index] was goes when all is done, and may do anything."""
    result: list[Any] = [0]
    trace: list[Any] = []
    seen: list[Any] = []

    def act() -> None:
        seen.extend((*result, len(trace)))
        result.clear()
        trace.clear()

    result[0] = Last(act)
    backend.double_list([1, 2], result, 0, trace=trace)
    assert seen == [[2, 4], 1]
    assert result == trace == []


def test_finalizer_that_calls_again(backend: Backend) -> None:
    """1.7: a finalizer may call the same function on the same lists."""
    result: list[Any] = [0]
    values = [1, 2]
    result[0] = Last(lambda: backend.double_list(values, result, 0))
    backend.double_list([9], result, 0)
    assert result == [[2, 4]]


def test_index_that_calls_again(backend: Backend) -> None:
    """1.7: an __index__ may call the same function on the same lists."""
    result: list[Any] = [0, 0]
    inner = [10**10] * 50
    values = [1, Act(lambda: backend.double_list(inner, result, 1), 2)]
    backend.double_list(values, result, 0)
    assert result == [[2, 4], [2 * 10**10] * 50]


def test_items_may_go_while_read(backend: Backend) -> None:
    """1.7: an item's finalizer may empty the list that is read."""
    values: list[Any] = []

    class Going(int):
        def __del__(self) -> None:
            values.clear()

    values += [Act(lambda: values.__setitem__(1, 0), 1), Going(10**11), 3]
    result: list[Any] = [0]
    backend.double_list(values, result, 0)
    assert {*result[0]} <= {2, 2 * 10**11, 0, 6}


@pytest.fixture
def alarm() -> Iterator[Callable[[float], object]]:
    """Return what makes a signal come later, whose handler raises."""

    def ring(*_: object) -> None:
        raise Rang

    handler = signal.signal(signal.SIGALRM, ring)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, handler)


class Rang(BaseException):
    """What the handler of the alarm raises."""


@pytest.mark.parametrize(
    "options",
    [
        {"released_sleep": 0.1},
        {"held_sleep": 0.1},
        {"released_sleep": 0.1, "release_gil": False},
    ],
    ids=repr,
)
def test_signal_during_a_sleep(backend: Backend, alarm: Any, options: Any) -> None:
    """1.6: what a signal handler raises comes out of the call, which stores nothing."""
    result, trace = ["as it was"], []

    def ring_during_the_call() -> None:
        alarm(0.02)
        backend.double_list([1], result, 0, trace=trace, **options)

    with pytest.raises(Rang) as raised:
        ring_during_the_call()
    assert (result, trace) == (["as it was"], [])
    assert raised.value.__context__ is None
    assert not hasattr(raised.value, "__notes__")


def test_signal_during_the_kernel(backend: Backend, alarm: Any) -> None:
    """1.6: a signal is seen when the kernel ends, at the latest."""
    values, passes = [*range(1000)], 1
    result: list[Any] = [0]
    while True:
        start = time.thread_time()
        try:
            alarm(0.02)
            backend.double_list(values, result, 0, passes=passes)
            alarm(0)
        except Rang:
            # It may also come between the call and the end of the alarm.
            if result == [0]:
                break
        # Much longer than the alarm, and still not seen.
        assert time.thread_time() - start < 1
        result, passes = [0], 2 * passes


@pytest.mark.parametrize("n_free", range(12))
def test_near_the_recursion_limit(backend: Backend, n_free: int) -> None:
    """1.10: near the limit a call ends as it does elsewhere, or in a RecursionError."""
    result: list[Any] = [0]
    calls: dict[str, Any] = {
        "answer": lambda: backend.double_list([1, Act(int, 2)], result, 0),
        "TypeError": lambda: backend.double_list([1, ""], result, 0),
        "IndexError": lambda: backend.double_list([1], result, 9),
        "OverflowError": lambda: backend.double_list([2**62], result, 0),
    }

    def descend(depth: int, call: Any) -> str:
        if depth:
            return descend(depth - 1, call)
        try:
            call()
        except Exception as error:
            return type(error).__name__
        return "answer"

    depth = sys.getrecursionlimit() - len(inspect.stack(0)) - n_free - 3
    for expected, call in calls.items():
        result[0] = 0
        try:
            ending = descend(depth, call)
        except RecursionError:
            ending = "RecursionError"
        assert ending in {expected, "RecursionError"}
        assert result == ([[2, 4]] if ending == "answer" else [0])
