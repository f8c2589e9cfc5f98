"""Clauses 1.6 and 1.7: what hostile objects and failures leave behind."""

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backends import Backend, contract

ROOT = Path(__file__).parents[2]
IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


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


def shrank(position: int, length: int) -> str:
    """Return the message of a result that shrank."""
    return contract.RESULT_SHRANK.format(position=position, length=length)


def test_values_emptied_while_read(backend: Backend) -> None:
    """1.7: the snapshot outlives an __index__ that empties the list."""
    values: list[Any] = [10**12, 2]
    values += [Act(values.clear, 3), 10**13, Act(values.clear, 5)]
    result = [0]
    backend.double_list(values, result, 0)
    assert result == [[2 * 10**12, 4, 6, 2 * 10**13, 10]]
    assert values == []


def test_values_grown_while_read(backend: Backend) -> None:
    """1.7: items that come after the snapshot are not seen."""
    values: list[Any] = []
    values += [Act(lambda: values.extend([7] * 1000), 3), 4]
    result = [0]
    backend.double_list(values, result, 0)
    assert result == [[6, 8]]
    assert len(values) == 1002


def test_values_replaced_while_read(backend: Backend) -> None:
    """1.7: items that are replaced after the snapshot count as they were."""
    values: list[Any] = []

    def replace() -> None:
        values[:] = ["no integer"] * len(values)

    values += [1, Act(replace, 3), 10**15, 4]
    result = [0]
    backend.double_list(values, result, 0)
    assert result == [[2, 6, 2 * 10**15, 8]]


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
    assert str(raised.value) == shrank(1, length)
    assert result == [0] * length
    assert trace == []


def test_result_shrank_during_sleep(backend: Backend) -> None:
    """1.6: another thread may shrink result while the call sleeps."""
    result: list[Any] = [0, 0]
    trace: list[Any] = []
    raised: list[BaseException] = []
    is_reading = threading.Event()

    def call() -> None:
        values = [Act(is_reading.set, 1)]
        try:
            backend.double_list(values, result, 1, released_sleep=0.3, trace=trace)
        except IndexError as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    is_reading.wait()
    result.clear()
    thread.join()
    assert [*map(str, raised)] == [shrank(1, 0)]
    assert result == trace == []


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
    result = [0]
    backend.double_list(values, result, 0)
    assert result == [[2, 2 * 10**11, 6]]


def test_interrupt_during_sleep(backend: Backend) -> None:
    """1.6: KeyboardInterrupt comes out, with the answer stored whole or not at all."""
    result: list[Any] = ["as it was"]
    trace: list[Any] = []
    is_reading = threading.Event()

    def interrupt() -> None:
        is_reading.wait()
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        values = [Act(is_reading.set, 1)]
        backend.double_list(values, result, 0, released_sleep=0.3, trace=trace)
        # Where the call was over before, the interrupt comes out of this.
        time.sleep(10)
    thread.join()
    assert (result, len(trace)) in ((["as it was"], 0), ([[2]], 1))


NO_MEMORY = """
import sys
from _testcapi import remove_mem_hooks, set_nomemory
import backends

call = backends.get(sys.argv[1]).double_list
is_python = type(call).__name__ == "function"
number = type("Number", (), {"__index__": lambda self: 10**12})()
values = [10**12, 3, 10**15] * 30
kinds = {
    "short": ([1, 2, 3], {}, None),
    "long": (values, {}, None),
    "objects": ([number] * 9, {}, None),
    "wrong type": ([1, ""], {}, TypeError),
    "too large": ([1, 2**300], {}, OverflowError),
    "double too large": ([1, 2**62], {}, OverflowError),
    "object too large": ([number, 2**62, ""], {}, OverflowError),
    "passes": (values, {"passes": 0}, ValueError),
    "seconds": (values, {"released_sleep": -1.5}, ValueError),
    "flag": (values, {"release_gil": 1}, TypeError),
    "position": (values, {"index": 2**300}, IndexError),
    "trace": (values, {"trace": ()}, TypeError),
}

def attempt(start, items, result, given):
    error = None
    # The allocation may also be one of the interpreter's, right after the call.
    try:
        set_nomemory(start, start + 1)
        try:
            call(items, result, **given)
        except BaseException as caught:
            error = caught
    except MemoryError:
        pass
    remove_mem_hooks()
    return error

for kind, (items, options, expected) in kinds.items():
    n_failed = n_passed = start = 0
    # No more than a few failures are absorbed, by a cache of the interpreter.
    while n_passed < 20:
        trace, kept = ["kept"], object()
        result = [kept]
        given = {"index": 0, "trace": trace} | options
        error = attempt(start, items, result, given)
        start += 1
        done = result != [kept]
        assert len(trace) == 1 + done, (kind, start)
        assert not (done and error), (kind, start)
        # CPython 3.11 loses the error where it has no memory for a Python frame.
        is_lost = is_python and type(error) is SystemError
        if type(error) is MemoryError or is_lost:
            n_failed += 1
            n_passed = 0
        else:
            n_passed += 1
            assert error is None or type(error) is expected, (kind, error)
            assert not done or expected is None, kind
    assert n_failed, kind
print("done")
"""

HUGE_LIST = """
import resource
import sys
import backends

call = backends.get(sys.argv[1]).double_list
call([1], [0], 0)
ints = [0] * 20_000_000
objects = [type("Number", (), {"__index__": int})()] * 20_000_000
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 50_000_000
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
for values in (ints, objects):
    result, trace = ["kept"], []
    try:
        call(values, result, 0, trace=trace)
    except MemoryError:
        pass
    else:
        raise AssertionError
    assert result == ["kept"]
    assert trace == []
call([1], result, 0)
assert result == [[2]]
print("done")
"""


def run(program: str, backend: Backend) -> None:
    """Run the program in a process of its own, so that a crash is a failure."""
    done = subprocess.run(
        [sys.executable, "-c", program, backend.name],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # The interpreter itself may complain on the other stream of what it could not say.
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.skipif(
    IS_FREE_THREADED,
    reason="PyList_New() of free-threaded CPython 3.14.7 crashes without memory",
)
def test_no_memory_for_any_allocation(backend: Backend) -> None:
    """1.6: whichever allocation fails, it is a MemoryError that changes nothing."""
    pytest.importorskip("_testcapi", reason="this Python comes without _testcapi")
    run(NO_MEMORY, backend)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(
    IS_FREE_THREADED,
    reason="its allocator has reserved addresses that no limit takes back",
)
def test_no_memory_for_a_huge_list(backend: Backend) -> None:
    """1.6: a list too large for the memory there is raises a MemoryError."""
    run(HUGE_LIST, backend)
