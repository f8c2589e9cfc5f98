"""Property tests of what is left behind: references, memory, threads, files (1.11).

What is kept once for good reasons, such as a cache of types, is no leak: a count has
to grow with each round of calls, in the main thread or in others.
"""

import ctypes
import gc
import sys
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from backends import VALUE_MAX, DoubleList
from compare.double_list.objects import Interrupt, Number, fail, interrupt
from gilscope.threads import run_together

N_CALLS = 20
# So many rounds in a row a count has to grow.
N_GROWTHS = 3
# How often that is done before growth that goes on is a leak; and what is one before.
N_PATIENT = 500
KEPT_FOR_A_WHILE = {"blocks of Python memory", "bytes of C memory"}
LEAK_MAX = 20_000_000
# What a call leaves at least where it leaves something, of each kind.
LEAST_LEFT = {
    "blocks of Python memory": 1,
    "bytes of C memory": 16,
    "open files": 1,
    "threads": 1,
    "mappings of memory": 1,
}
OUTCOMES = (TypeError, OverflowError, LookupError, ValueError, Interrupt)


def call_quietly(
    double_list: DoubleList, *values: Any, index: Any = 0, **options: Any
) -> None:
    """Make a call of these values, however it ends."""
    with suppress(*OUTCOMES):
        double_list(list(values), [None], index, **options)


def end_late(double_list: DoubleList) -> None:
    """Make a call whose result is gone when it is to be written to."""
    result: list[Any] = [None]
    with suppress(IndexError):
        double_list([1, Number(2, result.clear)], result, 0)


def make_ends(double_list: DoubleList) -> dict[str, Callable[[], object]]:
    """Return a call for each way in which one may end."""
    call: Any = partial(call_quietly, double_list)
    sleeps = {"released_sleep": 1e-6, "held_sleep": 1e-6}
    ends: dict[str, Any] = {
        "an answer": partial(call, 1, 2, 3),
        "an answer with release_gil=False": partial(call, 1, 2, 3, release_gil=False),
        "an answer of 200 values": partial(call, *range(200)),
        "an answer of large values": partial(call, 2**40, -1),
        "an answer of __index__": partial(
            call, Number(4), 1, index=Number(0), passes=Number(2)
        ),
        "an answer after sleeping": partial(call, 1, 2, 3, **sleeps),
        "an answer and a trace": lambda: call(1, 2, 3, trace=[]),
        "a wrong index": partial(call, 1, index="0"),
        "an index outside": partial(call, 1, index=7),
        "wrong passes": partial(call, 1, passes=0),
        "a wrong sleep": partial(call, 1, held_sleep=-1.0),
        "a wrong trace": partial(call, 1, trace=()),
        "a wrong item": partial(call, 1, 2, "4"),
        "an item that does not fit": partial(call, 1, 2**64),
        "a double that does not fit": partial(call, 1, VALUE_MAX),
        "an __index__ that raises": partial(call, 1, Number(4, fail)),
        "an __index__ that is interrupted": partial(call, 1, Number(4, interrupt)),
        "a result that shrank": partial(end_late, double_list),
    }
    return ends


class KeptList(list[Any]):
    """A list of which one can ask whether it is still there."""


def check_references(double_list: DoubleList) -> str | None:
    """Return which object a call keeps that nobody else has any more."""
    call: Any = double_list
    for ending in ("an answer", "a wrong item", "a double that does not fit"):
        last = {"a wrong item": "x", "a double that does not fit": VALUE_MAX}
        item, index, passes = Number(4), Number(0), Number(1)
        values = KeptList([item, 1, last.get(ending, 2)])
        replaced, trace = KeptList(), KeptList()
        result = KeptList([replaced])
        watched: dict[str, weakref.ref[Any]] = {
            "values": weakref.ref(values),
            "an item of values": weakref.ref(item),
            "result": weakref.ref(result),
            "what was replaced": weakref.ref(replaced),
            "index": weakref.ref(index),
            "passes": weakref.ref(passes),
            "trace": weakref.ref(trace),
        }
        with suppress(*OUTCOMES):
            call(values, result, index, passes=passes, trace=trace)
        del values, item, result, replaced, index, passes, trace
        if any(seen() is not None for seen in watched.values()):
            gc.collect()
        kept = [name for name, seen in watched.items() if seen() is not None]
        if kept:
            return f"1.11 a call that ends with {ending}: {', '.join(kept)} kept"
    return None


def check_memory(double_list: DoubleList) -> str | None:
    """Return in which way a call has to end for memory not to be given back."""
    for end, call in make_ends(double_list).items():
        grown = measure_growth(partial(call_often, call), count_memory)
        if grown:
            return f"1.11 calls that end with {end}: {describe_growth(grown)}"
    return None


def check_leftovers(double_list: DoubleList) -> str | None:
    """Return what calls leave behind, in the main thread and in others."""
    calls = make_ends(double_list).values()

    def call_all() -> None:
        for call in calls:
            call()

    def call_in_threads() -> None:
        for _ in range(N_CALLS):
            run_together(call_all, timeout_s=None)

    grown = measure_growth(partial(call_often, call_all), count_all)
    if grown:
        return f"1.11 calls of all kinds: {describe_growth(grown)}"
    grown = measure_growth(call_in_threads, count_all)
    if grown:
        return f"1.11 calls in {N_CALLS} threads: {describe_growth(grown)}"
    return None


def call_often(call: Callable[[], object]) -> None:
    """Make N_CALLS calls."""
    for _ in range(N_CALLS):
        call()


def describe_growth(grown: dict[str, int]) -> str:
    """Return in words what is left."""
    left = " and ".join(f"{count} {what}" for what, count in grown.items())
    return f"{left} not given back"


def measure_growth(
    make_calls: Callable[[], object], count: Callable[[], dict[str, int]]
) -> dict[str, int]:
    """Return by how much each count grew, if it did so each time for N_CALLS calls."""
    for _ in range(N_GROWTHS):
        before = count()
        make_calls()
        if not find_growth(before, count(), 1):
            return {}
    # Cycles are no leak, but they are there until somebody looks for them. Doing so
    # also empties the interpreter's own stores, so it comes at both ends.
    grown = measure_steady_growth(make_calls, count)
    if not grown or not grown.keys() <= KEPT_FOR_A_WHILE:
        return grown
    # The interpreter keeps some names and types, a bounded number of them: growth that
    # stops is no leak.
    for _ in range(N_PATIENT):
        make_calls()
        if any(after - before[what] > LEAK_MAX for what, after in count().items()):
            return grown
    return measure_steady_growth(make_calls, count)


def measure_steady_growth(
    make_calls: Callable[[], object], count: Callable[[], dict[str, int]]
) -> dict[str, int]:
    """Return by how much each count grew between two collections of garbage."""
    gc.collect()
    before = count()
    for _ in range(N_GROWTHS):
        make_calls()
    gc.collect()
    return find_growth(before, count(), N_GROWTHS)


def find_growth(
    before: dict[str, int], after: dict[str, int], n_rounds: int
) -> dict[str, int]:
    """Return by how much counts have grown, if that is enough for so many rounds."""
    grown = {what: after[what] - before[what] for what in before}
    return {
        what: count
        for what, count in grown.items()
        if count >= n_rounds * N_CALLS * LEAST_LEFT[what]
    }


def count_memory() -> dict[str, int]:
    """Return how much memory is in use, as exactly as is told here."""
    counts = {"blocks of Python memory": sys.getallocatedblocks()}
    count_c_bytes = find_c_counter()
    if count_c_bytes is not None:
        counts["bytes of C memory"] = count_c_bytes()
    return counts


def count_all() -> dict[str, int]:
    """Return how much of all is in use, as far as it is told here."""
    counts = count_memory()
    with suppress(OSError):
        counts["open files"] = sum(1 for _ in Path("/proc/self/fd").iterdir())
        counts["threads"] = sum(1 for _ in Path("/proc/self/task").iterdir())
        counts["mappings of memory"] = Path("/proc/self/maps").read_bytes().count(b"\n")
    return counts


@cache
def find_c_counter() -> Callable[[], int] | None:
    """Return what counts the bytes that malloc() has given out.

    Source:
        mallinfo(3): glibc 2.33 and newer.
    """
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return None
    names = (
        "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    )

    class Mallinfo(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in names.split()]

    mallinfo.restype = Mallinfo

    def count() -> int:
        told = mallinfo()
        in_use: int = told.uordblks + told.hblkhd
        return in_use

    return count
