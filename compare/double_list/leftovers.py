"""Property tests of what is left behind: references, memory, threads, files (1.11).

What is kept once for good reasons, such as a cache, is no leak: a count has to grow in
proportion to the calls, in the main thread or in others.
"""

import ctypes
import gc
import resource
import sys
import timeit
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache, partial
from pathlib import Path
from typing import Any

from backends import VALUE_MAX, DoubleList
from compare.double_list.cases import REFUSALS
from compare.double_list.objects import RAISED, Interrupt, Number, fail, interrupt
from gilscope.threads import collect_no_garbage, run_together

# Calls at a time, and fewer where they would take much longer than this.
N_CALLS, CALLS_S = 20, 0.02
# So many times as many are made before: no free list of CPython is longer than them.
N_WARM = 5
# So many rounds of these are counted first. While a count grows, twice as many
# are counted next; so often of calls of one kind, and of calls of all kinds at once.
N_ROUNDS = 4
N_DOUBLINGS, N_DOUBLINGS_OF_ALL = 7, 5
# A leak is kept by one call in so many at least, and what is kept twice as many times
# in twice as many calls. Less than this many times, in one of the last doublings, is
# growth that slows down.
CALLS_A_LEAK = 40
PROPORTIONAL_MIN, N_PROPORTIONAL = 1.5, 2
# Of each kind, what a call that leaves something leaves at least; and more than any
# cache keeps, which is called a leak before it fills the machine.
KINDS = {
    "references": (1, 2_000_000),
    "references fewer than before": (1, 2_000_000),
    "blocks of Python memory": (1, 2_000_000),
    "bytes of C memory": (16, 200_000_000),
    "open files": (1, 500),
    "threads": (1, 500),
    # Whole pages.
    "bytes of mapped memory": (4096, 20_000_000_000),
    "child processes": (1, 200),
}
# The interpreter's own cache of attributes keeps the names that it was asked for.
CLEAR_CACHES: Callable[[], object] = (
    getattr(sys, "_clear_internal_caches", None) or sys._clear_type_cache  # noqa: SLF001
)
# What calls take and answer that is not theirs alone; more references to it are no more
# memory.
LARGE, SLEEP_S = 2**40, 1e-6
SHARED = (
    *(None, True, False, int, list, tuple, TypeError, OverflowError, Number),
    *(0, 1, 2, 3, 4, LARGE, VALUE_MAX, SLEEP_S),
)
REFUSED = "any refusal"
OUTCOMES = (TypeError, OverflowError, LookupError, ValueError, Interrupt)


def make_ends(double_list: DoubleList) -> dict[str, Callable[[], object]]:
    """Return a call for each way in which one may end."""

    def call(*values: Any, index: Any = 0, **options: Any) -> None:
        with suppress(*OUTCOMES):
            double_list(list(values), [None], index, **options)

    def end_late() -> None:
        result: list[Any] = [None]
        with suppress(IndexError):
            double_list([1, Number(2, result.clear)], result, 0)

    def refuse_all() -> None:
        for make in REFUSALS.values():
            refused = make()
            with suppress(*OUTCOMES, *RAISED):
                double_list(
                    refused.values, refused.result, refused.index, **refused.options
                )

    sleeps = {"released_sleep": SLEEP_S, "held_sleep": SLEEP_S}
    return {
        "an answer": partial(call, 1, 2, 3),
        "an answer with release_gil=False": partial(call, 1, 2, 3, release_gil=False),
        "an answer of 200 values": partial(call, *range(200)),
        "an answer of large values": partial(call, LARGE, -1),
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
        "a result that shrank": end_late,
        REFUSED: refuse_all,
    }


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


def check_leftovers(double_list: DoubleList) -> str | None:
    """Return what calls leave behind: of each kind here, of all kinds in threads."""
    ends = make_ends(double_list)
    n_calls = choose_n_calls(ends["an answer"])
    looks: dict[str, tuple[Callable[[], object], int]] = {
        f"calls that end with {end}": (
            # These are more than a hundred calls each time.
            call if end == REFUSED else partial(repeat, n_calls, call),
            N_DOUBLINGS,
        )
        for end, call in ends.items()
    }
    del ends[REFUSED]

    def call_all() -> None:
        for call in ends.values():
            call()

    in_threads = partial(repeat, n_calls, partial(run_together, call_all))
    looks[f"calls in {n_calls} threads"] = in_threads, N_DOUBLINGS_OF_ALL
    # What is kept to be used again is there before anything is counted.
    repeat(N_WARM * n_calls, call_all)
    # The collector looks only at what comes from here on, which makes it quick.
    gc.freeze()
    try:
        for where, (make_calls, n_doublings) in looks.items():
            grown = measure_growth(make_calls, n_doublings)
            # Other threads of the process have memory too: what was theirs does not
            # grow in the same way twice.
            again = measure_growth(make_calls, n_doublings) if grown else {}
            left = [f"{grown[what]} {what}" for what in grown if what in again]
            if left:
                return f"1.11 {where} leave behind {' and '.join(left)}"
    finally:
        gc.unfreeze()
    return None


def repeat(count: int, call: Callable[[], object]) -> None:
    """Make so many calls."""
    for _ in range(count):
        call()


def choose_n_calls(call: Callable[[], object]) -> int:
    """Return how many calls to make at a time."""
    took_s = min(timeit.repeat(call, number=1))
    return max(1, min(N_CALLS, round(CALLS_S / took_s)))


def measure_growth(
    make_calls: Callable[[], object], n_doublings: int = N_DOUBLINGS
) -> dict[str, int]:
    """Return how much each count grew, if that goes on in proportion to the calls."""
    make_calls()
    # Cycles are no leak, but they are there until somebody looks for them. Looking
    # takes time, so that it waits until there is growth.
    with collect_no_garbage():
        grown, _ = count_growth(make_calls, N_ROUNDS)
    for doubling in range(n_doublings + 1):
        if not grown:
            return {}
        before = grown
        left, is_too_much = count_growth(make_calls, N_ROUNDS << doubling)
        if is_too_much:
            return left
        # Only the last ones are long enough for noise not to matter.
        factor = PROPORTIONAL_MIN if doubling > n_doublings - N_PROPORTIONAL else 0
        grown = {
            what: count
            for what, count in left.items()
            if what in before and count >= factor * before[what]
        }
    return grown


def count_growth(
    make_calls: Callable[[], object], n_rounds: int
) -> tuple[dict[str, int], bool]:
    """Return what so many rounds leave, where it is enough, and if it is too much."""
    collect = gc.collect if gc.isenabled() else int

    # What is counted last is given first: nothing else may be there that was not.
    def compare(now: dict[str, int], n_done: int) -> tuple[dict[str, int], bool]:
        grown, is_too_much = {}, False
        for what in before:
            least, most = KINDS[what]
            count = now[what] - before[what]
            is_too_much |= count > most
            if count * CALLS_A_LEAK >= n_done * N_CALLS * least:
                grown[what] = count
        return grown, is_too_much

    # Counting leaves something too, the first time more than later; and whenever it is
    # done, what was counted before is there as well.
    before = count_left()
    collect()
    before = count_left()
    for done in range(1, n_rounds + 1):
        make_calls()
        # Counting takes as long as some calls.
        if done % N_ROUNDS == 0 and compare(count_left(), done)[1]:
            gc.collect()
            grown, is_too_much = compare(count_left(), done)
            if is_too_much:
                return grown, True
    collect()
    return compare(count_left(), n_rounds)[0], False


def count_left() -> dict[str, int]:
    """Return how much of all is in use, as far and as exactly as it is told here."""
    CLEAR_CACHES()
    references = sum(map(sys.getrefcount, SHARED))
    counts = {
        "references": references,
        "references fewer than before": -references,
        "blocks of Python memory": sys.getallocatedblocks(),
    }
    count_c_bytes = find_c_counter()
    if count_c_bytes is not None:
        counts["bytes of C memory"] = count_c_bytes()
    with suppress(OSError):
        counts["open files"] = sum(1 for _ in Path("/proc/self/fd").iterdir())
        pages = int(Path("/proc/self/statm").read_bytes().split()[0])
        counts["bytes of mapped memory"] = pages * resource.getpagesize()
        tasks = [*Path("/proc/self/task").iterdir()]
        counts["threads"] = len(tasks)
        counts["child processes"] = 0
        for task in tasks:
            # A thread may be gone by now.
            with suppress(OSError):
                children = (task / "children").read_bytes()
                counts["child processes"] += len(children.split())
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
