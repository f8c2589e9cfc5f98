"""The laws that no table of calls can show: what is left behind, what threads see."""

import gc
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from backends import DoubleList
from compare.outcome import describe_difference, picture, shorten
from compare.threads import run_together

# --- What is left behind --------------------------------------------------------------


def check_new_list(double_list: DoubleList) -> str | None:
    """Return whether somebody else has the answer too (1.3)."""
    result: list[Any] = [None, None]
    double_list([1, 2, 3], result, 0)
    double_list([1, 2, 3], result, 1)
    if result[0] is result[1]:
        return "1.3 two calls: expected two lists, got the same list twice"
    alone: list[Any] = [[]]
    if sys.getrefcount(result[1]) > sys.getrefcount(alone[0]):
        return "1.3 a call: expected a new list in result alone, got one kept elsewhere"
    return None


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
    """Return what stays open after calls, where Linux tells."""
    n_calls = 20
    result: list[Any] = [None]
    before = count_leftovers()
    for _ in range(n_calls):
        double_list([1, 2, 3], result, 0)
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


def read_settings() -> dict[str, object]:
    """Return what belongs to the whole process, and is no business of a call."""
    return {
        "the switch interval": sys.getswitchinterval(),
        "whether garbage is collected": gc.isenabled(),
        "the recursion limit": sys.getrecursionlimit(),
        "the profile function": sys.getprofile(),
        "the trace function": sys.gettrace(),
        "the current folder": Path.cwd(),
        "the signal handlers": [*map(signal.getsignal, signal.valid_signals())],
        "the alarm": hasattr(signal, "getitimer")
        and signal.getitimer(signal.ITIMER_REAL) != (0.0, 0.0),
    }


def check_settings(before: dict[str, object]) -> str | None:
    """Return what all calls together changed for everybody in the process."""
    now = read_settings()
    changed = [what for what in before if now[what] != before[what]]
    return f"after all calls: {', '.join(changed)} changed" if changed else None


def check_memory(double_list: DoubleList) -> str | None:
    """Return how much memory is not given back, where Linux tells."""
    n, n_calls = 20_000, 40
    values = list(range(n))
    result: list[Any] = [None]
    sizes = []
    for _ in range(2):
        # The first round is to get everything that is kept for good reasons.
        for _ in range(n_calls):
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


# --- More than one thread (1.7) -------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """The calls that one thread makes in a row."""

    n: int
    n_calls: int
    options: dict[str, Any]


# The sleeps make the calls overlap on any machine: they begin together and are longer
# than a thread has to wait for a core; the long lists make the kernels.
LOADS = (
    Load(50, 100, {}),
    Load(50, 2, {"released_sleep": 0.01}),
    Load(5_000, 6, {"passes": 3}),
)


def check_threads(
    n_threads: int, double_list: DoubleList, *, is_same_list: bool
) -> str | None:
    """Return what went wrong in threads that share one result.

    Every other one counts its place in it from the end.
    """
    lists = [[list(range(k, k + load.n)) for load in LOADS] for k in range(n_threads)]
    result: list[Any] = [None] * n_threads
    which = "the same values" if is_same_list else "values of its own"
    meeting = threading.Barrier(n_threads)

    def work(k: int) -> str | None:
        try:
            return call_all(k)
        finally:
            # Nobody waits for one that is done, or that failed.
            meeting.abort()

    def call_all(k: int) -> str | None:
        index = k - n_threads * (k % 2)
        for load, values in zip(LOADS, lists[0 if is_same_list else k], strict=True):
            expected = [2 * item for item in values]
            for _ in range(load.n_calls):
                if "released_sleep" in load.options:
                    with suppress(threading.BrokenBarrierError):
                        meeting.wait()
                double_list(values, result, index, **load.options)
                answer = result[k]
                if answer != expected or {*map(type, answer)} != {int}:
                    return (
                        f"1.7 {n_threads} threads, each with {which}: "
                        f"{describe_difference(picture(expected), picture(answer))}"
                    )
        return None

    found = run_together(*(partial(work, k) for k in range(n_threads)), timeout_s=None)
    return next(filter(None, found), None)


def check_changing_values(double_list: DoubleList) -> str | None:
    """Return an answer that is double of no state that values ever had."""
    states = ([1] * 10, [2] * 500)
    answers = ([2] * 10, [4] * 500)
    values = list(states[0])
    done: list[bool] = []

    def change() -> None:
        while not done:
            for state in states:
                values[:] = state
            time.sleep(0)

    def call() -> str | None:
        try:
            for _ in range(200):
                result: list[Any] = [None]
                double_list(values, result, 0)
                if result[0] not in answers:
                    return (
                        "1.7 values that another thread replaces: expected the double "
                        f"of one state, got {shorten(picture(result[0]))}"
                    )
            return None
        finally:
            done.append(True)

    found: str | None = run_together(call, change, timeout_s=None)[0]
    return found


LAWS: tuple[Callable[[DoubleList], str | None], ...] = (
    check_new_list,
    check_references,
    check_leftovers,
    check_memory,
    partial(check_threads, 2, is_same_list=True),
    partial(check_threads, 2, is_same_list=False),
    partial(check_threads, 4, is_same_list=False),
    check_changing_values,
)
