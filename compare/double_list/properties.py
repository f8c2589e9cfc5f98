"""Property tests: what holds for any call, and no table of calls can show.

Each is a function of the backend's own one; it returns in one sentence what is wrong,
or None. Those of what is left behind have a module of their own.
"""

import gc
import itertools
import math
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from backends import DoubleList
from compare.double_list.cases import REFUSALS, Call
from compare.double_list.leftovers import check_leftovers, check_references
from compare.double_list.objects import Interrupt, Number
from compare.double_list.observe import (
    find_short_sleep,
    find_trace_fault,
    name_error,
    picture,
)
from compare.work import find_answer_fault
from gilscope.threads import run_together

# Every length up to a few blocks of what a compiler or a CPU takes at once, and what
# is just beside a longer block.
LENGTHS = (
    *range(132),
    *(2**k + off for k in range(8, 13) for off in (-1, 0, 1)),
    20_000,
    # Just more than 16 bits can count.
    2**16 + 1,
)
# Longer than any list that is doubled elsewhere.
LENGTH_MAX = 1_000_000


def check_new_list(double_list: DoubleList) -> str | None:
    """Return whether somebody else has the answer too (1.3)."""
    for values in ([1, 2, 3], [0, 0], []):
        replaced = ["replaced"]
        result: list[Any] = [replaced, None]
        double_list(values, result, 0)
        double_list(values, result, 1)
        where = f"1.3 two calls of {values}: expected two new lists, got"
        if result[0] is result[1]:
            return f"{where} the same list twice"
        if replaced != ["replaced"] or result[0] is replaced:
            return f"{where} the list that stood in result before"
        if any(answer is values for answer in result):
            return f"{where} values itself"
        if not all(map(gc.is_tracked, result)):
            return f"{where} one that the garbage collector does not know"
        alone: list[Any] = [[]]
        if sys.getrefcount(result[1]) > sys.getrefcount(alone[0]):
            return "1.3 a call: expected a new list in result alone, got one kept too"
    return None


def check_signature(double_list: DoubleList) -> str | None:
    """Return which arguments are taken otherwise than the contract names them."""
    result: list[Any] = [None]
    named = {"values": [1], "result": result, "index": 0}
    for what, arguments, options, expected in (
        ("all arguments by name", (), named, "no error"),
        ("no index", ([1], result), {}, "TypeError"),
        ("passes by position", ([1], result, 0, 1), {}, "TypeError"),
        ("an unknown option", ([1], result, 0), {"no_such_option": 1}, "TypeError"),
    ):
        error = catch_error(double_list, *arguments, **options)
        if error != expected:
            return f"1.1 {what}: expected {expected}, got {error}"
    return None


def catch_error(double_list: Any, *arguments: Any, **options: Any) -> str:
    """Make a call and return the type of what it raised."""
    try:
        double_list(*arguments, **options)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is compared.
        return name_error(error)
    return "no error"


def check_lengths(double_list: DoubleList) -> str | None:
    """Return the first length whose answer is wrong, with numbers of all sizes."""
    draw = random.Random(0)  # noqa: S311 - nothing is kept secret with it.
    drawn = [draw.getrandbits(62) >> draw.randrange(62) for _ in range(1_000)]
    numbers = [(-1) ** place * number for place, number in enumerate(drawn)]
    numbers *= math.ceil(max(LENGTHS) / len(numbers))
    for n, release_gil in itertools.product(LENGTHS, (True, False)):
        values = numbers[:n]
        result: list[Any] = [None, None]
        double_list(values, result, -1, passes=1 + n % 3, release_gil=release_gil)
        expected = [number + number for number in numbers[:n]]
        fault = find_answer_fault(expected, result[1])
        if not fault and (values != numbers[:n] or result[0] is not None):
            fault = "expected one place of result to change, got more changed"
        if fault:
            return f"1.1 {n} values, release_gil={release_gil}: {fault}"
    return None


def check_long_list(double_list: DoubleList) -> str | None:
    """Return what is wrong with the answer of a list as long as lists get."""
    result: list[Any] = [None]
    double_list(list(range(LENGTH_MAX)), result, 0)
    fault = find_answer_fault(list(range(0, 2 * LENGTH_MAX, 2)), result[0])
    return f"1.1 {LENGTH_MAX} values: {fault}" if fault else None


def check_after_errors(double_list: DoubleList) -> str | None:
    """Return after which refusal a call that keeps the contract is answered wrongly."""
    for name, make in REFUSALS.items():
        refused = make()
        try:
            double_list(
                refused.values, refused.result, refused.index, **refused.options
            )
        except (Exception, Interrupt):  # noqa: BLE001 - the cases look at which it is.
            call = Call()
            double_list(call.values, call.result, call.index)
            fault = find_answer_fault([2, 4, 6], call.result[1])
            if fault:
                return f"1.6 a call after {name.partition(' ')[2]}: {fault}"
    return None


def check_inner_call(double_list: DoubleList) -> str | None:
    """Return what is wrong with a call that is made by an item of another one (1.7)."""
    inner: list[Any] = [None]
    outer: list[Any] = [None]
    item = Number(20, lambda: double_list([7, 8], inner, 0))
    double_list([1, item, 3], outer, 0)
    fault = find_answer_fault([14, 16], inner[0])
    fault = fault or find_answer_fault([2, 40, 6], outer[0])
    return f"1.7 a call inside of another one: {fault}" if fault else None


FIRST = [10**12 + place for place in range(9)]
DOUBLES = {2 * item for item in (*FIRST, 4, 7)}


def check_changing_items(double_list: DoubleList) -> str | None:
    """Return what an __index__ that changes values leads to (1.7).

    Which state of the list is seen is not promised: only that the answer is made of
    such items as were there, or that nothing is changed.
    """
    fresh: list[int] = []

    def shorten(values: list[Any]) -> None:
        # What is made then stands where the items were.
        del values[5:]
        fresh.extend(10**15 + place for place in range(len(FIRST)))

    acts: dict[str, Callable[[list[Any]], object]] = {
        "empties": lambda values: values.clear(),
        "shortens": shorten,
        "grows": lambda values: values.extend([7] * 999),
        "replaces": lambda values: values.__setitem__(slice(None), [7] * len(values)),
        "spoils": lambda values: values.__setitem__(slice(None), "abcdefghi"),
    }
    for what, act in acts.items():
        values: list[Any] = [item + 0 for item in FIRST]
        values[3] = Number(4, partial(act, values))
        result: list[Any] = [None]
        error = catch_error(double_list, values, result, 0)
        answer = result[0]
        where = f"1.7 an __index__ that {what} values"
        if error != "no error":
            if what != "spoils" or error != "TypeError" or answer is not None:
                return f"{where}: expected an answer, got {error}, {picture(answer)}"
        elif type(answer) is not list or not {*answer} <= DOUBLES:
            return f"{where}: expected doubles of its items, got {picture(answer)}"
    return None


# How long the GIL is released while another thread acts after a moment. It is tried
# for longer where it was too late, which for passes of any speed ends after a while.
RELEASED_S = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32)
RELEASED_PASSES = (2**18, 2**21, 2**24, 2**27)
MOMENT_S, COMPUTING_MAX_S = 0.005, 0.5


def check_released_lists(double_list: DoubleList) -> str | None:
    """Return whether values or result are touched while the GIL is released (1.3).

    What happens to values then comes after the reading, by the trace's own stamps.
    """
    ways: dict[str, list[dict[str, Any]]] = {
        "sleeps": [{"released_sleep": seconds} for seconds in RELEASED_S],
        "computes": [{"passes": passes} for passes in RELEASED_PASSES],
    }
    for what, tries in ways.items():
        for options in tries:
            values, result, found = [1, 2, 3], list[Any]([None]), list[Any]()
            changes = (
                partial(found.extend, values),
                partial(found.extend, result),
                partial(values.__setitem__, slice(None), [7] * 9),
            )
            start_s = time.perf_counter()
            _, is_within = act_beside(changes, double_list, values, result, **options)
            if is_within:
                where = f"1.3 another thread, while a call {what} without the GIL"
                if found != [1, 2, 3, None]:
                    return f"{where}: expected lists unchanged, got {picture(found)}"
                if fault := find_answer_fault([2, 4, 6], result[0]):
                    return f"{where}, changes values: {fault}"
            took_s = time.perf_counter() - start_s
            if is_within or (what == "computes" and took_s > COMPUTING_MAX_S):
                break
    return None


def check_released_result(double_list: DoubleList) -> str | None:
    """Return what becomes of a result that shrinks while the GIL is released (1.6)."""
    for seconds in RELEASED_S:
        result, reads, seen = list[Any]([None]), list[Any](), list[Any]()
        values = [1, Number(2, partial(reads.append, None)), 3]
        acts = (partial(seen.extend, reads), result.clear)
        error, is_within = act_beside(
            acts, double_list, values, result, released_sleep=seconds
        )
        # Whoever raises leaves no trace; whoever does not may have been too early.
        if is_within or result or error not in {"IndexError", "no error"}:
            return (
                "1.6 another thread, while a call sleeps without the GIL, empties "
                f"result: expected IndexError, got {error}, {picture(result)}"
            )
        if error == "IndexError" and seen:
            break
    return None


def act_beside(
    acts: Iterable[Callable[[], object]],
    double_list: DoubleList,
    *arguments: Any,
    **options: Any,
) -> tuple[str, bool]:
    """Make a call for index 0, and act in another thread.

    Return its error, and whether its trace has the GIL released all the while.
    """
    trace: list[Any] = []

    def act_later() -> tuple[int, int]:
        time.sleep(MOMENT_S)
        start_ns = time.perf_counter_ns()
        for act in acts:
            act()
        return start_ns, time.perf_counter_ns()

    call = partial(catch_error, double_list, *arguments, 0, trace=trace, **options)
    error, (start_ns, end_ns) = run_together(call, act_later)
    return error, any(
        find_trace_fault(stamps, 0, time.perf_counter_ns()) is None
        and stamps[1] < start_ns
        and end_ns < stamps[2]
        for stamps in trace
    )


# So often a signal comes in sleeps of so many seconds each.
SIGNAL_S, INTERRUPTED_S = 0.0025, 0.02


def check_interrupted_sleeps(double_list: DoubleList) -> str | None:
    """Return which sleep is over when a signal comes (1.3)."""
    if threading.current_thread() is not threading.main_thread():
        return None
    trace: list[Any] = []
    sleeps: dict[str, Any] = {
        "released_sleep": INTERRUPTED_S,
        "held_sleep": INTERRUPTED_S,
    }
    handler = signal.signal(signal.SIGALRM, lambda *_: None)
    timer = signal.setitimer(signal.ITIMER_REAL, SIGNAL_S, SIGNAL_S)
    try:
        double_list([1, 2, 3], [None], 0, trace=trace, **sleeps)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        # One that is still on its way gets lost.
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, handler)
        signal.setitimer(signal.ITIMER_REAL, *timer)
    for stamps in trace:
        fault = find_trace_fault(stamps, 0, time.perf_counter_ns())
        if fault := fault or find_short_sleep(stamps, sleeps):
            return f"1.3 a call beside signals: {fault}"
    return None


SLEEP_S = 0.01
# Length, calls and options of what each thread does in a row. The sleeps make calls
# overlap on any machine, the long lists make the kernels.
LOADS: tuple[tuple[int, int, dict[str, Any]], ...] = (
    (50, 100, {}),
    (50, 2, {"released_sleep": SLEEP_S}),
    (5_000, 6, {"passes": 3}),
)
N_TRACES = sum(n_calls for _, n_calls, _ in LOADS)
N_SLEEPS = sum(n_calls for _, n_calls, options in LOADS if "released_sleep" in options)


def check_threads(
    n_threads: int, double_list: DoubleList, *, is_same_list: bool
) -> str | None:
    """Return what went wrong in threads that share one result and one trace.

    Every other one counts its place in it from the end.
    """
    all_lists = [[[*range(k, k + n)] for n, _, _ in LOADS] for k in range(n_threads)]
    if is_same_list:
        all_lists = [all_lists[0]] * n_threads
    result: list[Any] = [None] * n_threads
    trace: list[Any] = []

    def work(k: int) -> str | None:
        index = k - n_threads * (k % 2)
        for values, (_, n_calls, options) in zip(all_lists[k], LOADS, strict=True):
            expected = [2 * item for item in values]
            for _ in range(n_calls):
                double_list(values, result, index, trace=trace, **options)
                fault = find_answer_fault(expected, result[k])
                if fault:
                    return fault
        return None

    start_ns = time.perf_counter_ns()
    found = run_together(*(partial(work, k) for k in range(n_threads)))
    end_ns = time.perf_counter_ns()
    # Nobody may put back what another one had written.
    found += [
        find_answer_fault([2 * item for item in lists[-1]], answer)
        for lists, answer in zip(all_lists, result, strict=True)
    ]
    if len(trace) != n_threads * N_TRACES:
        found.append(f"expected {n_threads * N_TRACES} traces, got {len(trace)}")
    found += [find_trace_fault(stamps, start_ns, end_ns) for stamps in trace]
    if not any(found):
        asked = {"released_sleep": SLEEP_S}
        n_slept = sum(not find_short_sleep(stamps, asked) for stamps in trace)
        if n_slept < n_threads * N_SLEEPS:
            found.append(
                f"expected {n_threads * N_SLEEPS} traces of a sleep, got {n_slept}"
            )
    which = "the same values" if is_same_list else "values of its own"
    where = f"1.7 {n_threads} threads, each with {which}"
    return next((f"{where}: {fault}" for fault in found if fault), None)


PROPERTIES: tuple[Callable[[DoubleList], str | None], ...] = (
    check_new_list,
    check_signature,
    check_lengths,
    check_after_errors,
    check_inner_call,
    check_changing_items,
    check_released_lists,
    check_released_result,
    check_interrupted_sleeps,
    check_references,
    check_leftovers,
    partial(check_threads, 2, is_same_list=True),
    partial(check_threads, 4, is_same_list=False),
)
# Those that the short form has no time for.
LONG_PROPERTIES: tuple[Callable[[DoubleList], str | None], ...] = (check_long_list,)
