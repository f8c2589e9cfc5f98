"""Laws of what is left behind: references, memory, threads, open files."""

import ctypes
import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from backends import VALUE_MAX, DoubleList
from compare.double_list.hostile import Number, fail

# What a call of three small values has at least: one object, and one word of C memory.
LEAST_LEFT = {"blocks of Python memory": 1, "bytes of C memory": 16}
# So many times in a row it has to grow: what is kept for good reasons is kept once.
N_GROWTHS = 3


def end_well(double_list: DoubleList, *values: Any, **options: Any) -> None:
    """Make a call that ends well."""
    double_list(list(values) or [1, 2, 3], [None], **{"index": 0, **options})


def end_well_by_index(double_list: DoubleList) -> None:
    """Make a call all of whose integers are objects of their own."""
    end_well(double_list, Number(4), 1, index=Number(0), passes=Number(2))


def end_badly(double_list: DoubleList, *values: Any, index: Any = 0) -> None:
    """Make a call that is refused."""
    with suppress(TypeError, OverflowError, LookupError):
        double_list([1, 2, 3, *values], [None], index)


def end_late(double_list: DoubleList) -> None:
    """Make a call whose result is gone when it is to be written to."""
    result: list[Any] = [None]
    with suppress(IndexError):
        double_list([1, Number(2, result.clear)], result, 0)


# How a call may end.
ENDS: dict[str, Callable[[DoubleList], None]] = {
    "an answer": end_well,
    "an answer with release_gil=False": partial(end_well, release_gil=False),
    "an answer of large values": lambda double_list: end_well(double_list, 2**40, -1),
    "an answer of __index__": end_well_by_index,
    "an answer after sleeping": partial(end_well, released_sleep=1e-6, held_sleep=1e-6),
    "an answer and a trace": lambda double_list: end_well(double_list, trace=[]),
    "a wrong index": partial(end_badly, index="0"),
    "an index outside": partial(end_badly, index=2**70),
    "a wrong item": lambda double_list: end_badly(double_list, "4"),
    "an item that does not fit": lambda double_list: end_badly(double_list, 2**64),
    "a double that does not fit": lambda double_list: end_badly(double_list, VALUE_MAX),
    "an __index__ that raises": lambda double_list: end_badly(
        double_list, Number(4, fail)
    ),
    "a result that shrank": end_late,
}


def check_references(double_list: DoubleList) -> str | None:
    """Return which argument is kept after calls, good and bad."""
    n_calls = 20
    item = 2**40
    names = ("values", "result", "trace", "values[0]")
    kept: tuple[Any, ...] = ([item, 1], [None, None], [], item)
    values, result, trace, _ = kept
    refused = [item, "x"]
    before = [sys.getrefcount(one) for one in kept]
    for _ in range(n_calls):
        double_list(values, result, 1, trace=trace)
        try:
            double_list(refused, result, 1, trace=trace)
        except TypeError:
            continue
    after = [sys.getrefcount(one) for one in kept]
    for name, then, now in zip(names, before, after, strict=True):
        if now - then >= n_calls:
            return f"{n_calls} calls: {now - then} references to {name} kept"
    return None


def check_leftovers(double_list: DoubleList) -> str | None:
    """Return what stays open after calls, good and bad, where Linux tells."""
    n_calls = 20
    before = count_leftovers()
    for _ in range(n_calls):
        for call in ENDS.values():
            call(double_list)
    for what, now in count_leftovers().items():
        if now - before[what] >= n_calls:
            return f"{n_calls} calls: {now - before[what]} {what} left behind"
    return None


def count_leftovers() -> dict[str, int]:
    """Return how many threads and files this process has; none if not told."""
    counts = {}
    for what, folder in (("threads", "task"), ("open files", "fd")):
        try:
            counts[what] = sum(1 for _ in Path("/proc/self", folder).iterdir())
        except OSError:
            counts[what] = 0
    return counts


def check_memory(double_list: DoubleList) -> str | None:
    """Return how much memory is not given back, where Linux tells."""
    n, n_calls = 20_000, 15
    values = list(range(n))
    result: list[Any] = [None]
    sizes = []
    # The first round is to get everything that is kept for good reasons.
    for count in (n_calls // 3, n_calls):
        for _ in range(count):
            double_list(values, result, 0)
        sizes.append(read_resident_bytes())
    if result[0] != [2 * value for value in values]:
        return f"1.1 {n} values: expected their doubles, got something else"
    grown = sizes[1] - sizes[0]
    # Half of one of the two buffers of 64-bit values that a call needs.
    if grown > n_calls * n * 8 / 2:
        return f"{n_calls} calls of {n} values: {grown / 1e6:.1f} MB not given back"
    return None


def read_resident_bytes() -> int:
    """Return how much memory this process has, 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
    import resource  # noqa: PLC0415 - it is not there on every system.

    return pages * resource.getpagesize()


def check_allocations(double_list: DoubleList) -> str | None:
    """Return in which way a call has to end for memory not to be given back."""
    n_calls = 20
    for end, call in ENDS.items():
        grown = measure_growth(partial(call, double_list), n_calls)
        if grown:
            what = " and ".join(f"{count} {what}" for what, count in grown.items())
            return f"calls that end with {end}: {what} not given back"
    return None


def measure_growth(call: Callable[[], object], n_calls: int) -> dict[str, int]:
    """Return by how much memory grew, if it did so each time for that many calls."""
    for _ in range(N_GROWTHS):
        before = count_memory()
        call_often(call, n_calls)
        if not find_growth(before, n_calls):
            return {}
    # Cycles are no leak, but they are there until somebody looks for them. Doing so
    # also empties the interpreter's own stores, so it comes at both ends.
    gc.collect()
    before = count_memory()
    call_often(call, N_GROWTHS * n_calls)
    gc.collect()
    return find_growth(before, N_GROWTHS * n_calls)


def call_often(call: Callable[[], object], n_calls: int) -> None:
    """Make so many calls."""
    for _ in range(n_calls):
        call()


def find_growth(before: dict[str, int], n_calls: int) -> dict[str, int]:
    """Return by how much memory has grown, if that is enough for so many calls."""
    grown = {what: now - before[what] for what, now in count_memory().items()}
    return {
        what: count
        for what, count in grown.items()
        if count >= n_calls * LEAST_LEFT[what]
    }


def count_memory() -> dict[str, int]:
    """Return how much memory is in use, as exactly as is told here."""
    counts = {"blocks of Python memory": sys.getallocatedblocks()}
    count_c_bytes = find_c_counter()
    if count_c_bytes is not None:
        counts["bytes of C memory"] = count_c_bytes()
    return counts


@cache
def find_c_counter() -> Callable[[], int] | None:
    """Return what counts the bytes that malloc() has given out to this thread's like.

    Source:
        mallinfo(3): glibc 2.33 and newer.
    """
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        return None

    class Mallinfo(ctypes.Structure):
        _fields_ = [
            (name, ctypes.c_size_t)
            for name in (
                *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
                *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
            )
        ]

    mallinfo.restype = Mallinfo

    def count() -> int:
        told = mallinfo()
        in_use: int = told.uordblks + told.hblkhd
        return in_use

    return count


def check_small_leaks(double_list: DoubleList) -> str | None:
    """Return how much memory many calls keep, of whatever kind it is."""
    n_calls = 30_000
    refused = [1, 2, VALUE_MAX]
    result: list[Any] = [None]
    sizes = []
    for _ in range(2):
        for _ in range(n_calls):
            double_list([1, 2, 3], result, 0)
            with suppress(OverflowError):
                double_list(refused, result, 0)
        sizes.append(read_resident_bytes())
    grown = sizes[1] - sizes[0]
    # The least that malloc() gives out is twice that.
    if grown > n_calls * LEAST_LEFT["bytes of C memory"]:
        return f"{n_calls} calls of 3 values: {grown / 1e6:.1f} MB not given back"
    return None
