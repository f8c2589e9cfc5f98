"""Where a binding cannot keep a clause; a gap that closes is noticed."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from backends import Backend

ROOT = Path(__file__).parents[2]
IS_FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

PANIC = "PyO3 panics where memory runs out for a small object"
FRAMES = "Python code needs frames of its own"
INSIDE = "a signal is handled between any two steps of Python code"

# The same table stands in docs/reference/contract.md. One that closes fails.
KNOWN_GAPS = {
    ("pyo3", "MemoryError, whichever allocation fails"): PANIC,
    ("python", "no RecursionError of its own"): FRAMES,
    ("cffi", "no RecursionError of its own"): FRAMES,
    ("python", "nothing stored when a signal ends the call"): INSIDE,
    ("cffi", "nothing stored when a signal ends the call"): INSIDE,
}


def agrees(backend: Backend, what: str, *, holds: bool, why: object = "") -> None:
    """Assert that it holds, or that it is a known gap and is still open."""
    gap = KNOWN_GAPS.get((backend.name, what))
    if gap is None:
        assert holds, f"{backend.name}: {what}: {why}"
    else:
        assert not holds, f"{backend.name}: the gap closed: {what} ({gap})"


def test_gaps_are_in_the_docs() -> None:
    """The docs name each gap with its reason."""
    text = (ROOT / "docs/reference/contract.md").read_text()
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()
    ]
    for (name, what), why in KNOWN_GAPS.items():
        assert [name, what, why] in rows


def run(program: str, backend: Backend) -> tuple[bool, str]:
    """Run the program in a process of its own; return whether it came to its end."""
    done = subprocess.run(
        [sys.executable, "-c", program, backend.name],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return (done.returncode, done.stdout) == (0, "done\n"), done.stderr


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
    "double of an object too large": ([number, 2**62], {}, OverflowError),
    "passes": (values, {"passes": 0}, ValueError),
    "seconds": (values, {"released_sleep": -1.5}, ValueError),
    "flag": (values, {"release_gil": 1}, TypeError),
    "position": (values, {"index": 7}, IndexError),
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
            assert error is None or type(error) is expected, (kind, repr(error))
            assert not done or expected is None, kind
    assert n_failed, kind
print("done")
"""


@pytest.mark.skipif(
    IS_FREE_THREADED,
    reason="PyList_New() of free-threaded CPython 3.14.7 crashes without memory",
)
def test_no_memory_for_any_allocation(backend: Backend) -> None:
    """1.6: whichever allocation fails, it is a MemoryError that changes nothing."""
    pytest.importorskip("_testcapi", reason="this Python comes without _testcapi")
    holds, why = run(NO_MEMORY, backend)
    what = "MemoryError, whichever allocation fails"
    agrees(backend, what, holds=holds, why=why)


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


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.skipif(
    IS_FREE_THREADED,
    reason="its allocator has reserved addresses that no limit takes back",
)
def test_no_memory_for_a_huge_list(backend: Backend) -> None:
    """1.6: a list too large for the memory there is raises a MemoryError."""
    holds, why = run(HUGE_LIST, backend)
    assert holds, why


RECURSION = """
import sys
import backends

call = backends.get(sys.argv[1]).double_list

def descend(arguments):
    # As deep as it gets, two frames back, and there the call.
    try:
        ending = descend(arguments)
    except RecursionError:
        return 2
    if type(ending) is str or ending > 1:
        return ending if type(ending) is str else ending - 1
    try:
        return call(*arguments) or "answer"
    except Exception as error:
        return type(error).__name__

for arguments, expected in (
    (([1, 2], [0], 0), "answer"),
    (([1, ""], [0], 0), "TypeError"),
    (([1, 2**62], [0], 0), "OverflowError"),
    (([1], [0], 5), "IndexError"),
):
    ending = descend(arguments)
    assert ending == expected, ending
print("done")
"""


def test_at_the_recursion_limit(backend: Backend) -> None:
    """1.10: a call that needs no Python code ends as it does elsewhere."""
    holds, why = run(RECURSION, backend)
    agrees(backend, "no RecursionError of its own", holds=holds, why=why)


class Stop(BaseException):
    """What a signal handler might raise."""


def test_signal_right_after_the_store(backend: Backend) -> None:
    """1.6: a signal that comes late finds nothing stored, or the call at its end."""
    result: list[Any] = ["as it was"]

    def trace_calls(frame: Any, event: str, _: object) -> Any:
        if event == "return" and frame.f_code.co_name == "store":
            raise Stop
        return trace_calls

    has_ended = False
    tracer = sys.gettrace()
    sys.settrace(trace_calls)
    try:
        backend.double_list([1], result, 0)
        has_ended = True
    except Stop:
        pass
    finally:
        sys.settrace(tracer)
    holds = has_ended or result == ["as it was"]
    agrees(backend, "nothing stored when a signal ends the call", holds=holds)
